"""Which tests run in one process: those that share what is slow to start."""

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from tests.conftest import LONG, SHARED, group

FILE = "tests/stages/test_some.py"


def item(*fixtures: str, marks: tuple[str, ...] = (), **known: object) -> pytest.Item:
    made = SimpleNamespace(
        fixturenames=fixtures,
        module=SimpleNamespace(**known),
        nodeid=f"{FILE}::test_this[tests::that]",
        get_closest_marker=lambda name: name if name in marks else None,
    )
    return cast("pytest.Item", made)


def test_a_file_stays_together() -> None:
    assert group(item("tmp_path")) == FILE


def test_files_that_share_a_world_or_releases_run_in_one_process() -> None:
    assert group(item("world", "tmp_path", marks=("world",))) == "world"
    assert group(item("bench", surroundings=group)) == "surroundings"
    assert group(item("released")) == "released"


def test_another_fixture_of_that_name_is_something_else() -> None:
    """The tests of the stand-in for GitHub have a small world of their own for each test."""
    assert group(item("world", marks=("service",))) == FILE


def test_the_groups_that_begin_first_are_there() -> None:
    root = Path(__file__).parents[1]
    assert [
        one for one in LONG if one not in (*SHARED, "world") and not (root / one).is_file()
    ] == []
