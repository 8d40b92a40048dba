"""Entries that came while a release was made stay out of it."""

import pytest

from scripts.core.changelog.carrying import carried, carry, without

BASE = (
    "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- One.\n\n## [0.1.0] - 2026-01-01\n\n- Old.\n"
)
HEAD = BASE.replace("- One.\n", "- One.\n- Two,\n  on two lines.\n\n### Fixed\n\n- Three.\n")
RELEASED = BASE.replace("## [Unreleased]", "## [Unreleased]\n\n## [0.2.0] - 2026-02-02")


def test_what_came_meanwhile_is_found_by_group() -> None:
    assert carried(BASE, HEAD) == {"Added": ["Two,\n  on two lines."], "Fixed": ["Three."]}


def test_without_it_the_file_is_as_it_was() -> None:
    assert without(HEAD, BASE) == BASE


def test_it_comes_under_unreleased_and_the_release_stays_as_it_is() -> None:
    text = carry(RELEASED, carried(BASE, HEAD))
    unreleased, _, rest = text.partition("## [0.2.0]")
    assert "- Two,\n  on two lines." in unreleased
    assert "- Three." in unreleased
    assert "- One." not in unreleased
    assert f"## [0.2.0]{rest}" == RELEASED[RELEASED.index("## [0.2.0]") :]


def test_a_file_without_unreleased_stays_as_it_is() -> None:
    text = "# Changelog\n\n## [0.1.0] - 2026-01-01\n\n- Old.\n"
    assert without(text, BASE) == text
    assert without(HEAD, text) == HEAD


def test_entries_go_to_the_end_of_their_own_group() -> None:
    text = BASE.replace("- One.\n", "- One.\n\n### Changed\n\n- C.\n\n### Fixed\n\n- F.\n")
    assert carry(text, {"Added": ["Two."], "Changed": ["D."]}) == text.replace(
        "- One.\n", "- One.\n- Two.\n"
    ).replace("- C.\n", "- C.\n- D.\n")


def test_a_paragraph_keeps_its_dash() -> None:
    head = BASE.replace("- One.\n", "- One.\n\nFrom here - to there.\n")
    assert carried(BASE, head) == {"Added": ["From here - to there."]}


def test_code_between_entries_is_one_entry() -> None:
    head = BASE.replace("- One.\n", "- One.\n\n```\n- no entry\n```\n\n- Two.\n")
    assert carried(BASE, head) == {"Added": ["```\n- no entry\n```", "Two."]}


def test_of_two_sections_unreleased_the_first_counts() -> None:
    again = "\n## [Unreleased]\n\n- Again.\n"
    assert carried(BASE + again, HEAD + again) == carried(BASE, HEAD)
    assert without(HEAD + again, BASE + again) == BASE + again


@pytest.mark.parametrize("text", [BASE, RELEASED])
def test_nothing_new_changes_nothing(text: str) -> None:
    assert carry(text, carried(BASE, BASE)) == text
