"""The headline of a release: the text after the version in the changelog's title."""

import re

LONGEST = 100  # characters
_BEHIND_DATE = re.compile(r"\d{4}-\d\d-\d\d\)?\s*(?:[-–—:]\s*)?(?P<text>[^\s([].*)$")  # noqa: RUF001
_EMPHASIS = re.compile(r"^(\*\*|__|\*|_)(?P<text>.+)\1$")
_BLOCK = re.compile(r"[-*+>|<#=`~!\[(]\s?|\d+[.)]\s| {4}|\t")


def headline(title: str, body: str) -> str:
    """Return the text after the heading's date, or else the section's first single line.

    `title` is the heading's text, `body` what is below it. Only one line of plain text is a
    headline. For anything else, such as a list, return an empty text.
    """
    if found := _BEHIND_DATE.search(title.strip().rstrip("#").rstrip()):
        return cleaned(found["text"])
    first, _, rest = body.replace("\r\n", "\n").lstrip("\n").partition("\n")
    text = _EMPHASIS.sub(r"\g<text>", first.strip())
    alone = not rest.strip() or rest.startswith(("\n", "#"))
    return cleaned(text) if alone and not _BLOCK.match(text) else ""


def cleaned(text: str) -> str:
    """Make one line of it, without a full stop or colon at the end; empty if it is too long."""
    line = " ".join(re.sub(r"[\x00-\x1f\x7f]", " ", text).split()).strip(" .:")
    return line if len(line) <= LONGEST and not line.startswith("-") else ""
