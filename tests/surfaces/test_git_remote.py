"""git over HTTP, with the GitHub service at the other end: names once, pointers last."""

from contextlib import suppress
from pathlib import Path

import pytest
from packaging.version import Version

from rehearsal.github.settings import Token
from scripts.core.converge import Conflict, Matches, Missing, converge
from scripts.core.errors import ConflictError, ServiceError, TransientError
from scripts.core.lockfile import Lock, digest
from scripts.core.planning import Plan
from scripts.release import attempt, release_commit, starting_point
from scripts.release.context import Context
from scripts.surfaces.git_remote import Branch, Git, GitTag, ReleaseBranch, ReleaseBranchGone
from tests.conftest import READER, WRITER, Bench
from tests.support.project import git


def test_the_default_branch_is_the_remotes(bench: Bench) -> None:
    git("branch", "trunk", "main", cwd=bench.project.bare)
    git("symbolic-ref", "HEAD", "refs/heads/trunk", cwd=bench.project.bare)
    assert bench.context().git.default_branch() == "trunk"


@pytest.fixture
def context(bench: Bench) -> Context:
    return bench.context()


@pytest.fixture
def over_http(bench: Bench, context: Context) -> Context:
    """The same, with git going through the GitHub service."""
    there = bench.context(GITHUB_SERVER_URL=bench.github.url)
    return context.knowing(git=there.git)


@pytest.fixture
def plan(context: Context) -> Plan:
    start = starting_point.find(context)
    return attempt._decide(context, start, Version("0.2.4"), starting_point.base_of(context, start))


@pytest.fixture
def commit(context: Context, plan: Plan) -> str:
    return release_commit.make(context.knowing(plan=plan))


def other_clone(bench: Bench, *options: str) -> Path:
    """A clone of its own, somewhere else, as another job or another person has."""
    folder = bench.folder / "elsewhere" / "deeper"
    folder.parent.mkdir()
    git("clone", "-q", *options, f"file://{bench.project.bare}", str(folder), cwd=bench.folder)
    return folder


def branch_of(context: Context, plan: Plan, commit: str) -> Branch:
    forge = context.forge
    return Branch(context.git, plan, commit, forge.find_pull_request, forge.open_pull_request)


def pushed_elsewhere(bench: Bench, *command: str) -> str:
    """Run git in another clone, push all it has, and give its HEAD."""
    other = other_clone(bench)
    who = ("-c", "user.name=x", "-c", "user.email=x@y")
    git(*who, *command, cwd=other)
    git("push", "-q", "--follow-tags", "origin", "main", cwd=other)
    return git("rev-parse", "HEAD", cwd=other).strip()


def test_a_branch_that_somebody_else_moved_is_fetched(
    bench: Bench, context: Context, plan: Plan, commit: str
) -> None:
    head = pushed_elsewhere(bench, "commit", "-q", "--allow-empty", "-m", "x")
    branch = branch_of(context, plan, commit)
    assert branch.observe() == Missing(f"at {head[:12]}")
    converge([branch], context.environment.patience)
    assert branch.observe() == Matches(f"contains {commit[:12]}")
    parents = git("show", "-s", "--format=%P", "main", cwd=bench.project.bare).split()
    assert set(parents) == {head, commit}


def test_a_tag_that_somebody_else_pushed_says_its_message(bench: Bench, context: Context) -> None:
    pushed_elsewhere(bench, "tag", "-a", "-m", "Title\n\nAll of it", "v9")
    assert context.git.tag_message("v9").strip() == "Title\n\nAll of it"
    assert context.git.tag_message("v8") == ""


def test_what_is_here_is_not_fetched(bench: Bench, context: Context) -> None:
    head = pushed_elsewhere(bench, "commit", "-q", "--allow-empty", "-m", "x")
    here = bench.project.git("rev-parse", "HEAD").strip()
    bench.project.bare.rename(bench.folder / "gone")
    context.git.fetch(here)
    with pytest.raises(ServiceError):
        context.git.fetch(head)


