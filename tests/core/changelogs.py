"""The changelogs of real projects, for tests that take them all."""

from pathlib import Path

import pytest

REAL = Path(__file__).parents[3] / "shared" / "changelogs"


def real() -> list[object]:
    paths = sorted(REAL.glob("*.md"))
    reason = "the real changelogs are not beside this checkout (../shared/changelogs)"
    absent = [pytest.param(None, marks=pytest.mark.skip(reason=reason))]
    return [pytest.param(path, id=path.stem) for path in paths] or absent
