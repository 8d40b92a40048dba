"""The watch, as a workflow in a kept world: three locks and two databases of advisories."""

from collections.abc import Iterator
from io import StringIO

import pytest

from rehearsal.faults.end_state import Keeper
from rehearsal.github.tokens import BOT
from rehearsal.progress import Progress
from rehearsal.world import advisories, example_project, world
from rehearsal.world.advisories import ADVISORIES, Advisory
from tests.rehearsal.test_kept import ROOT, Kept

pytestmark = pytest.mark.rehearsal

NEW = Advisory("PYSEC-2026-1", "PyPI", "tiny-example", fixed="9", aliases=("CVE-2026-1",))
POLICY = '\n[tool.release.scan]\nstop = "fixable high"\n'


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    """A world in which 0.2.4, 0.2.5 and 0.2.6 were released, and what stops is said since."""
    folder = tmp_path_factory.mktemp("watched")
    example_project.make(ROOT, folder / "project")
    with Progress(StringIO(), live=False) as progress:
        here = world.up(folder / "world", folder / "project", progress, version="0.2.4")
    try:
        one = Kept(here, folder / "project", Keeper(here, example_project.PROJECT, folder / "kept"))
        for number in (4, 5, 6):
            one.release(f"0.2.{number}")
            one.entry("Something.")
        one.change("pyproject.toml", lambda text: text + POLICY, "Say what stops a release")
        yield one
    finally:
        world.down(folder / "world")


def watch(kept: Kept) -> int:
    """Run the workflow as its schedule does; give what it wrote."""
    offset = kept.end()
    assert kept.type("dispatch", "watch.yml", "--schedule") == 0
    return kept.writes(offset)


def test_what_was_known_makes_no_issue(kept: Kept) -> None:
    assert watch(kept) == 0
    for number in (4, 5, 6):
        assert f"### v0.2.{number}\n\nSecurity: 0 stopping" in kept.summary()


def test_a_new_advisory_makes_exactly_one_issue_and_then_none(kept: Kept) -> None:
    of = {**ADVISORIES, "PyPI": (*ADVISORIES["PyPI"], NEW)}
    advisories.write(kept.world.advisories, of)
    assert watch(kept) == 1
    (issue,) = kept.ask("issues")
    assert issue["title"] == "v0.2.6 has a known vulnerability: CVE-2026-1 in tiny-example"
    assert "Also in v0.2.5, v0.2.4, which" in issue["body"]
    assert issue["user"]["login"] == BOT
    assert watch(kept) == 0
    advisories.write(kept.world.advisories)
    assert watch(kept) == 2  # a comment, and the end
    assert kept.ask("issues") == []
    assert watch(kept) == 0
