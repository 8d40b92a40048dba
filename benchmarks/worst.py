"""The worst changelogs found: each must take a time in proportion to its bytes, in every action.

A budget for each byte, not a comparison: what takes twice the bytes may take twice the time. The
inputs are those that made an earlier reader, or a regular expression, take the square of that.
"""

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from packaging.version import Version

from benchmarks.harness import Claim, Series, conclude
from scripts.core import changelog, notes
from scripts.core.entries import Entry
from scripts.core.errors import UsageError
from scripts.release.second_reader import agree

BUDGET = 50e-6
"""Seconds for a byte, so that 20 KB take one at the most."""
SIZES = (20_000, 200_000)
TOP = "# Changelog\n\n## [Unreleased]\n\n- x\n\n"
OLDER = "\n\n## [0.2.3] - 2025-01-01\n\n- y\n"
NEW = [Entry("Added", "A thing (#991)", "0123456789abcdef0123456789abcdef01234567", "991")]


def _filled(unit: str) -> Callable[[int], str]:
    return lambda size: TOP + unit * (size // len(unit)) + OLDER


def _numbered(unit: str) -> Callable[[int], str]:
    return lambda size: (
        TOP + "".join(unit.format(n) for n in range(size // (len(unit) + 3))) + OLDER
    )


INPUTS: Mapping[str, Callable[[int], str]] = {
    "code indented in a list": lambda size: TOP + "- a\n\n" + "    # x\n" * (size // 8) + OLDER,
    "headings in an item": lambda size: TOP + "- a\n\n" + "  # x\n" * (size // 6) + OLDER,
    "code in nested lists": lambda size: (
        TOP + "- a\n  - b\n    - c\n\n" + "          # x\n" * (size // 14) + OLDER
    ),
    "fences": _filled("```\nx\n```\n"),
    "fences in items": _filled("- a\n  ```\n  # x\n  ```\n"),
    "groups of fences": _filled("### Added\n\n```\n# x\n```\n\n"),
    "open fences": _filled("## a\n```\n"),
    "open comments": _filled("- <!-- a\n"),
    "comments": _filled("<!-- a -->\n# b\n"),
    "HTML up to a heading": _filled("<div>\n## a\n"),
    "HTML up to a blank line": _filled("<b>\n\n"),
    "quotes in quotes": _filled("> " * 18 + "a\n\n"),
    "quotes in items": _filled("- a\n  > b\n"),
    "definitions": _numbered("[{0}]: https://example.org/{0}\n"),
    "definitions of one label": _filled("[a]: https://example.org/\n"),
    "definitions that never end": _filled("[a]: b 'c\n"),
    "labels": _filled("[unreleased]: "),
    "brackets": _filled("[" * 60 + "\n"),
    "one paragraph": _filled("a\n"),
    "underlines": _filled("a\n-\n"),
    "one version": _filled("## 0.1.0\n"),
    "versions": _numbered("## 0.0.{0}\n"),
    "no versions": lambda size: TOP + "* 1.0 (a)\n" * (size // 10),
    "a long title": lambda size: f"{TOP}## 0.1.0 {'<!1.1(]' * (size // 7)}{OLDER}",
    "a long version": lambda size: f"{TOP}## 0.1{'.1' * (size // 2)}{OLDER}",
    "a long address": lambda size: (
        TOP + "- x" + OLDER + "\n[Unreleased]: https:/" + "/compare/.." * (size // 11)
    ),
    "strays": _filled("## Added\n"),
    "digits": _filled("1234567890" * 8 + "\n"),
    "spaces": _filled(" " * 79 + "\n"),
    "carriage returns": _filled("a\r"),
}


def main(arguments: Sequence[str] = ()) -> int:
    """Measure every action on every input, or on those named."""
    measured: dict[str, dict[str, Series]] = {}
    claims: list[Claim] = []
    for name in arguments or INPUTS:
        for size in SIZES:
            text = INPUTS[name](size)
            took = seconds(text)
            slowest = max(took, key=lambda action: took[action])
            title = f"{name}, {size // 1000} KB"
            measured[title] = {a: Series(a, (s,)) for a, s in took.items()}
            share = took[slowest] / len(text)
            print(f"  {title}: {slowest} {share * 1e6:.2f} µs a byte", flush=True)
            claims.append(Claim(title, share / BUDGET, 1, at_most=True))
    return conclude("worst", measured, claims)


def seconds(text: str) -> dict[str, float]:
    """Time every action on a text; what refuses it must do so as fast."""
    actions: dict[str, Callable[[], object]] = {
        "check": lambda: (changelog.problems(text), changelog.oddities(text)),
        "cut": lambda: changelog.cut(
            text, Version("0.2.4"), "2025-09-01", tag="v0.2.4", previous_tag="v0.2.3"
        ),
        "draft": lambda: changelog.draft(text, NEW),
        "second reader": lambda: agree(text, "CHANGELOG.md"),
        "notes": lambda: _notes(text),
    }
    return {name: _timed(act) for name, act in actions.items()}


def _notes(text: str) -> None:
    for part in changelog.parse(text).sections[:2]:
        body = changelog.excerpt(text, part)
        for group in changelog.groups(body):
            assert group.entries is not None  # noqa: S101
        notes.shortened(body, len(body) // 2, "more")


def _timed(act: Callable[[], object]) -> float:
    began = time.process_time()
    with suppress(UsageError):
        act()
    return time.process_time() - began


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
