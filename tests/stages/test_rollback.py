"""Taking a release back: pointers go to a good one, names stay, done twice it writes nothing."""

import json
import shutil

import pytest

from scripts.core import lockfile
from scripts.core.errors import ConflictError, ReleaseError, UsageError
from scripts.core.results import Result
from scripts.stages import verify
from scripts.surfaces.git_remote import Git
from scripts.surfaces.rolled_back import Yanked
from tests.conftest import READER
from tests.support.project import git
from tests.support.releases import IMAGE, Releases

pytestmark = pytest.mark.service

BANNER = "> [!WARNING]\n> **v0.3.0 was rolled back.** Use [v0.2.5]("


def roll_back(bench: Releases, version: str = "0.3.0", **more: str) -> Result:
    """Run the stage in a clone as a job finds it; give its result."""
    bench.begin()
    context = bench.step("rollback", RELEASE_VERSION=version, **more)
    return context.results("rollback")[0]


def refused(bench: Releases, version: str = "0.3.0", **more: str) -> ReleaseError:
    """Run the stage, which must refuse and change nothing."""
    before = bench.state()
    with pytest.raises(ReleaseError) as raised:
        roll_back(bench, version, **more)
    assert bench.state() == before
    assert raised.value.remedy
    return raised.value


def pointers(bench: Releases) -> dict[str, str | None]:
    """Where every pointer of an image leads, by version."""
    by_digest = {bench.digest(v): v for v in ("0.2.4", "0.2.5", "0.3.0")}
    return {name: by_digest.get(bench.tag(name) or "") for name in ("latest", "0", "0.2", "0.3")}


def release_text(bench: Releases, version: str) -> tuple[str, bool]:
    release = bench.context().forge.release(f"v{version}")
    assert release
    return release.body or "", release.prerelease


def test_the_pointers_go_to_the_highest_good_release(released: Releases) -> None:
    before, (notes, _) = released.project.refs(), release_text(released, "0.3.0")
    files = dict(released.index.files)
    roll_back(released)
    assert pointers(released) == {"latest": "0.2.5", "0": "0.2.5", "0.2": "0.2.5", "0.3": "0.3.0"}
    assert released.context().forge.latest() == "v0.2.5"
    body, prerelease = release_text(released, "0.3.0")
    assert body.startswith(BANNER)
    assert body.endswith(notes)
    assert prerelease
    # Names stay.
    assert released.tag("v0.3.0") == released.digest("0.3.0")
    after = released.project.refs()
    assert {k: v for k, v in after.items() if before.get(k) != v}.keys() == {"refs/heads/main"}
    assert before.keys() == after.keys()
    assert released.index.files == files


def test_the_changelog_says_so_and_nothing_else_changes(released: Releases) -> None:
    old = released.main("CHANGELOG.md")
    roll_back(released)
    heading = next(line for line in old.splitlines() if line.startswith("## [0.3.0]"))
    assert released.main("CHANGELOG.md") == old.replace(heading, f"{heading} [YANKED]")
    shown = git("show", "-s", "--format=%s|%an", "main", cwd=released.project.bare)
    assert shown == "Mark 0.3.0 as yanked|github-actions[bot]"
    changed = git("diff", "--name-only", "main~", "main", cwd=released.project.bare)
    assert changed == "CHANGELOG.md"


def test_the_plan_is_printed_first_and_a_dry_run_ends_there(
    released: Releases, capsys: pytest.CaptureFixture[str]
) -> None:
    before = released.state()
    result = roll_back(released, RELEASE_DRY_RUN="true")
    assert result.outcomes == ()
    assert released.state() == before
    text = capsys.readouterr().out
    bad, good = released.digest("0.3.0"), released.digest("0.2.5")
    host = released.images.host
    assert f"| `{host}/{IMAGE}:latest` | `{bad}` | 0.2.5: `{good}` |" in text
    assert f"| `{host}/{IMAGE}:0.3` | stays | no other release in its line |" in text
    assert "| GitHub's Latest | v0.3.0 | v0.2.5 |" in text


def test_done_twice_it_writes_nothing(released: Releases) -> None:
    first = roll_back(released)
    assert all(outcome.written for outcome in first.outcomes if "package" not in outcome.title)
    before = released.state()
    again = roll_back(released)
    assert released.state() == before
    assert not any(outcome.written for outcome in again.outcomes)


