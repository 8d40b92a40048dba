"""Keep entries out of a release that were written under Unreleased while it was made."""

import re

from scripts.core.changelog import drafting
from scripts.core.changelog.drafting import Additions
from scripts.core.changelog.groups import groups
from scripts.core.changelog.sections import parse

_BULLET = re.compile(r"\A\s*[-+*]\s+")


def carried(base: str, head: str) -> Additions:
    """Return the entries under Unreleased of `head` that `base` did not have, group by group."""
    known = {entry.strip() for group in groups(_unreleased(base)) for entry in group.entries}
    found: Additions = {}
    for group in groups(_unreleased(head)):
        new = [entry.strip() for entry in group.entries if entry.strip() not in known]
        if new:
            found[group.title] = [_BULLET.sub("", entry) for entry in new]
    return found


def without(text: str, base: str, path: str = "CHANGELOG.md") -> str:
    """Return `text` with the Unreleased section of `base`, so that a merge sees no change there."""
    mine, its = parse(text, path), parse(base, path)
    if not (mine.unreleased and its.unreleased):
        return text
    span = mine.pending.content
    return text[: span.start] + its.pending.body(base) + text[span.stop :]


def carry(text: str, new: Additions, path: str = "CHANGELOG.md") -> str:
    """Put entries under Unreleased of `text`."""
    return drafting.added(parse(text, path), new) if new else text


def _unreleased(text: str) -> str:
    log = parse(text)
    return log.pending.body(text) if log.unreleased else ""
