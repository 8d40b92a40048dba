"""The changelog is cut without loss: every byte outside of the new section stays as it was."""

from collections.abc import Callable
from pathlib import Path

import keepachangelog
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from packaging.version import Version

from scripts.core import changelog
from scripts.core.changelog import headings
from scripts.core.changelog.markdown import scan
from scripts.core.changelog.problems import says_something
from scripts.core.changelog.sections import version_key
from scripts.core.changelog.titles import titled
from scripts.core.errors import Place, ProblemsError, UsageError
from tests.core.changelogs import real
from tests.core.test_markdown import by_commonmark

PLAIN = """\
# Changelog

## [Unreleased]

### Fixed

- A crash.

## [0.2.3] - 2025-08-20

### Added

- A thing.

[Unreleased]: https://github.com/o/r/compare/v0.2.3...HEAD
[0.2.3]: https://github.com/o/r/compare/v0.2.2...v0.2.3
"""

# markdown-it-py is loaded when it is first needed; hypothesis is not to time that.
changelog.problems("<!-- -->")


def cut(text: str, version: str = "0.2.4", **given_: str | None) -> str:
    facts = {"tag": f"v{version}", "previous_tag": "v0.2.3", **given_}
    return changelog.cut(text, Version(version), "2025-09-01", **facts)


def added(before: str, after: str) -> list[str]:
    """List what was put into a text, provided that nothing else happened to it.

    Compares with the ends first, so that it is exact for at most two insertions and for the
    addresses in which a tag changed.
    """
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    insertions, at = [], 0
    for line in new:
        if at < len(old) and line == old[at]:
            at += 1
        else:
            insertions.append(line)
    assert at == len(old), f"changed or lost: {old[at]!r}"
    return insertions


# Cutting.


def test_unreleased_becomes_the_version_below_a_fresh_unreleased() -> None:
    assert cut(PLAIN) == PLAIN.replace(
        "## [Unreleased]\n", "## [Unreleased]\n\n## [0.2.4] - 2025-09-01\n"
    ).replace(
        "v0.2.3...HEAD\n",
        "v0.2.4...HEAD\n[0.2.4]: https://github.com/o/r/compare/v0.2.3...v0.2.4\n",
    )


@pytest.mark.parametrize(
    ("unreleased", "last", "expected"),
    [
        ("## [Unreleased]", "## [0.2.3] - 2025-08-20", "## [0.2.4] - 2025-09-01"),
        ("## Unreleased", "## 0.2.3 (2025-08-20)", "## 0.2.4 (2025-09-01)"),
        ("## [UNRELEASED]", "## 0.2.3 (6th May, 2025)", "## 0.2.4 (1st September, 2025)"),
        ("## Unreleased", "## 0.2.3 (06 May 2025)", "## 0.2.4 (01 September 2025)"),
        ("## Unreleased", "## 0.2.3 (13. January, 2024)", "## 0.2.4 (1. September, 2025)"),
        ("## Unreleased", "## v0.2.3 - August 21, 2026", "## v0.2.4 - September 1, 2025"),
        ("## Unreleased", "## 0.2.3 (03/04/2025)", "## 0.2.4 (2025-09-01)"),
        ("### Unreleased", "### Version 0.2.3 (2025/04/01)", "### Version 0.2.4 (2025/09/01)"),
        ("## [Unreleased]", "### 0.2.3 🎉", "### 0.2.4"),
        ("## Unreleased", "### **1.0**", "### **0.2.4**"),
        ("## Unreleased", "## _0.2.3_", "## _0.2.4_"),
        ("## Unreleased", "### `0.2.3`", "### `0.2.4`"),
        ("## Unreleased", "## Ver. 0.2.3", "## Ver. 0.2.4"),
        ("## Unreleased", "## 🎉 0.2.3", "## 🎉 0.2.4"),
        ("## Unreleased", "## My Project 0.2.3", "## My Project 0.2.4"),
        ("## Unreleased", "## @scope/tool@0.2.3", "## @scope/tool@0.2.4"),
        ("## Unreleased", "## \\[0.2.3\\] - 2025-08-20", "## \\[0.2.4\\] - 2025-09-01"),
        (
            "## Unreleased",
            "## <small>0.2.3 (2025-08-20)</small>",
            "## <small>0.2.4 (2025-09-01)</small>",
        ),
        ("## Unreleased", '## <a name="x"></a>0.2.3', "## 0.2.4"),
        ("## Unreleased", '## <a name="0.2.3"></a>0.2.3', '## <a name="0.2.4"></a>0.2.4'),
        ("## Unreleased", "## [0.2.3 - 2025-08-20]", "## [0.2.4 - 2025-09-01]"),
        ("## [Unreleased]", "## [0.2.3/0.67.0] - 2026-08-03", "## [0.2.4] - 2025-09-01"),
        ("## Unreleased", "## Version 0.2.3/0.45b0 (2026-01-01)", "## Version 0.2.4 (2025-09-01)"),
        ("## Unreleased", "## 6.5.{10,11,12}", "## 0.2.4"),
        ("## Unreleased", "## 0.2.3 Codename (2025-08-20)", "## 0.2.4 (2025-09-01)"),
        ("## [Unreleased]", "0.2.3 (2025-08-20)\n-----", "0.2.4 (2025-09-01)\n------------------"),
        ("# Unreleased", "# v0.2.3", "# v0.2.4"),
        ("## [Unreleased] - ReleaseDate", "## [v0.2.3] 2025-08-20", "## [v0.2.4] 2025-09-01"),
        ("## Unreleased ##", "## 0.2.3 / 2025-08-20 ##", "## 0.2.4 / 2025-09-01 ##"),
        ("Unreleased\n----------", "0.2.3\n-----", "0.2.4\n-----"),
        ("Unreleased\n=", "0.2.3\n=", "0.2.4\n====="),
        ("Unreleased\n===", "0.2.3 - 2025-08-20\n===", "0.2.4 - 2025-09-01\n=================="),
        ("## Unreleased", "## Version 0.2.3 (2025-08-20)", "## Version 0.2.4 (2025-09-01)"),
        ("## Unreleased", "## **0.2.3** - 2025-08-20", "## **0.2.4** - 2025-09-01"),
        ("## [Unreleased]", "## [0.2.3] - 2025-08-20 [YANKED]", "## [0.2.4] - 2025-09-01"),
        ("## Unreleased", "## 0.2.3 [YANKED] - 2025-08-20", "## 0.2.4 - 2025-09-01"),
        ("## [Unreleased]", "## [0.2.3]", "## [0.2.4]"),
        (
            "## [Unreleased]",
            "## [0.2.3](https://x/o/r/compare/a-0.2.2..a-0.2.3) (2025-08-20)",
            "## [0.2.4](https://x/o/r/compare/v0.2.3..v0.2.4) (2025-09-01)",
        ),
        (
            "## [Unreleased]",
            "## [0.2.3](https://x/o/r/releases/tag/v0.2.3)",
            "## [0.2.4](https://x/o/r/releases/tag/v0.2.4)",
        ),
        ("## [Unreleased]", "## [0.2.3](https://blog/023) - 2025-08-20", "## [0.2.4] - 2025-09-01"),
    ],
)
def test_the_heading_is_written_as_the_file_writes_its_own(
    unreleased: str, last: str, expected: str
) -> None:
    text = f"# Title\n\n{unreleased}\n\n- x\n\n{last}\n\n- y\n"
    assert cut(text) == text.replace(unreleased, f"{unreleased}\n\n{expected}", 1)


