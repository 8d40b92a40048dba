"""The changelog's draft and check, on real repositories with everything odd in them."""

import json

import pytest
from aiohttp import web

from scripts.core.errors import ProblemsError, ReleaseError, UsageError
from scripts.stages import changelog
from scripts.tools.error_output import annotation
from tests.conftest import READER, REPOSITORY, Bench
from tests.support.project import CHANGELOG, git
from tests.support.serving import serving

BRANCH = "refs/heads/changelog-draft"
ENTRY = CHANGELOG.replace("- A thing.\n", "- A thing.\n- One more.\n")


def raw(bench: Bench, message: bytes, author: bytes) -> None:
    """Commit bytes as they are: `git commit` would take them for Latin-1."""
    tree, head = (bench.project.git("rev-parse", one).encode() for one in ("HEAD^{tree}", "HEAD"))
    lines = [b"tree " + tree, b"parent " + head, b"author " + author + b" 0 +0000"]
    lines += [b"committer " + author + b" 0 +0000", b"", message]
    path = bench.folder / "commit"
    path.write_bytes(b"\n".join(lines))
    sha = bench.project.git("hash-object", "-t", "commit", "-w", str(path))
    bench.project.git("reset", "-q", "--hard", sha)


def say(bench: Bench, message: str, author: str = "Ann <ann@x>") -> str:
    """Commit without a file."""
    path = bench.folder / "message"
    path.write_text(message)
    bench.project.git(
        "commit", "-q", "--allow-empty", "--cleanup=verbatim", "-F", str(path), "--author", author
    )
    bench.project.git("push", "-q", "origin", "HEAD:main")
    return bench.project.git("rev-parse", "HEAD")


def read(bench: Bench) -> str:
    return (bench.project.clone / "CHANGELOG.md").read_bytes().decode()


