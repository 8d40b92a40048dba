"""How the page looks, roughly: its boxes, and its colours in a few squares, whatever the fonts.

`.venv/bin/python -m tests.services.looks` writes what the tests compare with anew, into
`tests/services/looks/`: look at the pictures before you commit them.
"""

import json
import tempfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from tests.services.paging import LABELLED, choose, opened, wait_until
from tests.services.running import running_api, running_page

FOLDER = Path(__file__).with_name("looks")
BOXES = FOLDER / "boxes.json"
# As high as the page is there, so that all of it is seen.
SIZES = {320: (320, 1400), 390: (390, 1260), 1280: (1280, 860)}
LOOKS = [(width, dark) for width in SIZES for dark in (False, True)]
PLACES = ("header", "#label", ".picture", ".controls", "#probabilities", "#timeline", "footer")
MEASURE = f"""Object.fromEntries({json.dumps(PLACES)}.map((one) => {{
  const {{ x, y, width, height }} = document.querySelector(one).getBoundingClientRect();
  return [one, [x, y, width, height].map(Math.round)];
}}))"""
ENDED = """document.querySelector("#play").textContent === "Play"
  && document.querySelector("#position").value === "106" """
# The drawn body is compared more strictly than text may be, and the key's text lies over it.
KEYLESS = 'document.querySelector(".key").style.visibility = "hidden"'
SCALE = 4
COARSE = (16, 12)


def name(width, dark):
    return f"{width}-{'dark' if dark else 'light'}"


@contextmanager
def at_the_end(url, width, dark):
    """The page when the squats have been played once: every run shows the same."""
    with opened(url, size=SIZES[width], dark=dark) as tab:
        choose(tab, "#loop", "false")
        choose(tab, "#speed", "2")
        choose(tab, "#sample", "squat")
        tab.evaluate(KEYLESS)
        wait_until(tab, ENDED)
        wait_until(tab, LABELLED)
        yield tab


def taken(url, width, dark, folder):
    """The boxes of the page's parts, and its picture at a quarter of its size."""
    with at_the_end(url, width, dark) as tab:
        path = folder / f"{name(width, dark)}.png"
        tab.screenshot(path)
        boxes = tab.evaluate(MEASURE)
    picture = Image.open(path).convert("RGB")
    small = (picture.width // SCALE, picture.height // SCALE)
    return boxes, picture.resize(small, Image.Resampling.BOX)


def coarse(picture, box):
    """The colours of a part of the picture in a few squares: `(12, 16, 3)`, 0 to 255."""
    x, y, width, height = (value / SCALE for value in box)
    part = picture.resize(COARSE, Image.Resampling.BOX, (x, y, x + width, y + height))
    return np.asarray(part, dtype=float)


def main():
    """Write boxes and pictures anew."""
    FOLDER.mkdir(exist_ok=True)
    every = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        running_api() as (api, _),
        running_page(Path(folder), api) as (url, _),
    ):
        for width, dark in LOOKS:
            boxes, picture = taken(url, width, dark, Path(folder))
            every[name(width, dark)] = boxes
            picture.quantize(64).save(FOLDER / f"{name(width, dark)}.png", optimize=True)
    BOXES.write_text(json.dumps(every, indent=1) + "\n")


if __name__ == "__main__":
    main()