@pytest.mark.parametrize("day", range(1, 32))
def test_every_day_has_its_ordinal(day: int) -> None:
    ends = dict.fromkeys((1, 21, 31), "st") | dict.fromkeys((2, 22), "nd")
    ends |= dict.fromkeys((3, 23), "rd")
    text = "## Unreleased\n\n- x\n\n## 0.2.3 (6th May, 2025)\n\n- y\n"
    date = f"2025-12-{day:02}"
    after = changelog.cut(text, Version("0.2.4"), date, tag="v0.2.4", previous_tag="v0.2.3")
    assert f"## 0.2.4 ({day}{ends.get(day, 'th')} December, 2025)\n" in after


@pytest.mark.parametrize(
    ("unreleased", "expected"),
    [("[Unreleased]", "[0.2.4] - 2025-09-01"), ("Unreleased", "0.2.4 - 2025-09-01")],
)
def test_the_first_heading_of_a_version_is_that_of_keep_a_changelog(
    unreleased: str, expected: str
) -> None:
    assert f"\n\n## {expected}\n\n- x\n" in cut(f"# Title\n\n## {unreleased}\n\n- x\n")


def test_the_level_is_the_newest_ones_and_the_date_that_of_another_beside_it() -> None:
    text = "## Unreleased\n- x\n# 0.2.3\n## Features\n## 0.2.2 - 2025-01-01\n"
    assert "\n\n# 0.2.4\n- x\n# 0.2.3\n" in cut(text)


@pytest.mark.parametrize("title", ["the next one", "0.2.4\n\n## 9.9.9\n\n<!--"])
def test_a_heading_that_would_not_be_read_back_or_hides_others_is_refused(title: str) -> None:
    text = "## Unreleased\n\n- x\n\n## 0.2.3 (2025-08-20)\n\n- y\n"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(headings, "title", lambda *_: title)
        with pytest.raises(UsageError, match="could not be read again") as refused:
            cut(text)
    assert refused.value.place == Place("CHANGELOG.md", 5, 1)
    assert "## [0.2.3] - DATE" in refused.value.remedy


def test_one_problem_is_raised_alone_and_several_together() -> None:
    with pytest.raises(UsageError) as alone:
        cut("# Title\n\n## 0.2.3\n\n- y\n")
    assert type(alone.value) is UsageError
    with pytest.raises(ProblemsError):
        cut("# Title\n\n## Unreleased\n\n## Unreleased\n\n## 0.2.4\n\n- y\n")


def test_a_heading_alone_is_written_as_the_newest_one() -> None:
    log = changelog.parse("## Unreleased\n\n- x\n\n### 0.2.3 (2025-08-20)\n\n- y\n")
    assert headings.of_version(log, "0.2.4", "2025-09-01") == "### 0.2.4 (2025-09-01)"


@pytest.mark.parametrize(
    ("like", "expected"),
    [
        ("**0.2.3 Codename**", "**0.2.4**"),
        ("**0.2.3 (2025-08-20) Codename**", "**0.2.4 (2025-09-01)**"),
        ("0.2.3 **Codename**", "0.2.4"),
        ("__0.2.3 Codename__", "__0.2.4__"),
    ],
)
def test_the_name_of_a_version_is_left_out_and_the_emphasis_is_closed(
    like: str, expected: str
) -> None:
    log = changelog.parse(f"## Unreleased\n\n- x\n\n## {like}\n\n- y\n")
    assert headings.of_version(log, "0.2.4", "2025-09-01") == f"## {expected}"