@pytest.mark.parametrize("options", [(), ("--depth", "1")])
def test_commit_and_tag_are_the_same_in_another_clone(
    bench: Bench, context: Context, plan: Plan, commit: str, options: tuple[str, ...]
) -> None:
    other = bench.context(other_clone(bench, *options))
    assert release_commit.make(other.knowing(plan=plan)) == commit
    for one in (context, other):
        converge([GitTag(one.git, Lock(plan, commit, (), ()))], one.environment.patience)
    shown = git("cat-file", "-p", "v0.2.4", cwd=bench.project.bare)
    assert shown == (
        f"object {commit}\ntype commit\ntag v0.2.4\n"
        f"tagger {plan.author} {plan.source_date_epoch} +0000\n\nsample_thing 0.2.4\n\n"
        f"release.json sha256:{digest(Lock(plan, commit, (), ()))}"
    )


def test_the_release_commit_says_where_it_comes_from(
    bench: Bench, context: Context, plan: Plan, commit: str
) -> None:
    converge([ReleaseBranch(context.git, plan, commit)], context.environment.patience)
    form = "%P|%an <%ae>|%ct|%at|%s|%(trailers:key=Release-Branch,valueonly)"
    shown = git("show", "-s", f"--format={form}", commit, cwd=bench.project.bare).strip()
    assert shown == (
        f"{plan.base}|{plan.author}|{plan.source_date_epoch}|{plan.source_date_epoch}"
        "|Release sample_thing 0.2.4|main"
    )
    changed = git("diff", "--name-only", plan.base, commit, cwd=bench.project.bare).split()
    assert changed == ["CHANGELOG.md", "CITATION.cff", "pyproject.toml", "uv.lock"]
    assert bench.project.refs()["refs/heads/release/v0.2.4"] == commit
    assert bench.project.git("status", "--porcelain") == ""


def test_the_committed_modes_and_bytes_stay(bench: Bench) -> None:
    base = "version: 0.2.3\r\ntext: \u00e9\r\n".encode() + b"odd: \xff\r\n"
    bench.project.commit(
        {
            "CITATION.cff": b"\xef\xbb\xbf" + base,
            "CHANGELOG.md": b"\xef\xbb\xbf# Changelog\r\n\r\n## [Unreleased]\r\n\r\n- One.\r\n",
        },
        executable="CITATION.cff",
    )
    context = bench.context()
    start = starting_point.find(context)
    plan = attempt._decide(context, start, Version("0.2.4"), starting_point.base_of(context, start))
    commit = release_commit.make(context.knowing(plan=plan))
    converge([ReleaseBranch(context.git, plan, commit)], context.environment.patience)
    new = bench.project.show(commit, "CITATION.cff")
    assert new == b"\xef\xbb\xbf" + base.replace(b"0.2.3", b"0.2.4")
    changelog = bench.project.show(commit, "CHANGELOG.md")
    assert changelog.startswith(b"\xef\xbb\xbf# Changelog\r\n\r\n## [Unreleased]\r\n\r\n## [0.2.4]")
    assert changelog.count(b"\n") == changelog.count(b"\r\n")
    modes = git("ls-tree", commit, cwd=bench.project.bare).splitlines()
    assert {line[:6] for line in modes if "CITATION" in line or "run.sh" in line} == {"100755"}
    assert b'version = "0.2.4"\nsource' in bench.project.show(commit, "uv.lock")
    assert b'name = "sample_thing"  # with a comment' in bench.project.show(
        commit, "pyproject.toml"
    )


def test_a_tag_on_another_commit_is_a_conflict_and_stays(
    bench: Bench, context: Context, plan: Plan, commit: str
) -> None:
    bench.project.git("push", "-q", "origin", f"{plan.base}:refs/tags/v0.2.4")
    before = bench.world()
    with pytest.raises(ConflictError, match=r"git tag v0\.2\.4: names commit") as raised:
        converge([GitTag(context.git, Lock(plan, commit, (), ()))], context.environment.patience)
    assert plan.base[:12] in raised.value.cause
    assert commit[:12] in raised.value.cause
    assert bench.world() == before


