"""What can be wrong with a changelog, each with its line, its cause and its remedy."""

import datetime
import re
from collections.abc import Iterator, Sequence

from packaging.version import Version

from scripts.core.changelog.groups import USUAL, groups
from scripts.core.changelog.markdown import definitions
from scripts.core.changelog.sections import ISO_DATE, Changelog, Section, parse, version_key
from scripts.core.errors import Place, ReleaseError, UsageError

_COMMENT = re.compile(r"<!--.*?-->", re.S)
_USUAL = {title.casefold() for title in USUAL}


def problems(text: str, path: str = "CHANGELOG.md") -> list[ReleaseError]:
    """Find all that would keep a release from being cut or read back, in the file's order."""
    log = parse(text, path)
    found = [*unreleased(log), *_unclosed(log), *_duplicates(log), *_unreadable(log)]
    found += [*_misdated(log), *_strays(log, log.sections)]
    return sorted(found, key=lambda error: error.place.line if error.place else 0)


def uncuttable(
    log: Changelog, version: Version, candidates: Sequence[Section]
) -> Iterator[UsageError]:
    """Find all that keeps `version` from being cut; `candidates` are what it will take in."""
    yield from unfillable(log)
    yield from _duplicates(log)
    yield from _present(log, version)
    for part in log.unreleased[:1]:
        if not candidates and not says_something(part.body(log.text)):
            yield _error(
                log.path,
                part.line,
                f"nothing stands under Unreleased, so {version} would be empty",
                "write below it what changed, such as `### Fixed` and `- ...`",
            )


def unfillable(log: Changelog) -> Iterator[UsageError]:
    """Find all that keeps entries from being added to Unreleased."""
    yield from _unclosed(log)
    yield from unreleased(log)
    for part in log.unreleased[:1]:
        yield from _strays(log, log.sections[log.sections.index(part) + 1 :], every=False)


def says_something(body: str) -> bool:
    """Tell whether a body has more than headings, comments and link definitions."""
    body = _COMMENT.sub("", body)
    for found in reversed(definitions(body, ())):
        body = body[: found.span.start] + body[found.span.stop :]
    return any(group.text.strip(" \t\r\n-*+") for group in groups(body))


def twice(path: str, again: Section, first: Section) -> UsageError:
    """Say that a version has two headings."""
    return _error(
        path,
        again.line,
        f"{again.version} has a heading here and in line {first.line}",
        "put both under one heading, or correct the version of one",
    )


def unreleased(log: Changelog) -> Iterator[UsageError]:
    """Find whether Unreleased is missing, or there more than once."""
    if not log.unreleased:
        yield UsageError(
            "the changelog has no Unreleased section",
            "add the heading `## [Unreleased]` above that of the newest version",
            Place(log.path),
        )
    for again in log.unreleased[1:]:
        yield _error(
            log.path,
            again.line,
            f"Unreleased stands here again, and first in line {log.unreleased[0].line}",
            "put all that is not released under the first",
        )


def _unclosed(log: Changelog) -> Iterator[UsageError]:
    for lines in log.hidden:
        if not lines.closed:
            yield _error(
                log.path,
                log.text.count("\n", 0, lines.span.start) + 1,
                "a block of code or a comment starts here and has no end, so all below is in it",
                "end it: code with the mark that it starts with, a comment with `-->`",
            )


def _duplicates(log: Changelog) -> Iterator[UsageError]:
    seen: dict[str, Section] = {}
    for part in log.sections:
        first = seen.setdefault(part.key, part) if part.key else part
        if first is not part:
            yield twice(log.path, part, first)


def _present(log: Changelog, version: Version) -> Iterator[UsageError]:
    key = version_key(version)
    for part in log.sections:
        if part.key == key:
            yield _error(
                log.path,
                part.line,
                f"{version} has a heading already",
                "release another version, or put what stands here back under Unreleased",
            )
            return


def _unreadable(log: Changelog) -> Iterator[UsageError]:
    for part in log.sections:
        if part.key is None and re.match(r"\[v?\d|v?\d+\.", part.title, re.I):
            yield _error(
                log.path,
                part.line,
                f"the heading {part.title!r} names no version that PEP 440 knows",
                "write a version such as 0.2.4 or 0.3.0rc1",
            )


def _misdated(log: Changelog) -> Iterator[UsageError]:
    for part in log.sections:
        if (date := part.date) and ISO_DATE.fullmatch(date):
            try:
                datetime.date.fromisoformat(date)
            except ValueError:
                remedy = "write the day of the release as YYYY-MM-DD"
                yield _error(log.path, part.line, f"{date} is no date", remedy)


def _strays(
    log: Changelog, parts: Sequence[Section], *, every: bool = True
) -> Iterator[UsageError]:
    """Find the headings of groups that stand on the level of versions, cutting a section in two.

    Without `every`, only those before the first heading that is none.
    """
    for part in parts:
        if part.title.casefold() in _USUAL:
            yield _error(
                log.path,
                part.line,
                f"the heading {part.title!r} stands on the level of versions",
                "give it one `#` more, so that it belongs to the version above it",
            )
        elif not every:
            return


def _error(path: str, line: int, cause: str, remedy: str) -> UsageError:
    return UsageError(cause, remedy, Place(path, line, 1))
