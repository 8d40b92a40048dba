"""A changelog's sections: which headings start one, and what a heading's title says."""

import re
from collections.abc import Iterable, Iterator
from itertools import chain, pairwise
from typing import NamedTuple

from packaging.version import Version

from scripts.core.changelog.markdown import Definition, Heading, Hidden, Scan, Span, definitions

_WRAP = r"[\s*_~`]*"
_VERSION_WORD = r"(?:(?:version|release)\s+)?"
# What a section's heading starts with. The plain versions, nearly all, need no further reading.
_NAMED = re.compile(
    rf"{_WRAP}(?:\[?\s*(?P<unreleased>unreleased)\b|{_VERSION_WORD}\[?\s*v?"
    r"(?:(?P<plain>(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*)){2})(?![\w.+!-])"
    r"|(?P<other>\d+(?:\.\d+)+[\w.+!-]*)))",
    re.I,
)
# `[0.2.3](url) - date`, `0.2.3 (date)`, `v0.2.3`, `Version 0.2.3`: the version comes first.
TITLE = re.compile(
    rf"(?P<before>{_WRAP}{_VERSION_WORD}\[?\s*v?)(?P<version>\d+(?:\.\d+)+[\w.+!-]*)"
    r"(?P<after>[*_~`]*(?:\s*\][*_~`]*)?)(?P<link>(?<=\])(?:\([^()\s]*\)|\[[^\[\]]*\]))?(?P<rest>.*)",
    re.I | re.S,
)
# Deeper headings than the others start a section only if they say nothing but version and date,
# as in changelogs whose minor releases stand a level deeper.
_VERSION_ONLY = re.compile(
    r"\[?v?\d+\.\d+\.\d+[\w.+-]*\]?(?:\([^()\s]*\)|\[[^\[\]]*\])?[\s(\u2013\u2014-]*(?:\d{4}-\d\d-\d\d\)?)?$",
    re.I,
)
ISO_DATE = re.compile(r"\b\d{4}-\d{2}-\d{2}\b")
YANKED = re.compile(r"[ \t]*\[yanked\]", re.I)
_NEWEST = 20  # versions without a date that are looked through for one


class Section(NamedTuple):
    """A stretch of the changelog under one heading: a version's, Unreleased's, or another's.

    `key` spells the version that the heading names so that equal versions are equal texts.
    """

    title: str
    level: int
    line: int
    heading: Span
    content: Span
    unreleased: bool
    key: str | None

    @property
    def version(self) -> Version | None:
        """The version that the heading names; None for Unreleased and for other headings."""
        return None if self.key is None else Version(self.key)

    @property
    def dated(self) -> bool:
        """Whether the heading has a date, in whatever form."""
        return any(sign.isdigit() for sign in self.date or "")

    @property
    def date(self) -> str | None:
        """The date as written, an ISO date if there is one."""
        return date_in(self.title)

    @property
    def yanked(self) -> bool:
        """Whether the heading marks the version as withdrawn."""
        return bool(YANKED.search(self.title))

    def body(self, text: str) -> str:
        """Return what stands under the heading, with the blank lines around it."""
        return text[self.content.start : self.content.stop]


class Changelog(NamedTuple):
    """A changelog, read. All positions are those of `text`, which is kept as it was."""

    text: str
    path: str
    sections: tuple[Section, ...]
    hidden: tuple[Hidden, ...]

    @property
    def newline(self) -> str:
        """The line ending of the file: that of its first line."""
        end = self.text.find("\n")
        return "\r\n" if end > 0 and self.text[end - 1] == "\r" else "\n"

    @property
    def links(self) -> tuple[Definition, ...]:
        """The link reference definitions, `[0.2.3]: url`."""
        return tuple(definitions(self.text, self.hidden))

    @property
    def unreleased(self) -> tuple[Section, ...]:
        """Every section that is headed Unreleased; a good changelog has one."""
        return tuple(part for part in self.sections if part.unreleased)


def parse(text: str, path: str = "CHANGELOG.md") -> Changelog:
    """Read a changelog. Every text can be read; what is wrong with it is `problems`' matter."""
    scan = Scan(text)
    return Changelog(text, path, tuple(_sections(text, scan)), tuple(scan.hidden))


def parse_top(text: str, path: str = "CHANGELOG.md") -> Changelog:
    """Read a changelog down to the newest version with a date below Unreleased.

    Not further than the newest few versions, if those have no dates, and never less than down to
    Unreleased.
    """
    scan, sections, versions = Scan(text), list[Section](), 0
    unreleased = False
    for part in _sections(text, scan):
        sections.append(part)
        unreleased |= part.unreleased
        versions += part.key is not None
        if unreleased and part.key and (part.dated or versions > _NEWEST):
            break
    return Changelog(text, path, tuple(sections), tuple(scan.hide_rest()))


def version_key(version: Version) -> str:
    """Spell a version as the keys of sections are: `0.2` as `0.2.0`."""
    missing = 3 - len(version.release)
    if missing <= 0:
        return str(version)
    release = ".".join(map(str, version.release))
    return str(version).replace(release, release + ".0" * missing, 1)


def key_of(token: str) -> str | None:
    """Read a version as a heading has it, and spell it as the keys are; None if it is none."""
    try:
        return version_key(Version(token.rstrip(".-_")))
    except ValueError:  # InvalidVersion, or a number of thousands of digits
        return None


def date_in(title: str) -> str | None:
    """Read the date in a version's or Unreleased's title, as written there."""
    found = TITLE.match(title)
    if not found:
        return None
    if iso := ISO_DATE.search(found["rest"]):
        return iso[0]
    return YANKED.sub("", found["rest"]).strip(" \t()[]\u2013\u2014:/-") or None


def _sections(text: str, found: Iterable[Heading]) -> Iterator[Section]:
    """Make the headings' sections, each as soon as the next one is known."""
    line, counted = 1, 0
    heads: Iterator[tuple[Heading | None, str, str]] = chain(_heads(found), [(None, "", "")])
    for (head, kind, name), (below, _, _) in pairwise(heads):
        if head:
            line += text.count("\n", counted, head.span.start)
            counted = head.span.start
            content = Span(head.span.stop, below.span.start if below else len(text))
            key = key_of(name) if kind == "other" else name if kind == "plain" else None
            yield Section(
                head.title, head.level, line, head.span, content, kind == "unreleased", key
            )


def _heads(found: Iterable[Heading]) -> Iterator[tuple[Heading, str, str]]:
    """Choose the headings that start a section, each with the kind and text of its name.

    Those are the headings of the level of the first that names a version or Unreleased, the higher
    ones, and the deeper ones that say nothing but a version.
    """
    level, above = 0, list[Heading]()
    for head in found:
        named = _NAMED.match(head.title)
        if named and not level:
            level = head.level
            yield from ((title, "", "") for title in above if title.level <= level)
        if not level:
            above.append(head)
        elif head.level <= level or (named and _VERSION_ONLY.match(head.title)):
            yield (
                (head, named.lastgroup or "", named[named.lastgroup or 0])
                if named
                else (head, "", "")
            )
    if not level:
        yield from ((title, "", "") for title in above)
