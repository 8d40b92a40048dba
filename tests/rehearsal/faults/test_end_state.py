"""Looking at a world without the release's own code, and putting back what was seen."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from rehearsal.faults.end_state import Keeper, ReleaseState, State, attestations
from rehearsal.progress import Progress
from rehearsal.runs.direct import LEFT_OUT
from rehearsal.runs.workflow import read
from rehearsal.world import example_project, git_repo, world
from rehearsal.world.world import World

ROOT = Path(__file__).parents[3]
MAIN = "refs/heads/main"


def test_the_example_is_made_by_this_checkouts_own_release(tmp_path: Path) -> None:
    example_project.make(ROOT, tmp_path / "project")
    jobs = read(tmp_path / "project", world.WORKFLOW).jobs
    assert set(LEFT_OUT) <= set(jobs)
    assert (tmp_path / "project" / "scripts" / "__main__.py").exists()
    assert git_repo.git(tmp_path / "project", "status", "--porcelain") == ""


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, Keeper]]:
    base = tmp_path_factory.mktemp("states")
    example_project.make(ROOT, base / "project")
    with Progress() as progress:
        here = world.up(base / "world", base / "project", progress, version="0.2.4")
    try:
        yield here, Keeper(here, example_project.PROJECT, base / "kept")
    finally:
        world.down(base / "world")


@pytest.mark.world
def test_a_state_is_seen_and_put_back(kept: tuple[World, Keeper]) -> None:
    here, keeper = kept
    start = keeper.look()
    keeper.keep(start)
    assert list(start.refs) == [MAIN]
    assert (start.releases, start.latest, start.files, start.tags) == ((), "", {}, {})
    commit = keeper.change_main("NEW.md", "new\n")
    git_repo.git(here.bare, "update-ref", "refs/tags/v0.2.4", commit)
    changed = keeper.look()
    assert changed.refs == {MAIN: commit, "refs/tags/v0.2.4": commit}
    assert len(changed.differences(start)) == 2
    keeper.put_back(start)
    assert keeper.look() == start


@pytest.mark.world
def test_a_draft_is_put_back_edited_and_deleted(kept: tuple[World, Keeper]) -> None:
    _, keeper = kept
    start = keeper.look()
    keeper.keep(start)
    draft = ReleaseState("v0.2.4", True, False, "v0.2.4", "notes", {})
    with_draft = dataclasses.replace(start, releases=(draft,))
    keeper.put_back(with_draft)
    assert keeper.edit_notes("mine") == 1
    assert keeper.look().releases[0].body == "mine\n\nnotes"
    twice = dataclasses.replace(start, releases=(draft, draft))
    keeper.put_back(twice)
    assert len(keeper.look().differences(with_draft)) == 1
    assert keeper.delete_drafts() == 2
    assert keeper.look() == start


@pytest.mark.world
def test_what_is_signed_is_put_back(kept: tuple[World, Keeper]) -> None:
    here, keeper = kept
    start = keeper.look()
    keeper.keep(start)
    folder = here.folder / "github" / "attestations"
    folder.mkdir()
    for number in (1, 2):
        (folder / f"{number}.json").write_text('{"subjects": ["a1"], "bundle": {}}')
    twice = keeper.look()
    assert twice.differences(start) == ["attestations of a1 is 2, not nothing"]
    keeper.keep(twice)
    keeper.put_back(start)
    assert keeper.look() == start
    keeper.put_back(twice)
    assert keeper.look() == twice
    keeper.put_back(start)


def test_what_the_index_shows_of_a_file_is_compared() -> None:
    start = State({}, (), "", (), {"a.whl": "1"}, {})
    bundles = [{"attestations": [{}, {}]}, {"attestations": [{}]}]
    shown = dataclasses.replace(
        start, published={"a.whl": attestations({"attestation_bundles": bundles})}
    )
    assert shown.differences(start) == ["attestations of a.whl is 3, not nothing"]


@pytest.mark.world
def test_what_cannot_be_put_back_is_said(kept: tuple[World, Keeper]) -> None:
    _, keeper = kept
    start = keeper.look()
    unkept: State = dataclasses.replace(start, tags={"example/tiny_front:v9": "sha256:1"})
    with pytest.raises(ValueError, match="not restored"):
        keeper.put_back(unkept)
    keeper.put_back(start)
