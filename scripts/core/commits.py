"""Commits as changelog entries, by Conventional Commits 1.0 where they follow it."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

LONGEST = 200
"""Characters of an entry; a subject that is longer is no summary."""
_CONVENTIONAL = re.compile(
    r"(?P<type>[A-Za-z]+)(?:\((?P<scope>[^()\n]{1,60})\))?(?P<bang>!)?: +(?P<text>\S.*)"
)
# Conventional Commits 1.0, rule 11 and following: a footer, or a mark in front of the colon.
_BREAKING = re.compile(r"^BREAKING[ -]CHANGE(?:: | #)(?P<how>\S[^\n]*(?:\n[^\s:][^\n:]*$)*)", re.M)
_MERGE = re.compile(r"Merge pull request #(?P<number>\d+) from \S+(?:\s+(?P<title>\S[^\n]*))?")
_NUMBERED = re.compile(r"(?P<title>\S|\S.*\S)\s+\(#(?P<number>\d+)\)")
_CO_AUTHOR = re.compile(r"^Co-authored-by: *(?P<name>[^<\n]+?) *<", re.MULTILINE | re.IGNORECASE)
_GROUPS = {
    "feat": "Added",
    "fix": "Fixed",
    "perf": "Changed",
    "refactor": "Changed",
    "revert": "Changed",
    "deprecate": "Deprecated",
    "remove": "Removed",
    "security": "Security",
}
# What users of a release cannot see; a breaking change among it is shown all the same.
_INTERNAL = ("build", "chore", "ci", "docs", "style", "test", "tests", "release", "merge")
# Nothing in it needs another look: most of what commits say.
_HARMLESS = re.compile(r"[A-Za-z0-9 ,.;'\"()/?=%]*")
_CODE = re.compile(r"(`[^`]+`)")
_URL = re.compile(r"(\bhttps?://[^\s<>`\\\"']*[^\s<>`\\\"'.,;:!?*_~()\[\]])")
_SPECIAL = re.compile(r"([\\`*_\[\]<>|&~$])")
# As GitHub finds them, and more: `x/@name` and `é@name` are mentions too.
_MENTION = re.compile(r"(?<![A-Za-z0-9])@([A-Za-z0-9_][\w-]*(?:/[\w-]+)?)")
_BLOCK = re.compile(r"(?:[#+=:-]|\d+(?=[.)]))")


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit, as git tells it: text that was no UTF-8 comes as lone surrogates."""

    sha: str
    parents: tuple[str, ...]
    author: str
    message: str

    @property
    def authors(self) -> tuple[str, ...]:
        """Everybody who wrote it, each once."""
        if "<" not in self.message:
            return (self.author,)
        others = (found["name"] for found in _CO_AUTHOR.finditer(self.message))
        return tuple(dict.fromkeys((self.author, *others)))


@dataclass(frozen=True, slots=True)
class Change:
    """What is one line of a changelog: a commit, or a pull request with all its commits."""

    commit: Commit
    authors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a changelog draft."""

    group: str
    text: str
    sha: str
    number: str | None
    """Of the pull request, if one brought it."""

    @property
    def key(self) -> str:
        """What the entry is called in its link: `#12`, or the start of the commit's SHA."""
        return f"#{self.number}" if self.number else self.sha[:10]


def entries(commits: Sequence[Commit], page: str) -> Iterator[Entry]:
    """Give an entry for each change that users may want to know of, oldest first.

    `commits` are newest first, the head before all others; `page` is the repository's address.
    """
    for change in reversed(changes(commits)):
        if found := entry(change, page):
            yield found


def changes(commits: Sequence[Commit]) -> list[Change]:
    """Take a merged pull request for one change, whoever merged it; other merges say nothing.

    What a plain merge brought in, such as that of `git pull`, counts commit by commit.
    """
    if not any(commit.parents[1:] for commit in commits):
        return [Change(commit, commit.authors) for commit in commits]
    known = {commit.sha: commit for commit in commits}
    whole = {one.sha for one in commits if one.parents[1:] and _MERGE.match(one.message)}
    kept = _reached(commits[0].sha, known, set(), whole)
    seen, found = set(kept), list[Change]()
    for commit in (commit for commit in commits if commit.sha in kept):
        if commit.sha in whole:
            found.append(Change(commit, _brought(commit, known, seen)))
        elif not commit.parents[1:]:
            found.append(Change(commit, commit.authors))
    return found


