"""The mark on a heading, and every other byte as it was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from scripts.core.changelog import is_yanked, yank
from scripts.core.errors import UsageError

V = Version("0.2.4")
TEXT = (
    "# Changelog\n\n## [Unreleased]\n\n## [0.2.4] - 2026-01-02\n\n- One.\n\n## [0.2.3]\n\n- Two.\n"
)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("## [0.2.4] - 2026-01-02", "## [0.2.4] - 2026-01-02 [YANKED]"),
        ("## 0.2.4", "## 0.2.4 [YANKED]"),
        ("## v0.2.4 - 2026-01-02", "## v0.2.4 - 2026-01-02 [YANKED]"),
        ("## [0.2.4] - 2026-01-02 ##", "## [0.2.4] - 2026-01-02 [YANKED] ##"),
        ("## [0.2.4](https://example.org) - 2026-01-02   ", None),
        ("0.2.4\n-----", "0.2.4 [YANKED]\n-----"),
    ],
)
def test_the_mark_is_added_once(before: str, after: str | None) -> None:
    text = TEXT.replace("## [0.2.4] - 2026-01-02", before)
    new = yank(text, V)
    assert is_yanked(text, V) is False
    assert is_yanked(new, V) is True
    assert yank(new, V) == new
    assert new.replace(" [YANKED]", "", 1) == text
    if after:
        assert new == text.replace(before, after)


def test_line_endings_and_the_byte_order_mark_stay() -> None:
    text = "\ufeff" + TEXT.replace("\n", "\r\n")
    new = yank(text, V)
    assert new == text.replace("2026-01-02\r\n", "2026-01-02 [YANKED]\r\n")


def test_the_same_words_elsewhere_are_no_heading() -> None:
    text = TEXT.replace("- Two.", "- As [0.2.4] - 2026-01-02 said.\n\n```\n## [0.2.4]\n```")
    assert yank(text, V).count("[YANKED]") == 1
    assert "## [0.2.4] - 2026-01-02 [YANKED]\n" in yank(text, V)


def test_other_versions_stay_unmarked() -> None:
    new = yank(TEXT, V)
    assert is_yanked(new, Version("0.2.3")) is False
    assert is_yanked(new, Version("9.9")) is None
    with pytest.raises(UsageError, match=r"no section for 9\.9"):
        yank(new, Version("9.9"))


@given(st.text(st.characters(exclude_characters="#\r\n`~<=-", exclude_categories=["C"])))
def test_every_other_byte_stays(body: str) -> None:
    text = TEXT.replace("- One.", f"- One {body}")
    assert yank(text, V).replace(" [YANKED]", "", 1) == text