def test_an_atomic_push_leaves_nothing_where_one_reference_is_refused(
    bench: Bench, context: Context, plan: Plan, commit: str
) -> None:
    assert plan
    bench.project.commit({"more.txt": "more\n"})
    before = bench.project.refs()
    with pytest.raises(ServiceError):
        context.git.push(f"{commit}:refs/tags/stray", f"{commit}:refs/heads/main")
    assert bench.project.refs() == before


def test_the_branch_is_forwarded_where_it_has_not_moved(
    bench: Bench, context: Context, plan: Plan, commit: str
) -> None:
    branch = branch_of(context, plan, commit)
    (outcome,) = converge([branch], context.environment.patience)
    assert outcome.written
    assert bench.project.sha("main") == commit
    (again,) = converge([branch], context.environment.patience)
    assert not again.written


def test_the_branch_that_moved_on_gets_a_merge(
    bench: Bench, context: Context, plan: Plan, commit: str
) -> None:
    head = bench.project.commit({"more.txt": "more\n"})
    converge([branch_of(context, plan, commit)], context.environment.patience)
    parents = git("show", "-s", "--format=%P", "main", cwd=bench.project.bare).split()
    assert parents == [head, commit]
    assert bench.project.show("main", "more.txt") == b"more\n"
    assert b"0.2.4" in bench.project.show("main", "pyproject.toml")


def test_an_entry_that_came_meanwhile_is_not_of_this_release(
    bench: Bench, context: Context, plan: Plan, commit: str
) -> None:
    before = bench.project.show("main", "CHANGELOG.md").decode()
    late = before.replace("\n- ", "\n- Too late for this one.\n- ", 1)
    assert late != before
    bench.project.commit({"CHANGELOG.md": late})
    converge([branch_of(context, plan, commit)], context.environment.patience)
    text = bench.project.show("main", "CHANGELOG.md").decode()
    released = bench.project.show(commit, "CHANGELOG.md").decode()
    assert "Too late" in text[: text.index("0.2.4")]
    assert text[text.index("0.2.4") :] == released[released.index("0.2.4") :]


def test_the_branch_that_moves_while_it_is_written_is_merged_all_the_same(
    bench: Bench, over_http: Context, plan: Plan, commit: str
) -> None:
    """Between the look and the push somebody else pushes."""
    original = over_http.git.push
    pushes = []

    def push(*refspecs: str, lease: str = "") -> None:
        if not pushes:
            bench.project.commit({"more.txt": "more\n"})
        pushes.append(refspecs)
        original(*refspecs, lease=lease)

    over_http.git.push = push  # type: ignore[method-assign]
    converge([branch_of(over_http, plan, commit)], over_http.environment.patience)
    assert len(pushes) == 2
    assert bench.project.show("main", "more.txt") == b"more\n"


def test_a_branch_that_does_not_merge_is_left_to_a_person(
    bench: Bench, context: Context, plan: Plan, commit: str
) -> None:
    bench.project.commit({"CITATION.cff": "version: 0.2.3 # changed here\n"})
    before = bench.project.refs()
    with pytest.raises(ServiceError, match="does not merge") as raised:
        converge([branch_of(context, plan, commit)], context.environment.patience)
    assert "by hand" in raised.value.remedy
    assert bench.project.refs() == before


def test_a_branch_that_is_gone_is_said(
    bench: Bench, context: Context, plan: Plan, commit: str
) -> None:
    git("update-ref", "-d", "refs/heads/main", cwd=bench.project.bare)
    with pytest.raises(ServiceError, match="is gone"):
        converge([branch_of(context, plan, commit)], context.environment.patience)


@pytest.fixture
def guarded(bench: Bench) -> Bench:
    """The same project on a service that takes changes of main by pull request only."""
    bench.github = bench.serve_github(protected_branches=("main",))
    return bench