def test_definitions_below_the_last_candidate_stay_at_the_end() -> None:
    text = (
        "# Log\n\n## Unreleased\n\n- a\n\n## 0.2.4rc1 - 2025-08-30\n\n- b [x] [y]\n\n"
        "[x]: https://example.org/x\n[y]: https://example.org/y\n"
    )
    after = cut(text)
    assert after.endswith("\n\n[x]: https://example.org/x\n[y]: https://example.org/y\n")
    assert "- a\n- b [x] [y]\n" in after


def test_without_a_version_the_heading_of_unreleased_is_named() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(headings, "title", lambda *_: "the next one")
        with pytest.raises(UsageError, match="could not be read again") as refused:
            cut("# Title\n\n## Unreleased\n\n- x\n")
    assert refused.value.place
    assert refused.value.place.line == 3


def test_a_guide_to_the_newest_version_is_no_second_heading_of_it() -> None:
    text = PLAIN.replace("## [0.2.3]", "## Upgrading to 0.2.3\n\nDo it.\n\n## [0.2.3]")
    assert changelog.problems(text) == changelog.oddities(text) == []
    assert "## [0.2.4] - 2025-09-01" in cut(text)


def test_an_undated_hotfix_does_not_hide_the_files_style() -> None:
    text = "## Unreleased\n- x\n## 0.2.3\n- y\n## 0.2.2 (2025-01-01)\n"
    assert "\n## 0.2.4 (2025-09-01)\n" in cut(text)


def test_inline_links_of_unreleased_are_renewed() -> None:
    text = PLAIN.replace("## [Unreleased]", "## [Unreleased](https://x/o/r/compare/v0.2.3...main)")
    assert "## [Unreleased](https://x/o/r/compare/v0.2.4...main)\n\n## [0.2.4] - " in cut(text)


def test_a_comparison_keeps_its_dots() -> None:
    assert "/compare/v0.2.4..HEAD\n" in cut(PLAIN.replace("v0.2.3...HEAD", "v0.2.3..HEAD"))


def test_a_link_that_is_there_already_is_not_added_again() -> None:
    text = PLAIN + "[0.2.4]: https://github.com/o/r/releases/tag/v0.2.4\n"
    assert cut(text).count("[0.2.4]: ") == 1


def test_the_first_version_is_linked_to_its_tag() -> None:
    after = cut(PLAIN, previous_tag=None)
    assert "\n[0.2.4]: https://github.com/o/r/releases/tag/v0.2.4\n" in after


def test_links_are_added_above_the_last_ones_without_one_for_unreleased() -> None:
    text = PLAIN.replace("[Unreleased]: https://github.com/o/r/compare/v0.2.3...HEAD\n", "")
    assert added(text, cut(text))[2:] == [
        "[0.2.4]: https://github.com/o/r/compare/v0.2.3...v0.2.4\n"
    ]


def test_links_that_compare_nothing_stay_and_the_repository_is_asked() -> None:
    text = PLAIN.replace("compare/v0.2.3...HEAD", "commits/main").replace(
        "[0.2.3]: https://github.com/o/r/compare/v0.2.2...v0.2.3\n", ""
    )
    after = cut(text, repository_url="https://github.com/o/r")
    assert "[Unreleased]: https://github.com/o/r/commits/main\n[0.2.4]: " in after
    assert "[0.2.4]: https://github.com/o/r/compare/v0.2.3...v0.2.4\n" in after
    assert "[0.2.4]:" not in cut(text)


def test_a_file_without_links_gets_none() -> None:
    text = PLAIN[: PLAIN.index("[Unreleased]: ")]
    after = cut(text, repository_url="https://github.com/o/r")
    assert added(text, after) == ["## [0.2.4] - 2025-09-01\n", "\n"]


def test_links_in_code_are_not_touched() -> None:
    text = "```\n[Unreleased]: https://x/compare/v1...HEAD\n```\n" + PLAIN
    assert cut(text).startswith("```\n[Unreleased]: https://x/compare/v1...HEAD\n```\n")


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_line_endings_and_byte_order_mark_stay(newline: str, mark: str) -> None:
    text = mark + PLAIN.replace("\n", newline)
    after = cut(text)
    assert after == mark + cut(PLAIN).replace("\n", newline)


def test_headings_in_code_and_comments_are_text() -> None:
    code = "```md\n## [Unreleased]\n## [0.2.4] - 2020-01-01\n```\n"
    comment = "<!--\n## [Unreleased]\n-->\n"
    text = PLAIN.replace("- A crash.\n", f"- A crash.\n\n{code}\n{comment}")
    assert cut(text).count(code) == cut(text).count(comment) == 1
    assert changelog.section(cut(text), Version("0.2.4")).body(cut(text)).count(code) == 1


# Candidates.


def test_a_candidate_gets_a_section_of_its_own() -> None:
    after = cut(PLAIN, "0.3.0rc1")
    assert [str(part.version) for part in changelog.parse(after).sections[2:]] == [
        "0.3.0rc1",
        "0.2.3",
    ]


def test_the_final_version_takes_in_its_candidates() -> None:
    text = """\
# Changelog

## [Unreleased]

### Fixed

- Third.

## [0.3.0rc2] - 2025-08-31

### Fixed

- Second.

### Security

- Safe.

## [0.3.0-rc.1] - 2025-08-30

It starts.

### Added

- First.

### fixed

- Even earlier.

## [0.2.3] - 2025-08-20

- Old.
"""
    assert (
        cut(text, "0.3.0")
        == """\
# Changelog

## [Unreleased]

## [0.3.0] - 2025-09-01

It starts.

### Fixed

- Third.
- Second.
- Even earlier.

### Security

- Safe.

### Added

- First.

## [0.2.3] - 2025-08-20

- Old.
"""
    )


