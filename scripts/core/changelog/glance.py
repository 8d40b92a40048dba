"""Tell at a glance that a changelog's names are in order, so that its top is all that is read.

A changelog of ten thousand releases is read in full only if this finds something, or can't tell.
"""

import re

from packaging.version import Version

from scripts.core.changelog.sections import version_key

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


def names_are_fine(text: str, version: Version) -> bool:
    """Tell whether surely no name heads two sections and none is about `version`.

    Everything that may be a heading counts as one, so the answer may be no for a good changelog,
    but never yes for a bad one.
    """
    text = "\n" + text.removeprefix("\ufeff")
    if _INDENTED_HEADING.search(text) or _underlined(text):
        return False
    names = [name.lower().removeprefix("v") for name in _NAMES.findall(text)]
    odd = [name for name in names if not _PLAIN.fullmatch(name) and name != "unreleased"]
    start = version_key(version)
    return len(set(names)) == len(names) and not odd and start not in names


def _underlined(text: str) -> bool:
    """Tell whether there may be a heading that is underlined: its words stand a line above."""
    if _INDENTED_UNDERLINE.search(text):
        return True
    marks = (mark for marks in _UNDERLINES for mark in marks.finditer(text))
    return any(text[text.rfind("\n", 0, at.start()) + 1 : at.start()].strip() for at in marks)
