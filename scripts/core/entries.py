"""Turn changes into changelog entries: group, words and authors; drop internal changes.

A convention in the title comes first (Conventional Commits 1.0), then the pull request's labels,
then the first word of the title.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from types import MappingProxyType
from typing import NamedTuple

from scripts.core.commits import Change
from scripts.core.noise import BOTS, SUBJECTS, is_about_itself, is_bot, is_left_out, says_nothing
from scripts.core.plain import LONGEST, plain, sentence

_CONVENTIONAL = re.compile(
    r"(?P<type>[A-Za-z][\w-]*)(?:/(?P<path>[\w./-]{1,60}))?"
    r"(?:\((?P<scope>[^()\n]{1,60})\))?(?P<bang>!)?: +(?P<text>\S.*)"
)
_BRACKETED = re.compile(r"\[ *(?P<type>[\w./-]{1,30}) *\]:? *(?P<text>\S.*)")
# Conventional Commits 1.0, rule 11 and following: a footer, or a mark in front of the colon.
_BREAKING = re.compile(r"^BREAKING[ -]CHANGE(?:: | #)(?P<how>\S[^\n]*(?:\n[^\s:][^\n:]*$)*)", re.M)
_GROUPS = {
    "feat": "Added",
    "feature": "Added",
    "fix": "Fixed",
    "bugfix": "Fixed",
    "hotfix": "Fixed",
    "perf": "Changed",
    "refactor": "Changed",
    "revert": "Changed",
    "deprecate": "Deprecated",
    "remove": "Removed",
    "security": "Security",
}
# Types that users do not notice; a breaking change of such a type is shown anyway.
_INTERNAL_TYPES = """\
build chore ci cicd docs doc documentation style test tests testing release merge lint pre-commit
pre-commit.ci wip deps
"""
_INTERNAL = frozenset(_INTERNAL_TYPES.split())
_INTERNAL_SCOPES = {"ci", "docs", "doc", "readme", "changelog", "test", "tests", "lint", "typo"}
_DEPENDENCIES = ("deps", "deps-dev", "dep", "dependencies")
_LABELS = {
    "feature": "Added",
    "enhancement": "Added",
    "bug": "Fixed",
    "bugfix": "Fixed",
    "regression": "Fixed",
    "deprecation": "Deprecated",
    "removal": "Removed",
    "security": "Security",
}
_LABEL = re.compile(r"(?:(?:type|kind|category|c|t)\W+)?([\w-]+)\W*", re.IGNORECASE)
_NO_ENTRY = re.compile(
    r"(?:no|skip|ignore)\b.*\b(?:changelog|news|notes|release)|changelog\W+(?:skip|none|no)",
    re.IGNORECASE,
)
# The first words of an entry that has neither a convention nor a label.
_WORDS = {
    "Added": r"add(?:s|ed|ing)?|introduc\w+|implement\w*|support(?:s|ed)?|new",
    "Fixed": r"(?:bug-?|hot-?)?fix(?:es|ed|ing)?|correct(?:s|ed)?|resolve[sd]?",
    "Removed": r"remov(?:es?|ed|ing)|drop(?:s|ped|ping)?|delet(?:es?|ed|ing)",
    "Deprecated": r"deprecat(?:es?|ed|ing)",
    "Security": r"security",
}
# One or two signs, or a topic, may come before it: `:bug: Fix …`, `zsh: fix …`.
_FIRST = re.compile(
    r"(?::\w+: *|[^\w\n]{0,8})(?:[\w./-]{1,40}: )?(?:"
    + "|".join(f"(?P<{group}>{words})" for group, words in _WORDS.items())
    + r")(?![\w-])",
    re.IGNORECASE,
)
_REVERTED = re.compile(r'Revert "(.+)"')
_CVE = re.compile(r"\bCVE-\d{4}-\d+")
# The titles of dependabot and renovate; the rest of a long title is below it.
_BUMP = re.compile(
    r"(?:bump|update|upgrade|pin)s? (?:the |dependency |rust crate |module )*"
    r"(?P<name>(?:\S+ group\b|(?!to )\S+))(?: requirement| digest| docker tag| crate| dependency)*"
    r"(?P<old> from [`<>=~^,v]*[\w.]*\d\S*)?(?: to (?P<new>[`<>=~^,v]*[\w.]*\d\S*))?"
    r"(?P<rest>$| in | across | with | \()",
    re.IGNORECASE,
)


class Pull(NamedTuple):
    """Facts about a pull request that GitHub has and git does not."""

    number: str
    title: str
    login: str
    """Its author on GitHub; empty if the account is gone."""
    bot: bool
    labels: tuple[str, ...]


@dataclass(frozen=True)
class Bump:
    """An update of a dependency; an entry sums up many."""

    sha: str
    number: str | None
    link: str
    name: str
    version: str
    """Empty if the title does not have it."""
    people: tuple[str, ...]

    @property
    def key(self) -> str:
        """Its text in a link, like an entry's."""
        return _key(self.sha, self.number)