def test_a_final_version_may_bring_nothing_but_its_candidates() -> None:
    once = cut(PLAIN, "0.2.4rc1")
    after = cut(once, "0.2.4")
    assert "0.2.4rc1] -" not in after
    assert (
        changelog.section(after, Version("0.2.4")).body(after).strip() == "### Fixed\n\n- A crash."
    )
    assert after.startswith(cut(PLAIN).partition("[Unreleased]: ")[0])


def test_candidates_of_other_versions_stay() -> None:
    text = PLAIN.replace("[0.2.3]", "[0.3.0rc1]")
    assert "## [0.3.0rc1] - 2025-08-20" in cut(text, "0.3.1")


def test_a_candidate_takes_in_no_other_candidate() -> None:
    text = PLAIN.replace("[0.2.3]", "[0.3.0rc10]")
    assert "## [0.3.0rc10] - 2025-08-20" in cut(text, "0.3.0rc1")


def test_a_candidate_below_another_version_is_taken_in() -> None:
    newest, older = "## [0.2.3] - 2025-08-20\n\n- y\n", "## [0.2.2] - 2025-08-01\n\n- z\n"
    candidate = "## [0.2.4rc1] - 2025-08-10\n\n- b\n\n"
    for below in ("", older):
        text = f"## [Unreleased]\n\n- a\n\n{newest}\n{candidate}{below}"
        new = "## [Unreleased]\n\n## [0.2.4] - 2025-09-01\n\n- a\n- b\n"
        assert cut(text) == f"{new}\n{newest}\n{below}"


def test_the_link_definitions_of_unreleased_stay_below_the_entries_of_the_candidates() -> None:
    text = "## [Unreleased]\n\n- a\n\n[x]: u\n\n## [0.2.4rc1] - 2025-08-10\n\n- b\n"
    assert cut(text).endswith("## [0.2.4] - 2025-09-01\n\n- a\n- b\n\n[x]: u\n\n")


def test_what_stands_around_a_link_definition_is_taken_in_with_it() -> None:
    newer = "## [0.3.0rc2] - 2025-01-02\n\n- x\n\n[a]: b\n\n- y\n\n"
    text = f"## [Unreleased]\n\n{newer}## [0.3.0rc1] - 2025-01-01\n\n- z\n"
    assert cut(text, "0.3.0") == (
        "## [Unreleased]\n\n## [0.3.0] - 2025-09-01\n\n- x\n\n[a]: b\n\n- y\n- z\n"
    )


def test_link_definitions_below_the_last_candidate_survive() -> None:
    text = "## [Unreleased]\n\n## [0.3.0rc1] - 2025-01-01\n\n- x\n\n[a]: b\n[0.3.0rc1]: c\n"
    after = cut(text, "0.3.0")
    assert after == ("## [Unreleased]\n\n## [0.3.0] - 2025-09-01\n\n- x\n\n[a]: b\n[0.3.0rc1]: c\n")


# What is refused.


@pytest.mark.parametrize(
    ("text", "line", "cause"),
    [
        (PLAIN.replace("## [Unreleased]\n", ""), 0, "no Unreleased section"),
        (PLAIN.replace("- A crash.\n", ""), 3, "Unreleased has no entries"),
        (PLAIN.replace("- A crash.\n", "- \n<!-- - x -->\n[a]: b\n"), 3, "has no entries"),
        (PLAIN.replace("## [0.2.3]", "## Unreleased\n## [0.2.3]"), 9, "first in line 3"),
        (PLAIN.replace("[0.2.3] -", "[0.2.4] -"), 9, "0.2.4 has a heading already"),
        (PLAIN.replace("[0.2.3] -", "v0.2.4 -"), 9, "0.2.4 has a heading already"),
        (PLAIN + "## 0.2.3\n", 17, "0.2.3 has a heading here and in line 9"),
        (PLAIN + "## [v0.2.3]\n", 17, "0.2.3 has a heading here and in line 9"),
        (PLAIN.replace("### Fixed", "## Fixed"), 5, "'Fixed' has the level of a version heading"),
        (PLAIN.replace("- A crash.", "- A crash.\n\n```"), 9, "does not end"),
    ],
)
def test_what_cannot_be_cut_is_refused_with_its_line(text: str, line: int, cause: str) -> None:
    with pytest.raises(UsageError) as refused:
        cut(text)
    errors = getattr(refused.value, "errors", [refused.value])
    error = next(error for error in errors if cause in error.cause)
    assert error.place.path == "CHANGELOG.md"
    assert error.place.line == line
    assert error.remedy


def test_a_heading_out_of_place_in_an_old_version_is_no_reason_to_refuse() -> None:
    text = PLAIN.replace("### Added", "## Added") + "## [0.2.4rc1] - 2025-01-01\n\n- y\n"
    assert "## [0.2.4] - 2025-09-01" in cut(text)


def test_all_problems_are_told_at_once() -> None:
    text = PLAIN.replace("- A crash.\n", "") + "## [0.2.3]\n## 0.2.4\n"
    with pytest.raises(ProblemsError) as refused:
        cut(text)
    assert [error.place.line for error in refused.value.errors if error.place] == [16, 17, 3]


