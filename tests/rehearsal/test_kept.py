"""Rollback, audit, changelog and the checks of a pull request, as workflows in a kept world.

One world of the small example for all, in which one thing happens after another, as it would to a
project. The releases themselves are made without act, to be quick.
"""

import base64
import dataclasses
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import requests

from rehearsal.__main__ import main
from rehearsal.faults.end_state import Keeper, State
from rehearsal.gateway import journal
from rehearsal.github.tokens import BOT
from rehearsal.progress import Progress
from rehearsal.runs import direct, maintainer, new_run
from rehearsal.runs.direct import Interference
from rehearsal.world import example_project, git_repo, world
from rehearsal.world.world import World

pytestmark = pytest.mark.rehearsal
long = pytest.mark.long

ROOT = Path(__file__).parents[2]
MAIN = "refs/heads/main"
HEAD = "## [Unreleased]\n"


@dataclasses.dataclass
class Kept:
    """A world that stays up, the project it was made from, and what a person types."""

    world: World
    project: Path
    keeper: Keeper

    def look(self) -> State:
        return self.keeper.look()

    def type(self, *arguments: str) -> int:
        return main([*arguments, "--folder", str(self.world.folder)])

    def release(self, version: str, until: str = "") -> direct.DirectRun:
        """Release a version, or only begin it: up to and with one of the jobs."""
        here = dataclasses.replace(self.world, version=version)
        event = maintainer.press_button(here)
        ends = Interference(enough=lambda key, _run: key == until)
        done = direct.run(new_run.setting(here, event.sha), event, ends)
        assert done.ok, done.failed
        return done

    def change(self, path: str, edit: Callable[[str], str], message: str) -> None:
        """Let a maintainer push a change of one file to main."""
        text = edit(git_repo.git(self.world.bare, "show", f"{MAIN}:{path}") + "\n")
        content = base64.b64encode(text.encode()).decode()
        sha = self.ask(f"contents/{path}")["sha"]
        body = {"message": message, "content": content, "sha": sha}
        self.ask(f"contents/{path}", "PUT", json=body)

    def entry(self, text: str) -> None:
        self.change(
            "CHANGELOG.md",
            lambda old: old.replace(HEAD, f"{HEAD}\n### Added\n\n- {text}\n", 1),
            text,
        )

    def ask(self, path: str, method: str = "GET", **given: Any) -> Any:
        url = f"{self.world.api}/repos/{self.world.repository}/{path}"
        token = {"Authorization": f"Bearer {self.world.token}"}
        answer = requests.request(method, url, headers=token, timeout=30, **given)
        answer.raise_for_status()
        return answer.json()

    def point(self, tag: str, at: str) -> None:
        """Move an image tag behind everybody's back, with buildx."""
        name = f"{self.world.endpoints.registry}/{example_project.OWNER}/tiny_front"
        done = self.world.folder / "login"
        environment = {
            "PATH": f"{self.world.endpoints.tools}:{os.environ['PATH']}",
            "DOCKER_CONFIG": str(done),
        }
        if not done.exists():
            subprocess.run(["cp", "-r", str(self.world.endpoints.docker_config), done], check=True)
            self._docker(
                environment,
                "login",
                "--username",
                self.world.endpoints.registry_username,
                "--password-stdin",
                self.world.endpoints.registry,
                stdin=self.world.endpoints.registry_token,
            )
        self._docker(
            environment, "buildx", "imagetools", "create", "-t", f"{name}:{tag}", f"{name}:{at}"
        )

    def _docker(self, environment: dict[str, str], *arguments: str, stdin: str = "") -> None:
        subprocess.run(["docker", *arguments], env=environment, input=stdin, text=True, check=True)

    def end(self) -> int:
        return self.world.endpoints.journal.stat().st_size

    def writes(self, offset: int) -> int:
        return sum(journal.writes_by_service(self.world.endpoints.journal, offset).values())

    def summary(self) -> str:
        """What the last run's jobs wrote."""
        last = max(self.world.folder.glob("runs/*"), key=lambda path: int(path.name))
        return (last / "summary.md").read_text("utf-8")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    """A world in which 0.2.4 and 0.2.5 were released."""
    folder = tmp_path_factory.mktemp("kept")
    example_project.make(ROOT, folder / "project")
    with Progress(StringIO(), live=False) as progress:
        here = world.up(folder / "world", folder / "project", progress, version="0.2.4")
    try:
        one = Kept(here, folder / "project", Keeper(here, example_project.PROJECT, folder / "kept"))
        one.release("0.2.4")
        one.entry("Something that is broken.")
        one.release("0.2.5")
        yield one
    finally:
        world.down(folder / "world")


def images(state: State, tag: str) -> set[str]:
    """The digests of one tag of both images."""
    return {digest for name, digest in state.tags.items() if name.endswith(f":{tag}")}


