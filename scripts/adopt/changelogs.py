"""Which changelog a release continues: the one that is there, if it can be continued."""

import re
from collections.abc import Callable, Collection
from typing import NamedTuple

from scripts.core import changelog
from scripts.core.errors import ReleaseError
from scripts.release.configuration import NO_CHANGELOG

NAMES = re.compile(r"(CHANGELOG|CHANGES|HISTORY|NEWS)(\.(md|rst|txt))?", re.IGNORECASE)
FROM_HISTORY = "the notes of a release come from the history"
EMPTY = "# Changelog\n\n## Unreleased\n"
Read = Callable[[str], str]


class Log(NamedTuple):
    """What is known of it."""

    path: str
    """Its path, or that there is none to continue."""
    told: str = ""
    """Why it is not continued, for a person."""
    text: str | None = None
    """Its new text, where it lacks a section Unreleased."""


def look(paths: Collection[str], read: Read, *, towncrier: bool) -> Log:
    """Find the changelog at the top, and whether a release can continue it."""
    tops = sorted((one for one in paths if NAMES.fullmatch(one)), key=_preferred)
    path = tops[0] if tops else ""
    if not path:
        return Log(NO_CHANGELOG, f"there is no changelog at the top: {FROM_HISTORY}")
    if towncrier:
        return Log(NO_CHANGELOG, f"{path} is written by towncrier, and stays so: {FROM_HISTORY}")
    text = read(path)
    try:
        problems = list(changelog.problems(text, path))
        if not problems:
            return Log(path)
        log = changelog.parse(text, path)
        new = text if log.unreleased else changelog.with_unreleased(log)
        problems = list(changelog.problems(new, path))
    except ReleaseError as error:
        problems = [error]
    if problems:
        why = f"{path} cannot be continued ({problems[0].cause})"
        return Log(NO_CHANGELOG, f"{why}: {FROM_HISTORY}")
    return Log(path, text=new)


def _preferred(path: str) -> tuple[bool, str]:
    return (not path.lower().endswith(".md"), path)