def test_a_version_is_not_cut_twice() -> None:
    with pytest.raises(UsageError, match=r"0\.2\.4 has a heading already"):
        cut(cut(PLAIN))


def test_problems_are_found_in_the_files_order() -> None:
    text = """\
# Changelog
## [0.3.x] - 2025-02-30
## Added
- x
## Unreleased
## 0.2.3
## 0.2.2
## 0.2.3
## Unreleased
"""
    found = changelog.problems(text, "docs/NEWS.md")
    assert [(str(error.place), error.cause.split(" ")[0]) for error in found] == [
        ("docs/NEWS.md:2:1", "2025-02-30"),
        ("docs/NEWS.md:3:1", "the"),
        ("docs/NEWS.md:8:1", "0.2.3"),
        ("docs/NEWS.md:9:1", "Unreleased"),
    ]
    unheaded = changelog.problems("# Log\n## 0.3.x\n<!--\n", "NEWS.md")
    assert [str(error.place) for error in unheaded] == ["NEWS.md", "NEWS.md:2:1", "NEWS.md:3:1"]
    assert changelog.problems(PLAIN) == changelog.oddities(PLAIN) == []


OLD = """\
## [0.2.2] - 2025-02-30

## Added

- y

## Fixed

## 12.0.0-beta-9.6

## 0.1.0

## v0.1.0

## 0.1.0

<!--
"""


def test_history_is_told_and_never_refused() -> None:
    text = PLAIN[: PLAIN.index("[Unreleased]: ")] + OLD
    assert changelog.problems(text) == []
    told = {error.cause.split(" ")[-1]: str(error.place) for error in changelog.oddities(text)}
    assert told == {
        "below": "CHANGELOG.md:31:1",
        "29": "CHANGELOG.md:27:1",
        "date": "CHANGELOG.md:15:1",
        "21": "CHANGELOG.md:17:1",
    }
    assert "## [0.2.4] - 2025-09-01" in cut(text)


def test_a_second_heading_of_the_newest_version_is_no_history() -> None:
    text = PLAIN.replace("[Unreleased]: ", "## 0.2.2\n\n## 0.2.3\n\n[Unreleased]: ")
    assert [str(error.place) for error in changelog.problems(text)] == ["CHANGELOG.md:17:1"]


@pytest.mark.parametrize(
    "below",
    [
        "## Earlier\n\n- y\n",
        "v1.2.0 - August 21, 2026\n\n* chore: x\n",
        "* 3.5.3 (June 1, 2020)\n    * Restore try/except\n",
        "4.48.1:\n  - Fixed\n",
    ],
)
def test_a_file_that_names_no_version_is_not_fine(below: str) -> None:
    text = f"# Title\n\n## [Unreleased]\n\n- x\n\n{below}"
    (error,) = changelog.problems(text)
    assert "no heading of this file has a version" in error.cause
    assert str(error.place) == "CHANGELOG.md:7:1"
    with pytest.raises(UsageError, match="no heading of this file has a version"):
        cut(text)


@pytest.mark.parametrize("below", ["", "## Earlier\n", "```\n1.0.0\n```\n", "- Needs numpy 2.0.\n"])
def test_a_first_release_needs_no_version(below: str) -> None:
    assert changelog.problems(f"# Title\n\n## [Unreleased]\n\n- x\n\n{below}") == []


@pytest.mark.parametrize("path", ["CHANGES.rst", "docs/changelog.RST", "History.rdoc"])
@pytest.mark.parametrize("act", [changelog.problems, changelog.parse])
def test_other_markup_is_refused_by_its_name(path: str, act: Callable[[str, str], object]) -> None:
    with pytest.raises(UsageError, match="a changelog must be Markdown") as refused:
        act("Changes\n=======\n\n1.0\n~~~\n", path)
    assert "pandoc" in refused.value.remedy
    assert "[tool.release]" in refused.value.remedy


@pytest.mark.parametrize(
    ("newest", "heading"),
    [
        ("### Version 6.1.2", "`### Unreleased`"),
        ("## [0.2.3](https://x/y)", "`## [Unreleased]`"),
        ("0.2.3\n-----", "`Unreleased`, underlined with `----------`,"),
    ],
)
def test_the_remedy_is_written_as_the_file_is(newest: str, heading: str) -> None:
    (error,) = changelog.problems(f"# T\n\n{newest}\n\n- x\n")
    assert error.remedy.startswith(f"add the heading {heading} above")


# Reading.