def _reached(start: str, known: dict[str, Commit], seen: set[str], whole: set[str]) -> set[str]:
    """Walk to the parents; through a pull request only to what it was merged into."""
    found, waiting = set[str](), [start]
    while waiting:
        sha = waiting.pop()
        if sha in known and sha not in seen and sha not in found:
            found.add(sha)
            parents = known[sha].parents
            waiting += parents[:1] if sha in whole else parents
    return found


def _brought(merge: Commit, known: dict[str, Commit], seen: set[str]) -> tuple[str, ...]:
    """Give who wrote what a pull request brought; who merged it did not, if others are known."""
    own = {sha: None for tip in merge.parents[1:] for sha in _reached(tip, known, seen, set())}
    seen.update(own)
    single = (known[sha] for sha in own if not known[sha].parents[1:])
    names = [name for commit in single for name in commit.authors]
    return tuple(sorted(dict.fromkeys(names))) or merge.authors


def entry(change: Change, page: str) -> Entry | None:
    """Turn a change into an entry, linked to its pull request or commit, its authors named."""
    commit = change.commit
    title, number = _title(commit.message)
    conventional = _CONVENTIONAL.fullmatch(title)
    kind = conventional["type"].lower() if conventional else ""
    footer = _BREAKING.search(commit.message) if "BREAKING" in commit.message else None
    breaking = bool(footer or (conventional and conventional["bang"]))
    if kind in _INTERNAL and not breaking:
        return None
    known = conventional if kind in _GROUPS or kind in _INTERNAL or breaking else None
    text = _sentence(known["text"] if known else title)
    if not text:
        return None
    scope = f"**{plain(known['scope'])}:** " if known and known["scope"] else ""
    mark = "**Breaking:** " if breaking else ""
    how = f": {plain(footer['how'])}" if footer else ""
    key = f"#{number}" if number else commit.sha[:10]
    link = f"{page}/pull/{number}" if number else f"{page}/commit/{commit.sha}"
    line = f"{mark}{scope}{text}{how} ([{key}]({link}), {_people(change.authors)})"
    return Entry(_GROUPS.get(kind, "Changed"), line, commit.sha, number)


def _people(authors: Sequence[str]) -> str:
    names = [name for author in authors if (name := plain(author))] or ["somebody"]
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _title(message: str) -> tuple[str, str | None]:
    """Give what the commit or pull request is called, and its number."""
    if message.startswith("Merge ") and (merged := _MERGE.match(message)):
        subject = (merged["title"] or merged[0]).strip()
        return subject, merged["number"]
    subject = message.split("\n", 1)[0].strip()
    if subject.endswith(")") and (numbered := _NUMBERED.fullmatch(subject)):
        return numbered["title"], numbered["number"]
    return subject, None


def _sentence(text: str) -> str:
    """Write a text so that it can begin an entry: a capital, and no sign that starts a block."""
    shown = plain(text)
    if found := _BLOCK.match(shown):
        # A digit cannot be escaped, the sign behind a number can.
        at = found.end() if found[0][0].isdigit() else 0
        return f"{shown[:at]}\\{shown[at:]}"
    return shown[:1].upper() + shown[1:]


def plain(text: str) -> str:
    """Write a text so that Markdown shows it as it is, and that no one is notified by it.

    Code between backticks stays code; control characters go; a mention becomes code. What was no
    UTF-8 is shown as the replacement character.
    """
    if len(text) <= LONGEST and _HARMLESS.fullmatch(text):
        return text.strip()
    shown = " ".join("".join(map(_visible, text[: 2 * LONGEST])).split())
    if len(shown) > LONGEST:
        shown = (shown[:LONGEST].rpartition(" ")[0] or shown[:LONGEST]) + " …"
    parts = _CODE.split(shown)
    # Every second piece is code.
    return "".join(part if i % 2 else _without_markup(part) for i, part in enumerate(parts))


def _visible(character: str) -> str:
    kind = unicodedata.category(character)
    if kind == "Cs":
        return "\ufffd"
    return " " if character.isspace() else "" if kind in ("Cc", "Cf", "Co") else character


def _without_markup(text: str) -> str:
    # Every second piece is an address, which may hold anything but what ends it.
    pieces = _URL.split(text)
    return "".join(f"<{one}>" if i % 2 else _escaped(one) for i, one in enumerate(pieces))


def _escaped(text: str) -> str:
    pieces = _MENTION.split(text)
    # Every second piece is a mentioned name: as code it notifies nobody.
    return "".join(
        f"`@{piece}`" if i % 2 else _SPECIAL.sub(r"\\\1", piece) for i, piece in enumerate(pieces)
    )