def test_a_good_version_can_be_named(released: Releases) -> None:
    roll_back(released, RELEASE_GOOD="0.2.4")
    # The line 0.2 was never at the bad version, and stays at its own highest.
    assert pointers(released) == {"latest": "0.2.4", "0": "0.2.4", "0.2": "0.2.5", "0.3": "0.3.0"}
    assert released.context().forge.latest() == "v0.2.4"
    assert "Use [v0.2.4]" in release_text(released, "0.3.0")[0]


def test_a_line_goes_back_to_its_own_highest(released: Releases) -> None:
    """The bad one is not the latest: only its own line's tag led to it."""
    roll_back(released, "0.2.5")
    assert pointers(released) == {"latest": "0.3.0", "0": "0.3.0", "0.2": "0.2.4", "0.3": "0.3.0"}
    assert released.context().forge.latest() == "v0.3.0"


def test_two_releases_in_a_row(released: Releases) -> None:
    roll_back(released)
    roll_back(released, "0.2.5")
    assert pointers(released) == {"latest": "0.2.4", "0": "0.2.4", "0.2": "0.2.4", "0.3": "0.3.0"}
    assert released.context().forge.latest() == "v0.2.4"


def test_a_pointer_that_moved_on_meanwhile_stays(released: Releases) -> None:
    elsewhere = released.images.push(IMAGE, {"of": "somebody"}, "amd64")
    released.images.point(IMAGE, "latest", elsewhere)
    roll_back(released)
    assert released.tag("latest") == elsewhere
    assert released.tag("0") == released.digest("0.2.5")


def test_what_is_left_of_a_broken_try_is_finished(
    released: Releases, capsys: pytest.CaptureFixture[str]
) -> None:
    """The answer to the first edit is lost, and the next one is refused."""
    released.github.fault(method="PATCH", path="/releases/", occurrence=1, action="drop-after")
    released.github.fault(
        method="PATCH", path="/releases/", occurrence=2, action="status", code=403
    )
    with pytest.raises(ReleaseError):
        roll_back(released)
    assert f"{IMAGE}:latest: 0.2.5: {released.digest('0.2.5')}, done now" in capsys.readouterr().out
    assert released.tag("latest") == released.digest("0.2.5")
    (released.github.folder / "faults.json").unlink()
    roll_back(released)
    assert release_text(released, "0.3.0")[0].startswith(BANNER)
    assert released.main("CHANGELOG.md").count("[YANKED]") == 1


def test_a_protected_branch_is_asked_by_one_pull_request(released: Releases) -> None:
    shutil.copytree(released.folder / "github-0", released.folder / "github-1")
    released.github = released.serve_github(protected_branches=("main",))
    over = {"GITHUB_SERVER_URL": released.github.url}
    head = released.project.sha("main")
    result = roll_back(released, **over)
    assert released.project.sha("main") == head
    assert "protected: merge http" in result.outcomes[-2].detail
    brought = git("show", "rollback/v0.3.0:CHANGELOG.md", cwd=released.project.bare)
    assert brought.count("[YANKED]") == 1
    before = released.state()
    roll_back(released, **over)
    assert released.state() == before
    assert sum(line.endswith("/pulls 201") for line in released.github.writes()) == 1


def test_the_index_is_a_persons_and_is_observed(
    released: Releases, capsys: pytest.CaptureFixture[str]
) -> None:
    page = released.folder / "summary.md"
    result = roll_back(released, GITHUB_STEP_SUMMARY=str(page))
    assert "Options, Yank" in result.outcomes[-1].detail
    said = capsys.readouterr().out
    for one in result.outcomes:
        line = f"{one.title}: {one.detail}{', done now' if one.written else ''}"
        assert line in said
        assert f"- {line}\n" in page.read_text()
    released.index.yanked |= {name for name in released.index.files if "0.3.0" in name}
    assert roll_back(released).outcomes[-1].detail == "yanked"


def test_what_a_consumers_check_reads_is_handed_over(released: Releases) -> None:
    """The check that follows gets the good release, and which pointers lead to it now."""
    roll_back(released)
    context = released.context()
    assert context.plan.version == context.lock.plan.version == "0.2.5"
    assert lockfile.write(context.lock).encode() == asset(released, "0.2.5", lockfile.NAME)
    compose = (context.inputs / "assets" / "compose.yaml").read_bytes()
    assert compose == asset(released, "0.2.5", "compose.yaml")
    (image,) = context.plan.images
    references = verify.references(context, image, verify.ROLLED_BACK)
    assert references == [f"{released.images.host}/{IMAGE}:{tag}" for tag in ("latest", "0")]
    for reference in references:
        verify.check_content(context, image, reference, "linux/amd64")


