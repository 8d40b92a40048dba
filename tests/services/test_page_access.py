"""The page without a mouse, on a narrow screen, in every scheme, and by axe's rules."""

import json
import re

import pytest

from tests.services.paging import (
    GIVE_FILE,
    LABELLED,
    NOT_LABELLED,
    SITE,
    STATE,
    labelled,
    needs_chromium,
    opened,
    press,
    wait_until,
)
from tests.services.running import running_page

SCHEMES = pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
WIDTHS = pytest.mark.parametrize("size", [(320, 640), (390, 844), (1280, 860)], ids=str)
BAD_FILE = GIVE_FILE % ('"no JSON at all"', '"bad.jsonl"')
AXE = """axe.run().then(({ violations }) => {
  globalThis.found = JSON.stringify(violations.map(({ id, nodes }) => [id, nodes[0].html]));
})"""
FOCUS = """(() => {
  const one = document.activeElement;
  const shown = one.id === "file" ? document.querySelector('[for="file"]') : one;
  const { outlineStyle, outlineWidth } = getComputedStyle(shown);
  const { x, width } = shown.getBoundingClientRect();
  return [one.id || one.className || one.innerText, outlineStyle, parseFloat(outlineWidth),
          x >= 0 && x + width <= innerWidth];
})()"""
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
SLIDER = """(() => {
  const { x, y, width, height } = document.querySelector("#position").getBoundingClientRect();
  return { x, y, width, height };
})()"""
POSITION = 'Number(document.querySelector("#position").value)'


def findings(tab, packages):
    """What axe finds, all its rules."""
    tab.evaluate((packages / "axe-core/axe.min.js").read_text())
    tab.evaluate(AXE)
    wait_until(tab, "globalThis.found")
    return json.loads(tab.evaluate("found"))


@needs_chromium
@SCHEMES
@WIDTHS
def test_axe_finds_nothing(page, packages, size, dark):
    with labelled(page, size=size, dark=dark) as tab:
        assert findings(tab, packages) == []
        tab.evaluate("found = null")
        tab.evaluate(BAD_FILE)
        wait_until(tab, NOT_LABELLED)
        assert findings(tab, packages) == []


@needs_chromium
@SCHEMES
def test_axe_finds_nothing_without_the_api(tmp_path, packages, dark):
    with (
        running_page(tmp_path, "http://127.0.0.1:9") as (url, _),
        opened(url, size=(390, 844), dark=dark) as tab,
    ):
        wait_until(tab, NOT_LABELLED)
        assert findings(tab, packages) == []


@needs_chromium
def test_axe_finds_what_is_wrong(page, packages):
    with labelled(page) as tab:
        tab.evaluate('document.querySelector("#sample").labels[0].remove()')
        tab.evaluate('document.querySelector("#about").style.color = "#ddd"')
        found = {rule for rule, _ in findings(tab, packages)}
    assert {"select-name", "color-contrast"} <= found


@needs_chromium
@pytest.mark.parametrize("size", [(320, 640), (1280, 860)], ids=str)
def test_a_keyboard_reaches_everything_in_order(page, size):
    with labelled(page, size=size) as tab:
        reached = []
        for _ in range(8):
            press(tab, "Tab", number=9)
            name, style, width, visible = tab.evaluate(FOCUS)
            assert style != "none", name
            assert width >= 2, name
            assert visible, name
            reached.append(name)
    controls = ["sample", "file", "play", "position", "speed", "loop"]
    assert reached == ["skip", *controls, "API reference"]


@needs_chromium
def test_a_keyboard_moves_everything(page):
    with labelled(page) as tab:

        def at(control):
            tab.evaluate(f'document.querySelector("#{control}").focus()')

        at("play")
        press(tab, " ", "Space", 32, text=" ")
        assert tab.evaluate('document.querySelector("#play").textContent') == "Play"
        before = tab.evaluate(POSITION)
        at("position")
        press(tab, "ArrowRight", number=39)
        assert tab.evaluate(POSITION) == before + 1
        press(tab, "Home", number=36)
        assert tab.evaluate(POSITION) == 0
        at("loop")
        press(tab, " ", "Space", 32, text=" ")
        assert tab.evaluate('document.querySelector("#loop").checked') is False
        at("sample")
        press(tab, "S", "KeyS", 83, text="s")
        wait_until(tab, 'document.querySelector("#source").textContent.startsWith("Squats")')


@needs_chromium
@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_nothing_is_wider_than_the_screen(page, width):
    with labelled(page, size=(width, 700)) as tab:
        assert tab.evaluate(SIDEWAYS) == 0
        tab.evaluate('document.querySelector("#webcam").hidden = false')
        tab.evaluate(GIVE_FILE % ('"no JSON"', f'"{"long" * 60}.jsonl"'))
        wait_until(tab, NOT_LABELLED)
        assert tab.evaluate(SIDEWAYS) == 0


@needs_chromium
def test_the_slider_can_be_used_on_the_narrowest_screen(page):
    with labelled(page, size=(320, 900)) as tab:
        slider = tab.evaluate(SLIDER)
        assert slider["width"] >= 150
        assert slider["height"] >= 24
        place = {"x": slider["x"] + slider["width"] * 0.8, "y": slider["y"] + slider["height"] / 2}
        tab.evaluate('document.querySelector("#play").click()')
        for kind in ("mousePressed", "mouseReleased"):
            tab.call("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **place)
        assert tab.evaluate(POSITION) == pytest.approx(0.8 * 359, abs=12)
        assert tab.evaluate(STATE) == "waiting"
        tab.evaluate('document.querySelector("#play").click()')
        wait_until(tab, LABELLED)


@SCHEMES
def test_the_body_s_colours_are_not_those_of_labels(dark):
    """A label is never taken for a side: no two are near each other, as the eye sees them."""
    text = (SITE / "style.css").read_text()
    blocks = re.findall(r":root \{(.*?)\}", text, re.DOTALL)
    colours = dict(re.findall(r"--([\w-]+): (#\w{6});", blocks[dark]))
    sides = [colours[name] for name in ("left", "right", "middle")]
    series = [colours[f"series-{number}"] for number in range(6)]
    assert min(distance(a, b) for a in sides for b in series) > 20


def distance(one, other):
    """The distance of two colours in CIELAB (CIE 1976); 2.3 is just seen."""
    pairs = zip(lab(one), lab(other), strict=True)
    return sum((a - b) ** 2 for a, b in pairs) ** 0.5


def lab(colour):
    """L*, a* and b* of an sRGB colour under D65 (IEC 61966-2-1, CIE 15)."""
    shares = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    light = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in shares]
    rows = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
    white = (0.9505, 1.0, 1.089)
    xyz = [sum(a * b for a, b in zip(row, light, strict=True)) for row in rows]
    scaled = [value / full for value, full in zip(xyz, white, strict=True)]
    x, y, z = (v ** (1 / 3) if v > 0.008856 else 7.787 * v + 16 / 116 for v in scaled)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)
