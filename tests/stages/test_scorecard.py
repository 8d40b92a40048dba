"""The scorecard of packages really installed, the last release from its index, and this one."""

import pytest

from scripts.core import codec, lockfile, scorecard
from scripts.core.errors import CheckError
from scripts.core.scorecard import Row, Scorecard
from tests.stages.test_scan import before
from tests.support.releases import Releases

pytestmark = pytest.mark.service

TABLE = '\n[tool.release.scorecard]\nscript = "speed.py"\n'
NEWEST = "0.3.1"
SPEED = f"""
import importlib.metadata, json
new = importlib.metadata.version("sample_thing") == "{NEWEST}"
print(json.dumps({{"frame": 2.0 if new else 1.0, "start": 5}}))
"""


@pytest.fixture
def bench(released: Releases) -> Releases:
    """A project that measures, and is about to release 0.3.1 after 0.3.0."""
    return released


def measured(bench: Releases, script: str = SPEED, more: str = "") -> Scorecard:
    bench.begin()
    table = (bench.project.clone / "pyproject.toml").read_text().partition(TABLE)[0]
    bench.project.commit({"pyproject.toml": table + TABLE + more, "speed.py": script})
    before(bench, NEWEST)
    context = bench.step("scorecard", RELEASE_VERSION=NEWEST)
    text = (context.inputs / "scorecard.json").read_bytes()
    return codec.decode(Scorecard, text, "scorecard.json")


def test_both_releases_are_installed_and_measured(bench: Releases) -> None:
    card = measured(bench)
    rows = {row.name: row for row in card.rows}
    assert card.since == "v0.3.0"
    assert list(rows) == [
        *("packages installed", "install size", "import", "import, memory"),
        *("frame", "start"),
    ]
    assert all(row.before and row.after > 0 for row in card.rows)
    assert rows["packages installed"] == Row("packages installed", "", 1, 1)
    assert (rows["frame"].before, rows["frame"].after) == (1, 2)
    assert [row.name for row in card.rows if row.changed] == ["frame"]
    assert scorecard.line(card).startswith("Speed: frame +1")
    (failure,) = card.failures
    assert failure.startswith("services: no Docker engine answers")


def test_what_is_measured_is_locked_and_in_the_notes(bench: Releases) -> None:
    card = measured(bench)
    context = bench.step("stage", RELEASE_VERSION=NEWEST)
    text = (context.inputs / "assets" / lockfile.NAME).read_bytes()
    assert lockfile.read(text).scorecard == card
    notes = (context.inputs / "assets" / "notes.md").read_text()
    assert scorecard.line(card) in notes
    assert "| frame | 1 | 2 |" in notes


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("print('fast')", "speed.py: speed.py printed 'fast"),
        ("print([1])", "speed.py: speed.py printed '[1]"),
        ("import nothing_of_that_name", "speed.py: ModuleNotFoundError"),
    ],
)
def test_a_benchmark_that_fails_stops_nothing(bench: Releases, script: str, reason: str) -> None:
    card = measured(bench, script)
    assert reason in card.failures[0]
    assert "import" in {row.name for row in card.rows}
    assert "not measured" in scorecard.line(card)


def test_what_got_slower_stops_a_release_that_says_so(bench: Releases) -> None:
    with pytest.raises(CheckError, match=r"slower or larger than v0.3.0.*: frame"):
        measured(bench, more="stop = true\n")


def test_without_a_last_release_nothing_is_compared(bench: Releases) -> None:
    bench.index.files.clear()
    card = measured(bench)
    assert card.since == ""
    assert all(row.before is None for row in card.rows)
    assert "0.3.0" in card.failures[0]


def test_a_project_without_the_table_measures_nothing(bench: Releases) -> None:
    before(bench, NEWEST)
    context = bench.step("scorecard", RELEASE_VERSION=NEWEST)
    assert not (context.inputs / "scorecard.json").exists()
    (result,) = context.results("scorecard")
    assert result.outcomes[0].detail == "[tool.release.scorecard] is not set"
