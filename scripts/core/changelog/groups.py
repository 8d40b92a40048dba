"""The groups of a changelog section: Added, Changed, Fixed and any others."""

import re
from typing import NamedTuple

from scripts.core.changelog.markdown import covers, scan

# Keep a Changelog's six, and one for changes that only maintainers see.
USUAL = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security", "Infrastructure")
_ITEM = re.compile(r"(?:[-+*]|\d{1,9}[.)])(?:[ \t]|$)")


class Group(NamedTuple):
    """The lines under one heading of a section; before the first heading the title is empty.

    `heading` is that heading as written and `text` the lines below it, without the blank lines
    around them.
    """

    title: str
    heading: str
    text: str

    @property
    def entries(self) -> tuple[str, ...]:
        """The list items, each with all that is nested in it, and the paragraphs between them."""
        return tuple(_entries(self.text))


def groups(body: str) -> list[Group]:
    """Split a section's body by its headings of the highest level; empty groups are left out."""
    heads = scan(body).headings
    highest = min((head.level for head in heads), default=0)
    heads = [head for head in heads if head.level == highest]
    starts = [head.span.start for head in heads] + [len(body)]
    found = [Group("", "", trimmed(body[: starts[0]]))]
    for head, stop in zip(heads, starts[1:], strict=True):
        heading = body[head.span.start : head.span.stop]
        found.append(Group(head.title, heading, trimmed(body[head.span.stop : stop])))
    return [group for group in found if group.text]


def trimmed(text: str) -> str:
    """Take away the blank lines before and after, but not the first line's indentation."""
    return re.sub(r"\A(?:[ \t]*\r?\n)+", "", text).rstrip()


def merged(bodies: list[str], newline: str) -> str:
    """Merge several sections' bodies: groups of the same title become one group.

    The groups keep the order of their first appearance; text without a heading comes first.
    """
    together: dict[str, list[Group]] = {"": []}
    for body in bodies:
        for group in groups(body):
            together.setdefault(group.title.casefold(), []).append(group)
    texts = [_one(same, newline) for same in together.values() if same]
    return (newline * 2).join(texts)


def _one(same: list[Group], newline: str) -> str:
    text = same[0].text
    for group in same[1:]:
        tight = _ITEM.match(group.text) and _ITEM.match(text)
        text += newline * (1 if tight else 2) + group.text
    heading = same[0].heading
    return f"{heading}{newline * 2}{text}" if heading else text


def _entries(text: str) -> list[str]:
    """Split at the list items that are not nested, and at paragraphs outside of them."""
    hidden = scan(text).hidden
    starts = {lines.span.start for lines in hidden}
    entries: list[list[str]] = []
    before = ""
    for found in re.finditer(r"^.*$", text, re.M):
        line, at = found[0], found.start()
        inside = at not in starts and covers(hidden, at)
        paragraph = not before.strip() and not line.startswith((" ", "\t"))
        if line.strip() and not inside and (_ITEM.match(line) or paragraph or not entries):
            entries.append([])
        if entries:
            entries[-1].append(line)
        before = line
    return [trimmed("\n".join(lines)) for lines in entries]