@pytest.mark.parametrize(
    ("heading", "version", "date", "yanked"),
    [
        ("## [0.2.3] - 2025-08-20", "0.2.3", "2025-08-20", False),
        ("## 0.2.3", "0.2.3", None, False),
        ("## v0.2.3 (6th May, 2025)", "0.2.3", "6th May, 2025", False),
        ("## [0.2.3](https://x/y) - 2025-08-20", "0.2.3", "2025-08-20", False),
        ("## [0.2.3][ref] - 2025-08-20 [YANKED]", "0.2.3", "2025-08-20", True),
        ("## [0.1.2-rc1] / 2025-08-20", "0.1.2rc1", "2025-08-20", False),
        ("0.2.3 - 2025-08-20\n------------------", "0.2.3", "2025-08-20", False),
        ("## Version 0.7b1 (2026-05-19)", "0.7b1", "2026-05-19", False),
        ("### [0.2.3] - 2025-08-20", "0.2.3", "2025-08-20", False),
        ("## 2.0.0.dev5", "2.0.0.dev5", None, False),
        ("### Version 6.1.2", "6.1.2", None, False),
        ("### Release 1.0 (2025/01/31)", "1.0", "2025/01/31", False),
        ("### **1.0**", "1.0", None, False),
        ("## 🎉 2.0.0 🎉", "2.0.0", None, False),
        ("## My Project 2.0.0 - 2025-08-20", "2.0.0", "2025-08-20", False),
        ("## Ver. 2.0.0", "2.0.0", None, False),
        ("## <small>2.0.0 (2025-08-20)</small>", "2.0.0", "2025-08-20", False),
        ('## <a name="2.1.0"></a>2.0.0', "2.0.0", None, False),
        ("## \\[2.0.0\\]", "2.0.0", None, False),
        ("### [Version 1.0](https://x/1.1)", "1.0", None, False),
        ("#### `1.0`", "1.0", None, False),
        ("## _1.0_", "1.0", None, False),
        ("## 1.45.0/0.67.0 - 2025-08-20", "1.45.0", "2025-08-20", False),
    ],
)
def test_headings_are_read(heading: str, version: str, date: str | None, yanked: bool) -> None:
    (found,) = changelog.parse(f"{heading}\n\n- x\n").sections
    assert found.version == Version(version)
    assert (found.date, found.yanked, found.unreleased) == (date, yanked, False)


@pytest.mark.parametrize(
    "heading", ["## Contributing", "## [0.2.x]", "## 1.0.0-foo.bar!", "## 7", "## foo1.2.3"]
)
def test_other_headings_are_sections_without_version(heading: str) -> None:
    found = changelog.parse(f"## [Unreleased]\n{heading}\n").sections[1]
    assert found.version is None
    assert not found.unreleased


@pytest.mark.parametrize(
    ("title", "label"),
    [("[1.2.3] - x", "1.2.3"), ("[v1.2.3]", "v1.2.3"), ("1.2.3] - x", None), ("1.2.3", None)],
)
def test_the_definition_that_a_heading_refers_to(title: str, label: str | None) -> None:
    found = titled(title)
    assert found
    assert found.label == label


def test_versions_that_pep_440_does_not_know_are_names() -> None:
    names = ["12.0.0-beta-9.6", "1.2-2.4", "1.12.0rc2-0.32b0"]
    text = PLAIN + "".join(f"\n## {name}\n\n- x\n" for name in [*names, *names])
    assert [part.name for part in changelog.parse(text).versions[1:]] == [*names, *names]
    assert {part.version for part in changelog.parse(text).versions[1:]} == {None}
    assert changelog.problems(text) == changelog.oddities(text) == []


def test_a_heading_of_several_versions_is_about_each_of_them() -> None:
    text = f"{PLAIN}\n6.5.{{10,11, 12}}\n----------\n\n- x\n\n6.5.0\n-----\n\n- y\n"
    assert changelog.problems(text) == []
    for version in ("6.5.10", "6.5.12"):
        assert changelog.section(text, Version(version)).title == "6.5.{10,11, 12}"
        with pytest.raises(UsageError, match="has a heading already"):
            cut(text, version)
    assert changelog.section(text, Version("6.5.0")).title == "6.5.0"


@pytest.mark.parametrize(
    "heading",
    ["### Python 3.12", "### Dropped Python 3.8", "### 2.0 compatibility", "## Upgrading to 0.2.3"],
)
def test_headings_in_a_section_are_no_versions(heading: str) -> None:
    text = PLAIN.replace("### Fixed", f"{heading}\n\n- y\n\n### Fixed")
    assert [part.name for part in changelog.parse(text).versions] == ["0.2.3"]


def test_another_heading_ends_a_section_on_the_third_level_too() -> None:
    text = "# C\n\n### Version 1.1\n\n- x\n\n### Contributing\n\n- y\n\n### Version 1.0\n"
    assert [part.title for part in changelog.parse(text).sections][2] == "Contributing"
    assert changelog.section(text, Version("1.1")).body(text).strip() == "- x"


def test_a_deeper_version_starts_a_section_where_the_file_does_so() -> None:
    text = "# [1.0.0](u) (2024-01-01)\n### Features\n## [0.9.1](u) (2023-01-01)\n### 0.9.0\n"
    assert [str(part.version) for part in changelog.parse(text).sections] == [
        "1.0.0",
        "0.9.1",
        "0.9.0",
    ]


def test_a_section_is_found_by_its_version_however_it_is_written() -> None:
    text = PLAIN.replace("[0.2.3] -", "v0.2.3 -")
    found = changelog.section(text, Version("0.2.3"))
    assert (found.line, found.title) == (9, "v0.2.3 - 2025-08-20")


@pytest.mark.parametrize(
    ("version", "key"),
    [
        *(("1", "1.0.0"), ("0.2", "0.2.0"), ("1.2.3.4", "1.2.3.4")),
        *(("1.1rc1", "1.1.0rc1"), ("1!1.1", "1!1.1.0"), ("1.1+1.1", "1.1.0+1.1")),
    ],
)
def test_a_key_has_three_numbers_at_least(version: str, key: str) -> None:
    assert version_key(Version(version)) == key


def test_a_day_that_does_not_exist_counts_only_as_the_version_s_date() -> None:
    text = PLAIN.replace("2025-08-20", "2025-08-20 (built 2025-13-45)")
    assert changelog.problems(text) == []


