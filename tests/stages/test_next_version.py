"""The next development version: a commit above the release commit, which the branch alone gets."""

import re
from collections.abc import Mapping

import pytest

from scripts.core import codec
from scripts.core.converge import Matches, Surface, converge
from scripts.core.errors import ProblemsError
from scripts.core.lockfile import Lock
from scripts.release import release_commit, starting_point
from scripts.release.context import Context
from scripts.release.release_surfaces import pointers
from scripts.stages import plan, prepare
from scripts.surfaces.git_remote import Branch, GitTag, ReleaseBranchGone
from tests.conftest import Bench
from tests.support.project import PYPROJECT, git

NEXT = '[tool.release]\nnext-dev = "minor"\n'
DEV = PYPROJECT.replace('version = "0.2.3"', 'version = "0.3.0.dev"').replace(
    "[tool.release]\n", NEXT
)
STATED = {"pyproject.toml": DEV, "CITATION.cff": "version: 0.3.0.dev\n"}


def planned(bench: Bench, version: str, files: Mapping[str, str] = STATED) -> Context:
    """Plan a release and make its commit, as the first two jobs do."""
    bench.project.git("fetch", "-q", "origin", "main")
    bench.project.git("reset", "-q", "--hard", "FETCH_HEAD")
    bench.project.commit(dict(files))
    context = bench.context(RELEASE_VERSION=version)
    return bench.run_jobs(context, plan=plan.run, prepare=prepare.run)


def moved(context: Context) -> list[Surface]:
    """The branch and its release branch, as `promote` moves them."""
    lock = Lock(context.plan, context.commit, (), ())
    branches = (Branch, ReleaseBranchGone)
    found = pointers(context, lock, context.config.kept_changelog)
    return [one for one in found if isinstance(one, branches)]


def tagged(context: Context) -> None:
    lock = Lock(context.plan, context.commit, (), ())
    converge([GitTag(context.git, lock)], context.environment.patience)


def promoted(context: Context) -> list[Surface]:
    tagged(context)
    there = moved(context)
    converge(there, context.environment.patience)
    return there


def stated(bench: Bench, ref: str) -> set[str]:
    """What the three files of a commit state."""
    texts = [bench.project.show(ref, path).decode() for path in ("pyproject.toml", "uv.lock")]
    own = [re.search(r'name = "sample.thing".*\nversion = "(.*)"', text) for text in texts]
    cited = bench.project.show(ref, "CITATION.cff").decode().split()[1]
    return {one[1] for one in own if one} | {cited}


def test_the_branch_states_the_next_one_and_the_tag_does_not(bench: Bench) -> None:
    context = planned(bench, "patch")
    assert context.plan.next_version == "0.4.0.dev"
    branch, gone = promoted(context)
    assert stated(bench, "v0.3.0") == {"0.3.0"}
    assert stated(bench, "main") == {"0.4.0.dev", "0.4.0.dev0"}
    shown = git("show", "-s", "--format=%s|%P", "main", cwd=bench.project.bare).strip()
    assert shown == f"Begin 0.4.0.dev|{context.commit}"
    assert "refs/heads/release/v0.3.0" not in bench.project.refs()
    assert branch.observe() == Matches(f"contains {context.commit[:12]}, then 0.4.0.dev")
    assert isinstance(gone.observe(), Matches)


def test_it_is_the_same_commit_each_time(bench: Bench) -> None:
    context = planned(bench, "patch")
    made = [release_commit.development(context, context.plan, context.commit) for _ in range(2)]
    assert made[0] == made[1]
    promoted(context)
    before = bench.project.refs()
    outcomes = converge(moved(context), context.environment.patience)
    assert not any(one.written for one in outcomes)
    assert bench.project.refs() == before


def test_a_branch_with_the_release_alone_gets_it_too(bench: Bench) -> None:
    """An attempt that stopped there goes on."""
    context = planned(bench, "patch")
    tagged(context)
    context.git.push(f"{context.commit}:refs/heads/main")
    converge(moved(context), context.environment.patience)
    assert "0.4.0.dev" in stated(bench, "main")


def test_a_branch_that_moved_on_is_merged(bench: Bench) -> None:
    context = planned(bench, "patch")
    bench.project.commit({"more.txt": "x"})
    promoted(context)
    assert "0.4.0.dev" in stated(bench, "main")
    assert bench.project.show("main", "more.txt") == b"x"


def test_a_protected_branch_gets_it_by_the_same_pull_request(bench: Bench) -> None:
    bench.github = bench.serve_github(protected_branches=("main",))
    there = bench.context(GITHUB_SERVER_URL=bench.github.url)
    context = planned(bench, "patch").knowing(git=there.git)
    promoted(context)
    asked, kept = (one.observe() for one in moved(context))
    assert isinstance(asked, Matches)
    assert "protected: merge http" in asked.detail
    assert kept == Matches("kept: the pull request needs it")
    tip = bench.project.refs()["refs/heads/release/v0.3.0"]
    assert tip == release_commit.development(context, context.plan, context.commit)
    git("update-ref", "refs/heads/main", tip, cwd=bench.project.bare)
    assert [type(one.observe()).__name__ for one in moved(context)] == ["Matches", "Missing"]


def test_a_candidate_stays_until_the_next_one(bench: Bench) -> None:
    context = planned(bench, "rc")
    assert (context.plan.version, context.plan.next_version) == ("0.3.0rc1", "")
    promoted(context)
    assert stated(bench, "main") == {"0.3.0rc1"}
    again = planned(bench, "rc", {"CHANGELOG.md": CHANGED})
    assert again.plan.version == "0.3.0rc2"
    final = planned(bench, "patch", {"CHANGELOG.md": f"{CHANGED}- Three.\n"})
    assert (final.plan.version, final.plan.next_version) == ("0.3.0", "0.4.0.dev0")


CHANGED = "# Changelog\n\n## [Unreleased]\n\n- Two.\n"


def test_nothing_is_planned_without_the_key(bench: Bench) -> None:
    table = DEV.replace('next-dev = "minor"\n', "")
    context = planned(bench, "patch", {**STATED, "pyproject.toml": table})
    assert context.plan.next_version == ""
    assert "next_version" not in codec.encode(context.plan)
    promoted(context)
    assert stated(bench, "main") == {"0.3.0"}


def test_a_plan_that_is_made_again_says_the_same(bench: Bench) -> None:
    """The draft is gone after the tag: the plan comes from the release commit."""
    context = planned(bench, "patch")
    promoted(context)
    again = bench.context(RELEASE_VERSION="0.3.0")
    plan.run(again)
    bench.hand_over(again)
    assert again.plan == context.plan


def test_a_development_version_alone_is_no_change(bench: Bench) -> None:
    table = DEV.replace(NEXT, f'{NEXT}changelog = "none"\n')
    promoted(planned(bench, "patch", {**STATED, "pyproject.toml": table}))
    context = bench.context(RELEASE_VERSION="patch")
    start = starting_point.find(context)
    wanted = starting_point.wanted(context, start)
    with pytest.raises(ProblemsError, match=r"nothing has changed since v0\.3\.0"):
        starting_point.check(context, start, wanted)
    bench.project.git("fetch", "-q", "origin", "main")
    bench.project.git("reset", "-q", "--hard", "FETCH_HEAD")
    bench.project.commit({"more.txt": "x"})
    start = starting_point.find(context)
    starting_point.check(context, start, wanted)
