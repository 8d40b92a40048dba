"""Cutting a changelog of 10,000 releases, against reading, scanning and writing it."""

import re
import sys
import tempfile
from itertools import pairwise
from pathlib import Path

from packaging.version import Version

from benchmarks.harness import Contender, at_most, conclude, side_by_side, table, unprepared
from scripts.core import changelog

RELEASES = 10_000
REPEATS = 31
LIMIT = 2
HEADING = re.compile(r"^## \[?v?(\d+\.\d+\.\d+\S*?)\]?(?: .*)?$", re.MULTILINE)
TOP = "# Changelog\n\n## [Unreleased]\n\n### Fixed\n\n- A crash on empty input.\n\n"
SECTION = """\
## [{version}] - 2025-01-{day:02}

### Added

- A thing that does what it says, see `module.function` ([#{number}](https://example.org/{number})).
- Another one, which a friend of the project wrote.

### Fixed

- A crash when the input was empty.

"""
CODE = """\
```markdown
## [Unreleased]
```

<!-- a comment -->

"""


def main() -> int:
    """Measure a plain changelog, and one that has code in every tenth section."""
    measured, claims = {}, []
    with tempfile.TemporaryDirectory() as folder:
        for title, text in (("plain", made()), ("with code", made(CODE))):
            path = Path(folder) / f"{title}.md"
            path.write_bytes(text.encode())
            series = side_by_side({"read, scan, write": floor(path), "cut": cutting(path)}, REPEATS)
            scanned, ours = series.values()
            size = f"{len(text) / 1e6:.1f} MB, {RELEASES:,} releases, {title}"
            print(table(f"changelog, {size}", series, scanned.name))
            measured[title] = series
            claims.append(at_most(f"cut, {title}", ours, scanned, LIMIT))
    return conclude("changelog", measured, claims)


def made(extra: str = "") -> str:
    """Make a changelog with links for every version; `extra` goes below every tenth section."""
    versions = [f"{n // 400}.{n // 20 % 20}.{n % 20}" for n in range(RELEASES, 0, -1)]
    parts = [TOP]
    for number, version in enumerate(versions):
        parts.append(SECTION.format(version=version, day=number % 28 + 1, number=number))
        parts.append(extra if number % 10 == 5 else "")
    page = "https://example.org/owner/name/compare"
    parts.append(f"[Unreleased]: {page}/v{versions[0]}...HEAD\n")
    for new, old in pairwise(versions):
        parts.append(f"[{new}]: {page}/v{old}...v{new}\n")
    return "".join(parts)


def floor(path: Path) -> Contender:
    """Read the file, find every version with one regular expression, write it again."""

    def act() -> None:
        text = path.read_bytes().decode()
        assert len(HEADING.findall(text)) >= RELEASES  # noqa: S101
        path.with_suffix(".out").write_bytes(text.encode())

    return unprepared(act)


def cutting(path: Path) -> Contender:
    """Read the file, cut a release, write it."""

    def act() -> None:
        text = path.read_bytes().decode()
        after = changelog.cut(
            text, Version("99.0.0"), "2025-09-01", tag="v99.0.0", previous_tag="v25.0.0"
        )
        path.with_suffix(".out").write_bytes(after.encode())

    return unprepared(act)


if __name__ == "__main__":
    sys.exit(main())
