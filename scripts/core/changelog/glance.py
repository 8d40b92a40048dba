"""Tell at a glance that a changelog's names are in order, so that its top is all that is read.

A changelog of ten thousand releases is read heading by heading only if this finds something, or
cannot tell. It works on all names at once, which is what makes it quick.
"""

import re
from bisect import bisect
from collections import Counter
from collections.abc import Sequence

from packaging.version import Version

from scripts.core.changelog.markdown import Hidden
from scripts.core.changelog.sections import key_of, version_key

# Whatever looks like a heading that starts with a version or Unreleased. The literal start makes
# this several times faster than reading the headings one by one.
_BEFORE = r"\n##?#?[ \t]+(?i:[\s*_~`]*(?:(?:version|release)\s+)?\[?\s*v?)"
_NAMES = re.compile(_BEFORE + r"((?i:unreleased\b)|\d+(?:\.\d+)+[\w.+!-]*)")
_ALL_PLAIN = re.compile(r"(?:(?:unreleased|(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*)){2})(?:\n|\Z))*")
_INDENTED_HEADING = re.compile(r"\n (?=[ #]) {0,2}#")
_UNDERLINES = (
    re.compile(r"\n-(?! \S)-*[ \t]*\r?(?=\n|\Z)"),
    re.compile(r"\n=+[ \t]*\r?(?=\n|\Z)"),
)
_INDENTED_UNDERLINE = re.compile(r"\n {1,3}(?:-+|=+)[ \t]*\r?(?=\n|\Z)")


def names_are_fine(text: str, version: Version, hidden: Sequence[Hidden]) -> bool:
    """Tell whether surely no name heads two sections and none is about `version`.

    Everything outside of `hidden` that may be a heading counts as one, so the answer may be no for
    a good changelog, but never yes for a bad one.
    """
    if _INDENTED_HEADING.search(text) or _underlined(text):
        return False
    first = _keys(_NAMES.findall("\n" + text.removeprefix("\ufeff").partition("\n")[0]))
    names = _NAMES.findall(text)
    keys = first + _keys(names)
    if f"\n{version_key(version)}" in "\n" + "\n".join(keys):
        return False
    twice = {key for key, count in Counter(keys).items() if key and count > 1}
    suspects = {name for name, key in zip(names, keys[len(first) :], strict=True) if key in twice}
    return twice.isdisjoint(first) and not (twice and _visible_twice(text, suspects, hidden))


def _keys(names: list[str]) -> list[str]:
    if not names:
        return []
    joined = "\n".join(names).lower()
    if _ALL_PLAIN.fullmatch(joined):
        return joined.split("\n")
    return [name if name == "unreleased" else key_of(name) or "" for name in joined.split("\n")]


def _visible_twice(text: str, names: set[str], hidden: Sequence[Hidden]) -> bool:
    """Tell whether two of `names`, as they are written, mean the same outside of `hidden`."""
    starts = [lines.span.start for lines in hidden]
    these = "|".join(map(re.escape, names))
    seen = []
    for name in re.finditer(rf"{_BEFORE}({these})(?!\w)", text):
        block = bisect(starts, name.start() + 1) - 1
        if block < 0 or hidden[block].span.stop <= name.start():
            seen += _keys([name[1]])
    return len(set(seen)) < len(seen)


def _underlined(text: str) -> bool:
    """Tell whether there may be a heading that is underlined: its words stand a line above."""
    if _INDENTED_UNDERLINE.search(text):
        return True
    marks = (mark for marks in _UNDERLINES for mark in marks.finditer(text))
    return any(text[text.rfind("\n", 0, at.start()) + 1 : at.start()].strip() for at in marks)
