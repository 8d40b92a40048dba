"""Commits as changes: a pull request is one change, however it was merged."""

import re
from collections.abc import Sequence
from typing import NamedTuple

# GitHub's own message of a merge, and of one that a security advisory's private fork brought.
_MERGE = re.compile(
    r"Merge (?:pull request #(?P<number>\d+) from \S+|commit from fork\b)"
    r"(?:\s+(?P<title>\S[^\n]*))?"
)
# A squashed pull request, or a merge with the pull request's title.
_NUMBERED = re.compile(r"(?P<title>\S|\S.*\S)\s+\((?:#|(?:GH|gh)-)(?P<number>\d+)\)")
_CO_AUTHOR = re.compile(
    r"^Co-authored-by: *(?P<name>[^<\n]+?) *<(?P<address>[^>\n]*)", re.MULTILINE | re.IGNORECASE
)
# A no-reply address belongs to a program; GitHub's no-reply addresses of people differ.
_NOBODY = re.compile(r"no-?reply@", re.IGNORECASE)
# What `git revert` writes, and what GitHub writes into a pull request that reverts another.
_REVERTED_COMMIT = re.compile(r"This reverts commit ([0-9a-f]{7,40})\b")
_REVERTED_REQUEST = re.compile(r"^Reverts (?:[\w.-]+/[\w.-]+)?#(\d+)\b", re.MULTILINE)
_REVERT = re.compile(r'Revert "(?P<title>.+)"')
_REVERTING = re.compile(r"revert|reapply|back(?:ed)? ?out", re.IGNORECASE)
_BRANCH = re.compile(r"Merge (?:branch|branches|remote-tracking|tag)\b")
SHORT = 7
"""The fewest digits of a commit's SHA in a message."""


class Commit(NamedTuple):
    """One commit, as git tells it: text that was no UTF-8 comes as lone surrogates."""

    sha: str
    parents: tuple[str, ...]
    author: str
    message: str
    address: str = ""
    time: int = 0
    """When it was committed, in seconds since 1970."""

    @property
    def people(self) -> dict[str, str]:
        """All its authors, each once: the address (without one, the name) and the name."""
        pairs = [(self.address, self.author)]
        if "<" in self.message:
            pairs += [(one["address"], one["name"]) for one in _CO_AUTHOR.finditer(self.message)]
        found = dict[str, str]()
        for address, name in pairs:
            if not _NOBODY.match(address):
                found.setdefault(address.casefold() or name, name)
        return found


class Change(NamedTuple):
    """A possible line of a changelog: a commit, or a pull request with all its commits."""

    commit: Commit
    authors: tuple[str, ...]
    title: str
    """The title of the commit or pull request, without its number."""
    number: str | None
    """The number of the pull request, if the message has one."""


def changes(commits: Sequence[Commit]) -> list[Change]:
    """List the changes, newest first, without those that the same range reverts.

    `commits` are newest first, the head before all others. A merged pull request is one change,
    whoever merged it. Other merges do not count: each commit that they brought in counts.
    """
    return _standing(_merged(commits))


def _merged(commits: Sequence[Commit]) -> list[Change]:
    if not any(commit.parents[1:] for commit in commits):
        return [_change(commit) for commit in commits]
    known = {commit.sha: commit for commit in commits}
    whole = {one.sha for one in commits if one.parents[1:] and _is_request(one.message)}
    kept = _reached(commits[0].sha, known, set(), whole)
    seen, found = set(kept), list[Change]()
    # The oldest first: a pull request that was begun on another's branch brought only the rest.
    for commit in (commit for commit in reversed(commits) if commit.sha in kept):
        if commit.sha in whole:
            found.append(_brought(commit, known, seen))
        elif not commit.parents[1:]:
            found.append(_change(commit))
    return found[::-1]


def _change(commit: Commit) -> Change:
    return Change(commit, _names(commit.people), *_title(commit.message))


def _is_request(message: str) -> bool:
    """Tell whether a merge is a pull request's; a merged branch can have any name."""
    if _BRANCH.match(message):
        return False
    return bool(_MERGE.match(message)) or _title(message)[1] is not None


def _reached(start: str, known: dict[str, Commit], seen: set[str], whole: set[str]) -> set[str]:
    """Walk to the parents; from a pull request's merge, only to the branch it was merged into."""
    found, waiting = set[str](), [start]
    while waiting:
        sha = waiting.pop()
        if sha in known and sha not in seen and sha not in found:
            found.add(sha)
            parents = known[sha].parents
            waiting += parents[:1] if sha in whole else parents
    return found


def _brought(merge: Commit, known: dict[str, Commit], seen: set[str]) -> Change:
    """Return a pull request with its authors; the merger is not one if there are others."""
    own = {sha: None for tip in merge.parents[1:] for sha in _reached(tip, known, seen, set())}
    seen.update(own)
    single = [known[sha] for sha in own if not known[sha].parents[1:]]
    people = dict[str, str]()
    for commit in single:
        people |= {key: name for key, name in commit.people.items() if key not in people}
    title, number = _title(merge.message)
    if title == merge.message.strip() and len(single) == 1:
        (only,) = single
        title, _ = _title(only.message)  # a merge without a message
    return Change(merge, tuple(sorted(_names(people or merge.people))), title, number)


def _names(people: dict[str, str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(people.values()))


def _title(message: str) -> tuple[str, str | None]:
    """Return the title of the commit or pull request, and its number."""
    if message.startswith("Merge ") and (merged := _MERGE.match(message)):
        subject = (merged["title"] or merged[0]).strip()
        return subject, merged["number"]
    subject = message.split("\n", 1)[0].strip()
    if subject.endswith(")") and (numbered := _NUMBERED.fullmatch(subject)):
        return numbered["title"], numbered["number"]
    return subject, None


def _standing(found: list[Change]) -> list[Change]:
    """Drop each revert with the change that it reverts; ignore a reverted revert."""
    gone = set[int]()
    taken: dict[int, list[int]] = {}
    known: dict[str, int] = {}
    for at in range(len(found) - 1, -1, -1):
        change = found[at]
        if targets := [known[name] for name in _reverted(change) if name in known]:
            own = [one for target in targets for one in taken.get(target, [target])]
            # A change can be reverted twice only if its first revert was reverted.
            if own != targets or gone.isdisjoint(targets):
                taken[at] = own
                gone ^= {at, *own}
        known |= {change.commit.sha[:SHORT]: at, f'"{change.title}': at}
        known |= {f"#{change.number}": at} if change.number else {}
    return [change for at, change in enumerate(found) if at not in gone]


def _reverted(revert: Change) -> list[str]:
    """Return what a change reverts: commits, else the pull request, else the title."""
    if not _REVERTING.match(revert.title):
        return []
    message = revert.commit.message
    if commits := _REVERTED_COMMIT.findall(message):
        return [sha[:SHORT] for sha in commits]
    named = _REVERT.fullmatch(revert.title)
    title, number = _title(named["title"]) if named else ("", None)
    numbers = [*_REVERTED_REQUEST.findall(message), *([number] if number else [])]
    return [f"#{numbers[0]}"] if numbers else [f'"{title}'] if title else []
