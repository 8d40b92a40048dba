"""Commits as entries: what is said of them, and what nobody can smuggle in."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from scripts.core.commits import Commit, Entry, changes, entries, entry, plain

PAGE = "https://github.com/o/n"
SHA = "0123456789" * 4


def commit(message: str, author: str = "Ann", sha: str = SHA, *parents: str) -> Commit:
    return Commit(sha, parents, author, message)


def made(message: str, author: str = "Ann") -> Entry | None:
    one = commit(message, author)
    return entry(changes([one])[0], PAGE)


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


def test_addresses_and_code_stay_what_they_are() -> None:
    assert plain("see https://x.org/a_b?c=*1*. and `a_b`") == (
        "see <https://x.org/a_b?c=*1>\\*. and `a_b`"
    )


signs = st.text(st.sampled_from("`*_[]()<>!#&@~$|\\-+=1.:/ ahtps\n\t\x00\x1b\u202e\udcff\u00e9"))


@given(st.one_of(st.text(), signs))
def test_a_subject_is_one_item_of_plain_words(subject: str) -> None:
    found = made(subject)
    if not found:
        return
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
    began = time.perf_counter()
    for message in (
        f"fix: a\n\n{body}",
        f"fix: {body}",
        f"Merge pull request #1 from {body}",
        body,
    ):
        found = made(message)
        assert found is None or len(found.text) < 1000
    assert time.perf_counter() - began < 5


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
    found = [one.text for one in entries(history, PAGE)]
    assert [line.partition(" (")[0] for line in found] == ["Before", "A title"]


def test_what_a_plain_merge_brought_counts_commit_by_commit() -> None:
    history = [
        commit("Merge branch 'main' of host", "Ann", "m", "a", "c"),
        commit("fix: theirs", "Ben", "c", "b"),
        commit("fix: ours", "Ann", "a", "b"),
        commit("feat: root", "Ann", "b"),
    ]
    assert [c.commit.sha for c in changes(history)] == ["c", "a", "b"]
