"""The page in headless Chromium, the API on the same machine: frames drawn, and the first label.

A frame counts when the screen shows it: two that are drawn between two of the screen's pictures are
one. None may be left out on the way to the API either, which happens when answers stay away. The
first label is timed from the press of Play at a recording's beginning: nothing was streamed before.
"""

import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

from benchmarks.harness import Claim, Series, conclude
from services import browser
from tests.services import running

NAME = "stream_pose_ml.page"
FPS = 30
SECONDS = 10.0
START_SECONDS = 60.0
SLACK = 1.02
"""A frame in fifty: the screen's pictures and the recording's frames are not in step."""
LABELLED = 'document.querySelector("#label").dataset.state === "label"'
WATCH = """(() => {
  const at = document.querySelector("#position");
  window.shown = [];
  window.leftOutBefore = Number(document.querySelector("#rate").dataset.leftOut);
  let last = at.value;
  const look = (now) => {
    if (at.value !== last) window.shown.push(now);
    last = at.value;
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})()"""
SHOWN = "window.shown"
FIRST_LABEL_SECONDS = 1.0
PLAYS = 5
PLAY = """(() => {
  const ids = ["play", "position", "label"];
  const [play, position, label] = ids.map((id) => document.getElementById(id));
  if (play.textContent === "Pause") play.click();
  position.value = 0;
  for (const type of ["input", "change"]) position.dispatchEvent(new Event(type));
  window.first = null;
  const begun = performance.now();
  const seen = new MutationObserver(() => {
    if (label.dataset.state !== "label") return;
    window.first = performance.now() - begun;
    seen.disconnect();
  });
  seen.observe(label, { attributes: true });
  play.click();
})()"""
LEFT_OUT = 'Number(document.querySelector("#rate").dataset.leftOut) - window.leftOutBefore'


def main() -> int:
    """Measure, print and judge; where a part is not installed, say so and promise nothing."""
    program = browser.installed()
    missing = [
        name for name, found in (("Chromium", program), ("nginx", running.nginx())) if not found
    ]
    if missing or program is None:
        print(f"page: not measured here: {' and '.join(missing)} not installed")
        return 0
    with (
        tempfile.TemporaryDirectory() as folder,
        running.running_api() as (api, _),
        running.running_page(Path(folder), api) as (url, _),
    ):
        shown, left_out, first = watch(program, url)
    between = Series("between two frames", tuple(b - a for a, b in pairwise(shown)))
    labels = Series("first label", tuple(first))
    rate = 1 / (sum(between.seconds) / len(between.seconds))
    longest = max(between.seconds)
    print(
        f"page: {rate:.1f} frames per second shown, longest pause {longest * 1000:.0f} ms, "
        f"{left_out} frames left out, first label {max(first):.2f} s after play"
    )
    claims = [
        Claim(f"{FPS} frames per second on the page", FPS / rate, SLACK, at_most=True),
        Claim("frames that the API did not keep up with", left_out, 0, at_most=True),
        Claim(
            "seconds from play to the first label", max(first), FIRST_LABEL_SECONDS, at_most=True
        ),
    ]
    return conclude(NAME, {"page": {one.name: one for one in (between, labels)}}, claims)


def watch(program: str, url: str) -> tuple[list[float], int, list[float]]:
    """Give when frames were shown, how many were not streamed, and the first labels' seconds."""
    with browser.browser(program) as tab:
        tab.open(f"{url}/", size=(1280, 860), dark=False)
        until(tab, LABELLED)
        tab.evaluate(WATCH)
        time.sleep(SECONDS)
        shown, left_out = tab.evaluate(SHOWN), int(tab.evaluate(LEFT_OUT))
        return [one / 1000 for one in shown], left_out, [first_label(tab) for _ in range(PLAYS)]


def first_label(tab: browser.Tab) -> float:
    """Play from the beginning; give the seconds until a label stands there."""
    tab.evaluate(PLAY)
    until(tab, "window.first")
    return float(tab.evaluate("window.first")) / 1000


def until(tab: browser.Tab, expression: str) -> None:
    """Wait for a label, as the expression says. Raises RuntimeError if none comes."""
    deadline = time.monotonic() + START_SECONDS
    while not tab.evaluate(expression):
        if time.monotonic() > deadline:
            raise RuntimeError(f"no label on the page within {START_SECONDS:g} seconds")
        time.sleep(0.1)


if __name__ == "__main__":
    sys.exit(main())
