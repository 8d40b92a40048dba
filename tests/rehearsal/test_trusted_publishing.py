"""A whole release publishes by what its job proves: no token of the index is in its settings."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from rehearsal.faults.end_state import Keeper
from rehearsal.gateway import journal
from rehearsal.index.state import Publisher, Store
from rehearsal.progress import Progress
from rehearsal.runs import direct, maintainer, new_run
from rehearsal.runs.direct import DirectRun
from rehearsal.world import example_project, world
from rehearsal.world.world import World

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.rehearsal


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    base = tmp_path_factory.mktemp("published")
    example_project.make(ROOT, base / "project")
    with Progress() as progress:
        made = world.up(base / "world", base / "project", progress, version="0.2.4")
    try:
        yield made
    finally:
        world.down(base / "world")


def release(here: World) -> DirectRun:
    event = maintainer.press_button(here)
    setting = new_run.setting(here, event.sha)
    assert not [name for name in (*setting.secrets, *setting.variables) if "INDEX_TOKEN" in name]
    return direct.run(setting, event)


def failure(done: DirectRun) -> str:
    return (done.folder / "logs" / "publish-package.log").read_text()


def test_a_release_is_published_and_a_refused_one_says_what_to_register(
    here: World, tmp_path: Path
) -> None:
    store = Store(here.folder / "index")
    (mine,) = store.load().pending.items()
    refused = store.load()
    refused.pending = {mine[0]: Publisher("noa", "7", here.name, "release.yml", "pypi")}
    store.save(refused)
    first = release(here)
    assert first.failed == ["publish-package"], failure(first)
    wanted = f"owner {here.owner}, repository {here.name}, workflow release.yml, environment pypi"
    assert wanted in failure(first)
    asked = journal.refusals(here.endpoints.journal)
    assert any("register the publisher" in line for line in asked), asked

    registered = store.load()
    registered.pending = dict([mine])
    store.save(registered)
    second = release(here)
    assert second.ok, failure(second)
    ended = Keeper(here, example_project.PROJECT, tmp_path).look()
    names = sorted(ended.files)
    assert names == ["tiny_example-0.2.4-py3-none-any.whl", "tiny_example-0.2.4.tar.gz"]
    # The first run signed everything, and the second one uploaded what the first one had signed.
    assert ended.published == dict.fromkeys(names, 2)
    assert sorted(set(ended.signed.values())) == [1, 2]
    state = store.load()
    assert state.projects[mine[0]].publishers == [mine[1]]
    (given,) = [one for one in state.tokens.values() if one.publisher]
    assert given.projects == (mine[0],)
    logs = "".join(path.read_text() for path in (second.folder / "logs").iterdir())
    assert "pypi-" not in logs
    assert "eyJ" not in logs
