"""Changelogs for tests that take them all: samples of every style, and those of real projects."""

from pathlib import Path

import pytest

SAMPLES = Path(__file__).parent / "samples"
REAL = Path(__file__).parents[3] / "shared" / "changelogs"


def real() -> list[object]:
    """Give the samples of this repository, and what real projects wrote if it is at hand."""
    paths = [*sorted(SAMPLES.glob("*.md")), *sorted(REAL.glob("*.md"))]
    reason = "the real changelogs are not beside this checkout (../shared/changelogs)"
    absent = [] if REAL.is_dir() else [pytest.param(None, marks=pytest.mark.skip(reason=reason))]
    return [*(pytest.param(path, id=path.stem) for path in paths), *absent]