def test_a_protected_branch_is_asked_by_pull_request_once(
    guarded: Bench,
) -> None:
    context = guarded.context(GITHUB_SERVER_URL=guarded.github.url)
    start = starting_point.find(context)
    plan = attempt._decide(context, start, Version("0.2.4"), starting_point.base_of(context, start))
    commit = release_commit.make(context.knowing(plan=plan))
    converge([ReleaseBranch(context.git, plan, commit)], context.environment.patience)
    head = guarded.project.sha("main")
    surfaces = [
        branch_of(context, plan, commit),
        ReleaseBranchGone(context.git, plan, commit),
    ]
    asked, kept = converge(surfaces, context.environment.patience)
    assert "protected: merge http" in asked.detail
    assert "kept" in kept.detail
    assert guarded.project.sha("main") == head
    assert guarded.project.refs()["refs/heads/release/v0.2.4"] == commit
    again = converge(surfaces, context.environment.patience)
    assert not any(outcome.written for outcome in again)
    assert sum(line.endswith("/pulls 201") for line in guarded.github.writes()) == 1


def test_an_earlier_trys_branch_is_replaced_and_removed_at_the_end(
    bench: Bench, context: Context, plan: Plan, commit: str
) -> None:
    bench.project.git("push", "-q", "origin", f"{plan.base}:refs/heads/release/v0.2.4")
    converge([ReleaseBranch(context.git, plan, commit)], context.environment.patience)
    assert bench.project.refs()["refs/heads/release/v0.2.4"] == commit
    gone = ReleaseBranchGone(context.git, plan, commit)
    assert isinstance(gone.observe(), Matches)
    converge([branch_of(context, plan, commit)], context.environment.patience)
    assert isinstance(gone.observe(), Missing)
    converge([gone], context.environment.patience)
    assert "refs/heads/release/v0.2.4" not in bench.project.refs()


def test_a_release_branch_with_another_commit_is_left(
    bench: Bench, context: Context, plan: Plan, commit: str
) -> None:
    converge([branch_of(context, plan, commit)], context.environment.patience)
    bench.project.git("push", "-q", "origin", f"{plan.base}:refs/heads/release/v0.2.4")
    before = bench.project.refs()
    (outcome,) = converge(
        [ReleaseBranchGone(context.git, plan, commit)], context.environment.patience
    )
    assert not outcome.written
    assert bench.project.refs() == before


def test_a_tagged_release_needs_no_release_branch(
    context: Context, plan: Plan, commit: str
) -> None:
    converge([GitTag(context.git, Lock(plan, commit, (), ()))], context.environment.patience)
    found = ReleaseBranch(context.git, plan, commit).observe()
    assert isinstance(found, Matches)
    assert "held by tag" in found.detail


def test_a_push_whose_answer_was_lost_is_a_success(
    bench: Bench, over_http: Context, plan: Plan, commit: str
) -> None:
    path = "git-receive-pack$"
    bench.github.fault(method="POST", path=path, occurrence=1, action="drop-after")
    (outcome,) = converge(
        [GitTag(over_http.git, Lock(plan, commit, (), ()))], over_http.environment.patience
    )
    assert outcome.written
    assert bench.project.sha("v0.2.4") == commit


@pytest.mark.parametrize(
    "fault", [{"action": "drop-before"}, {"action": "status", "code": 503}], ids=["drop", "503"]
)
def test_a_push_that_fails_in_passing_is_repeated(
    bench: Bench, over_http: Context, plan: Plan, commit: str, fault: dict[str, object]
) -> None:
    bench.github.fault(method="POST", path="git-receive-pack$", occurrence=1, **fault)
    (outcome,) = converge(
        [GitTag(over_http.git, Lock(plan, commit, (), ()))], over_http.environment.patience
    )
    assert outcome.written
    assert bench.project.sha("v0.2.4") == commit


def test_a_token_that_may_not_write_is_an_answer(bench: Bench) -> None:
    context = bench.context(GITHUB_TOKEN=READER, GITHUB_SERVER_URL=bench.github.url)
    before = bench.project.refs()
    with pytest.raises(ServiceError) as raised:
        context.git.push(f"{before['refs/heads/main']}:refs/heads/new")
    assert not isinstance(raised.value, TransientError)
    assert READER not in str(raised.value)
    assert bench.project.refs() == before


