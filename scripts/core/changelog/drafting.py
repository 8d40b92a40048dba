"""Add entries to Unreleased, and keep a person's text there unchanged."""

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from scripts.core.changelog import headings
from scripts.core.changelog.cutting import own
from scripts.core.changelog.groups import USUAL
from scripts.core.changelog.markdown import Blocks, Heading, scan
from scripts.core.changelog.problems import nameless, unfillable
from scripts.core.changelog.sections import Changelog, parse
from scripts.core.errors import ProblemsError

if TYPE_CHECKING:
    # Only a draft needs this import; other uses start faster without it.
    from scripts.core.entries import Bump, Entry

Additions = dict[str, list[str]]
"""Titles of groups, in their order, with the entries that each gets."""
Edit = tuple[int, str, bool]

_BULLET = re.compile(r"^ {0,3}([-*+])[ \t]", re.MULTILINE)
_LISTED = re.compile(r"[ \t]|(?:[-+*]|\d{1,9}[.)])[ \t]")
_DIRECTLY = re.compile(r"\r?\n[ \t]*\S")
_WORDS = re.compile(r"(?<![0-9A-Za-z])(?:#\d+|[0-9a-f]{7,40})(?![0-9A-Za-z])")
# The form in which entries are linked: in a released section only such a link counts.
_LINKED = re.compile(r"\[(#\d+|[0-9a-f]{10})\]\(")


def draft(text: str, found: "Iterable[Entry]", path: str = "CHANGELOG.md") -> str:
    """Add the missing entries, each to its group; a second call changes nothing.

    A changelog without Unreleased gets one above its newest version. Raises UsageError where
    entries would be ambiguous or hidden: two sections Unreleased, one that a heading such as `##
    Added` cuts in two, a block of code or a comment without an end.
    """
    log = _fillable(text, path)
    return added(log, _new(log, found))


def preview(text: str, found: "Iterable[Entry]", path: str = "CHANGELOG.md") -> str:
    """Return the text that a draft would add, by group; raises as `draft` does."""
    new = _new(_fillable(text, path), found)
    groups = (f"### {title}\n\n" + "".join(f"- {x}\n" for x in new[title]) for title in new)
    return "\n".join(groups)


def insert(text: str, new: Additions, path: str = "CHANGELOG.md") -> str:
    """Add lines to groups under Unreleased, each unless it is there; raises as `draft` does."""
    log = _fillable(text, path)
    body = log.pending.body(log.text)
    missing = {title: [one for one in lines if one not in body] for title, lines in new.items()}
    return added(log, {title: lines for title, lines in missing.items() if lines})


def _fillable(text: str, path: str) -> Changelog:
    log = parse(text, path)
    if errors := list(nameless(log)):
        raise ProblemsError(errors)
    if not log.unreleased:
        log = parse(with_unreleased(log), path)
    if errors := list(unfillable(log)):
        raise ProblemsError(errors)
    return log


def _new(log: Changelog, found: "Iterable[Entry]") -> Additions:
    """Choose the missing entries, one for each pull request or commit."""
    body = log.pending.body(log.text)
    there = {*_WORDS.findall(body), *_LINKED.findall(log.text)}
    there |= {f"#{number}" for number in re.findall(r"/pull/(\d+)", body)}
    lengths = {len(word) for word in there}
    new: Additions = {title: [] for title in USUAL}

    def known(one: "Entry | Bump") -> bool:
        return not there.isdisjoint({one.key, *(one.sha[:length] for length in lengths)})

    for entry in found:
        if missing := _rest(entry, known) if entry.bumps else None if known(entry) else entry:
            there.add(missing.key)
            new.setdefault(missing.group, []).append(missing.text)
    return {title: lines for title, lines in new.items() if lines}


def _rest(entry: "Entry", known: "Callable[[Bump], bool]") -> "Entry | None":
    """Combine the updates that are newer than the newest one in the changelog."""
    from scripts.core.entries import summed  # noqa: PLC0415

    there = [at for at, bump in enumerate(entry.bumps) if known(bump)]
    rest = entry.bumps[there[-1] + 1 :] if there else entry.bumps
    return summed(rest) if rest else None


def added(log: Changelog, new: Additions) -> str:
    """Put entries at the ends of their groups under Unreleased, which must be there."""
    part = log.pending
    start, stop = own(log, part)
    body = log.text[start:stop]
    blocks = scan(body)
    # Entries at a group's end come before new groups at the same place.
    edits: dict[int, tuple[list[str], list[str]]] = {}
    for title, lines in new.items():
        at, text, fresh = _edit(log, blocks, body, title, lines)
        edits.setdefault(start + at, ([], []))[fresh].append(text)
    parts, position = list[str](), 0
    for at in sorted(edits):
        # Keep the next block separate, even if it needed no blank line before.
        close = log.newline if _DIRECTLY.match(log.text, at) else ""
        parts += [log.text[position:at], *edits[at][0], *edits[at][1], close]
        position = at
    return "".join([*parts, log.text[position:]])


def _edit(log: Changelog, blocks: Blocks, body: str, title: str, lines: list[str]) -> Edit:
    """Return the position of a group's new entries, their text, and whether they start it."""
    newline = log.newline
    heads = blocks.headings
    mine = next((i for i, h in enumerate(heads) if h.title.casefold() == title.casefold()), None)
    if mine is None:
        at, group = len(body.rstrip()), ""
        before = f"{newline * 2}{'#' * _level(log, heads)} {title}{newline * 2}"
    else:
        stop = heads[mine + 1].span.start if mine + 1 < len(heads) else len(body)
        group = body[heads[mine].span.stop : stop].rstrip()
        at = heads[mine].span.stop + len(group)
        before = newline * (1 if _LISTED.match(group.rpartition("\n")[2]) else 2)
    found = _BULLET.search(group) or _BULLET.search(body) or _BULLET.search(log.text)
    bullet = found[1] if found else "-"
    return at, before + newline.join(f"{bullet} {line}" for line in lines), mine is None


def _level(log: Changelog, heads: list[Heading]) -> int:
    """Return the level of a group's heading: that of the others here, or of a version's groups."""
    part = log.pending
    below = log.newest
    others = heads or (scan(below.body(log.text)).headings if below else [])
    deeper = [head.level for head in others if head.level > part.level]
    return min(deeper, default=min(part.level + 1, 6))


def with_unreleased(log: Changelog) -> str:
    """Put the heading above the newest version, as that is written; in a new file at the end."""
    heading, newline = headings.of_unreleased(log), log.newline
    if newest := log.newest:
        at = newest.heading.start
        return f"{log.text[:at]}{heading}{newline * 2}{log.text[at:]}"
    end = len(log.text.rstrip())
    between = newline * 2 if end else ""
    return f"{log.text[:end]}{between}{heading}{log.text[end:] or newline}"
