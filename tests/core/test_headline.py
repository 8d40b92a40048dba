"""What a changelog calls a release beside its number."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.core.changelog.headline import LONGEST, cleaned, headline


@pytest.mark.parametrize(
    ("title", "body", "said"),
    [
        ("Unreleased", "\nFaster pose streams\n\n### Added\n\n- x\n", "Faster pose streams"),
        ("Unreleased", "**Faster pose streams.**\n\n- x\n", "Faster pose streams"),
        ("Unreleased", "Faster: now\r\n\r\n- x\r\n", "Faster: now"),
        ("[0.2.3] - 2025-08-20 - Faster streams", "- x\n", "Faster streams"),
        ("0.2.3 (2025-08-20): Faster streams ##", "- x\n", "Faster streams"),
        ("[0.2.3] - 2025-08-20 [YANKED]", "- x\n", ""),
        ("Unreleased", "### Added\n\n- x\n", ""),
        ("Unreleased", "- x\n- y\n", ""),
        ("Unreleased", "1. x\n", ""),
        ("Unreleased", "A paragraph\nof two lines.\n\n- x\n", ""),
        ("Unreleased", "[link]: https://x.y\n", ""),
        ("Unreleased", "Text directly above\n### Added\n", "Text directly above"),
        ("Unreleased", "x" * (LONGEST + 1) + "\n", ""),
        ("Unreleased", "", ""),
    ],
)
def test_the_headline(title: str, body: str, said: str) -> None:
    assert headline(title, body) == said


@given(st.text(), st.text())
def test_a_headline_is_one_short_line_that_no_program_takes_for_an_option(
    title: str, body: str
) -> None:
    found = headline(title, body)
    assert found == cleaned(found)
    assert len(found.splitlines()) <= 1
    assert len(found) <= LONGEST
    assert not found.startswith("-")
