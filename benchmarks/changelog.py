"""Changelogs of 1,000 and 10,000 releases: against reading them, and keepachangelog.

keepachangelog is the library that reads and releases changelogs of this kind; it checks nothing
beyond what it has to read, and writes the file anew from what it understood.
"""

import re
import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from time import process_time

import keepachangelog
from packaging.version import Version

from benchmarks.harness import (
    Act,
    Claim,
    Contender,
    Series,
    ahead,
    at_most,
    conclude,
    side_by_side,
    table,
    unprepared,
)
from scripts.core import changelog

SIZES = (1_000, 10_000)
REPEATS = 31
LIMITS = {"plain": 6, "with code": 15}
"""Times as much processor time as reading, scanning and writing; in one run 5.1 and 12.4.

markdown-it-py reads each section with code.
"""
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
    """Measure plain changelogs, and such as have code in every tenth section."""
    measured: dict[str, dict[str, Series]] = {}
    claims: list[Claim] = []
    with tempfile.TemporaryDirectory() as name:
        for releases in SIZES:
            folder, size = Path(name), f"{releases:,} releases"
            for title, text in (("plain", made(releases)), ("with code", made(releases, CODE))):
                path = folder / f"{title}.md"
                path.write_bytes(text.encode())
                acts = {"read, scan, write": floor(path, releases), "cut": cutting(path)}
                measured[f"{size}, {title}"] = series = side_by_side(acts, REPEATS, process_time)
                scanned, ours = series.values()
                print(
                    table(f"changelog, {len(text):,} bytes, {size}, {title}", series, scanned.name)
                )
                claims.append(at_most(f"cut, {size}, {title}", ours, scanned, LIMITS[title]))
            measured[f"{size}, beside"] = beside = side_by_side(
                contenders(folder), REPEATS, process_time
            )
            print(table(f"{size}, the plain one, beside keepachangelog", beside, "cut"))
            for act in ("cut", "check"):
                claims += [
                    ahead(f"keepachangelog, {act}, {size}", beside[act], beside[f"its {act}"])
                ]
    return conclude("changelog", measured, claims)


def contenders(folder: Path) -> dict[str, Contender]:
    """Give what is ours and what is keepachangelog's, each with a file of its own."""
    path, its = folder / "plain.md", folder / "its.md"

    def prepare() -> Act:
        its.write_bytes(path.read_bytes())  # it writes where it read
        return lambda: keepachangelog.release(str(its), "99.0.0")

    return {
        "cut": cutting(path),
        "its cut": prepare,
        "check": unprepared(lambda: changelog.problems(path.read_bytes().decode())),
        "its check": unprepared(lambda: keepachangelog.to_dict(str(path), show_unreleased=True)),
    }


def made(releases: int, extra: str = "") -> str:
    """Make a changelog with links for every version; `extra` goes below every tenth section."""
    versions = [f"{n // 400}.{n // 20 % 20}.{n % 20}" for n in range(releases, 0, -1)]
    parts = [TOP]
    for number, version in enumerate(versions):
        parts.append(SECTION.format(version=version, day=number % 28 + 1, number=number))
        parts.append(extra if number % 10 == 5 else "")
    page = "https://example.org/owner/name/compare"
    parts.append(f"[Unreleased]: {page}/v{versions[0]}...HEAD\n")
    for new, old in pairwise(versions):
        parts.append(f"[{new}]: {page}/v{old}...v{new}\n")
    return "".join(parts)


def floor(path: Path, releases: int) -> Contender:
    """Read the file, find every version with one regular expression, write it again."""

    def act() -> None:
        text = path.read_bytes().decode()
        assert len(HEADING.findall(text)) >= releases  # noqa: S101
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
