"""Read the changelog again with keepachangelog: both readers must agree.

keepachangelog reads line by line and knows one form: `## [1.2.3] - DATE`, `### Group`, items. It
cannot read other forms. Only they are skipped, and the skipped parts are reported.
"""

import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from scripts.core.changelog import Changelog, Section, parse
from scripts.core.changelog.markdown import Hidden, covers
from scripts.core.changelog.sections import key_of
from scripts.core.changelog.titles import titled
from scripts.core.errors import CheckError, Place

_RELEASE = re.compile(r"^[ \t]*## .*$", re.MULTILINE)
_LINK = re.compile(r"\[.*\]: .*")
_WORD = re.compile(r"\w+")
_REMEDY = (
    "check that section: write it as Keep a Changelog does, or report a defect of these scripts "
    "if it already is"
)
Said = tuple[frozenset[str], Counter[str]]


class Agreement(NamedTuple):
    """The versions that both readers agree on, and those that keepachangelog cannot read."""

    agreed: int
    unread: tuple[int, ...]
    """The lines of the versions that keepachangelog cannot read."""
    failure: str = ""
    """Its error, if it could not read the file."""

    def __str__(self) -> str:
        """Report what was skipped; empty if all was read."""
        if self.failure:
            return f"keepachangelog cannot read this file ({self.failure}); one reader checked it"
        if not self.unread:
            return ""
        count, total = len(self.unread), self.agreed + len(self.unread)
        return (
            f"keepachangelog cannot read {count} of {total} versions, the first in line "
            f"{self.unread[0]}; one reader checked them"
        )


def agree(text: str, path: str) -> Agreement:
    """Compare both readings of each version: its groups and their words.

    Raises CheckError, with the line, for a version that keepachangelog reads differently.
    """
    import keepachangelog  # type: ignore[import-untyped]  # noqa: PLC0415 - start-up counts

    log = parse(text, path)
    try:
        releases = keepachangelog.to_dict(io.StringIO(text, newline=None), show_unreleased=True)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        lines = tuple(part.line for part in log.versions)
        return Agreement(0, lines, f"{type(error).__name__}: {error}")
    theirs = {key: _theirs(said) for name, said in releases.items() if (key := _key(name, said))}
    counts = Counter(key for part in log.versions for key in part.keys)
    readable = [part for part in log.versions if counts[part.key or ""] == 1 and _can(log, part)]
    for part in readable:
        if part.key not in theirs:
            raise _differs(log, part.line, f"does not find {part.version}")
        if theirs[part.key] != _ours(part.body(log.text)):
            raise _differs(log, part.line, f"finds other text under {part.version}")
    for key, line in _releases(text, log.hidden):
        if key in theirs and key not in counts:
            raise _differs(log, line, f"finds {key} here, these scripts do not")
    known = {part.line for part in readable}
    return Agreement(len(readable), tuple(p.line for p in log.versions if p.line not in known))


def _key(name: str, said: dict[str, Any]) -> str | None:
    """Read the name of a release that has a heading; a link alone does not count."""
    found = titled(name) if "release_date" in said["metadata"] else None
    return key_of(found.version) if found and found.first else None


def _can(log: Changelog, part: Section) -> bool:
    """Tell whether keepachangelog can read a section: its heading, its text and where that ends."""
    heading = log.text[part.heading.start : part.heading.stop]
    word = titled(heading[3:].split(" ")[0]) if heading.startswith("## ") else None
    plain = word and word.first and key_of(word.version) == part.key
    stop = part.content.stop
    ends = stop == len(log.text) or log.text.startswith("## ", stop)
    return bool(plain) and ends and not _RELEASE.search(part.body(log.text))


def _releases(text: str, hidden: Sequence[Hidden]) -> Iterator[tuple[str, int]]:
    """Find what keepachangelog reads as a release outside of code and comments."""
    for found in _RELEASE.finditer(text):
        title = titled(found[0].strip()[3:].split(" ")[0])
        key = key_of(title.version) if title and title.first else None
        if key and found[0].startswith("#") and not covers(hidden, found.start()):
            yield key, text.count("\n", 0, found.start()) + 1


def _theirs(said: dict[str, Any]) -> Said:
    groups = {name: items for name, items in said.items() if name != "metadata"}
    words = Counter(w for items in groups.values() for item in items for w in _words(item))
    return frozenset(groups) - {"uncategorized"}, words


def _ours(body: str) -> Said:
    groups, words = set[str](), Counter[str]()
    for line in re.split(r"\r\n?|\n", body):
        line = line.strip(" ")  # noqa: PLW2901
        if line.startswith("### "):
            groups.add(line[4:].lower().strip(" "))
        elif not _LINK.fullmatch(line):
            words.update(_words(line))
    return frozenset(groups) - {"uncategorized"}, words


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def _differs(log: Changelog, line: int, what: str) -> CheckError:
    return CheckError(f"keepachangelog {what}", _REMEDY, Place(log.path, line, 1))