def test_a_missing_section_is_told_with_its_remedy() -> None:
    with pytest.raises(UsageError) as refused:
        changelog.section(PLAIN, Version("9.0.0"), "NEWS.md")
    assert refused.value.cause == "the changelog has no section for 9.0.0"
    assert "## [9.0.0]" in refused.value.remedy
    assert refused.value.place
    assert refused.value.place.path == "NEWS.md"


def test_a_section_that_is_there_twice_is_refused() -> None:
    with pytest.raises(UsageError, match=r"0\.2\.3 has a heading here and in line 9"):
        changelog.section(PLAIN + "## v0.2.3\n", Version("0.2.3"))


def test_an_excerpt_stands_alone() -> None:
    text = PLAIN.replace("- A thing.", "- A thing, see [#7] and [r].").replace(
        "[0.2.3]: ", "[#7]: https://x/7\n[#7]: https://x/7\n[#8]: https://x/8\n[0.2.3]: "
    )
    assert changelog.excerpt(text, changelog.section(text, Version("0.2.3"))) == (
        "### Added\n\n- A thing, see [#7] and [r].\n\n[#7]: https://x/7"
    )


def test_a_heading_inside_a_group_is_a_part_of_it() -> None:
    text = "- One\n\n#### Deep\n\n- Two"
    assert changelog.groups(f"### Added\n\n{text}\n") == [("Added", "### Added", text)]


def test_the_newest_version_is_that_below_unreleased() -> None:
    for older, newest in (("## 0.2.2\n", "0.2.2"), ("", "0.2.3")):
        log = changelog.parse(f"## 0.2.3\n\n## Unreleased\n\n- x\n\n{older}")
        like = headings.example(log)
        assert like
        assert like.name == newest


def test_groups_keep_the_original_text() -> None:
    body = (
        "\n\nAll *new*.\n\n### Added\n- One\n  - nested\n\n  ```\n"
        "- code\n  ```\n* Two\n\n### Empty\n\n### fixed\n\nText.\n"
    )
    found = changelog.groups(body)
    assert [(group.title, group.entries) for group in found] == [
        ("", ("All *new*.",)),
        ("Added", ("- One\n  - nested\n\n  ```", "- code\n  ```", "* Two")),
        ("fixed", ("Text.",)),
    ]


# Real changelogs, and made ones.


def cuttable(text: str) -> str:
    """Give a changelog something to release, if it has nothing."""
    log = changelog.parse(text)
    if not log.unreleased:
        first = next(part for part in log.sections if part.version)
        start = first.heading.start
        return f"{text[:start]}## [Unreleased]\n\n- Something.\n\n{text[start:]}"
    if says_something(log.unreleased[0].body(text)):
        return text
    stop = log.unreleased[0].heading.stop
    return f"{text[:stop]}\n\n- Something.{text[stop:]}"


@pytest.mark.parametrize("path", real())
def test_real_changelogs_are_cut_without_loss(path: Path) -> None:
    text = cuttable(path.read_bytes().decode())
    after = cut(text, "999.0.0")
    log, new = changelog.parse(text), changelog.parse(after)
    assert len(new.sections) == len(log.sections) + 1
    section = changelog.section(after, Version("999.0.0"))
    assert changelog.excerpt(after, section) == changelog.excerpt(text, log.unreleased[0])
    # Outside of the one inserted heading and the lines of two link definitions, nothing changed.
    cleaned = after[: section.heading.start].rstrip("\r\n") + after[section.heading.stop :]
    for link in reversed(scan(cleaned, definitions=True).definitions):
        if link.label == "999.0.0":
            cleaned = cleaned[: link.span.start].removesuffix("\n") + cleaned[link.span.stop :]
    for link in scan(text, definitions=True).definitions:
        if link.label.lower() == "unreleased":
            cleaned = cleaned.replace("v999.0.0...HEAD", link.url.rpartition("/")[2], 1)
    assert cleaned == text


@pytest.mark.parametrize("path", real())
def test_real_changelogs_read_back_every_section(path: Path) -> None:
    text = path.read_bytes().decode()
    sections = changelog.parse(text).sections
    assert text == text[: sections[0].heading.start] + "".join(
        text[part.heading.start : part.content.stop] for part in sections
    )
    for part in sections:
        assert text.count("\n", 0, part.heading.start) + 1 == part.line


@pytest.mark.parametrize("path", real())
def test_the_keepachangelog_library_reads_the_same_versions(path: Path) -> None:
    try:
        theirs = keepachangelog.to_dict(str(path), show_unreleased=False)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        pytest.skip(f"the library cannot read it: {error!r}")
    ours = {part.version for part in changelog.parse(path.read_bytes().decode()).sections}
    # It takes link definitions for versions too, but those have no date.
    dated = [name for name, said in theirs.items() if said["metadata"].get("release_date")]
    assert {_canonical(name) for name in dated} <= ours


def _canonical(name: str) -> Version | None:
    return changelog.parse(f"## {name}").sections[0].version


entries = st.sampled_from(
    ["- x", "- y\n  - z", "* a\n\n  ```\n  ## [9.9.9]\n  ```", "Text.", "```\n## [Unreleased]\n```"]
)
kinds = st.sampled_from(["### Added", "### Fixed", "#### Deep", "<!-- ## [8.0.0] -->", ""])
bodies = st.lists(st.builds("{}\n\n{}".format, kinds, entries), min_size=1, max_size=3)
styles_of_headings = st.sampled_from(
    [
        "## [{}] - 2024-01-01",
        "## {} (2024-01-01)",
        "## v{}",
        "## [{}](https://x/compare/v0...v1)",
        "## \U0001f389 {}",
        "## My Project {} - 2024-01-01",
        "## Ver. {}",
        "## <small>{} (2024-01-01)</small>",
        '## <a name="{}"></a>{}',
        "## \\[{}\\] - 2024-01-01",
        "## _{}_",
        "### Version {} (2024-01-01)",
        "### **{}**",
        "### `{}`",
        "### [Release {}]",
        "\n{}\n-----",
        "\nVersion {} (2024-01-01)\n=======",
    ]
)
histories = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), unique=True, max_size=4).map(
    lambda pairs: [f"0.{major}.{minor}" for major, minor in sorted(pairs, reverse=True)]
)


