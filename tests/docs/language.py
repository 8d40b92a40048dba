"""Finds this project's banned phrases: `python -m tests.docs.language` prints each with its place.

CONTRIBUTING.md, "Writing", has the rules. A program can check only a few of them.
"""

import re
import sys
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import accumulate
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXTS = (
    *("README.md", "CONTRIBUTING.md", "SECURITY.md", "Makefile", "docs/*.md"),
    *(".github/**/*.md", ".github/**/*.yml", "Dockerfile.*", "*.yaml", "*.toml"),
)
FOLDERS = ("benchmarks", "rehearsal", "scripts", "services", "stream_pose_ml")
"""Folders whose Python files follow the rules."""
ALLOWED = "<!-- wrong -->"
"""Marks a line that quotes a banned phrase."""
INSTEAD = {
    r"mend(s|ed|ing)?": "fix",
    r"looks? whether": "check whether",
    r"(?<!there )(is|are) no(?! (longer|more)\b)(?= )": "is not",
    r"(how|so) manieth": "which, by its number",
    r"of whom": "whose, or of which",
    r"whichever": "any, or the one that",
    r"for ever": "permanently",
    r"that (is|are) content": "that passes",
    r"the very (bytes|files?|same|workflow|`?release)": "the exact",
    r"is, is not known": "cannot determine",
    r"(was|were) to be": "expected",
    r"only what passes": "only transient failures",
    r"(gives?|given|gave) (it )?a name": "publish, or tag",
    r"not to be seen": "not visible",
    r"may what": "may do what",
    r"it is tried again": "retry",
    r"(is|are|was|were) told of": "report",
    r"says? one (thing|version)": "agree",
    r"nothing (anywhere|everywhere)": "do not write",
    r"what (is|was|goes|came|stands) (there|of|behind|before|wrong|odd)": "a noun",
    r"(is|are|was|were) given up": "times out",
    r"befalls?": "fault of",
    r"takes? (it|a release) back": "roll back",
}


def files() -> list[Path]:
    """Return the files that the rules are checked in."""
    texts = [path for name in TEXTS for path in sorted(ROOT.glob(name))]
    code = [path for name in FOLDERS for path in sorted((ROOT / name).rglob("*.py"))]
    return texts + code


def breaches(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield the line, the phrase and what to write instead, for each banned phrase in a text."""
    words = [(n, word) for n, line in _lines(text) for word in line.split()]
    flat = " ".join(word for _, word in words)
    starts = list(accumulate((len(word) + 1 for _, word in words), initial=0))
    for banned, instead in INSTEAD.items():
        for found in re.finditer(rf"\b{banned}\b", flat, re.IGNORECASE):
            yield words[bisect_right(starts, found.start()) - 1][0], found[0], instead


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield each line with its number, without the sign of a comment, but no quotation."""
    for n, line in enumerate(text.splitlines(), 1):
        if ALLOWED not in line:
            yield n, line.strip().removeprefix("#")


def report(paths: Iterable[Path]) -> list[str]:
    """Return a message for each banned phrase in the files."""
    return [
        f'{path.relative_to(ROOT)}:{line}: "{phrase}": write "{instead}" (CONTRIBUTING.md, Writing)'
        for path in paths
        for line, phrase, instead in breaches(path.read_text("utf-8"))
    ]


if __name__ == "__main__":
    found = report(files())
    print(*found, sep="\n", end="\n" if found else "", file=sys.stderr)
    sys.exit(1 if found else 0)