def test_what_a_form_does_not_take_starts_nothing(
    kept: Kept, capsys: pytest.CaptureFixture[str]
) -> None:
    offset = kept.end()
    for typed, said in {
        ("nothing.yml",): "main has no .github/workflows/nothing.yml",
        ("image.yml",): "has no button",
        ("rollback.yml",): "the input version is required",
        ("rollback.yml", "--input", "verison=1"): "has no input verison",
        ("audit.yml", "--schedule", "--input", "version=1"): "a schedule has no inputs",
        ("audit.yml", "--input", "version"): "--input version has no value",
    }.items():
        assert kept.type("dispatch", *typed) == 2
        assert said in capsys.readouterr().err
    assert kept.end() == offset


def test_a_rollback_of_nothing_fails_with_its_reason(
    kept: Kept, capsys: pytest.CaptureFixture[str]
) -> None:
    before, offset = kept.look(), kept.end()
    assert kept.type("dispatch", "rollback.yml", "--input", "version=0.9.0") == 1
    said = capsys.readouterr().out
    assert "0.9.0 was never released or started here" in said
    assert re.search(r"failure +plan", said)
    assert re.search(r"skipped +rollback", said)
    assert re.search(r"skipped +verify", said)
    assert kept.writes(offset) == 0
    assert kept.look() == before


def test_a_dry_run_of_a_rollback_moves_nothing_and_asks_nobody(
    kept: Kept, capsys: pytest.CaptureFixture[str]
) -> None:
    before, offset = kept.look(), kept.end()
    typed = ("--input", "version=0.2.5", "--input", "dry-run=true")
    assert kept.type("dispatch", "rollback.yml", *typed) == 0
    assert re.search(r"skipped +rollback", capsys.readouterr().out)
    assert "GitHub's Latest | v0.2.5 | v0.2.4" in kept.summary()
    assert kept.writes(offset) == 0
    assert kept.look() == before


def test_a_rollback_moves_the_pointers_and_no_name(
    kept: Kept, capsys: pytest.CaptureFixture[str]
) -> None:
    before = kept.look()
    assert kept.type("dispatch", "rollback.yml", "--input", "version=0.2.5") == 0
    assert re.search(r"success +verify", capsys.readouterr().out)
    after = kept.look()
    assert after.latest == "v0.2.4"
    for tag in ("latest", "0", "0.2"):
        assert images(after, tag) == images(before, "v0.2.4") != images(before, "v0.2.5")
    moved = {name for name in before.refs if after.refs[name] != before.refs[name]}
    assert (moved, after.refs.keys()) == ({MAIN}, before.refs.keys())
    names = [name for name in before.tags if re.search(r":v[\d.]+$", name)]
    assert {name: after.tags[name] for name in names} == {n: before.tags[n] for n in names}
    assert (after.files, after.pulls) == (before.files, before.pulls)
    marked = {one.tag: one.prerelease for one in after.releases}
    assert marked == {"v0.2.4": False, "v0.2.5": True}
    log = git_repo.git(kept.world.bare, "show", f"{MAIN}:CHANGELOG.md")
    assert [line.endswith("[YANKED]") for line in log.splitlines() if "[0.2." in line] == [
        *(True, False, False)
    ]


def test_the_same_rollback_again_writes_nothing(kept: Kept) -> None:
    before, offset = kept.look(), kept.end()
    assert kept.type("dispatch", "rollback.yml", "--input", "version=0.2.5") == 0
    assert kept.writes(offset) == 0
    assert kept.look() == before


@long
def test_the_next_version_moves_the_pointers_forward(kept: Kept) -> None:
    kept.entry("Something that works.")
    kept.release("0.2.6")
    after = kept.look()
    assert after.latest == "v0.2.6"
    assert images(after, "latest") == images(after, "0.2") == images(after, "v0.2.6")


@long
def test_an_audit_finds_nothing_and_opens_nothing(kept: Kept) -> None:
    before, offset = kept.look(), kept.end()
    assert kept.type("dispatch", "audit.yml", "--schedule") == 0
    assert kept.writes(offset) == 0
    assert {f"Audit of v0.2.{n}" in kept.summary() for n in (4, 5, 6)} == {True}
    assert kept.look() == before


@long
def test_drift_opens_one_issue_which_is_closed_when_mended(
    kept: Kept, capsys: pytest.CaptureFixture[str]
) -> None:
    kept.point("latest", "v0.2.4")
    for _ in range(2):
        assert kept.type("dispatch", "audit.yml", "--schedule") == 1
        assert "tiny_front:latest" in capsys.readouterr().out
        (issue,) = kept.ask("issues")
        assert "tiny_front:latest" in issue["body"]
        assert issue["user"]["login"] == BOT
    kept.point("latest", "v0.2.6")
    assert kept.type("dispatch", "audit.yml") == 0
    assert kept.ask("issues") == []
    assert kept.ask(f"issues/{issue['number']}")["state_reason"] == "completed"


