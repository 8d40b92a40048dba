"""A world's folder, what its runs inherit, and when a second command is refused."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest

from rehearsal.__main__ import main
from rehearsal.runs import decisions, new_run
from rehearsal.world import git_repo, world
from rehearsal.world.example_project import WHO
from rehearsal.world.services import Endpoints
from rehearsal.world.world import World
from scripts.core.errors import UsageError

ROOT = Path(__file__).parents[3]
PYPROJECT = """\
[project]
name = "rehearsed-thing"
version = "1.0"
[[tool.release.images]]
repository = "somebody/thing"
"""
WORKFLOW = "name: Release\njobs: {a: {}}\n"


@pytest.fixture
def here(tmp_path: Path) -> World:
    """A world that looks as if it were up: its files and its remote, but no service."""
    checkout = tmp_path / "checkout"
    (checkout / ".github" / "workflows").mkdir(parents=True)
    (checkout / "pyproject.toml").write_text(PYPROJECT)
    (checkout / world.WORKFLOW).write_text(WORKFLOW)
    git_repo.git(checkout, "init", "--quiet")
    git_repo.git(checkout, "add", ".")
    who = ("-c", "user.name=A", "-c", "user.email=a@example.com")
    git_repo.git(checkout, *who, "commit", "--quiet", "--message", "one")
    folder = tmp_path / "world"
    endpoints = Endpoints(
        docker_host="unix:///somewhere/docker.sock",
        docker_config=folder / "docker",
        builder="a-builder",
        registry="localhost:5",
        registry_username="somebody",
        registry_token="registry secret",
        index_simple="http://127.0.0.1:6/simple/",
        index_upload="http://127.0.0.1:6/",
        index_token="index secret",
        tools=folder / "tools",
        journal=folder / "journal.jsonl",
        faults=folder / "faults.json",
        github="http://127.0.0.1:7",
    )
    made = World(
        folder,
        checkout,
        "somebody",
        "rehearsed-thing",
        "1.1",
        endpoints,
        "ghp secret",
    )
    git_repo.bare(checkout, made.bare)
    return made


def test_owner_and_name_follow_from_what_is_released(here: World) -> None:
    assert world.project(here.checkout) == ("somebody", "rehearsed-thing")


@pytest.mark.parametrize(
    ("text", "owner", "name"),
    [
        ('[tool.poetry]\nname = "verse"\n', "owner", "verse"),
        ('[tool.release]\nname = "old"\n', "owner", "old"),
        ('[[tool.release.images]]\nrepository = "mari/served"\n', "mari", "served"),
    ],
)
def test_the_name_may_stand_elsewhere(text: str, owner: str, name: str, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    assert world.project(tmp_path) == (owner, name)


def test_all_tags_of_the_checkout_come_along(tmp_path: Path) -> None:
    checkout, bare = tmp_path / "checkout", tmp_path / "bare.git"
    git_repo.git(checkout, "init", "--quiet", "--initial-branch=trunk")
    git_repo.git(checkout, "commit", "--quiet", "--allow-empty", "--message", "One", **WHO)
    for tag in ("v1.0.0", "2.0", "thing-3.0.0"):
        git_repo.git(checkout, "tag", tag)
    git_repo.bare(checkout, bare)
    assert git_repo.git(bare, "tag", "--list").split() == ["2.0", "thing-3.0.0", "v1.0.0"]


def test_world_json_has_the_promised_keys(here: World) -> None:
    promised = "repository web api git token package_index registry docker_host version"
    assert " ".join(here.facts()) == promised


def test_a_job_inherits_nothing_of_the_caller_and_no_secret(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SURPRISE", "1")
    monkeypatch.setenv("GITHUB_TOKEN", "mine")
    setting = new_run.setting(here, git_repo.git(here.bare, "rev-parse", "main"))
    assert "SURPRISE" not in setting.environment
    assert "GITHUB_TOKEN" not in setting.environment
    text = json.dumps([dict(setting.environment), dict(setting.context), dict(setting.variables)])
    assert "secret" not in text
    assert setting.environment["HOME"].startswith(str(setting.folder))
    assert sys.prefix not in setting.environment["PATH"]


def test_each_run_has_a_token_of_its_own_as_long_as_githubs(here: World) -> None:
    commit = git_repo.git(here.bare, "rev-parse", "main")
    first, second = (new_run.setting(here, commit).secrets["GITHUB_TOKEN"] for _ in range(2))
    assert first != second
    assert len(first) == 520
    assert first.startswith("ghs_")
    assert first.count(".") == 2


def test_who_looks_at_a_private_repository_has_the_maintainers_token(here: World) -> None:
    assert "GITHUB_TOKEN" not in here.reader()
    assert dataclasses.replace(here, private=True).reader()["GITHUB_TOKEN"] == "ghp secret"


def test_each_run_has_a_number_and_a_checkout_of_its_own(here: World) -> None:
    commit = git_repo.git(here.bare, "rev-parse", "main")
    first, second = new_run.setting(here, commit), new_run.setting(here, commit)
    assert second.run_id == first.run_id + 1
    assert (first.tree / "pyproject.toml").read_text() == PYPROJECT
    assert first.folder != second.folder


def test_two_commands_do_not_share_a_folder(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from rehearsal.world import world\n"
        "with world.alone(pathlib.Path(sys.argv[1])): print('in', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as other:  # fmt: skip
        assert other.stdout
        assert other.stdout.readline() == "in\n"
        with pytest.raises(UsageError, match="another command is running"), world.alone(tmp_path):
            pass
        other.communicate()
    with world.alone(tmp_path):
        pass


def test_a_second_world_in_the_folder_is_refused_and_the_first_left_alone(
    here: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (here.folder / "world.json").write_text("{}")
    monkeypatch.chdir(here.checkout)
    assert main(["run", "--folder", str(here.folder)]) == 2
    said = capsys.readouterr().err
    assert "a world is up" in said
    assert "--again" in said
    assert here.bare.exists()


@pytest.mark.parametrize(("first", "then"), [("patch", "1.2.4"), ("1.2.3", "1.2.3")])
def test_a_run_again_is_of_the_version_that_the_run_released(
    here: World, first: str, then: str
) -> None:
    here.folder.mkdir(exist_ok=True)
    here.endpoints.save(here.folder / "endpoints.json")
    world.write(dataclasses.replace(here, version=first))
    world.remember(here.folder, "1.2.4")
    assert world.load(here.folder).version == then


def test_again_without_a_world_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "--again", "--folder", str(tmp_path)]) == 2
    assert "no world is up" in capsys.readouterr().err


def test_down_leaves_what_there_is_to_read(here: World) -> None:
    for path in ("world.json", "verdict.json", "summary.md", "runs/1001/logs/plan.log"):
        (here.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (here.folder / path).write_text("text")
    (here.folder / "runs" / "1001" / "home").mkdir()
    assert world.down(here.folder)
    left = [p.relative_to(here.folder).as_posix() for p in here.folder.rglob("*") if p.is_file()]
    assert sorted(left) == ["runs/1001/logs/plan.log", "summary.md", "verdict.json"]
    assert not world.down(here.folder)


def test_down_where_nothing_is_up_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["down", "--folder", str(tmp_path)]) == 0
    assert "no world was up" in capsys.readouterr().out


def test_a_folder_that_is_no_repository_is_a_clear_error_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["up", "--folder", str(tmp_path / "world")]) == 2
    assert "git fetch" in capsys.readouterr().err
    assert list((tmp_path / "world").glob("[!.]*")) == []


def written(here: World) -> None:
    """Write what a command finds of a world that is up."""
    here.endpoints.save(here.folder / "endpoints.json")
    world._private(here.folder / "state.json", world._state(here))
    world._private(here.folder / "world.json", here.facts())


def test_a_public_world_is_not_rehearsed_as_a_private_one(
    here: World, capsys: pytest.CaptureFixture[str]
) -> None:
    written(here)
    assert main(["run", "--again", "--private", "--folder", str(here.folder)]) == 2
    assert "the repository of the world that is up is public" in capsys.readouterr().err


def test_approving_is_typed_beside_the_run_that_waits(
    here: World, capsys: pytest.CaptureFixture[str]
) -> None:
    written(here)
    waiting = (
        new_run.setting(here, git_repo.git(here.bare, "rev-parse", "main")).folder / "approvals"
    )
    waiting.mkdir()
    text = json.dumps({"environment": "release", "reviewers": ["somebody"], "until": 0})
    (waiting / "Release--gate.waiting").write_text(text)
    folder = ("--folder", str(here.folder))
    with world.alone(here.folder, shared=True):  # the run has the folder
        assert main(["approve", "--as", "rhea", *folder]) == UsageError.exit_code
        assert "rhea may not review deployments to release" in capsys.readouterr().err
        assert main(["approve", *folder]) == 0
        assert main(["reject", *folder]) == UsageError.exit_code
        assert "waits for approval" in capsys.readouterr().err
    decided = json.loads((waiting / "Release--gate.json").read_text())
    assert decided == {"decision": "approved", "by": ["somebody"], "why": "", "until": 0}


def test_the_clock_of_a_world_is_put_forward_by_days(
    here: World, capsys: pytest.CaptureFixture[str]
) -> None:
    written(here)
    folder = ("--folder", str(here.folder))
    run = new_run.setting(here, git_repo.git(here.bare, "rev-parse", "main")).folder
    before = decisions.now(run)
    assert main(["wait", "--days", "31", *folder]) == 0
    assert decisions.now(run) - before >= 31 * 24 * 3600
    assert main(["wait", "--days", "0", *folder]) == UsageError.exit_code
    assert "give a number above 0" in capsys.readouterr().err
