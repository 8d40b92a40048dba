"""Tell at a glance that a changelog's names are in order, so that its top is all that is read.

A changelog of ten thousand releases is read in full only if this finds something, or can't tell.
"""

import re
from bisect import bisect
from collections.abc import Iterable, Iterator, Sequence

from packaging.version import Version

from scripts.core.changelog.markdown import Hidden
from scripts.core.changelog.sections import key_of, version_key

# Whatever looks like a heading that starts with a version or Unreleased, in code and comments too.
# The literal start makes this several times faster than reading the headings one by one.
_NAMES = re.compile(
    r"\n##?#?[ \t]+(?i:[\s*_~`]*(?:(?:version|release)\s+)?\[?\s*"
    r"(unreleased\b|v?\d+(?:\.\d+)+[\w.+!-]*))"
)
_INDENTED_HEADING = re.compile(r"\n (?=[ #]) {0,2}#")
_UNDERLINES = (re.compile(r"\n-+[ \t]*\r?(?=\n|\Z)"), re.compile(r"\n=+[ \t]*\r?(?=\n|\Z)"))
_INDENTED_UNDERLINE = re.compile(r"\n {1,3}(?:-+|=+)[ \t]*\r?(?=\n|\Z)")
_PLAIN = re.compile(r"(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*)){2}")


def names_are_fine(text: str, version: Version, hidden: Sequence[Hidden]) -> bool:
    """Tell whether surely no name heads two sections and none is about `version`.

    Everything outside of `hidden` that may be a heading counts as one, so the answer may be no for
    a good changelog, but never yes for a bad one.
    """
    if text.startswith("\ufeff#") or _INDENTED_HEADING.search(text) or _underlined(text):
        return False
    start = version_key(version)
    keys = _keys(_NAMES.findall(text))
    if len(set(keys)) < len(keys):  # perhaps in code: look where each stands, which takes longer
        keys = _keys(_outside(text, hidden))
    return len(set(keys)) == len(keys) and not any(key.startswith(start) for key in keys)


def _outside(text: str, hidden: Sequence[Hidden]) -> Iterator[str]:
    starts = [lines.span.start for lines in hidden]
    for name in _NAMES.finditer(text):
        at = bisect(starts, name.start() + 1)
        if not at or hidden[at - 1].span.stop <= name.start():
            yield name[1]


def _keys(names: Iterable[str]) -> list[str]:
    return [key for name in names if (key := _key(name))]


def _key(name: str) -> str | None:
    name = name.lower().removeprefix("v")
    return name if _PLAIN.fullmatch(name) or name == "unreleased" else key_of(name)


def _underlined(text: str) -> bool:
    """Tell whether there may be a heading that is underlined: its words stand a line above."""
    if _INDENTED_UNDERLINE.search(text):
        return True
    marks = (mark for marks in _UNDERLINES for mark in marks.finditer(text))
    return any(text[text.rfind("\n", 0, at.start()) + 1 : at.start()].strip() for at in marks)
