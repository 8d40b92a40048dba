"""Commits as changelog entries, by Conventional Commits 1.0 where they follow it."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

LONGEST = 200
"""Characters of an entry; a subject that is longer is no summary."""
BREAKING = re.compile(r"^BREAKING[ -]CHANGE: ", re.MULTILINE)
_CONVENTIONAL = re.compile(
    r"(?P<type>[A-Za-z]+)(?:\((?P<scope>[^()\n]{1,60})\))?(?P<bang>!)?: +(?P<text>\S.*)"
)
_MERGE = re.compile(r"Merge pull request #(?P<number>\d+) from \S+\s+(?P<title>\S[^\n]*)")
_NUMBERED = re.compile(r"(?P<title>.*\S)\s+\(#(?P<number>\d+)\)$")
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
_CODE = re.compile(r"(`[^`]+`)")
_SPECIAL = re.compile(r"([\\`*_\[\]<>|])")
_MENTION = re.compile(r"(?<![\w/])@([\w-]+(?:/[\w-]+)?)")


@dataclass(frozen=True)
class Commit:
    """One commit of the first-parent history: what a merge or a push brought."""

    sha: str
    author: str
    message: str


@dataclass(frozen=True)
class Entry:
    """One line of a changelog draft."""

    group: str
    text: str
    key: str
    """What tells whether it is there already: `#12`, or the start of the commit's SHA."""


def entries(commits: Iterable[Commit], page: str) -> Iterator[Entry]:
    """Give an entry for each commit that users may want to know of."""
    for commit in commits:
        if found := entry(commit, page):
            yield found


def entry(commit: Commit, page: str) -> Entry | None:
    """Turn a commit into an entry, linked to its pull request or itself, its author named."""
    title, number = _title(commit.message)
    conventional = _CONVENTIONAL.fullmatch(title)
    kind = conventional["type"].lower() if conventional else ""
    breaking = bool(conventional and conventional["bang"]) or bool(BREAKING.search(commit.message))
    if not title or title.startswith("Merge ") or (kind in _INTERNAL and not breaking):
        return None
    known = kind in _GROUPS or kind in _INTERNAL
    text = plain(conventional["text"] if conventional and known else title)
    scope = (
        f"**{plain(conventional['scope'])}:** " if conventional and conventional["scope"] else ""
    )
    mark = "**Breaking:** " if breaking else ""
    key = f"#{number}" if number else commit.sha[:10]
    link = f"{page}/pull/{number}" if number else f"{page}/commit/{commit.sha}"
    who = plain(commit.author) or "somebody"
    line = f"{mark}{scope if known else ''}{text[:1].upper()}{text[1:]} ([{key}]({link}), {who})"
    return Entry(_GROUPS.get(kind, "Changed"), line, key)


def _title(message: str) -> tuple[str, str | None]:
    """Give what the commit or pull request is called, and its number."""
    if merged := _MERGE.match(message):
        return merged["title"].strip(), merged["number"]
    subject = message.split("\n", 1)[0].strip()
    if numbered := _NUMBERED.fullmatch(subject):
        return numbered["title"], numbered["number"]
    return subject, None


def plain(text: str) -> str:
    """Write a text so that Markdown shows it as it is, and that no one is notified by it.

    Code between backticks stays code; control characters go; a mention becomes code.
    """
    shown = "".join(c for c in text[: 2 * LONGEST] if unicodedata.category(c)[0] != "C")
    shown = shown if len(shown) <= LONGEST else shown[:LONGEST].rpartition(" ")[0] + " …"
    parts = _CODE.split(shown)
    return "".join(
        part if part[:1] == "`" and part[-1:] == "`" else _escaped(part) for part in parts
    )


def _escaped(text: str) -> str:
    pieces = _MENTION.split(text)
    # Every second piece is a mentioned name: as code it notifies nobody.
    return "".join(
        f"`@{piece}`" if i % 2 else _SPECIAL.sub(r"\\\1", piece) for i, piece in enumerate(pieces)
    )
