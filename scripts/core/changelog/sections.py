"""A changelog's sections: which headings start one, and what a heading's title says."""

import re
from functools import lru_cache
from typing import NamedTuple

from packaging.version import InvalidVersion, Version

from scripts.core.changelog.markdown import (
    Blocks,
    Definition,
    Heading,
    Hidden,
    Span,
    definitions,
    scan,
)

_WRAP = r"[\s*_~`]*"
_UNRELEASED = re.compile(rf"{_WRAP}\[?\s*unreleased\b", re.I)
# `[0.2.3](url) - date`, `0.2.3 (date)`, `v0.2.3`, `Version 0.2.3`: the version comes first.
TITLE = re.compile(
    rf"(?P<before>{_WRAP}(?:(?:version|release)\s+)?\[?\s*v?)(?P<version>\d+(?:\.\d+)+[\w.+!-]*)"
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
YANKED = re.compile(r"\[yanked\]", re.I)
_DEEPEST = 3


class Section(NamedTuple):
    """A stretch of the changelog under one heading: a version's, Unreleased's, or another's."""

    title: str
    level: int
    line: int
    heading: Span
    content: Span

    @property
    def unreleased(self) -> bool:
        """Whether the heading says Unreleased, in any of the usual spellings."""
        return bool(_UNRELEASED.match(self.title))

    @property
    def version(self) -> Version | None:
        """The version that the heading names; None for Unreleased and for other headings."""
        return version_in(self.title)

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
        return tuple(section for section in self.sections if section.unreleased)


def parse(text: str, path: str = "CHANGELOG.md") -> Changelog:
    """Read a changelog. Every text can be read; what is wrong with it is `problems`' matter."""
    blocks = scan(text)
    return Changelog(text, path, tuple(_sections(text, blocks)), tuple(blocks.hidden))


def version_in(title: str) -> Version | None:
    """Read the version that a heading's title starts with, if any."""
    found = TITLE.match(title)
    return _version(found["version"].rstrip(".-_")) if found else None


def version_key(title: str) -> str | None:
    """Spell the version in a title so that equal versions are equal texts, without delay.

    Most titles hold a plain `1.2.3`, for which no Version needs to be made.
    """
    found = TITLE.match(title)
    if not found:
        return None
    token = found["version"]
    if _PLAIN.fullmatch(token):
        return token
    version = _version(token.rstrip(".-_"))
    return None if version is None else str(_padded(version))


_PLAIN = re.compile(r"(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)")


def date_in(title: str) -> str | None:
    """Read the date in a version's or Unreleased's title, as written there."""
    found = TITLE.match(title)
    if not found:
        return None
    if iso := ISO_DATE.search(found["rest"]):
        return iso[0]
    return YANKED.sub("", found["rest"]).strip(" \t()[]\u2013\u2014:/-") or None


def _sections(text: str, blocks: Blocks) -> list[Section]:
    heads = _section_headings(blocks.headings)
    sections, line, counted = [], 1, 0
    stops = [*(head.span.start for head in heads[1:]), len(text)]
    for head, stop in zip(heads, stops, strict=False):
        line += text.count("\n", counted, head.span.start)
        counted = head.span.start
        sections.append(
            Section(head.title, head.level, line, head.span, Span(head.span.stop, stop))
        )
    return sections


def _section_headings(headings: list[Heading]) -> list[Heading]:
    named = [h.level for h in headings if TITLE.match(h.title) or _UNRELEASED.match(h.title)]
    level = min(named, default=_DEEPEST - 1)
    return [
        head
        for head in headings
        if head.level <= level or (head.level <= _DEEPEST and _VERSION_ONLY.match(head.title))
    ]


@lru_cache(maxsize=4096)
def _version(token: str) -> Version | None:
    try:
        return Version(token)
    except (InvalidVersion, ValueError):
        return None


def _padded(version: Version) -> Version:
    missing = 3 - len(version.release)
    if missing <= 0:
        return version
    release = ".".join(map(str, version.release))
    return Version(str(version).replace(release, release + ".0" * missing, 1))
