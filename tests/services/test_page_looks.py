"""The page looks as it did when somebody last looked at it: see `looks.py`."""

import json

import numpy as np
import pytest
from PIL import Image

from tests.services import looks
from tests.services.paging import needs_chromium

pytestmark = needs_chromium

PIXELS = 20  # by which a box may be elsewhere or of another size, before another font explains it
SHARE = 0.12
# How far the colours of a part may be away, of 255: on the average, and in one of its squares.
# Another font moves text, which most parts are made of, and nothing of what is drawn.
DRAWN = {".picture": (2, 27), "#timeline": (2, 40), "#probabilities": (6, 55)}
WRITTEN = (8, 110)


@pytest.mark.parametrize(("width", "dark"), looks.LOOKS)
def test_the_page_looks_as_it_did(page, tmp_path, width, dark):
    boxes, picture = looks.taken(page, width, dark, tmp_path)
    known = json.loads(looks.BOXES.read_text())[looks.name(width, dark)]
    with Image.open(looks.FOLDER / f"{looks.name(width, dark)}.png") as file:
        before = file.convert("RGB")
    for place in looks.PLACES:
        expected = pytest.approx(known[place], abs=PIXELS, rel=SHARE)
        assert boxes[place] == expected, place
        found, said = looks.coarse(picture, boxes[place]), looks.coarse(before, known[place])
        away = np.abs(found - said).mean(axis=2)
        mean, worst = DRAWN.get(place, WRITTEN)
        assert away.mean() < mean, (place, away.round())
        assert away.max() < worst, (place, away.round())
