"""Drafting: only what is inserted differs, twice is as once, and it can be cut."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from packaging.version import Version

from scripts.core import changelog
from scripts.core.changelog import draft, parse, preview
from scripts.core.entries import Bump, Entry, summed
from scripts.core.errors import UsageError
from tests.core.changelogs import real

NEW = [
    Entry("Added", "New ([#991](x/pull/991), A)", "a1" * 20, "991"),
    Entry("Fixed", "Mended ([b2b2b2b2b2](x), B)", "b2" * 20, None),
    Entry("Odd", "Odd ([#993](x/pull/993), C)", "c3" * 20, "993"),
]
LOG = "# Log\n\n## [Unreleased]\n\n### Fixed\n\n* One.\n\n## [0.2.3] - 2025-01-01\n\n- x\n"


def is_insertion(before: str, after: str) -> bool:
    """Whether every character of the first stands in the second, in order."""
    rest = iter(after)
    return all(sign in rest for sign in before)


def cuttable(text: str) -> bool:
    try:
        changelog.cut(text, Version("999.9"), "2026-01-01", tag="v999.9.0", previous_tag=None)
    except UsageError:
        return False
    return True


def check(text: str) -> str:
    after = draft(text, NEW)
    assert is_insertion(text, after)
    assert draft(after, NEW) == after
    for one in NEW:
        assert after.count(one.text) == 1
    return after


def test_groups_are_filled_and_made() -> None:
    assert draft(LOG, NEW) == (
        "# Log\n\n## [Unreleased]\n\n### Fixed\n\n* One.\n* Mended ([b2b2b2b2b2](x), B)\n\n"
        "### Added\n\n* New ([#991](x/pull/991), A)\n\n### Odd\n\n* Odd ([#993](x/pull/993), C)\n\n"
        "## [0.2.3] - 2025-01-01\n\n- x\n"
    )
    assert preview(LOG, NEW[:1]) == "### Added\n\n- New ([#991](x/pull/991), A)\n"


@pytest.mark.parametrize(
    ("there", "kept"),
    [
        ("* By hand (#991)", 2),
        ("* By hand, see x/pull/991.", 2),
        ("* By hand a1a1a1a", 2),
        ("* By hand " + "a1" * 20, 2),
        ("* Another #9911 and b2b2b2", 3),
    ],
)
def test_what_is_there_is_not_repeated(there: str, kept: int) -> None:
    after = draft(LOG.replace("* One.", there), NEW)
    assert sum(one.text in after for one in NEW) == kept


def test_what_was_released_by_a_link_is_not_repeated() -> None:
    assert NEW[0].text not in draft(LOG.replace("- x", "- x ([#991](y))"), NEW)
    assert NEW[0].text in draft(LOG.replace("- x", "- x, unlike #991"), NEW)


def test_two_commits_of_one_pull_request_are_one_entry() -> None:
    again = Entry("Fixed", "Again ([#991](x/pull/991), A)", "d4" * 20, "991")
    assert "Again" not in draft(LOG, [*NEW, again])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# Log\n",
        "# Log\n\n## 0.1.0 - 2025-01-01\n\n- x\n",
        "## [Unreleased]",
        "## [Unreleased]\n## [0.2.3]\n",
        "Log\n===\n\nUnreleased\n----------\n0.2.3\n-----\n- x\n",
        "\ufeff## [Unreleased]\r\n\r\n### Added\r\n- x\r\n\r\n## [0.1.0] - 2025-01-01\r\n",
        "## [Unreleased]\n\n### Added\n\n<details>\n\nx\n</details>\n\n## [0.1.0]\n",
        "## [Unreleased]\n\n### Added\n\nWords\n\n## [0.1.0]\n",
        "## [Unreleased]\n\n### Added\n\n```\n## [Unreleased]\n```\n\n## [0.1.0]\n",
        "## [Unreleased]\n\n[Unreleased]: https://x/compare/v1...HEAD\n",
        "## Unreleased\n\n#### Fixed\n\n1. x\n\n\n\n## 0.1.0\n",
        "## [Unreleased]\n<!-- above -->\n## [0.1.0]\n",
    ],
)
def test_every_form_of_a_changelog(text: str) -> None:
    after = check(text)
    assert cuttable(after)
    items = [t for t in MarkdownIt().parse(after) if t.type == "inline" and "#991" in t.content]
    assert [t.content for t in items] == [NEW[0].text]
    if "\r\n" in text:
        assert after.count("\n") == after.count("\r\n")
    part = next(one for one in changelog.parse(after).sections if one.unreleased)
    assert all(one.text in part.body(after) for one in NEW)


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("## Unreleased\n\n## Unreleased\n", "is here again"),
        ("## Unreleased\n\n```\n", "does not end"),
        ("## Unreleased\n\n## Added\n\n- x\n\n## 1.0.0\n", "the level of a version heading"),
    ],
)
def test_where_entries_would_get_lost_there_is_no_draft(text: str, cause: str) -> None:
    with pytest.raises(UsageError, match=cause) as raised:
        draft(text, NEW)
    assert raised.value.place
    assert raised.value.place.line > 0


@pytest.mark.parametrize("path", real())
def test_real_changelogs(path: Path) -> None:
    text = path.read_bytes().decode()
    after = check(text)
    before = [(str(e.cause)) for e in changelog.problems(text) if "no Unreleased" not in e.cause]
    assert [str(e.cause) for e in changelog.problems(after)] == before or before
    known = changelog.parse(text)
    now = changelog.parse(after)
    assert [p.key for p in now.sections if p.key] == [p.key for p in known.sections if p.key]
    assert cuttable(after)


def test_blocks_without_a_blank_line_between_them_are_read_as_commonmark_reads_them() -> None:
    """The dashes make a heading of the level of versions, which cuts Unreleased in two."""
    body = "- item\n### Added\nFixed\n-----"
    text = f"# Log\n\n## [Unreleased]\n{body}\n\n## [0.2.3] - 2025-01-01\n"
    with pytest.raises(UsageError, match="'Fixed' has the level of a version heading"):
        draft(text, NEW)
    after = draft(text.replace("-----", "^^^^^"), NEW)
    titles = [t.content for t in MarkdownIt().parse(after) if t.type == "inline"]
    assert titles.index("Added") < titles.index("Fixed\n^^^^^") < titles.index(NEW[0].text)


@pytest.mark.parametrize(
    "text",
    [
        "v1.2.0 - August 21, 2026\n\n* `abc` chore: x\n\nv1.1.0 - July 1, 2026\n\n* y\n",
        "# Log\n\n* 3.5.3 (June 1, 2020)\n    * Restore try/except\n* 3.5.2 (May 1, 2020)\n",
        "4.48.1:\n  - Fixed\n\n4.47.2:\n  - Conversion\n",
        "=== 13.0.6\n\n* Works.\n",
        "# Log\n\n## Spring\n\n- A thing.\n",
    ],
)
def test_a_file_whose_versions_are_not_headings_gets_no_unreleased_at_its_end(text: str) -> None:
    with pytest.raises(UsageError, match="no heading of this file has a version") as raised:
        draft(text, NEW)
    assert "## 1.2.3" in raised.value.remedy


def test_a_new_file_gets_unreleased_below_its_words() -> None:
    text = "# Changelog\n\nAll notable changes, since 2.0.\n"
    assert draft(text, NEW).startswith(f"{text}\n## [Unreleased]\n\n###")


def test_unreleased_is_written_above_the_newest_with_one_blank_line() -> None:
    log = parse("# Changelog\n\n## 1.0.0\n\n- x\n")
    assert changelog.with_unreleased(log) == "# Changelog\n\n## Unreleased\n\n## 1.0.0\n\n- x\n"


@pytest.mark.parametrize("end", ["", "\n", "\n\n"])
def test_the_end_of_a_new_file_stays_its_end(end: str) -> None:
    log = parse(f"# Changelog{end}")
    assert changelog.with_unreleased(log) == f"# Changelog\n\n## [Unreleased]{end or chr(10)}"


@pytest.mark.parametrize(
    ("newest", "unreleased"),
    [
        ("### Version 6.1.2 (2026/04/01)", "### Unreleased"),
        ("# [1.0.0](https://x/compare/a...b)", "# [Unreleased]"),
        ("1.2.0 (2026-07-15)\n==================", "Unreleased\n=========="),
    ],
)
def test_unreleased_is_written_on_the_level_of_the_newest(newest: str, unreleased: str) -> None:
    after = draft(f"# Log\n\n{newest}\n\n- x\n", NEW)
    assert f"# Log\n\n{unreleased}\n\n#" in after


@pytest.mark.parametrize(("level", "below"), [(2, 3), (5, 6), (6, 6)])
def test_a_group_is_a_level_below_as_far_as_markdown_has_one(level: int, below: int) -> None:
    after = draft(f"{'#' * level} Unreleased\n\n{'#' * level} 1.0.0\n\n- x\n", NEW)
    assert f"Unreleased\n\n{'#' * below} Added\n" in after


pieces = st.sampled_from(
    [
        "### Added",
        "### Fixed",
        "#### Deep",
        "- item",
        "  - nested",
        "* star",
        "1. one",
        "words",
        "```\n## [Unreleased]\n```",
        "~~~\ncode\n~~~",
        "<!-- ## [9.9.9] -->",
        "\ttabbed",
        "> quote",
        "[a]: https://x",
        "",
        "",
    ]
)


@given(
    st.lists(pieces, max_size=8),
    st.lists(pieces, max_size=4),
    st.sampled_from(["## [Unreleased]", "## Unreleased", "Unreleased\n----------", ""]),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["", "\ufeff"]),
)
def test_generated_changelogs(
    body: list[str], older: list[str], head: str, newline: str, mark: str
) -> None:
    parts = ["# Log", "", head, *body, "", "## [0.2.3] - 2025-01-01", *older, ""]
    text = mark + newline.join(parts).replace("\r\n", "\n").replace("\n", newline)
    try:
        after = draft(text, NEW)
    except UsageError:
        assert changelog.problems(text)
        return
    assert is_insertion(text, after)
    assert draft(after, NEW) == after
    assert [p.key for p in changelog.parse(after).sections if p.key] == ["0.2.3"]
    part = next(one for one in changelog.parse(after).sections if one.unreleased)
    named = {
        one.text: g.title
        for g in changelog.groups(part.body(after))
        for one in NEW
        if one.text in g.text
    }
    highest = {one.group.casefold() for one in NEW}
    assert {title.casefold() for title in named.values()} <= highest | {"deep"}
    shown = [t.content for t in MarkdownIt().parse(after) if t.type == "inline"]
    assert all(sum(one.text in words for words in shown) == 1 for one in NEW)


@pytest.mark.parametrize(
    ("text", "head"),
    [
        ("## Unreleased\n\n## 0.1.0\n\n#### Fixed\n\n- x\n", "\n#### Added\n"),
        ("## Unreleased\n\n#### Fixed\n\n- y\n\n## 0.1.0\n\n### Fixed\n", "\n#### Added\n"),
        ("## Unreleased\n\n## 0.1.0\n\n- x\n", "\n### Added\n"),
        ("## Unreleased\n\n# 0.1.0\n\n## Features\n\n- x\n", "\n### Added\n"),
    ],
)
def test_a_new_group_stands_as_deep_as_the_others(text: str, head: str) -> None:
    """As those under Unreleased, else as those of the newest version."""
    assert draft(text, NEW[:1]).count(head) == 1


@pytest.mark.parametrize(("there", "between"), [("- One.", ""), ("Words.", "\n")])
def test_an_entry_stands_a_blank_line_below_a_paragraph(there: str, between: str) -> None:
    text = f"## Unreleased\n\n### Added\n\n{there}\n"
    assert draft(text, NEW[:1]) == f"{text}{between}- {NEW[0].text}\n"


def test_entries_stand_above_the_link_definitions_of_unreleased() -> None:
    text = "## Unreleased\n\n### Added\n\n- One.\n\n[x]: u\n"
    assert draft(text, NEW[:1]) == text.replace("One.\n", f"One.\n- {NEW[0].text}\n")


def test_updates_that_came_after_those_that_are_there_are_summed_up() -> None:
    old, new = (
        Bump(sign * 40, number, f"[#{number}](x/pull/{number})", name, "2", ("A",))
        for sign, number, name in (("a", "1", "first"), ("b", "2", "second"))
    )
    both = summed([old, new])
    assert both.text in draft(LOG, [both])
    after = draft(draft(LOG, [summed([old])]), [both])
    assert "* Update second to 2 ([#2](x/pull/2), A)\n" in after
    assert after.count("first to 2") == 1
    assert draft(after, [both]) == after
