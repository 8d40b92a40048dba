"""A changelog's sections: which headings start one, and what a heading's title means."""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from packaging.version import Version

from scripts.core.changelog.markdown import HIGH, Heading, Hidden, Span, scan
from scripts.core.changelog.titles import YANKED, titled, unreleased
from scripts.core.errors import Place, UsageError

# A title of a version or of Unreleased must match this; most titles do not.
_LIKELY = re.compile(r"\d\.[\d{]|unreleased", re.I)
# Most titles of versions, read at once.
_SIMPLE = re.compile(r"\[?v?(\d+\.\d+\.\d+)\]?(?: (?:- |\()?\d{4}-\d\d-\d\d\)?)?")
_PLAIN = re.compile(r"(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*)){2}")
_BRACES = re.compile(r"(?P<start>.*)\{(?P<ends>[^{}]*)\}")
_OTHER_MARKUP = {".rst": "reStructuredText", ".rest": "reStructuredText", ".rdoc": "RDoc"}


class Section(NamedTuple):
    """A stretch of the changelog under one heading: a version's, Unreleased's, or another's.

    `name` is the version as the heading has it. `key` spells it so that equal versions are equal
    texts; it is None for a name that PEP 440 does not know, which is never compared. `keys` are all
    versions that the section is about: several under a heading such as `6.5.{1,2}`.
    """

    title: str
    level: int
    line: int
    heading: Span
    content: Span
    unreleased: bool
    name: str | None
    key: str | None
    keys: tuple[str, ...]

    @property
    def version(self) -> Version | None:
        """The version that the heading names; None for Unreleased and for other headings."""
        return None if self.key is None else Version(self.key)

    @property
    def dated(self) -> bool:
        """Whether the heading has a date, in any format."""
        return any(sign.isdigit() for sign in self.date or "")

    @property
    def date(self) -> str | None:
        """The date as written, an ISO date if there is one."""
        found = titled(self.title) if self.name else None
        return found.date if found else None

    @property
    def yanked(self) -> bool:
        """Whether the heading marks the version as withdrawn."""
        return bool(YANKED.search(self.title))

    def body(self, text: str) -> str:
        """Return the text under the heading, with the blank lines around it."""
        return text[self.content.start : self.content.stop]


class Changelog(NamedTuple):
    """A changelog, read. All positions refer to the unchanged `text`.

    `unreleased` are the sections with that heading (a good changelog has one), and `versions` those
    of versions.
    """

    text: str
    path: str
    sections: tuple[Section, ...]
    hidden: tuple[Hidden, ...]
    unreleased: tuple[Section, ...]
    versions: tuple[Section, ...]

    @property
    def newline(self) -> str:
        """The line ending of the file: that of its first line."""
        return "\r\n" if self.text[: self.text.find("\n")].endswith("\r") else "\n"

    @property
    def pending(self) -> Section:
        """The first section Unreleased, which must be there."""
        return self.unreleased[0]

    @property
    def newest(self) -> Section | None:
        """The first version below Unreleased; without Unreleased, the first of the file."""
        start = self.pending.line if self.unreleased else 0
        return next((part for part in self.versions if part.line > start), None)


def parse(text: str, path: str = "CHANGELOG.md") -> Changelog:
    """Read a changelog.

    This reads any Markdown; `problems` finds its problems. Raises UsageError if the file's name
    says that it is not Markdown.
    """
    for suffix, markup in _OTHER_MARKUP.items():
        if path.lower().endswith(suffix):
            raise UsageError(
                f"{path} is {markup}; a changelog must be Markdown",
                f"convert it (for example with pandoc --to gfm), save it as {path[: -len(suffix)]}"
                '.md and set `changelog = "…"` in [tool.release] to that name',
                Place(path),
            )
    heads, hidden = _heads(text)
    parts = tuple(_sections(text, heads))
    pending = tuple([part for part in parts if part.unreleased])
    return Changelog(
        text, path, parts, tuple(hidden), pending, tuple([part for part in parts if part.name])
    )


def version_key(version: Version) -> str:
    """Spell a version like the keys of sections: `0.2` becomes `0.2.0`."""
    missing = 3 - len(version.release)
    if missing <= 0:
        return str(version)
    release = ".".join(map(str, version.release))
    return str(version).replace(release, release + ".0" * missing, 1)


def key_of(token: str) -> str | None:
    """Read a version from a heading, and spell it like a key; None if it is not a version."""
    if _PLAIN.fullmatch(token):
        return token
    try:
        return version_key(Version(token))
    except ValueError:  # InvalidVersion, or a number of thousands of digits
        return None


def _keys(name: str) -> tuple[str | None, tuple[str, ...]]:
    """Return a name's key, and the keys of all its versions."""
    if key := key_of(name):
        return key, (key,)
    found = _BRACES.match(name)
    ends = found["ends"].split(",") if found else []
    every = [key_of(found["start"] + end.strip()) for end in ends] if found else []
    return None, tuple(key for key in every if key)


class _Head(NamedTuple):
    """A heading, and what it may name: `first` and `alone` are those of `Title`."""

    heading: Heading
    name: str | None = None
    first: bool = False
    alone: bool = False
    unreleased: bool = False


def _heads(text: str) -> tuple[list[_Head], list[Hidden]]:
    """Choose the headings that start a section.

    They are the headings on the level of the newest version, the higher ones, and the deeper ones
    that consist of a version or of Unreleased: some changelogs have minor releases a level deeper.
    A version with other words before it, `My Project 1.0.0`, names a section only on that level,
    and only if no heading begins with the same version.
    """
    blocks = scan(text, deep=_LIKELY)
    heads = [_head(one) for one in blocks.headings]
    level = _level(heads)
    if level > HIGH:
        heads = [_head(one) for one in scan(text).headings]
    known = {one.name for one in heads if one.first}
    chosen: list[_Head] = []
    for one in heads:
        depth = one.heading.level
        named = one.first or (one.alone and depth == level and one.name not in known)
        if not level or depth <= level or (one.alone and (named or one.unreleased)):
            chosen.append(one if named or not one.name else _Head(one.heading))
    return chosen, blocks.hidden


def _level(heads: list[_Head]) -> int:
    """Return the level of the newest version; 0 if no heading shows it."""
    firsts = [one for one in heads if one.first]
    for one in [*(one for one in firsts if one.alone), *firsts]:
        return one.heading.level
    levels = Counter(one.heading.level for one in heads if one.name and one.alone)
    named = [one.heading.level for one in heads if one.unreleased]
    return levels.most_common(1)[0][0] if levels else next(iter(named), 0)


def _head(heading: Heading) -> _Head:
    if simple := _SIMPLE.fullmatch(heading.title):
        return _Head(heading, simple[1], True, True)
    if not _LIKELY.search(heading.title):
        return _Head(heading)
    said, alone = unreleased(heading.title)
    if said:
        return _Head(heading, alone=alone, unreleased=True)
    found = titled(heading.title)
    return _Head(heading, found.version, found.first, found.alone) if found else _Head(heading)


def _sections(text: str, heads: list[_Head]) -> Iterator[Section]:
    line, counted = 1, 0
    for head, below in pairwise([*heads, None]):
        if head is None:
            return
        found = head.heading
        line += text.count("\n", counted, found.span.start)
        counted = found.span.start
        content = Span(found.span.stop, below.heading.span.start if below else len(text))
        names = (head.name, *_keys(head.name)) if head.name else (None, None, ())
        yield Section(found.title, found.level, line, found.span, content, head.unreleased, *names)
