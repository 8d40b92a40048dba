"""No label outlives its reason, and what stopped it stands where the person looks."""

import json
import re
import signal
from pathlib import Path

import pytest

from stream_pose_ml.sequences import frame_to_json
from stream_pose_ml.synthetic import recording
from tests.services.paging import (
    GIVE_FILE,
    LABELLED,
    NOT_LABELLED,
    REASON,
    SITE,
    STATE,
    choose,
    labelled,
    needs_chromium,
    opened,
    press,
    wait_until,
)
from tests.services.running import running_api, running_page

pytestmark = needs_chromium

SHOWN = """({
  label: document.querySelector("#label").innerText,
  size: parseFloat(getComputedStyle(document.querySelector("#label")).fontWeight),
  grey: ["#timeline", "#legend", "#probabilities"].map(
    (one) => getComputedStyle(document.querySelector(one)).filter),
  bars: [...document.querySelectorAll("#probabilities .value")].map((one) => one.innerText),
  reason: document.querySelector("#reason").innerText,
})"""
PLAYING = 'document.querySelector("#play").textContent === "Pause"'
PAUSED = 'document.querySelector("#play").textContent === "Play"'
POSITION = 'Number(document.querySelector("#position").value)'
BAD_FILE = GIVE_FILE % (json.dumps('{"fps": 30}\n{"landmarks": [[0, 0, 0]]}'), '"bad.jsonl"')
BOXES = """["#label", ".picture", ".controls", "#now", "#timeline", "footer"].map((one) => {
  const { x, y, width, height } = document.querySelector(one).getBoundingClientRect();
  return [x, y, width, height];
}).flat()"""
SHIFTS = """
globalThis.shifts = 0;
new PerformanceObserver((list) => {
  const main = document.querySelector("main");
  for (const { value, sources } of list.getEntries()) {
    if (sources.some(({ node }) => main.contains(node))) globalThis.shifts += value;
  }
}).observe({ type: "layout-shift", buffered: true });
"""


def expect_no_label(tab):
    """The big label is away, everything about it is grey and without numbers; give the reason."""
    shown = tab.evaluate(SHOWN)
    assert shown["label"] == "no label"
    assert shown["size"] < 500
    assert shown["grey"] == ["grayscale(1)"] * 3
    assert set(shown["bars"]) <= {"\N{EN DASH}"}
    return shown["reason"]


def test_a_label_has_colours_and_no_reason(page):
    with labelled(page) as tab:
        shown = tab.evaluate(SHOWN)
        assert shown["label"] != "no label"
        assert shown["grey"] == ["none"] * 3
        assert len(shown["bars"]) == 4
        assert all(re.fullmatch(r"\d+ %", one) for one in shown["bars"])
        assert shown["reason"] == ""


def test_no_label_is_left_when_the_api_is_killed(tmp_path):
    with (
        running_api() as (api, process),
        running_page(tmp_path, api) as (url, _),
        labelled(url) as tab,
    ):
        process.kill()
        wait_until(tab, f'{NOT_LABELLED} && {REASON}.includes("without the API")')
        assert "There is no label without the API" in expect_no_label(tab)
        assert tab.evaluate('document.querySelector("#connection").innerText') == "not connected"


def test_no_label_is_left_when_the_api_says_nothing(tmp_path):
    """A stopped process keeps its connections, and answers nothing."""
    with (
        running_api() as (api, process),
        running_page(tmp_path, api) as (url, _),
        labelled(url) as tab,
    ):
        process.send_signal(signal.SIGSTOP)
        try:
            wait_until(tab, NOT_LABELLED)
            assert "does not answer" in expect_no_label(tab)
        finally:
            process.send_signal(signal.SIGCONT)
        wait_until(tab, LABELLED)
        assert tab.evaluate(REASON) == ""


def test_without_the_api_the_page_says_so_and_draws(tmp_path):
    with running_page(tmp_path, "http://127.0.0.1:9") as (url, _), opened(url) as tab:
        wait_until(tab, NOT_LABELLED)
        assert "tries again by itself" in expect_no_label(tab)
        at = tab.evaluate(POSITION)
        wait_until(tab, f"{POSITION} !== {at}")


@pytest.mark.parametrize("size", [(1280, 860), (320, 640)])
def test_a_refused_file_takes_the_label_away(page, size):
    with labelled(page, size=size) as tab:
        tab.evaluate(BAD_FILE)
        wait_until(tab, NOT_LABELLED)
        reason = expect_no_label(tab)
        assert reason.startswith("bad.jsonl can't be played: Line 2: expected 33 landmarks, found")
        assert tab.evaluate(PAUSED)
        assert tab.evaluate(SEEN)
        assert tab.errors == []
        tab.evaluate('document.querySelector("#play").click()')
        wait_until(tab, LABELLED)
        assert tab.evaluate(REASON) == ""


SEEN = """(() => {
  const { top, bottom } = document.querySelector("#reason").getBoundingClientRect();
  return top >= 0 && bottom <= innerHeight && bottom - top > 20;
})()"""


