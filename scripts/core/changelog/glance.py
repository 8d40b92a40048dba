"""Tell at a glance that a changelog's names are in order, so that its top is all that is read.

A changelog of ten thousand releases is read heading by heading only if this finds something, or
cannot tell. It works on all names at once, which is what makes it quick.
"""

import re
from bisect import bisect
from collections import Counter
from collections.abc import Iterator, Sequence

from packaging.version import Version

from scripts.core.changelog.markdown import Hidden
from scripts.core.changelog.sections import key_of, version_key

# Whatever looks like a heading that starts with a version or Unreleased. The literal start makes
# this several times faster than reading the headings one by one.
# What it may start with is looked at before all else: most headings are "### Added" and the like.
_BEFORE = (
    r"\n##?#?[ \t]+(?=[\s*_~`\[\dvVrRuU])"
    r"(?i:[\s*_~`]*(?:(?:version|release)\s+)?\[?\s*v?)"
)
_NAMES = re.compile(_BEFORE + r"((?i:unreleased\b)|\d+(?:\.\d+)+[\w.+!-]*)")
_ALL_PLAIN = re.compile(r"(?:(?:unreleased|(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*)){2})(?:\n|\Z))*")
# What the underlines start with is looked for first, which costs next to nothing.
_UNDERLINES = {
    "\n-": re.compile(r"\n-(?! \S)-*[ \t]*\r?(?=\n|\Z)"),
    "\n=": re.compile(r"\n=+[ \t]*\r?(?=\n|\Z)"),
}
_FEW = 20  # names; to look more of them up costs more than reading every heading
# A heading, or its underline, that is indented: rare, and left to those who read line by line.
_INDENTED = re.compile(r"\n (?=[ #=-]) {0,2}(?:#|(?:-+|=+)[ \t]*\r?(?=\n|\Z))")


def names_are_fine(text: str, version: Version, hidden: Sequence[Hidden]) -> bool:
    """Tell whether surely no name heads two sections and none is about `version`.

    Everything outside of `hidden` that may be a heading counts as one, so the answer may be no for
    a good changelog, but never yes for a bad one.
    """
    if _INDENTED.search(text) or _underlined(text):
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
    """Tell whether two of `names`, as they are written, mean the same outside of `hidden`.

    So it does if there are too many of them to look each of them up.
    """
    if len(names) > _FEW:
        return True
    starts = [lines.span.start for lines in hidden]

    def visible(heading: int) -> bool:
        block = bisect(starts, heading + 1) - 1
        return block < 0 or hidden[block].span.stop <= heading

    seen: list[str] = []
    for name in names:
        seen += _keys([name]) * sum(map(visible, _headed(text, name)))
    return len(set(seen)) < len(seen)


def _headed(text: str, name: str) -> Iterator[int]:
    """Find where a heading begins with `name`, by its text: that is found at once."""
    at = text.find(name)
    while at >= 0:
        line = text.rfind("\n", 0, at)
        heading = _NAMES.match(text, line) if line >= 0 else None
        if heading and heading.span(1) == (at, at + len(name)):
            yield line
        at = text.find(name, at + len(name))


def _underlined(text: str) -> bool:
    """Tell whether there may be a heading that is underlined: its words stand a line above."""
    kinds = (line for start, line in _UNDERLINES.items() if start in text)
    marks = (mark for line in kinds for mark in line.finditer(text))
    return any(text[text.rfind("\n", 0, at.start()) + 1 : at.start()].strip() for at in marks)
