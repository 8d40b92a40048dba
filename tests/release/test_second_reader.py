"""keepachangelog reads what this project reads, or the difference is told."""

from pathlib import Path

import pytest
from hypothesis import given

from scripts.core.errors import CheckError
from scripts.release import second_reader
from scripts.release.second_reader import agree
from tests.core.changelogs import real
from tests.core.test_changelog import PLAIN, cut, made


def wrong(monkeypatch: pytest.MonkeyPatch, written: str, read: str) -> None:
    """Let this project read other text than keepachangelog is given, as a defect of ours would."""
    parse = second_reader.parse
    monkeypatch.setattr(
        second_reader, "parse", lambda text, path: parse(text.replace(written, read), path)
    )


def test_a_plain_changelog_is_read_alike() -> None:
    found = agree(cut(PLAIN), "CHANGELOG.md")
    assert (found.agreed, found.unread, str(found)) == (2, (), "")


@pytest.mark.parametrize(
    ("written", "read", "cause"),
    [
        ("- A thing.", "- Another thing.", "finds other text under 0.2.3"),
        ("### Added", "### Changed", "finds other text under 0.2.3"),
        ("## [0.2.3]", "## [0.2.2]", "does not find 0.2.2"),
        ("## [0.2.3] - 2025-08-20", "### Older", "finds 0.2.3 here, these scripts do not"),
    ],
)
def test_a_difference_is_an_error(
    monkeypatch: pytest.MonkeyPatch, written: str, read: str, cause: str
) -> None:
    wrong(monkeypatch, written, read)
    with pytest.raises(CheckError, match=cause) as refused:
        agree(PLAIN, "CHANGELOG.md")
    assert refused.value.place
    assert refused.value.place.line == 9


@pytest.mark.parametrize(
    ("text", "unread"),
    [
        (PLAIN.replace("## [0.2.3]", "## Version 0.2.3"), (9,)),
        (PLAIN.replace("## [0.2.3]", "### [0.2.3]"), (9,)),
        (PLAIN.replace("- A thing.", "```\n## [9.9.9]\n```"), (9,)),
        (PLAIN + "\n## 0.2.3\n", (9, 18)),
        (PLAIN.replace("[Unreleased]: ", "# 0.2.2\n\n[Unreleased]: "), (9, 15)),
    ],
)
def test_what_it_cannot_read_is_passed_over_and_said(text: str, unread: tuple[int, ...]) -> None:
    found = agree(text, "CHANGELOG.md")
    assert found.unread == unread
    assert f"cannot read {len(unread)} of {len(unread)} versions" in str(found)
    assert f"the first in line {unread[0]};" in str(found)


def test_a_file_that_it_fails_on_is_said_with_its_error() -> None:
    found = agree(PLAIN + "\n### Metadata\n\n- x\n", "CHANGELOG.md")
    assert "keepachangelog cannot read this file (AttributeError: " in str(found)


@given(made())
def test_made_changelogs_are_read_alike(text: str) -> None:
    agree(cut(text, "1.0.0"), "CHANGELOG.md")


@pytest.mark.parametrize("path", real())
def test_real_changelogs_are_read_alike(path: Path) -> None:
    agree(path.read_bytes().decode(), path.name)