@dataclass(frozen=True)
class Entry:
    """One line of a changelog draft."""

    group: str
    text: str
    sha: str
    number: str | None
    """The number of its pull request, if it has one."""
    bumps: tuple[Bump, ...] = ()
    """The updates that it combines, oldest first; it links to the newest."""

    @property
    def key(self) -> str:
        """The entry's text in its link: `#12`, or the start of the commit's SHA."""
        return _key(self.sha, self.number)


class Sources(NamedTuple):
    """The data for entries, besides the changes themselves."""

    page: str
    """The repository's address."""
    bots: Sequence[str] = BOTS
    subjects: Sequence[str] = SUBJECTS
    pulls: Mapping[str, Pull] = MappingProxyType({})
    """The API's answers, by the pull request's number (`#12`) or the commit's SHA."""

    def pull(self, change: Change) -> Pull | None:
        """Return the known facts about a change's pull request."""
        known = self.pulls.get(f"#{change.number}") if change.number else None
        return known or self.pulls.get(change.commit.sha)

    def title(self, change: Change) -> str:
        """Return a change's title: from its message, or else from the API."""
        pull = self.pull(change)
        unnamed = change.number is None or change.title.startswith("Merge pull request #")
        return pull.title if pull and unnamed else change.title

    def number(self, change: Change) -> str | None:
        """Return the number of a change's pull request."""
        pull = self.pull(change)
        return change.number or (pull.number if pull else None)


class _Said(NamedTuple):
    """The parts of a title."""

    kind: str
    """A known type of the convention, or empty."""
    scope: str
    bang: bool
    text: str


def entries(found: Sequence[Change], sources: Sources) -> list[Entry]:
    """Make an entry of each change that users may want to know of, oldest first.

    `found` are newest first. All updates of dependencies become one entry, the last.
    """
    bumps, made = list[Bump](), list[Entry]()
    for change in reversed(found):
        if bump := _bump(change, sources):
            bumps.append(bump)
        elif one := entry(change, sources):
            made.append(one)
    return [*made, summed(bumps)] if bumps else made


def entry(change: Change, sources: Sources) -> Entry | None:
    """Turn a change into an entry, linked to its pull request or commit, its authors named."""
    commit, pull, title = change.commit, sources.pull(change), sources.title(change)
    said = _said(title)
    footer = _BREAKING.search(commit.message) if "BREAKING" in commit.message else None
    labels = _labels(pull)
    breaking = bool(footer or said.bang or any("breaking" in one for one in labels))
    people = _people(change, sources)
    group = _GROUPS.get(said.kind) or _labelled(labels)
    if not people or (not breaking and _is_noise(title, said, labels, group, sources)):
        return None
    text = sentence(said.text)
    if not text:
        return None
    scope = f"**{plain(said.scope)}:** " if said.scope else ""
    mark = "**Breaking:** " if breaking else ""
    how = f": {plain(footer['how'])}" if footer else ""
    number = sources.number(change)
    line = f"{mark}{scope}{text}{how} ({', '.join([_link(commit.sha, number, sources), people])})"
    return Entry(group or _worded(said.text), line, commit.sha, number)


def summed(bumps: Sequence[Bump]) -> Entry:
    """Combine updates of dependencies in one entry, as many as fit; the last of each counts."""
    last = {bump.name.casefold(): bump for bump in bumps}
    names = [
        plain(f"{one.name} to {one.version}" if one.version else one.name) for one in last.values()
    ]
    ends = accumulate(len(name) + len(", ") for name in names)
    shown = [name for name, end in zip(names, ends, strict=True) if end <= LONGEST] or names[:1]
    more = [f"{len(names) - len(shown)} more"] if len(shown) < len(names) else []
    what = "Update " if len(names) == 1 else "Update dependencies: "
    people = tuple(dict.fromkeys(name for bump in bumps for name in bump.people))
    new = bumps[-1]
    by = ", ".join([new.link, *([_and(people)] if people else [])])
    return Entry(
        "Changed", f"{what}{_and([*shown, *more])} ({by})", new.sha, new.number, tuple(bumps)
    )


