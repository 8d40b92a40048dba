"""Keep what was written under Unreleased while a release was made out of the release."""

from scripts.core.changelog.drafting import insert
from scripts.core.changelog.groups import Group, groups
from scripts.core.changelog.sections import parse_top


def carried(base: str, head: str) -> list[Group]:
    """Give the entries under Unreleased of `head` that `base` did not have, group by group."""
    known = {entry.strip() for group in groups(_unreleased(base)) for entry in group.entries}
    found = []
    for group in groups(_unreleased(head)):
        new = [entry.rstrip() for entry in group.entries if entry.strip() not in known]
        if new:
            found.append(group._replace(text="\n".join(new)))
    return found


def without(text: str, base: str, path: str = "CHANGELOG.md") -> str:
    """Give `text` with Unreleased as it stands in `base`: then a merge sees no change there."""
    mine, its = parse_top(text, path).unreleased, parse_top(base, path).unreleased
    if not (mine and its):
        return text
    span = mine[0].content
    return text[: span.start] + its[0].body(base) + text[span.stop :]


def carry(text: str, new: list[Group], path: str = "CHANGELOG.md") -> str:
    """Put entries under Unreleased of `text`."""
    for group in new:
        text = insert(text, path, group.title, group.text)
    return text


def _unreleased(text: str) -> str:
    found = parse_top(text).unreleased
    return found[0].body(text) if found else ""