def heading(style: str, version: str) -> str:
    return style.format(*[version] * style.count("{}"))


@st.composite
def styled(draw: st.DrawFn) -> tuple[str, str, list[str]]:
    """Make a changelog with something to release; give its style and its versions as well."""
    style, versions = draw(styles_of_headings), draw(histories)
    deep = "#" if style.startswith("###") else ""
    gap = draw(st.sampled_from(["\n", "\n\n", "\n \n\n"]))
    parts = [draw(st.sampled_from(["# Changelog", "Changelog\n===", "Words."]))]
    for head in ["## [Unreleased]", *(heading(style, version) for version in versions)]:
        body = [f"{deep}{part}" if part.startswith("###") else part for part in draw(bodies)]
        parts += [head, *body]
    if draw(st.booleans()):
        parts += ["\n[Unreleased]: https://x/o/r/compare/v0.0.1...HEAD"]
        parts += ["\n".join(f"[{v}]: https://x/o/r/compare/v0...v{v}" for v in versions)]
    text = (
        draw(st.sampled_from(["", "\ufeff"])) + gap.join(parts) + draw(st.sampled_from(["", "\n"]))
    )
    return text.replace("\n", draw(st.sampled_from(["\n", "\r\n"]))), style, versions


def made() -> st.SearchStrategy[str]:
    return styled().map(lambda one: one[0])


@given(styled())
def test_every_version_is_seen_and_the_new_heading_is_as_the_others(
    one: tuple[str, str, list[str]],
) -> None:
    text, style, versions = one
    assert [part.name for part in changelog.parse(text).versions] == versions
    after = cut(text, "1.0.0")
    log = changelog.parse(after)
    assert [part.name for part in log.versions] == ["1.0.0", *versions]
    written = after[log.versions[0].heading.start : log.versions[0].heading.stop]
    if versions:
        expected = heading(style, "1.0.0").strip().replace("2024-01-01", "2025-09-01")
        expected = expected.replace("v0...v1", "v0.2.3...v1.0.0")
        assert written.splitlines()[0] == expected.splitlines()[0]


@given(made())
def test_cutting_only_adds(text: str) -> None:
    after = cut(text, "1.0.0")
    renewed = text.replace("v0.0.1...HEAD", "v1.0.0...HEAD")
    new = "".join(added(renewed, after))
    assert "1.0.0" in new
    assert len(by_commonmark(after)) == len(by_commonmark(text)) + 1
    assert len(new.split()) <= 8
    assert after.count("\r\n") == after.count("\n") * ("\r\n" in text)


@given(made())
def test_what_was_cut_is_read_back(text: str) -> None:
    before = changelog.parse(text)
    after = cut(text, "1.0.0")
    new = changelog.section(after, Version("1.0.0"))
    assert changelog.excerpt(after, new) == changelog.excerpt(text, before.unreleased[0])
    assert not says_something(changelog.parse(after).unreleased[0].body(after))
    with pytest.raises(UsageError):
        cut(after, "1.0.0")


@given(made())
def test_a_cut_candidate_and_its_final_end_as_the_final_alone(text: str) -> None:
    assume("\n \n" not in text.replace("\r", ""))
    direct = cut(text, "1.0.0")
    folded = cut(cut(text, "1.0.0rc1"), "1.0.0")
    ours, theirs = (changelog.section(made_, Version("1.0.0")) for made_ in (direct, folded))
    titles = [
        [g.title for g in changelog.groups(part.body(t))]
        for part, t in ((ours, direct), (theirs, folded))
    ]
    assert list(dict.fromkeys(titles[0])) == titles[1]
    assert "1.0.0rc1" not in [part.title for part in changelog.parse(folded).sections]


@given(st.text(alphabet="#[]v0123.-`<!> \nUnreleasd", max_size=80))
def test_any_text_is_read_and_checked(text: str) -> None:
    for part in changelog.parse(text).sections:
        assert part.body(text) is not None
    assert isinstance(changelog.problems(text), list)
    try:
        after = cut(text, "99.0.0")
    except UsageError:
        return
    assert changelog.section(after, Version("99.0.0"))


@pytest.mark.parametrize(
    ("newer", "older", "together"),
    [
        ("New.", "Old.", "New.\n\nOld."),
        ("- New.", "Old.", "- New.\n\nOld."),
        ("New.", "- Old.", "New.\n\n- Old."),
        ("- New.", "- Old.", "- New.\n- Old."),
    ],
)
def test_paragraphs_of_two_candidates_stand_one_blank_line_apart(
    newer: str, older: str, together: str
) -> None:
    text = (
        f"## [Unreleased]\n\n## [0.3.0rc2] - 2025-02-01\n\n{newer}\n\n"
        f"## [0.3.0rc1] - 2025-01-01\n\n{older}\n"
    )
    assert cut(text, "0.3.0") == f"## [Unreleased]\n\n## [0.3.0] - 2025-09-01\n\n{together}\n"