def _said(title: str) -> _Said:
    """Read a title by the convention; treat an unknown type as an ordinary word."""
    if found := _CONVENTIONAL.fullmatch(title):
        kind, bang = found["type"].lower(), bool(found["bang"])
        if bang or kind in _GROUPS or kind in _INTERNAL:
            return _Said(kind, found["path"] or found["scope"] or "", bang, found["text"])
    elif found := _BRACKETED.fullmatch(title):
        kind = found["type"].lower()
        if kind in _GROUPS or kind in _INTERNAL:
            return _Said(kind, "", False, found["text"])
    return _Said("", "", False, title)


def _is_noise(
    title: str, said: _Said, labels: Sequence[str], group: str | None, sources: Sources
) -> bool:
    """Tell whether users do not need to know about a change that breaks nothing."""
    if any(_NO_ENTRY.match(one) for one in labels):
        return True
    if said.kind in _INTERNAL or said.scope.lower() in _INTERNAL_SCOPES:
        return True
    if any(is_left_out(one, sources.subjects) for one in (title, said.text)):
        return True
    inner = _REVERTED.fullmatch(title)
    text = inner[1] if inner else said.text
    if said.kind:
        # A feature or a fix is a change that users see.
        return says_nothing(text)
    if group:
        return False
    named = any(one in _INTERNAL for one in labels)
    bump = inner and _BUMP.match(_said(text).text)
    return bool(named or bump) or says_nothing(text) or is_about_itself(text)


def _labels(pull: Pull | None) -> list[str]:
    """Return the labels without what some repositories put before them, as in `type: bug`."""
    found = [(one, _LABEL.fullmatch(one)) for one in pull.labels] if pull else []
    return [(short[1] if short else one).lower() for one, short in found]


def _labelled(labels: Sequence[str]) -> str | None:
    return next((_LABELS[one] for one in labels if one in _LABELS), None)


def _worded(text: str) -> str:
    """Choose the group by the first word."""
    if _CVE.search(text):
        return "Security"
    found = _FIRST.match(text)
    return (found.lastgroup if found else None) or "Changed"


def _bump(change: Change, sources: Sources) -> Bump | None:
    """Read a title as the update of a dependency."""
    said = _said(sources.title(change))
    found = _BUMP.match(said.text)
    if not found or said.bang:
        return None
    bots = all(is_bot(name, sources.bots) for name in change.authors)
    by_type = said.scope in _DEPENDENCIES or said.kind in _DEPENDENCIES
    grouped = found["name"].endswith(" group")
    by_bot = bots and found["new"]
    by_hand = found["new"] and (found["old"] or said.text[:4].lower() == "bump")
    if not (by_type or by_bot or by_hand or grouped):
        return None
    sha, number = change.commit.sha, sources.number(change)
    version = (found["new"] or "").strip("`,.")
    people = tuple(_names(change, sources))
    return Bump(sha, number, _link(sha, number, sources), found["name"], version, people)


def _key(sha: str, number: str | None) -> str:
    return f"#{number}" if number else sha[:10]


def _link(sha: str, number: str | None, sources: Sources) -> str:
    where = f"pull/{number}" if number else f"commit/{sha}"
    return f"[{_key(sha, number)}]({sources.page}/{where})"


def _people(change: Change, sources: Sources) -> str:
    """Name the authors; name nobody if only programs wrote it."""
    return _and(_names(change, sources))


def _names(change: Change, sources: Sources) -> Iterator[str]:
    """Return the shown authors of a change; link the one who opened the pull request."""
    git = [name for name in change.authors if not is_bot(name, sources.bots)]
    pull = sources.pull(change)
    opened = ""
    if pull and pull.login and not pull.bot and not is_bot(pull.login, sources.bots):
        # If git has only one author, that is the same person, as for a squash.
        same = [name for name in git if name.casefold() == pull.login.casefold()]
        if not same and (len(git) == 1 or not change.commit.parents[1:]):
            same = git[:1]
        opened = same[0] if same else "" if git else pull.login
        profile = f"{sources.page.rsplit('/', 2)[0]}/{pull.login}"
        if opened:
            yield f"[{plain(opened) or pull.login}]({profile})"
    yield from (plain(name) or "somebody" for name in git if name != opened)


def _and(names: Iterable[str]) -> str:
    found = list(names)
    return " and ".join([", ".join(found[:-1]), found[-1]] if len(found) > 1 else found)
