"""The page: frames drawn per second in headless Chromium, the API on the same machine.

A frame counts when the screen shows it: two that are drawn between two of the screen's pictures are
one. None may be left out on the way to the API either, which happens when answers stay away.
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
        shown, left_out = watch(program, url)
    between = Series("between two frames", tuple(b - a for a, b in pairwise(shown)))
    rate = 1 / (sum(between.seconds) / len(between.seconds))
    longest = max(between.seconds)
    print(
        f"page: {rate:.1f} frames per second shown, longest pause {longest * 1000:.0f} ms, "
        f"{left_out} frames left out"
    )
    claims = [
        Claim(f"{FPS} frames per second on the page", FPS / rate, SLACK, at_most=True),
        Claim("frames that the API did not keep up with", left_out, 0, at_most=True),
    ]
    return conclude(NAME, {"page": {between.name: between}}, claims)


def watch(program: str, url: str) -> tuple[list[float], int]:
    """Give the times, in seconds, at which frames were shown, and how many were not streamed."""
    with browser.browser(program) as tab:
        tab.open(f"{url}/", size=(1280, 860), dark=False)
        deadline = time.monotonic() + START_SECONDS
        while not tab.evaluate(LABELLED):
            if time.monotonic() > deadline:
                raise RuntimeError(f"no label on the page within {START_SECONDS:g} seconds")
            time.sleep(0.1)
        tab.evaluate(WATCH)
        time.sleep(SECONDS)
        return [one / 1000 for one in tab.evaluate(SHOWN)], int(tab.evaluate(LEFT_OUT))


if __name__ == "__main__":
    sys.exit(main())