@long
def test_one_release_can_be_looked_at_by_itself(kept: Kept) -> None:
    kept.point("latest", "v0.2.4")
    assert kept.type("dispatch", "audit.yml", "--input", "version=0.2.5") == 0
    kept.point("latest", "v0.2.6")
    assert kept.ask("issues") == []


@long
def test_the_changelog_is_drafted_in_one_pull_request(kept: Kept) -> None:
    kept.change("README.md", lambda old: f"{old}More.\n", "feat(page): say more on the page")
    before = kept.look()
    assert kept.type("dispatch", "changelog.yml") == 0
    after, offset = kept.look(), kept.end()
    assert after.pulls == ("changelog-draft to main",)
    assert after.refs[MAIN] == before.refs[MAIN]
    changed = git_repo.git(kept.world.bare, "diff", MAIN, "refs/heads/changelog-draft")
    assert [line for line in changed.splitlines() if line[:1] == "+" and "page" in line]
    assert {line[6:] for line in changed.splitlines() if line.startswith("+++ ")} == {
        "CHANGELOG.md"
    }
    assert kept.type("dispatch", "changelog.yml") == 0
    assert kept.writes(offset) == 0
    assert kept.look() == after


@long
def test_a_release_never_promoted_is_withdrawn(kept: Kept) -> None:
    kept.entry("Something too early.")
    before = kept.look()
    kept.release("0.2.7", until="stage")
    begun = kept.look()
    assert {one.tag for one in begun.releases if one.draft} == {"v0.2.7"}
    assert begun.refs.keys() - before.refs.keys() == {"refs/heads/release/v0.2.7"}
    assert kept.type("dispatch", "rollback.yml", "--input", "version=0.2.7") == 0
    assert kept.look() == before


@long
def test_a_pull_request_is_checked_merged_with_main(
    kept: Kept, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(kept.project)
    git_repo.git(kept.project, "checkout", "--quiet", "-b", "a-page")
    (kept.project / "docs").mkdir()
    (kept.project / "docs" / "a.md").write_text("A page.\n")
    git_repo.git(kept.project, "add", "docs")
    git_repo.git(kept.project, "commit", "--quiet", "--message", "A page", **example_project.WHO)
    for _ in range(2):
        assert kept.type("pull-request") == 0
        said = capsys.readouterr().out
        assert re.search(r"success +check\b", said)
        assert re.search(r"success +changelog\b", said)
        assert re.search(r"skipped +images", said)
    (pull,) = (one for one in kept.ask("pulls") if one["head"]["ref"] == "a-page")
    merge = git_repo.git(
        kept.world.bare, "rev-parse", f"refs/pull/{pull['number']}/merge^@"
    ).split()
    assert merge == [kept.look().refs[MAIN], git_repo.git(kept.project, "rev-parse", "HEAD")]
    assert "1 changed files" in kept.summary()


@long
def test_a_branch_that_conflicts_starts_nothing(
    kept: Kept, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(kept.project)
    git_repo.git(kept.project, "checkout", "--quiet", "-b", "late", "main")
    (kept.project / "README.md").write_text("# Otherwise\n")
    git_repo.git(
        kept.project, "commit", "--quiet", "--all", "--message", "Late", **example_project.WHO
    )
    assert kept.type("pull-request", "--branch", "late") == 2
    assert "late conflicts with main" in capsys.readouterr().err


@long
def test_where_the_branch_is_protected_a_rollback_asks_for_its_change(kept: Kept) -> None:
    rule = {
        "required_status_checks": None,
        "enforce_admins": True,
        "required_pull_request_reviews": {"required_approving_review_count": 1},
        "restrictions": None,
    }
    kept.ask("branches/main/protection", "PUT", json=rule)
    before = kept.look()
    assert kept.type("dispatch", "rollback.yml", "--input", "version=0.2.6") == 0
    after, offset = kept.look(), kept.end()
    assert after.latest == "v0.2.4"  # 0.2.5 was rolled back before
    assert after.refs[MAIN] == before.refs[MAIN]
    assert set(after.pulls) - set(before.pulls) == {"rollback/v0.2.6 to main"}
    changed = git_repo.git(kept.world.bare, "diff", MAIN, "refs/heads/rollback/v0.2.6").splitlines()
    (line,) = (one for one in changed if one.startswith("+##"))
    assert "[0.2.6]" in line
    assert line.endswith("[YANKED]")
    assert kept.type("dispatch", "rollback.yml", "--input", "version=0.2.6") == 0
    assert kept.writes(offset) == 0
    assert kept.look() == after
