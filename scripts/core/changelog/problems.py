"""The problems of a changelog, each with its line, cause and remedy.

Unreleased and the newest version must follow all rules: the next release is cut from the first and
imitates the second. Problems of older versions are only reported.
"""

import datetime
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import takewhile

from packaging.version import Version

from scripts.core.changelog import headings
from scripts.core.changelog.groups import USUAL, groups
from scripts.core.changelog.markdown import covers, scan
from scripts.core.changelog.sections import Changelog, Section, parse, version_key
from scripts.core.changelog.titles import ISO_DATE, titled
from scripts.core.errors import Place, ReleaseError, UsageError

_COMMENT = re.compile(r"<!--(?:(?!-->).)*+(?:-->)?", re.S)
_NAMING_LINE = re.compile(r"^.*\d\.\d.*$", re.M)
_USUAL = {title.casefold() for title in USUAL}
_SHOWN = 5
Found = Iterator[UsageError]


def problems(text: str, path: str = "CHANGELOG.md") -> list[ReleaseError]:
    """Find all problems that prevent cutting a release or reading it again, in file order."""
    log = parse(text, path)
    found = [*unreleased(log), *nameless(log)]
    strict = _strictness(log)
    found += [error for kind in _KINDS for error in kind(log) if strict(error)]
    return sorted(found, key=lambda error: error.place.line if error.place else 0)


def oddities(text: str, path: str = "CHANGELOG.md") -> list[ReleaseError]:
    """Report problems in older versions, one finding for each kind; none is an error."""
    log = parse(text, path)
    strict = _strictness(log)
    found = ([error for error in kind(log) if not strict(error)] for kind in _KINDS)
    return [_together(errors) for errors in found if errors]


def uncuttable(log: Changelog, version: Version, candidates: Sequence[Section]) -> Found:
    """Find all problems that prevent cutting `version`; it will include `candidates`."""
    yield from unfillable(log)
    yield from filter(_strictness(log), _duplicates(log))
    yield from _present(log, version)
    if log.unreleased and not candidates and not says_something(log.pending.body(log.text)):
        yield _error(
            log.path,
            log.pending.line,
            f"Unreleased has no entries, so {version} would be empty",
            "add what changed below it, such as `### Fixed` and `- ...`",
        )


def unfillable(log: Changelog) -> Found:
    """Find all problems that prevent adding entries to Unreleased."""
    yield from filter(_strictness(log), _unclosed(log))
    yield from unreleased(log)
    yield from nameless(log)
    if log.unreleased:
        below = log.sections[log.sections.index(log.pending) + 1 :]
        yield from (_stray(log, one) for one in takewhile(_is_usual, below))


def says_something(body: str) -> bool:
    """Tell whether a body has more than headings, comments and link definitions."""
    body = _COMMENT.sub("", body)
    said = [group.text for group in groups(body)]
    if not any(text.strip(" \t\r\n-*+") for text in said):
        return False
    lines = {line.strip() for text in said for line in text.splitlines()}
    defined = scan(body, definitions=True).definitions
    lines -= {
        line.strip()
        for found in defined
        for line in body[found.span.start : found.span.stop].splitlines()
    }
    return any(line.strip(" \t-*+") for line in lines)


def twice(path: str, again: Section, first: Section) -> UsageError:
    """Report that a version has two headings."""
    shared = next(key for key in again.keys if key in first.keys)
    return _error(
        path,
        again.line,
        f"{shared} has a heading here and in line {first.line}",
        "put both under one heading, or correct one of the versions",
    )


def unreleased(log: Changelog) -> Found:
    """Find whether Unreleased is missing, or there more than once."""
    if not log.unreleased:
        heading = headings.of_unreleased(log)
        yield UsageError(
            "the changelog has no Unreleased section",
            f"add the heading {_quoted(heading)} above that of the newest version",
            Place(log.path),
        )
    for again in log.unreleased[1:]:
        yield _error(
            log.path,
            again.line,
            f"Unreleased is here again, and first in line {log.unreleased[0].line}",
            "put all that is not released under the first",
        )


def nameless(log: Changelog) -> Found:
    """Find older versions that no heading names."""
    if log.versions:
        return
    line = _unnamed(log)
    if line:
        yield _error(
            log.path,
            line,
            "no heading of this file has a version, but here is text of an older version",
            "give each version a heading, such as `## 1.2.3 - 2025-01-31`; what belongs to no "
            "version goes above Unreleased",
        )