def recording_with(visibility):
    """A recording whose numbers are all finite, so that only the API looks at its visibility."""
    frames = [frame_to_json(frame) for frame in recording("step", seed=1).frames()]
    frames[40]["visibility"][0] = visibility
    return "\n".join(json.dumps(frame) for frame in frames)


def test_a_refused_frame_takes_the_label_away(page):
    with labelled(page) as tab:
        tab.evaluate(GIVE_FILE % (json.dumps(recording_with(7)), '"seven.jsonl"'))
        # On a busy machine the page first says that the API does not answer.
        wait_until(tab, f'{NOT_LABELLED} && {REASON}.startsWith("The API refused")')
        reason = expect_no_label(tab)
        assert reason == (
            "The API refused the recording: frame 40: visibility must lie between 0 and 1. "
            "Choose another one."
        )
        assert tab.evaluate(PAUSED)


def test_a_file_that_is_dropped_is_played(page):
    with labelled(page) as tab:
        drop(tab, SITE / "recordings/step.jsonl")
        wait_until(tab, 'document.querySelector("#source").textContent.startsWith("step.jsonl")')
        wait_until(tab, 'document.querySelector("#label").textContent === "step"')
        assert tab.evaluate('document.querySelector("#sample").selectedOptions[0].text') == (
            "Your own"
        )


def drop(tab, path: Path):
    """Drag a file over the picture and let it go, as the browser gets it from a desktop."""
    place = {"x": 400, "y": 400, "data": {"items": [], "files": [str(path)]}}
    place["data"]["dragOperationsMask"] = 1
    for kind in ("dragEnter", "dragOver", "drop"):
        tab.call("Input.dispatchDragEvent", type=kind, **place)


def test_a_moved_slider_takes_the_label_away(page):
    """What is drawn then was not streamed."""
    with labelled(page) as tab:
        tab.evaluate('document.querySelector("#play").click()')
        assert tab.evaluate(LABELLED)
        tab.evaluate('document.querySelector("#position").focus()')
        press(tab, "ArrowRight", number=39)
        assert tab.evaluate(STATE) == "waiting"
        assert tab.evaluate('document.querySelector("#label").textContent') == "press Play"


def test_every_sample_gets_its_own_label(page):
    with opened(page) as tab:
        for label in ("squat", "arm_raise", "step", "idle"):
            choose(tab, "#sample", label)
            name = label.replace("_", " ")
            wait_until(tab, f'document.querySelector("#label").textContent === "{name}"')
            assert f"said to be {name}" in tab.evaluate(
                'document.querySelector("#source").textContent'
            )


def test_without_the_loop_a_recording_ends_and_can_begin_anew(page):
    with opened(page) as tab:
        choose(tab, "#loop", "false")
        choose(tab, "#speed", "2")
        choose(tab, "#sample", "idle")
        wait_until(tab, f"{POSITION} === 72 && {PAUSED}")
        assert tab.evaluate(LABELLED)
        tab.evaluate('document.querySelector("#play").click()')
        assert tab.evaluate(PLAYING)
        assert tab.evaluate(POSITION) < 72
        choose(tab, "#loop", "true")
        wait_until(tab, f"{POSITION} === 72")
        wait_until(tab, f"{POSITION} < 72 && {PLAYING}")


@pytest.mark.parametrize(("speed", "frames"), [("0.5", 15), ("1", 30), ("2", 60)])
def test_the_speed_is_the_chosen_one(page, speed, frames):
    """The page counts the frames of the last second."""
    with opened(page) as tab:
        choose(tab, "#speed", speed)
        rate = 'parseInt(document.querySelector("#rate").textContent)'
        wait_until(tab, f"Math.abs({rate} - {frames}) <= {frames} / 10")


def test_the_card_does_not_jump(page):
    with opened(page, script=SHIFTS) as tab:
        wait_until(tab, f'{STATE} === "waiting"')
        before = pytest.approx(tab.evaluate(BOXES), abs=0.5)
        wait_until(tab, LABELLED)
        assert tab.evaluate(BOXES) == before
        tab.evaluate(BAD_FILE)
        wait_until(tab, NOT_LABELLED)
        assert tab.evaluate(BOXES) == before
        assert tab.evaluate("shifts") < 0.001


def test_all_that_the_page_asks_for_is_its_own(page):
    with labelled(page) as tab:
        assert len(tab.requests) > 10
        assert [one for one in tab.requests if not one.startswith((f"{page}/", "data:"))] == []


def test_without_javascript_the_page_says_so_first(page):
    with opened(page) as tab:
        wait_until(tab, LABELLED)
        tab.call("Emulation.setScriptExecutionDisabled", value=True)
        tab.call("Page.reload")
        wait_until(tab, 'document.querySelector("noscript p")?.innerText')
        first = tab.evaluate("document.body.innerText.trim().split('\\n')[0]")
        assert first.startswith("This page needs JavaScript")
        # What does nothing without it is not shown.
        wait_until(tab, 'getComputedStyle(document.querySelector("main")).display === "none"')
