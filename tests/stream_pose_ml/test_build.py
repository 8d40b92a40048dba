"""What the package is built with."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_release_and_an_image_build_the_wheel_with_the_same_builder():
    """A release asks pyproject.toml, the image of a bare checkout its lock file."""
    (asked,) = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    locked = (ROOT / "requirements/build.txt").read_text()
    assert asked in re.findall(r"^hatchling==[\w.]+", locked, re.MULTILINE)