def asset(bench: Releases, version: str, name: str) -> bytes:
    forge = bench.context().forge
    release = forge.release(f"v{version}")
    assert release
    return forge.asset(release, name) or b""


def test_a_branch_that_moves_while_it_is_written(
    released: Releases, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, pushes = Git.push, []

    def push(self: Git, *refspecs: str, lease: str = "") -> None:
        if not pushes:
            pushes.append(refspecs)
            git("clone", "-q", str(released.project.bare), "other", cwd=released.folder)
            other = released.folder / "other"
            git("commit", "-q", "--allow-empty", "-m", "Meanwhile", cwd=other)
            git("push", "-q", "origin", "main", cwd=other)
        original(self, *refspecs, lease=lease)

    monkeypatch.setattr(Git, "push", push)
    roll_back(released)
    log = git("log", "--format=%s", "-2", "main", cwd=released.project.bare)
    assert log.splitlines() == ["Mark 0.3.0 as yanked", "Meanwhile"]


def test_a_branch_that_is_gone_and_one_without_the_section(released: Releases) -> None:
    """The release came from a hotfix branch, deleted since; or its pull request still waits."""
    released.begin()
    log = (released.project.clone / "CHANGELOG.md").read_text()
    start, end = log.index("## [0.3.0]"), log.index("## [0.2.5]")
    released.project.commit({"CHANGELOG.md": log[:start] + log[end:]})
    result = roll_back(released)
    assert "merge its pull request" in result.outcomes[-2].detail
    assert "[YANKED]" not in released.main("CHANGELOG.md")
    yanked = Yanked(
        *(released.context().git, released.context().lock.plan, "CHANGELOG.md", "gone"),
        *(lambda *_: None, lambda *_: ""),
    )
    assert "the branch is gone" in str(yanked.observe())


def test_another_good_version_changes_the_banner(released: Releases) -> None:
    roll_back(released)
    roll_back(released, "0.2.5")
    roll_back(released)
    body = release_text(released, "0.3.0")[0]
    assert body.startswith("> [!WARNING]\n> **v0.3.0 was rolled back.** Use [v0.2.4](")
    assert body.count("was rolled back") == 1


# Afterwards.


def test_a_mended_version_moves_the_pointers_forward_again(released: Releases) -> None:
    roll_back(released)
    released.release("0.3.1")
    assert released.context().plan.previous_tag == "v0.2.5"
    assert {released.tag(name) for name in ("latest", "0", "0.3")} == {released.digest("0.3.1")}
    assert released.tag("0.2") == released.digest("0.2.5")
    assert released.context().forge.latest() == "v0.3.1"
    assert released.main("CHANGELOG.md").count("[YANKED]") == 1


# A release that was never promoted.


@pytest.mark.parametrize("until", ["stage", "publish-tags", "publish-package"])
def test_a_release_never_promoted_is_withdrawn(released: Releases, until: str) -> None:
    released.release("0.3.1", until=until)
    tags = released.tag("v0.3.1")
    before = released.project.refs()
    assert "refs/heads/release/v0.3.1" in before
    roll_back(released, "0.3.1")
    assert drafts(released) == []
    after = released.project.refs()
    assert before.keys() - after.keys() == {"refs/heads/release/v0.3.1"}
    assert {name: before[name] for name in after} == after
    assert released.tag("v0.3.1") == tags
    assert pointers(released) == dict.fromkeys(("latest", "0", "0.3"), "0.3.0") | {"0.2": "0.2.5"}
    assert "[YANKED]" not in released.main("CHANGELOG.md")


def test_every_draft_of_the_tag_is_taken_away(released: Releases) -> None:
    for _ in range(2):
        released.context().forge.repository.create_git_release(
            "v0.3.1", name="v0.3.1", message="", draft=True
        )
    roll_back(released, "0.3.1")
    assert drafts(released) == []


def test_an_attempt_that_came_no_further_than_its_branch(released: Releases) -> None:
    released.project.git("push", "-q", "origin", "main:refs/heads/release/v0.3.1")
    roll_back(released, "0.3.1")
    assert "refs/heads/release/v0.3.1" not in released.project.refs()


def drafts(bench: Releases) -> list[str]:
    return [one.tag_name for one in bench.context().forge.releases() if one.draft]


def test_withdrawing_is_shown_first_and_done_once(
    released: Releases, capsys: pytest.CaptureFixture[str]
) -> None:
    released.release("0.3.1", until="stage")
    before = released.state()
    roll_back(released, "0.3.1", RELEASE_DRY_RUN="true")
    assert released.state() == before
    assert "Withdraw v0.3.1" in capsys.readouterr().out
    roll_back(released, "0.3.1")
    assert "never released or started here" in refused(released, "0.3.1").cause


# Bad input: a clear error, and nothing changed anywhere.


def test_a_version_that_was_never_released(released: Releases) -> None:
    assert "9.9.9 was never released" in refused(released, "9.9.9").cause


def test_a_tag_without_a_release(released: Releases) -> None:
    assert "0.2.3 was never released" in refused(released, "0.2.3").cause


@pytest.mark.parametrize(
    ("good", "cause"),
    [
        ("0.3.0", "cannot be rolled back to itself"),
        ("0.2.4rc1", "is a release candidate"),
        ("0.2.3", "is not a release that pointers can lead to"),
        ("1.0", "is not a release that pointers can lead to"),
        ("nonsense", "nonsense"),
    ],
)
def test_a_good_version_that_cannot_be(released: Releases, good: str, cause: str) -> None:
    error = refused(released, RELEASE_GOOD=good)
    assert isinstance(error, UsageError)
    assert cause in error.cause


def test_one_that_was_rolled_back_is_not_good(released: Releases) -> None:
    roll_back(released, "0.2.5")
    assert "choose one of: 0.2.4" in refused(released, RELEASE_GOOD="0.2.5").remedy


def test_the_lowest_release_has_nothing_to_go_back_to(released: Releases) -> None:
    assert "no stable release below 0.2.4" in refused(released, "0.2.4").cause


@pytest.mark.parametrize("version", ["0.3.0", "0.2.5"])
def test_a_release_that_lost_its_lock(released: Releases, version: str) -> None:
    release = released.context().forge.release(f"v{version}")
    assert release
    next(one for one in release.get_assets() if one.name == lockfile.NAME).delete_asset()
    assert f"v{version} has no release.json" in refused(released).cause


@pytest.mark.parametrize(
    "change",
    [
        {"images": ("digest", f"sha256:{'0' * 64}")},
        {"commit": "0" * 40},
        {"plan": ("latest", False)},
    ],
)
def test_a_lock_altered_by_hand_is_refused(released: Releases, change: dict[str, object]) -> None:
    spoil_lock(released, "0.2.5", change)
    error = refused(released)
    assert isinstance(error, ConflictError)
    assert "0.2.5" in error.cause


def spoil_lock(bench: Releases, version: str, change: dict[str, object]) -> None:
    """Upload another release.json, as somebody with the right to write may."""
    release = bench.context().forge.release(f"v{version}")
    assert release
    content = json.loads(asset(bench, version, lockfile.NAME))
    for key, value in change.items():
        if isinstance(value, tuple):
            part = content[key][0] if isinstance(content[key], list) else content[key]
            part[value[0]] = value[1]
        else:
            content[key] = value
    next(one for one in release.get_assets() if one.name == lockfile.NAME).delete_asset()
    path = bench.folder / lockfile.NAME
    path.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n")
    release.upload_asset(str(path))


def test_good_images_that_are_gone(released: Releases) -> None:
    released.images.remove(IMAGE, released.digest("0.2.5"))
    error = refused(released)
    assert "is gone from the registry" in error.cause
    assert released.tag("latest") == released.digest("0.3.0")


def test_a_token_that_may_not_write(released: Releases) -> None:
    before = (released.project.refs(), pointers(released), released.github.writes())
    with pytest.raises(ReleaseError, match="authorization failed"):
        roll_back(released, GITHUB_TOKEN=READER, DOCKER_CONFIG=anonymous(released))
    assert (released.project.refs(), pointers(released), released.github.writes()) == before


def anonymous(bench: Releases) -> str:
    folder = bench.folder / "anonymous"
    (folder / "cli-plugins").mkdir(parents=True)
    plugin = "cli-plugins/docker-buildx"
    (folder / plugin).symlink_to(bench.images.docker_config / plugin)
    return str(folder)