def test_a_draft_is_printed_or_written_and_twice_is_as_once(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    sha = say(bench, "feat: one (#12)")
    say(bench, "fix: two\n\nCo-authored-by: Ben <b@x>")
    changelog.draft(bench.context(), None, changelog.PRINT)
    shown = capsys.readouterr().out
    assert shown.startswith("### Added\n\n- One ([#12](file://")
    assert read(bench) == CHANGELOG
    for _ in range(2):
        changelog.draft(bench.context(), None, changelog.WRITE)
    assert read(bench).count("One ([#12]") == read(bench).count("Ann and Ben") == 1
    assert read(bench).startswith(CHANGELOG.partition("- A thing.")[0] + "- A thing.\n- One (")
    changelog.draft(bench.context(), sha, changelog.PRINT)
    assert capsys.readouterr().out.count("Two") == 0


def test_the_api_names_the_pull_request_of_a_commit(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.project.git("switch", "-q", "-c", "topic")
    bench.project.commit({"thing": "x"}, branch="topic")
    bench.project.git("switch", "-q", "main")
    forge = bench.context().forge
    forge.open_pull_request("topic", "main", "Add it all", "")
    (pull,) = forge.repository.get_pulls()
    pull.merge(merge_method="rebase")
    bench.project.git("pull", "-q", "origin", "main")
    changelog.draft(bench.context(), None, changelog.PRINT)
    said = capsys.readouterr()
    assert said.out.startswith(f"### Added\n\n- Add it all ([#{pull.number}](file://")
    assert said.err == ""
    changelog.draft(bench.context(GITHUB_TOKEN=""), None, changelog.PRINT)
    assert capsys.readouterr().out.startswith("### Changed\n\n- Change ([")


def test_a_failing_api_fails_no_draft(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    say(bench, "feat: one (#12)")
    bench.github.fault(path="/api/v3/.*/pulls", action="status", code=503)
    changelog.draft(bench.context(), None, changelog.PRINT)
    said = capsys.readouterr()
    assert "- One ([#12](" in said.out
    assert (
        "cannot read the authors and labels of pull requests: GitHub's API answered 503" in said.err
    )


def test_updates_are_one_entry_and_only_the_new_ones_come_again(bench: Bench) -> None:
    bot = "dependabot[bot] <b@x>"
    say(bench, "Bump one from 1.0 to 1.1 (#1)", bot)
    say(bench, "Bump two from 2.0 to 2.1 (#2)", bot)
    for _ in range(2):
        changelog.draft(bench.context(), None, changelog.WRITE)
        assert read(bench).count("- Update dependencies: one to 1.1 and two to 2.1 ([#2](") == 1
    say(bench, "Bump one from 1.1 to 1.2 (#3)", bot)
    for _ in range(2):
        changelog.draft(bench.context(), None, changelog.WRITE)
        assert read(bench).count("- Update one to 1.2 ([#3](") == 1
        assert read(bench).count("- Update") == 2


def test_tags_of_another_style_are_where_a_draft_begins(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.project.git("tag", "-d", "v0.2.3")
    say(bench, "feat: sooner")
    bench.project.git("tag", "0.2.3")
    say(bench, "feat: later")
    changelog.draft(bench.context(), None, changelog.PRINT)
    said = capsys.readouterr()
    assert "Sooner" not in said.out
    assert "Later" in said.out
    assert said.err == ""


def test_what_git_can_hold_and_a_changelog_cannot(bench: Bench) -> None:
    raw(bench, b"fix: bad \xff\xfe bytes \x1b[31m @octocat \x1f", b"A\x1fn\x1b\xff <a@x>")
    say(bench, "feat: big\n\n" + "x" * 2**20)
    bench.project.git("config", "log.showSignature", "true")
    changelog.draft(bench.context(), None, changelog.WRITE)
    text = read(bench)
    assert "Bad \ufffd\ufffd bytes \\[31m `@octocat` (" in text
    assert not {"\x1b", "\x1f"} & set(text)
    assert len(text) < 2000


def test_without_a_tag_all_is_drafted_and_said(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.project.git("tag", "-d", "v0.2.3")
    changelog.draft(bench.context(), None, changelog.PRINT)
    said = capsys.readouterr()
    assert "Change ([" in said.out
    assert "no tag of a version" in said.err
    assert "--since COMMIT" in said.err


def test_a_tag_of_another_branch_is_named(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    bench.project.git("tag", "-d", "v0.2.3")
    bench.project.git("switch", "-q", "--orphan", "other")
    bench.project.git("commit", "-q", "--allow-empty", "-m", "x")
    bench.project.git("tag", "v9.0.0")
    bench.project.git("switch", "-q", "main")
    changelog.draft(bench.context(), None, changelog.PRINT)
    assert "v9.0.0 is on another branch" in capsys.readouterr().err


def test_the_configured_lists_count(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    say(bench, "feat: by a robot", "Robbie <r@x>")
    say(bench, "Nightly 1.2.3")
    say(bench, "feat: by a person")
    path = bench.project.clone / "pyproject.toml"
    more = 'skip-authors = ["robb*"]\nskip-subjects = ["nightly {version}"]\n'
    text = path.read_text("utf-8")
    path.write_text(f"{text}\n[tool.release.draft]\n{more}", "utf-8")
    changelog.draft(bench.context(), None, changelog.PRINT)
    shown = capsys.readouterr().out
    assert shown.count("- ") == 1
    assert "By a person" in shown
    path.write_text(text, "utf-8")
    changelog.draft(bench.context(), None, changelog.PRINT)
    assert capsys.readouterr().out.count("- ") == 3


def test_a_tag_cannot_hide_what_is_said(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    bench.project.git("tag", "-d", "v0.2.3")
    bench.project.git("switch", "-q", "--orphan", "other")
    bench.project.git("commit", "-q", "--allow-empty", "-m", "x")
    bench.project.git("tag", "x\u202e-9.0.0")
    bench.project.git("switch", "-q", "main")
    more = 'tag = "x\u202e-{version}"\n'
    path = bench.project.clone / "pyproject.toml"
    text = path.read_text("utf-8")
    path.write_text(text.replace("[tool.release]\n", f"[tool.release]\n{more}"), "utf-8")
    with pytest.raises(ProblemsError, match="tag is"):
        changelog.draft(bench.context(), None, changelog.PRINT)
    path.write_text(text, "utf-8")
    changelog.draft(bench.context(), None, changelog.PRINT)
    assert "\u202e" not in capsys.readouterr().err


def test_a_shallow_clone_is_refused(bench: Bench) -> None:
    say(bench, "feat: x")
    shallow = bench.folder / "shallow"
    git("clone", "-q", "--depth=1", f"file://{bench.project.bare}", str(shallow), cwd=bench.folder)
    with pytest.raises(UsageError, match="shallow") as raised:
        changelog.draft(bench.context(shallow), None, changelog.PRINT)
    assert "--unshallow" in raised.value.remedy


def test_a_commit_that_is_not_here(bench: Bench) -> None:
    for act in (
        lambda: changelog.draft(bench.context(), "--all", changelog.PRINT),
        lambda: changelog.check(bench.context(), "f" * 40),
    ):
        with pytest.raises(UsageError, match="is not in this clone"):
            act()


def test_the_draft_is_proposed_once(bench: Bench) -> None:
    say(bench, "feat: one")
    first = changelog.draft(bench.context(), None, changelog.PROPOSE)
    assert [outcome.written for outcome in first.outcomes] == [True, True]
    assert first.outcomes[1].title == "pull request of changelog-draft"
    world = bench.world()
    again = changelog.draft(bench.context(), None, changelog.PROPOSE)
    assert [outcome.written for outcome in again.outcomes] == [False, False]
    assert bench.world() == world
    text = git("show", f"{BRANCH}:CHANGELOG.md", cwd=bench.project.bare)
    assert "One ([" in text
    assert read(bench) == CHANGELOG


def test_what_a_person_edited_on_the_branch_stays(bench: Bench) -> None:
    say(bench, "feat: one")
    changelog.draft(bench.context(), None, changelog.PROPOSE)
    bench.project.git("fetch", "-q", "origin", "changelog-draft")
    bench.project.git("switch", "-q", "--detach", "FETCH_HEAD")
    mine = read(bench).replace("One (", "One, in my words (")
    bench.project.commit({"CHANGELOG.md": mine}, branch="changelog-draft")
    bench.project.git("switch", "-q", "main")
    say(bench, "fix: two")
    changelog.draft(bench.context(), None, changelog.PROPOSE)
    text = git("show", f"{BRANCH}:CHANGELOG.md", cwd=bench.project.bare)
    assert "One, in my words (" in text
    assert text.count("One") == text.count("Two (") == 1
    assert git("merge-base", "main", BRANCH, cwd=bench.project.bare) == bench.project.sha("main")


def test_nothing_to_add_writes_nothing_and_says_so(bench: Bench) -> None:
    before, page = bench.world(), bench.folder / "summary.md"
    context = bench.context(GITHUB_STEP_SUMMARY=str(page))
    assert changelog.draft(context, None, changelog.PROPOSE).outcomes == ()
    assert bench.world() == before
    assert page.read_text() == "CHANGELOG.md: nothing to add\n\n"


def test_who_may_not_write_is_told(bench: Bench) -> None:
    say(bench, "feat: one")
    with pytest.raises(ReleaseError) as raised:
        changelog.draft(
            bench.context(GITHUB_TOKEN=READER, GITHUB_SERVER_URL=bench.github.url),
            None,
            changelog.PROPOSE,
        )
    assert raised.value.remedy


# The check.


def problem(bench: Bench, base: str | None = None, **environ: str) -> ReleaseError | None:
    try:
        changelog.check(bench.context(**environ), base)
    except ReleaseError as error:
        return error
    return None


def test_a_shipped_change_needs_an_entry(bench: Bench) -> None:
    base = bench.project.sha("main")
    bench.project.commit({"docs.md": "x"})
    assert problem(bench, base) is None
    bench.project.commit({"sample_thing/more.py": "x = 1\n"})
    error = problem(bench, base)
    assert error
    assert "sample_thing/more.py changed" in error.cause
    assert annotation(error).startswith(
        "::error title=ProblemsError,file=CHANGELOG.md,line=3,col=1"
    )
    bench.project.commit({"CHANGELOG.md": CHANGELOG.replace("- Another", "- Late.\n- Another")})
    late = problem(bench, base)
    assert late
    assert "under 0.2.3" in late.cause
    bench.project.commit({"CHANGELOG.md": ENTRY})
    assert problem(bench, base) is None


def test_an_entry_that_only_goes_is_none(bench: Bench) -> None:
    base = bench.project.sha("main")
    gone = CHANGELOG.replace("### Added\n\n- A thing.\n\n", "")
    bench.project.commit({"sample_thing/more.py": "", "CHANGELOG.md": gone})
    assert problem(bench, base)


def test_a_release_needs_no_entry(bench: Bench) -> None:
    base = bench.project.sha("main")
    cut = CHANGELOG.replace("## [Unreleased]\n", "## [Unreleased]\n\n## [0.2.4] - 2026-01-01\n")
    bench.project.commit(
        {
            "pyproject.toml": "[x]\n" + bench.project.git("show", "HEAD:pyproject.toml"),
            "CHANGELOG.md": cut,
        }
    )
    assert problem(bench, base) is None


@pytest.mark.parametrize("trailer", ["Changelog: none", "changelog: skip"])
def test_a_trailer_excuses(bench: Bench, trailer: str, capsys: pytest.CaptureFixture[str]) -> None:
    base = bench.project.sha("main")
    bench.project.commit({"sample_thing/more.py": ""})
    assert problem(bench, base)
    say(bench, f"fix: x\n\n{trailer}\n")
    assert problem(bench, base) is None
    assert f"says `{trailer}`" in capsys.readouterr().out


def test_a_label_excuses(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    base = bench.project.sha("main")
    bench.project.commit({"sample_thing/more.py": ""})
    event = bench.folder / "event.json"
    event.write_text(json.dumps({"pull_request": {"labels": [{"name": "no-changelog"}]}}))
    assert problem(bench, base, GITHUB_EVENT_PATH=str(event)) is None
    assert "label no-changelog" in capsys.readouterr().out


def test_a_pull_request_is_compared_with_what_it_is_to_be_merged_into(bench: Bench) -> None:
    """The job of a pull request names no base."""
    event = bench.folder / "event.json"
    event.write_text(json.dumps({"pull_request": {"base": {"sha": bench.project.sha("main")}}}))
    bench.project.commit({"sample_thing/more.py": ""})
    assert problem(bench) is None
    assert problem(bench, GITHUB_EVENT_PATH=str(event))


def test_a_pull_request_is_compared_with_the_commit_that_its_merge_was_made_on(
    bench: Bench,
) -> None:
    """The payload's `base.sha` may be older, and others' entries would count as its own."""
    project = bench.project
    stale = project.sha("main")
    project.git("switch", "-qc", "mine")
    (project.clone / "sample_thing" / "more.py").write_text("")
    project.git("add", "-A")
    project.git("commit", "-qm", "Without an entry")
    project.git("switch", "-q", "main")
    text = CHANGELOG.replace(
        "## [Unreleased]", "## [Unreleased]\n\n### Added\n\n- Others' work.", 1
    )
    project.commit({"CHANGELOG.md": text})
    project.git("switch", "-q", "--detach", "main")
    project.git("merge", "-q", "--no-edit", "mine")
    event = bench.folder / "event.json"
    event.write_text(json.dumps({"pull_request": {"base": {"sha": stale}}}))
    merge = project.git("rev-parse", "HEAD").strip()
    found = problem(bench, GITHUB_EVENT_PATH=str(event), GITHUB_SHA=merge)
    assert "Unreleased has no new entry" in str(found)


def test_labels_are_those_that_the_pull_request_has_now(bench: Bench) -> None:
    """Started again, a check gets the payload of its first start."""
    base = bench.project.sha("main")
    bench.project.commit({"sample_thing/more.py": ""})
    event = bench.folder / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 7, "labels": []}}))
    there = {"GITHUB_EVENT_PATH": str(event), "GITHUB_API_URL": labels_of(bench, "no-changelog")}
    assert problem(bench, base, **there) is None
    there["GITHUB_API_URL"] = labels_of(bench, "bug")
    assert problem(bench, base, **there)


def labels_of(bench: Bench, label: str) -> str:
    """Serve one pull request's labels, which the rehearsal's service has not."""
    app = web.Application()

    async def labels(_: web.Request) -> web.Response:
        return web.json_response([{"name": label}])

    app.router.add_get(f"/repos/{REPOSITORY}/issues/7/labels", labels)
    served = serving(f"labels-{label}", bench.folder / label, lambda _: app)
    return bench.stack.enter_context(served).url


def test_every_problem_at_once_each_with_its_place(bench: Bench) -> None:
    broken = CHANGELOG.replace("## [0.2.3]", "## Added\n\n## [0.2.3]", 1) + "\n## [0.2.3]\n"
    (bench.project.clone / "CHANGELOG.md").write_text(broken)
    error = problem(bench)
    assert isinstance(error, ProblemsError)
    assert [str(e.place) for e in error.errors] == [f"CHANGELOG.md:{line}:1" for line in (9, 17)]
    assert all(e.remedy for e in error.errors)


def test_what_is_odd_in_history_is_told_once_and_stops_nothing(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = "\n## 0.2.2\n\n## Added\n\n## Fixed\n\n## 2025.1.x\n\n## 0.2.2\n"
    (bench.project.clone / "CHANGELOG.md").write_text(CHANGELOG + odd)
    assert problem(bench, GITHUB_ACTIONS="true") is None
    said = capsys.readouterr()
    assert said.err.count("warning: ") == said.out.count("::warning ") == 2
    assert "file=CHANGELOG.md,line=17,col=1" in said.out
    assert "the same kind in line 19" in said.err
    assert "::error" not in said.out


def test_a_file_of_other_markup_is_refused(bench: Bench) -> None:
    table = (bench.project.clone / "pyproject.toml").read_text()
    rst = table.replace("[tool.release]\n", '[tool.release]\nchangelog = "CHANGES.rst"\n', 1)
    assert rst != table
    bench.project.commit({"pyproject.toml": rst, "CHANGES.rst": "1.0\n~~~\n\n* x\n"})
    error = problem(bench)
    assert error
    assert "CHANGES.rst is reStructuredText" in error.cause
    assert "CHANGES.md" in error.remedy
    with pytest.raises(UsageError, match="reStructuredText"):
        changelog.draft(bench.context(), None, changelog.WRITE)


def test_what_the_second_reader_cannot_read_is_said(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    assert problem(bench) is None
    assert "keepachangelog" not in capsys.readouterr().out
    text = CHANGELOG.replace("## [0.2.3]", "## Version 0.2.3")
    (bench.project.clone / "CHANGELOG.md").write_text(text)
    assert problem(bench) is None
    assert "keepachangelog cannot read 1 of 1 versions, the first in line 9" in (
        capsys.readouterr().out
    )


def test_bytes_that_are_no_text_have_a_place(bench: Bench) -> None:
    (bench.project.clone / "CHANGELOG.md").write_bytes("# é\nab\xff".encode("latin-1"))
    error = problem(bench)
    assert error
    assert str(error.place) == "CHANGELOG.md:1:3"
    (bench.project.clone / "CHANGELOG.md").unlink()
    gone = problem(bench)
    assert gone
    assert "does not exist" in gone.cause


def test_file_names_that_are_no_text(bench: Bench) -> None:
    base = bench.project.sha("main")
    bench.project.commit({"sample_thing/b\udcff\x1b.py": ""})
    error = problem(bench, base)
    assert error
    assert "sample_thing/b\ufffd\ufffd.py changed" in error.cause
