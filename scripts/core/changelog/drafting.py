"""Add entries to Unreleased: what a person wrote there stays, byte by byte."""

import re
from collections.abc import Iterable

from scripts.core.changelog.groups import USUAL
from scripts.core.changelog.markdown import scan
from scripts.core.changelog.problems import unreleased
from scripts.core.changelog.sections import Changelog, Section, parse_top
from scripts.core.commits import Entry
from scripts.core.errors import ProblemsError

_BULLET = re.compile(r"^([-*+])[ \t]", re.MULTILINE)


def draft(text: str, found: Iterable[Entry], path: str = "CHANGELOG.md") -> str:
    """Add the entries that are not there yet, each to its group; twice is as once.

    Raises UsageError if Unreleased is missing or there twice.
    """
    log = parse_top(text, path)
    if errors := list(unreleased(log)):
        raise ProblemsError(errors)
    part = log.unreleased[0]
    new = [entry for entry in found if not _there(part.body(text), entry)]
    order = [*USUAL, *dict.fromkeys(entry.group for entry in new if entry.group not in USUAL)]
    for group in order:
        lines = [entry.text for entry in new if entry.group == group]
        text = _add(text, path, group, list(dict.fromkeys(lines))) if lines else text
    return text


def insert(text: str, path: str, group: str, items: str) -> str:
    """Put items, as they are written, at the end of a group under Unreleased."""
    log = parse_top(text, path)
    newline = "\r\n" if "\r\n" in text else "\n"
    at, before = _place(log, log.unreleased[0], group, newline)
    return f"{text[:at]}{before}{items}{text[at:]}"


def _there(body: str, entry: Entry) -> bool:
    """Tell whether the body names the entry's pull request or commit."""
    return re.search(rf"{re.escape(entry.key)}(?![0-9a-f])", body) is not None


def _add(text: str, path: str, group: str, lines: list[str]) -> str:
    log = parse_top(text, path)
    part = log.unreleased[0]
    newline = "\r\n" if "\r\n" in text else "\n"
    bullet = found[1] if (found := _BULLET.search(part.body(text) or text)) else "-"
    return insert(text, path, group, newline.join(f"{bullet} {line}" for line in lines))


def _place(log: Changelog, part: Section, group: str, newline: str) -> tuple[int, str]:
    """Find where a group's new items go, and what stands between them and what is there."""
    body, start = part.body(log.text), part.content.start
    heads = scan(body, every_level=True).headings
    titles = [head.title.casefold() for head in heads]
    if group.casefold() not in titles:
        heading = f"{'#' * (part.level + 1)} {group}{newline * 2}"
        return _end(log.text, part.heading.start, part.content.stop), newline * 2 + heading
    mine = titles.index(group.casefold())
    head = heads[mine]
    stop = heads[mine + 1].span.start if mine + 1 < len(heads) else len(body)
    empty = not body[head.span.stop : stop].strip()
    return _end(log.text, start + head.span.start, start + stop), newline * (2 if empty else 1)


def _end(text: str, start: int, stop: int) -> int:
    """Give the end of what is written between two positions, blank lines after it left out."""
    return start + len(text[start:stop].rstrip())
