"""Commits as entries: what is said of them, and what nobody can smuggle in."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from scripts.core.commits import Change, Commit, changes
from scripts.core.entries import Entry, Pull, Sources, entries, entry
from scripts.core.noise import is_left_out
from scripts.core.plain import LONGEST, plain, sentence

PAGE = "https://github.com/o/n"
SHA = "0123456789" * 4


def commit(message: str, author: str = "Ann", sha: str = SHA, *parents: str) -> Commit:
    return Commit(sha, parents, author, message)


def made(message: str, author: str = "Ann") -> Entry | None:
    one = commit(message, author)
    return entry(changes([one])[0], Sources(PAGE))


def text(message: str, author: str = "Ann") -> str:
    found = made(message, author)
    assert found
    return found.text


LINK = f"[0123456789]({PAGE}/commit/{SHA})"


@pytest.mark.parametrize(
    ("message", "group", "expected"),
    [
        ("feat: add a thing", "Added", f"Add a thing ({LINK}, Ann)"),
        ("fix(api): mend it", "Fixed", f"**api:** Mend it ({LINK}, Ann)"),
        ("perf!: be quick", "Changed", f"**Breaking:** Be quick ({LINK}, Ann)"),
        ("Say what is meant", "Changed", f"Say what is meant ({LINK}, Ann)"),
        ("odd: one out", "Changed", f"Odd: one out ({LINK}, Ann)"),
        ("fix: it (#12)", "Fixed", f"It ([#12]({PAGE}/pull/12), Ann)"),
        (
            "chore: x\n\nBREAKING CHANGE: use `/v2`",
            "Changed",
            f"**Breaking:** X: use `/v2` ({LINK}, Ann)",
        ),
        (
            "Merge pull request #7 from o/b\n\nfeat: a title",
            "Added",
            f"A title ([#7]({PAGE}/pull/7), Ann)",
        ),
        ("fix: a\n\nCo-authored-by: Ben <b@x>", "Fixed", f"A ({LINK}, Ann and Ben)"),
    ],
)
def test_what_an_entry_says(message: str, group: str, expected: str) -> None:
    found = made(message)
    assert found
    assert (found.group, found.text) == (group, expected)


@pytest.mark.parametrize("message", ["ci: x", "docs(api): y", "\x07\x1b", "", "chore: z"])
def test_what_users_cannot_see_has_no_entry(message: str) -> None:
    assert made(message) is None


@pytest.mark.parametrize(
    "mean",
    [
        "thank @octocat",
        "x/@octo/team",
        "é@octocat",
        "&#64;octocat",
        "[@octocat](https://x)",
        "`@octocat",
        "_@octocat_",
        "<b>@octocat</b>",
        "`a`@octocat",
    ],
)
def test_nobody_is_mentioned(mean: str) -> None:
    for line in (text(mean), text("fix: x", mean)):
        tokens = MarkdownIt().parseInline(line)[0].children or []
        shown = "".join(t.content for t in tokens if t.type != "code_inline")
        assert not re.search(r"@octo", shown), line


@pytest.mark.parametrize(
    ("words", "written"),
    [
        ("ab cd", "Ab cd"),
        ("iPhone", "iPhone"),
        ("fixX it", "fixX it"),
        ("read_file", "read\\_file"),
        ("+ x", "\\+ x"),
        ("# x", "\\# x"),
        ("12. x", "12\\. x"),
        ("12 x", "12 x"),
    ],
)
def test_a_sentence_begins_with_a_capital_and_starts_no_block(words: str, written: str) -> None:
    assert sentence(words) == written


def test_addresses_and_code_stay_what_they_are() -> None:
    assert plain("see https://x.org/a_b?c=*1*. and `a_b`") == (
        "see <https://x.org/a_b?c=*1>\\*. and `a_b`"
    )


def test_a_mention_becomes_code() -> None:
    assert plain("thank @octocat") == "thank `@octocat`"


def test_only_a_text_that_is_too_long_is_cut() -> None:
    text = "_" + "a" * (LONGEST - 1)
    assert plain(text) == f"\\{text}"
    assert plain(f"{text}a") == f"\\{text} …"


signs = st.text(st.sampled_from("`*_[]()<>!#&@~$|\\-+=1.:/ ahtps\n\t\x00\x1b\u202e\udcff\u00e9"))


@given(st.one_of(st.text(), signs), st.sampled_from(["", "Bump ", "Bump a from 1 to 2", "x: "]))
def test_a_subject_is_one_item_of_plain_words(subject: str, before: str) -> None:
    one = commit(before + subject)
    for found in entries(changes([one]), Sources(PAGE)):
        is_one_item(found)


def is_one_item(found: Entry) -> None:
    found.text.encode()  # nothing that was no UTF-8 is left
    kinds = [t.type for t in MarkdownIt().parse(f"- {found.text}\n")]
    assert kinds == [
        "bullet_list_open",
        "list_item_open",
        "paragraph_open",
        "inline",
        "paragraph_close",
        "list_item_close",
        "bullet_list_close",
    ]
    inner = MarkdownIt().parseInline(found.text)[0].children or []
    links = [str(t.attrGet("href")) for t in inner if t.type == "link_open" and t.markup == ""]
    assert len(links) == 1
    assert {"html_inline", "image", "em_open", "hardbreak"}.isdisjoint(t.type for t in inner)


@given(st.text())
def test_what_is_plain_shows_all_visible_signs(words: str) -> None:
    words = " ".join(c for c in words if c.isalnum())[:100]
    tokens = MarkdownIt().parseInline(plain(words))[0].children or []
    assert "".join(t.content for t in tokens) == words.strip()


@pytest.mark.parametrize(
    "body", ["x" * 10**6, " " * 10**6, "BREAKING CHANGE: " * 60_000, "a\n" * 500_000]
)
def test_a_body_of_a_megabyte_takes_no_time(body: str) -> None:
    began = time.process_time()
    for message in (
        f"fix: a\n\n{body}",
        f"fix: {body}",
        f"Merge pull request #1 from {body}",
        body,
    ):
        found = made(message)
        assert found is None or len(found.text) < 1000
    assert time.process_time() - began < 5


def test_a_pull_request_is_one_change_by_those_who_wrote_it() -> None:
    history = [
        commit("Merge pull request #3 from o/b\n\nA title", "Merger", "m", "a", "c"),
        commit("wip 2", "Ben", "c", "b"),
        commit("wip 1", "Ann", "b", "a"),
        commit("fix: before", "Cyd", "a"),
    ]
    assert [(c.commit.sha, c.authors) for c in changes(history)] == [
        ("m", ("Ann", "Ben")),
        ("a", ("Cyd",)),
    ]
    found = [one.text for one in entries(changes(history), Sources(PAGE))]
    assert [line.partition(" (")[0] for line in found] == ["Before", "A title"]


def test_what_a_plain_merge_brought_counts_commit_by_commit() -> None:
    history = [
        commit("Merge branch 'main' of host", "Ann", "m", "a", "c"),
        commit("fix: theirs", "Ben", "c", "b"),
        commit("fix: ours", "Ann", "a", "b"),
        commit("feat: root", "Ann", "b"),
    ]
    assert [c.commit.sha for c in changes(history)] == ["c", "a", "b"]


def groups_of(*messages: str) -> list[tuple[str, str]]:
    """Give group and words of each entry, from the oldest commit to the newest."""
    history = [commit(one, "Ann", f"{at:07x}{0:033x}") for at, one in enumerate(messages)]
    found = entries(changes(history[::-1]), Sources(PAGE))
    return [(one.group, one.text.partition(" ([")[0]) for one in found]


@pytest.mark.parametrize(
    ("message", "group"),
    [
        ("Fix a crash", "Fixed"),
        ("fixes the crash", "Fixed"),
        ("zsh: fix completion", "Fixed"),
        (":bug: Fix a crash", "Fixed"),
        ("Add a thing", "Added"),
        ("Support Python 3.14", "Added"),
        ("Drop Python 3.8", "Removed"),
        ("Removed a thing", "Removed"),
        ("Deprecate a thing", "Deprecated"),
        ("Validate hosts (CVE-2026-12345)", "Security"),
        ("Fixture paths may be links", "Changed"),
        ("Additional paths", "Changed"),
        ("Dropdown opens upwards", "Changed"),
        ("perf: add a cache", "Changed"),
        ("[feat] a thing", "Added"),
    ],
)
def test_the_first_word_chooses_the_group_where_no_convention_does(
    message: str, group: str
) -> None:
    found = made(message)
    assert found
    assert found.group == group


@pytest.mark.parametrize(
    "message",
    [
        "Version 0.28.1 (#3445)",
        "release version 3.1.3",
        "Prepare release 26.3.1 (#12)",
        "Prepare for the 25.11.0 release",
        "Bump to 14.0.0",
        "v1.2.3",
        "start version 3.1.3",
        "fixup! fix: a thing",
        "Wip",
        ".",
        "typo",
        "Fix typo in the guide",
        "fix: typo in comment",
        "Update README.md",
        "Add changelog entry",
        "Fix tests on pytest 9",
        "update dev dependencies",
        "Docs: say how",
        "docs/ssl: say how",
        "[docs] Say how",
        "fix(ci): pin it",
        'Revert "Bump hatch from 1.15.1 to 1.16.4" (#9)',
        "Merge branch 'main' into topic (#9)",
    ],
)
def test_what_says_nothing_to_users_has_no_entry(message: str) -> None:
    assert made(message) is None


@pytest.mark.parametrize(
    "message",
    [
        "Fix docstring indentation with leading tabs",
        "Fix test client cookies",
        "Version negotiation is faster",
        "Release the lock before hashing",
        "Prepare statements once",
        "Add docs UI",
        "Suggest a command on typos",
        "Fix #12",
        "Wipe the cache",
        "Bump the height of buttons",
        "feat: tests can be skipped",
        "docs!: leave",
    ],
)
def test_what_only_looks_like_it_has_one(message: str) -> None:
    assert made(message)


def test_a_name_is_not_written_with_a_capital() -> None:
    assert [made(one).text.partition(" ([")[0] for one in ("read_file: x", "iPhone", "a.b c")] == [  # type: ignore[union-attr]
        "read\\_file: x",
        "iPhone",
        "a.b c",
    ]


@pytest.mark.parametrize(
    ("message", "title", "number"),
    [
        ("Merge pull request #3 from o/b\n\nA title", "A title", "3"),
        ("A title (#3)\n\nwhy", "A title", "3"),
        ("A title (GH-3)", "A title", "3"),
        ("Merge commit from fork\n\nA title", "A title", None),
        ("Merge pull request #3 from o/b", "wip 1", "3"),
        ("A title (#2) (#3)", "A title (#2)", "3"),
    ],
)
def test_every_kind_of_merge_is_one_change(message: str, title: str, number: str | None) -> None:
    history = [
        commit(message, "Merger", "m", "a", "c"),
        commit("wip 1", "Ann", "c", "a"),
        commit("fix: before", "Cyd", "a"),
    ]
    found = changes(history)
    assert [(c.title, c.number, c.authors) for c in found] == [
        (title, number, ("Ann",)),
        ("fix: before", None, ("Cyd",)),
    ]


@pytest.mark.parametrize("branch", ["Merge branch 'x' (#3)", "Merge branches 'x' and 'y'", "join"])
def test_what_another_octopus_brought_counts_commit_by_commit(branch: str) -> None:
    history = [
        commit(branch, "Merger", "m", "a", "c", "d"),
        commit("one", "Ann", "c", "a"),
        commit("two", "Ben", "d", "a"),
        commit("root", "Cyd", "a"),
    ]
    assert [c.commit.sha for c in changes(history)] == ["c", "d", "a"]


def test_a_pull_request_on_top_of_another_names_only_its_own() -> None:
    history = [
        commit("Merge pull request #2 from o/d\n\nSecond", "Merger", "n", "m", "d"),
        commit("Merge pull request #1 from o/c\n\nFirst", "Merger", "m", "a", "c"),
        commit("more", "Ben", "d", "c"),
        commit("wip", "Ann", "c", "a"),
        commit("root", "Cyd", "a"),
    ]
    assert [(c.title, c.authors) for c in changes(history)] == [
        ("Second", ("Ben",)),
        ("First", ("Ann",)),
        ("root", ("Cyd",)),
    ]


def test_the_authors_of_a_squash_keep_their_order_beside_a_merge() -> None:
    squash = "A title (#3)\n\nCo-authored-by: Ann <ann@x>"
    history = [
        commit("Merge branch 'main' of host", "Cyd", "m", "b", "c"),
        commit(squash, "Zoe", "b", "a"),
        commit("feat: theirs", "Cyd", "c", "a"),
        commit("root", "Cyd", "a"),
    ]
    assert {c.title: c.authors for c in changes(history)}["A title"] == ("Zoe", "Ann")


def test_who_only_merges_inside_a_pull_request_did_not_write_it() -> None:
    history = [
        commit("Merge pull request #3 from o/b\n\nA title", "Merger", "m", "a", "d"),
        commit("Merge branch 'main' into b", "Updater", "d", "c", "a"),
        commit("fix: before", "Cyd", "a", "r"),
        commit("wip", "Ann", "c", "r"),
        commit("root", "Cyd", "r"),
    ]
    assert {c.title: c.authors for c in changes(history)}["A title"] == ("Ann",)


def test_an_octopus_of_a_pull_request_names_all_who_wrote_it() -> None:
    history = [
        commit("A title (#3)", "Merger", "m", "a", "c", "d"),
        commit("one", "Ann", "c", "a"),
        commit("two", "Ben", "d", "a"),
        commit("root", "Cyd", "a"),
    ]
    assert [c.authors for c in changes(history)] == [("Ann", "Ben"), ("Cyd",)]


def reverting(title: str, sha: int) -> str:
    return f'Revert "{title}"\n\nThis reverts commit {sha:07x}{0:033x}.\n'


@pytest.mark.parametrize(
    ("messages", "left"),
    [
        (["feat: a", reverting("feat: a", 0)], []),
        (["feat: a", reverting("feat: a", 0), reverting("x", 1)], ["A"]),
        (["feat: a", reverting("feat: a", 0), reverting("x", 1), reverting("y", 2)], []),
        (["feat: a (#1)", 'Revert "feat: a" (#2)\n\nReverts o/n#1'], []),
        (["feat: a (#1)", 'Revert "feat: a (#1)" (#2)'], []),
        (["A title", 'Revert "A title"'], []),
        (["A title", "A title", 'Revert "A title"'], ["A title"]),
        (["feat: a", reverting("b", 77)], ["A", 'Revert "b"']),
        (["feat: a", f"fix: b\n\nThis reverts commit {0:040x} in part."], ["A", "B"]),
        (["A title", 'Revert "A title"', 'Revert "A title"'], ['Revert "A title"']),
    ],
)
def test_a_revert_cancels_what_it_reverts(messages: list[str], left: list[str]) -> None:
    assert [words for _, words in groups_of(*messages)] == left


def test_reverts_without_end_take_no_time() -> None:
    began = time.process_time()
    groups_of(*(['Revert "x"', "x", reverting("x", 10**9)] * 10_000))
    assert time.process_time() - began < 5


def test_updates_of_dependencies_are_one_entry_without_programs() -> None:
    messages = [
        "Bump one from 1.0 to 1.1 (#1)",
        "feat: a",
        "chore(deps): update dependency two to v3.1 (#2)",
        "build(deps): bump one from 1.1 to 1.2 (#3)",
        "Bump the python group across 1 directory with 10 updates (#4)",
    ]
    history = [
        commit(one, "dependabot[bot]", f"{at:07x}{0:033x}") for at, one in enumerate(messages)
    ]
    history[1] = commit(messages[1], "Ann", history[1].sha)
    feature, update = entries(changes(history[::-1]), Sources(PAGE))
    assert feature.text.startswith("A (")
    assert update.text == (
        f"Update dependencies: one to 1.2, two to v3.1 and python group ([#4]({PAGE}/pull/4))"
    )
    many = [f"Bump a{at:03} from 1.0 to 2.0 (#{at + 1})" for at in range(200)]
    ((_, words),) = groups_of(*many)
    assert len(words) < 260
    assert re.search(r" and 1\d\d more$", words)


def test_a_name_too_long_for_a_list_is_shown_if_it_is_the_only_one() -> None:
    name = "a" * LONGEST
    (found,) = entries(changes([commit(f"Bump {name} from 1 to 2")]), Sources(PAGE))
    assert found.text.startswith(f"Update {name[:100]}")


@pytest.mark.parametrize(
    ("title", "is_bump"),
    [
        ("Bump parser to 2.0", True),
        ("Update parser from 1.0 to 2.0", True),
        ("Update parser to 2.0", False),
        ("Update the parser", False),
        ("fix(deps): update the parser", True),
    ],
)
def test_a_person_s_update_is_a_dependency_s_if_it_says_so(title: str, *, is_bump: bool) -> None:
    (found,) = entries(changes([commit(title)]), Sources(PAGE))
    assert bool(found.bumps) == is_bump


@pytest.mark.parametrize(
    "name",
    [
        "dependabot[bot]",
        "any-app[bot]",
        "Renovate Bot",
        "pre-commit-ci",
        "GitHub Actions",
        "copilot-swe-agent",
    ],
)
def test_no_program_is_credited(name: str) -> None:
    assert made("Improve speed", name) is None
    shown = text(f"Improve speed\n\nCo-authored-by: {name} <x@y>")
    assert shown.endswith(", Ann)")
    shown = text("Improve speed\n\nCo-authored-by: Some Model 4 <noreply@example.org>")
    assert shown.endswith(", Ann)")


def test_a_person_with_two_names_is_named_once() -> None:
    message = "fix: x\n\nCo-authored-by: ann42 <ANN@x>\nCo-authored-by: Ben <ben@x>"
    one = Commit(SHA, (), "Ann", message, "ann@x")
    assert changes([one])[0].authors == ("Ann", "Ben")


def pull(**more: object) -> Pull:
    whole = {"number": "7", "title": "A title", "login": "annb", "bot": False}
    return Pull(**{**whole, "labels": (), **more})  # type: ignore[arg-type]


def asked(message: str, found: Pull, author: str = "ann") -> Entry | None:
    one = changes([commit(message, author)])[0]
    return entry(one, Sources(PAGE, pulls={"#7": found, SHA: found}))


@pytest.mark.parametrize(
    ("message", "labels", "group"),
    [
        ("Add a thing (#7)", ("type: bug",), "Fixed"),
        ("Fix a thing (#7)", ("enhancement ✨",), "Added"),
        ("fix: a thing (#7)", ("enhancement",), "Fixed"),
        ("Fix a thing (#7)", ("good first issue",), "Fixed"),
        ("Tests (#7)", ("bug",), "Fixed"),
        ("Change a thing (#7)", ("documentation",), None),
        ("feat: a thing (#7)", ("skip-changelog",), None),
        ("feat: a thing (#7)", ("skip news",), None),
    ],
)
def test_labels_come_before_words_and_after_conventions(
    message: str, labels: tuple[str, ...], group: str | None
) -> None:
    found = asked(message, pull(labels=labels))
    assert (found.group if found else None) == group


def test_a_breaking_label_is_a_mark() -> None:
    found = asked("Change a thing (#7)", pull(labels=("breaking-change",)))
    assert found
    assert found.text.startswith("**Breaking:** Change")


def test_the_api_says_who_and_which_pull_request() -> None:
    found = asked("wip", pull())
    assert found
    assert found.text == f"A title ([#7]({PAGE}/pull/7), [ann](https://github.com/annb))"
    assert asked("wip", pull(bot=True), "y[bot]") is None
    only = asked("fix: x (#7)", pull(), "y[bot]")
    assert only
    assert only.text.endswith(", [annb](https://github.com/annb))")
    both = asked("fix: x (#7)\n\nCo-authored-by: AnnB <b@x>", pull(), "Ben")
    assert both
    assert both.text.endswith("[AnnB](https://github.com/annb) and Ben)")


@pytest.mark.parametrize(
    ("authors", "named"),
    [
        ((), "[annb](https://github.com/annb)"),
        (("Ann",), "[Ann](https://github.com/annb)"),
        (("Ann", "Ben"), "Ann and Ben"),
        (("AnnB", "Ben"), "[AnnB](https://github.com/annb) and Ben"),
    ],
)
def test_whoever_opened_a_merged_request_is_linked_if_git_tells_which_author_it_is(
    authors: tuple[str, ...], named: str
) -> None:
    merge = commit("Merge pull request #7 from o/b\n\nA title", "Merger", "m", "a", "c")
    found = entry(Change(merge, authors, "A title", "7"), Sources(PAGE, pulls={"#7": pull()}))
    assert found
    assert found.text == f"A title ([#7]({PAGE}/pull/7), {named})"


def test_the_first_author_of_a_squash_opened_its_request() -> None:
    found = asked("A title (#7)\n\nCo-authored-by: Ben <b@x>", pull(), "Zoe")
    assert found
    assert found.text.endswith(", [Zoe](https://github.com/annb) and Ben)")


def test_lists_of_the_configuration_take_the_place_of_the_usual_ones() -> None:
    one = changes([commit("Wip", "dependabot[bot]")])[0]
    found = entry(one, Sources(PAGE, bots=("other*",), subjects=("x {version}",)))
    assert found is None  # a word that says nothing is none of the list
    named = changes([commit("Begin 1.2", "dependabot[bot]")])[0]
    found = entry(named, Sources(PAGE, bots=("other*",), subjects=("x {version}",)))
    assert found
    assert found.text.endswith("dependabot\\[bot\\])")
    assert not is_left_out("a.b", ("a*c", "axb"))
    assert is_left_out("x v1.2.3rc1", ("x {version}",))


@pytest.mark.parametrize("title", ["x " * 10**5, "add " * 10**5, "prepare " * 10**5, "- " * 10**5])
def test_a_long_title_takes_no_time(title: str) -> None:
    began = time.process_time()
    made(title)
    made(f"{title} (#1)")
    made(f'Revert "{title}"')
    assert time.process_time() - began < 1
