"""Findings, and how people read them."""

import pytest

from scripts.core import report
from scripts.core.findings import (
    ADVICE,
    NOT_CHECKED,
    OK,
    PROBLEM,
    advice,
    compared,
    not_checked,
    ok,
    problem,
)


@pytest.mark.parametrize(("found", "status"), [("a", OK), ("b", PROBLEM), (None, PROBLEM)])
def test_what_is_expected_is_compared(found: str | None, status: str) -> None:
    finding = compared("thing", "a", found, "mend it")
    assert finding.status == status
    assert finding.remedy == ("" if status == OK else "mend it")
    assert status == OK or finding.found == f"{found}, expected a"


def test_the_worst_is_read_first_with_why_remedy_and_page() -> None:
    found = [
        ok("fine", "there"),
        not_checked("hidden", "no token"),
        advice("open", "off", "it matters", "switch it on", "https://example.org/a"),
        problem("broken", "gone | lost", "it stops", "make it", "https://example.org/p"),
    ]
    assert [one.status for one in found] == [OK, NOT_CHECKED, ADVICE, PROBLEM]
    lines = report.findings("Doctor", found).splitlines()
    assert lines[0] == "## Doctor"
    assert lines[4:] == [
        "| ❌ broken | gone \\| lost | it stops | make it ([page](https://example.org/p)) |",
        "| ⚠️ open | off | it matters | switch it on ([page](https://example.org/a)) |",
        "| ❔ hidden | not checked: no token |  |  |",
        "| ✅ fine | there |  |  |",
    ]


def test_drift_is_told_by_release() -> None:
    text = report.drift({"v0.2.4": [problem("git tag", "a, expected b", "", "the next version")]})
    assert "## v0.2.4\n\n| what | found | what to do |" in text
    assert "| git tag | a, expected b | the next version |" in text