@pytest.mark.parametrize(
    ("token", "allowed"), [(WRITER, True), (READER, False), ("wrong", False), ("", False)]
)
def test_who_may_push_is_asked_without_pushing(bench: Bench, token: str, allowed: bool) -> None:
    context = bench.context(GITHUB_TOKEN=token, GITHUB_SERVER_URL=bench.github.url)
    before = bench.world()
    assert context.git.may_push() is allowed
    assert bench.world() == before


def test_the_token_is_in_no_argument_no_file_and_no_message(
    bench: Bench, over_http: Context, commit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the push waits for the service, look at every process of the machine."""
    seen: list[str] = []
    refusal = "rehearsal.github.git_http.pusher"
    from rehearsal.github import git_http  # noqa: PLC0415

    original = git_http.pusher

    def looking(*arguments: object) -> object:
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                seen.append(path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))
            except OSError:
                continue
        return original(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(refusal, looking)
    over_http.git.push(f"{commit}:refs/heads/new")
    assert any("push --quiet --atomic" in line for line in seen)
    assert not any(WRITER in line for line in seen)
    files = [path for path in bench.project.clone.rglob("*") if path.is_file()]
    assert not any(WRITER.encode() in path.read_bytes() for path in files)
    with pytest.raises(ServiceError) as raised:
        over_http.git.push(f"{commit}:refs/heads/new/impossible")
    assert WRITER not in str(raised.value)


def test_a_conflict_is_only_looked_at(bench: Bench, context: Context, plan: Plan) -> None:
    bench.project.git("push", "-q", "origin", f"{plan.base}:refs/tags/v0.2.4")
    assert isinstance(GitTag(context.git, Lock(plan, "f" * 40, (), ())).observe(), Conflict)


def test_a_remote_that_says_nothing_is_left_after_a_while(context: Context) -> None:
    environment = context.git._environment
    assert int(environment["GIT_HTTP_LOW_SPEED_TIME"]) <= 60
    assert isinstance(context.git, Git)


@pytest.mark.parametrize("forged", ["--upload-pack=touch {}; ", "--output={}", "-o{}"])
def test_what_git_is_given_is_never_an_option(
    bench: Bench, context: Context, plan: Plan, forged: str
) -> None:
    """git runs what `--upload-pack` says where the remote is a folder or an ssh address."""
    mark = bench.folder / "made"
    value = forged.format(mark)
    git = context.git
    for act in (
        lambda: git.fetch(value),
        lambda: git.show(value, "x"),
        lambda: git.is_ancestor(value, plan.base),
        lambda: git.tree_with({"x": "y"}, value),
        lambda: git.commit(value, [plan.base], "m", {}),
        lambda: git.push(value),
        lambda: git.tag_message(value),
    ):
        with suppress(ServiceError):
            act()
        assert not mark.exists()
    git.url = value
    for act in (git.refs, git.may_push, lambda: git.push(f"{plan.base}:refs/heads/x")):
        with pytest.raises(ServiceError):
            act()
        assert not mark.exists()


def test_a_push_that_needs_the_right_to_workflows_says_what_to_do(
    bench: Bench, plan: Plan, commit: str
) -> None:
    """A run's own token never has it: the branch's workflow files changed after the plan."""
    project = bench.project
    project.git("reset", "-q", "--hard", commit)
    project.git("switch", "-q", "--detach")
    (project.clone / ".github" / "workflows" / "ci.yml").write_text("on: push\n")
    project.git("add", "-A")
    project.git("commit", "-qm", "Workflows that the default branch has otherwise")
    other = project.git("rev-parse", "HEAD").strip()
    bot = {"bot": Token("github-actions[bot]", {"contents": "write"})}
    bench.github = bench.serve_github(tokens=bot)
    there = bench.context(GITHUB_SERVER_URL=bench.github.url, GITHUB_TOKEN="bot")
    with pytest.raises(ServiceError, match="without `workflows` permission") as raised:
        ReleaseBranch(there.git, plan, other).apply()
    assert "run the release again with the same version" in raised.value.remedy
    assert "workflow files" in raised.value.remedy
