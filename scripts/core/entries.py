"""Changes as changelog entries: which group, which words, whose work, and which are none.

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
# What users of a release cannot see; a breaking change among it is shown all the same.
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
# What an entry begins with where neither a convention nor a label says what it is.
_WORDS = {
    "Added": r"add(?:s|ed|ing)?|introduc\w+|implement\w*|support(?:s|ed)?|new",
    "Fixed": r"(?:bug-?|hot-?)?fix(?:es|ed|ing)?|correct(?:s|ed)?|resolve[sd]?",
    "Removed": r"remov(?:es?|ed|ing)|drop(?:s|ped|ping)?|delet(?:es?|ed|ing)",
    "Deprecated": r"deprecat(?:es?|ed|ing)",
    "Security": r"security",
}
# A sign or two may stand before it, or what it is about: `:bug: Fix …`, `zsh: fix …`.
_FIRST = re.compile(
    r"(?::\w+: *|[^\w\n]{0,8})(?:[\w./-]{1,40}: )?(?:"
    + "|".join(f"(?P<{group}>{words})" for group, words in _WORDS.items())
    + r")(?![\w-])",
    re.IGNORECASE,
)
_REVERTED = re.compile(r'Revert "(.+)"')
_CVE = re.compile(r"\bCVE-\d{4}-\d+")
# As dependabot and renovate title them; the rest of a long title stands below it.
_BUMP = re.compile(
    r"(?:bump|update|upgrade|pin)s? (?:the |dependency |rust crate |module )*"
    r"(?P<name>(?:\S+ group\b|(?!to )\S+))(?: requirement| digest| docker tag| crate| dependency)*"
    r"(?P<old> from [`<>=~^,v]*[\w.]*\d\S*)?(?: to (?P<new>[`<>=~^,v]*[\w.]*\d\S*))?"
    r"(?P<rest>$| in | across | with | \()",
    re.IGNORECASE,
)


class Pull(NamedTuple):
    """What GitHub knows of a pull request and git does not."""

    number: str
    title: str
    login: str
    """Who opened it; empty where the account is gone."""
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
    """Empty where the title does not say it."""
    people: tuple[str, ...]

    @property
    def key(self) -> str:
        """What it is called in a link, as an entry is."""
        return _key(self.sha, self.number)


@dataclass(frozen=True)
class Entry:
    """One line of a changelog draft."""

    group: str
    text: str
    sha: str
    number: str | None
    """Of the pull request, if one brought it."""
    bumps: tuple[Bump, ...] = ()
    """The updates that it sums up, oldest first; it is linked to the newest."""

    @property
    def key(self) -> str:
        """What the entry is called in its link: `#12`, or the start of the commit's SHA."""
        return _key(self.sha, self.number)


class Sources(NamedTuple):
    """What entries are made with, besides the changes themselves."""

    page: str
    """The repository's address."""
    bots: Sequence[str] = BOTS
    subjects: Sequence[str] = SUBJECTS
    pulls: Mapping[str, Pull] = MappingProxyType({})
    """What the API said, by the pull request's number (`#12`) or the commit's SHA."""

    def pull(self, change: Change) -> Pull | None:
        """Give what is known of the pull request that brought a change."""
        known = self.pulls.get(f"#{change.number}") if change.number else None
        return known or self.pulls.get(change.commit.sha)

    def title(self, change: Change) -> str:
        """Give what a change is called: what its message says, unless only the API names it."""
        pull = self.pull(change)
        unnamed = change.number is None or change.title.startswith("Merge pull request #")
        return pull.title if pull and unnamed else change.title

    def number(self, change: Change) -> str | None:
        """Give the number of the pull request that brought a change."""
        pull = self.pull(change)
        return change.number or (pull.number if pull else None)


class _Said(NamedTuple):
    """A title, taken apart."""

    kind: str
    """A type of the convention that is known here, or nothing."""
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
    """Sum up updates of dependencies in one entry: of each the last, as many as a line holds."""
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
    """Read a title by the convention; a type that nobody knows is a word like any other."""
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
    """Say whether a change that breaks nothing is of no interest to users."""
    if any(_NO_ENTRY.match(one) for one in labels):
        return True
    if said.kind in _INTERNAL or said.scope.lower() in _INTERNAL_SCOPES:
        return True
    if any(is_left_out(one, sources.subjects) for one in (title, said.text)):
        return True
    inner = _REVERTED.fullmatch(title)
    text = inner[1] if inner else said.text
    if said.kind:
        # Who says that it is a feature or a fix says that users see it.
        return says_nothing(text)
    if group:
        return False
    named = any(one in _INTERNAL for one in labels)
    bump = inner and _BUMP.match(_said(text).text)
    return bool(named or bump) or says_nothing(text) or is_about_itself(text)


def _labels(pull: Pull | None) -> list[str]:
    """Give the labels without what some repositories put before them, as in `type: bug`."""
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
    """Name who wrote it; nobody is named where only programs did."""
    return _and(_names(change, sources))


def _names(change: Change, sources: Sources) -> Iterator[str]:
    """Give the people who wrote a change, as shown; who opened the pull request is linked."""
    git = [name for name in change.authors if not is_bot(name, sources.bots)]
    pull = sources.pull(change)
    opened = ""
    if pull and pull.login and not pull.bot and not is_bot(pull.login, sources.bots):
        # A single author of git's is the same person, and so is the author of a squash.
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