def _unnamed(log: Changelog) -> int:
    """Return the line where older versions seem to start; 0 if there is none.

    They start with text in a section below Unreleased (without one, below any heading except the
    file's title), or with a line that consists of a version.
    """
    start = log.pending.line if log.unreleased else 0
    for part in log.sections:
        older = part.line > start if start else part.level > 1
        if (
            older
            and not part.unreleased
            and not _is_usual(part)
            and says_something(part.body(log.text))
        ):
            return part.line
    for found in _NAMING_LINE.finditer(log.text):
        title = titled(found[0])
        if title and title.first and title.alone and not covers(log.hidden, found.start()):
            return log.text.count("\n", 0, found.start()) + 1
    return 0


# Problems that any section may have.


def _unclosed(log: Changelog) -> Found:
    for lines in log.hidden:
        if not lines.closed:
            yield _error(
                log.path,
                log.text.count("\n", 0, lines.span.start) + 1,
                "a block of code or a comment starts here and does not end, so it contains all "
                "below",
                "end it: code with the mark that it starts with, a comment with `-->`",
            )


def _duplicates(log: Changelog) -> Found:
    seen: dict[str, Section] = {}
    for part in log.versions:
        for key in part.keys:
            if (first := seen.setdefault(key, part)) is not part:
                yield twice(log.path, part, first)


def _present(log: Changelog, version: Version) -> Found:
    key = version_key(version)
    for part in log.versions:
        if key in part.keys:
            yield _error(
                log.path,
                part.line,
                f"{version} has a heading already",
                "release another version, or move these entries back under Unreleased",
            )
            return


def _unreadable(log: Changelog) -> Found:
    for part in [log.newest] if log.newest else []:
        if not part.keys:
            yield _error(
                log.path,
                part.line,
                f"the heading {part.title!r} does not name a version that PEP 440 knows",
                "write a version such as 0.2.4 or 0.3.0rc1",
            )


def _misdated(log: Changelog) -> Found:
    # To read the parts of each title takes longer than to find those with a wrong date.
    suspects = (p for p in log.versions if not all(map(_exists, ISO_DATE.findall(p.title))))
    for part in suspects:
        if (date := part.date) and ISO_DATE.fullmatch(date) and not _exists(date):
            remedy = "write the day of the release as YYYY-MM-DD"
            yield _error(log.path, part.line, f"{date} is not a date", remedy)


def _exists(date: str) -> bool:
    try:
        return bool(datetime.date.fromisoformat(date))
    except ValueError:
        return False


def _strays(log: Changelog) -> Found:
    """Find group headings with the level of versions, which split a section in two."""
    yield from (_stray(log, part) for part in log.sections if _is_usual(part))


_KINDS: tuple[Callable[[Changelog], Found], ...] = (
    _unclosed,
    _duplicates,
    _unreadable,
    _misdated,
    _strays,
)


def _is_usual(part: Section) -> bool:
    return part.title.casefold() in _USUAL


def _stray(log: Changelog, part: Section) -> UsageError:
    return _error(
        log.path,
        part.line,
        f"the heading {part.title!r} has the level of a version heading",
        "give it one `#` more, so that it belongs to the version above it",
    )


def _strictness(log: Changelog) -> Callable[[UsageError], bool]:
    """Tell which findings are about Unreleased or the newest version, which ends at the next."""
    newest = log.newest
    start = newest.line if newest else 0
    older = next((part.line for part in log.versions if newest and part.line > start), None)

    def strict(error: UsageError) -> bool:
        line = error.place.line if error.place else 0
        return older is None or line < older or error.cause.endswith(f"in line {start}")

    return strict


def _together(errors: Sequence[ReleaseError]) -> ReleaseError:
    """Combine the findings of one kind."""
    first, rest = errors[0], errors[1:]
    lines = ", ".join(str(error.place.line) for error in rest[:_SHOWN] if error.place)
    more = f", and {len(rest) - _SHOWN} more" if len(rest) > _SHOWN else ""
    also = f"; the same kind in line {lines}{more}" if rest else ""
    return UsageError(
        f"{first.cause}{also}",
        f"released versions may stay as they are; to tidy up: {first.remedy}",
        first.place,
    )


def _quoted(heading: str) -> str:
    words, *underline = heading.splitlines()
    return f"`{words}`" + (f", underlined with `{underline[0]}`," if underline else "")


def _error(path: str, line: int, cause: str, remedy: str) -> UsageError:
    return UsageError(cause, remedy, Place(path, line, 1))
