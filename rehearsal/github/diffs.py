"""What changed between two commits, file by file."""

import re
from collections.abc import Iterator
from itertools import islice
from urllib.parse import quote

from rehearsal.github.errors import Json
from rehearsal.github.hub import Hub

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
MOST_FILES = 300
WORDS = {"A": "added", "D": "removed", "M": "modified", "T": "changed", "R": "renamed"}


async def changed_files(hub: Hub, old: str | None, new: str) -> list[Json]:
    """Return the files that differ between two commits; without an old one all are new."""
    diff = ("diff-tree", "-r", "-M", "--full-index", "--no-commit-id", old or EMPTY_TREE, new)
    raw = (await hub.git.text(*diff, "--raw", "-z")).split("\0")
    counts = (await hub.git.text(*diff, "--numstat", "-z")).split("\0")
    patch = await hub.git.text(*diff, "--patch", "--no-ext-diff", "--no-textconv")
    parts = re.split(r"^(?=diff --git )", patch, flags=re.MULTILINE)[1:]
    changes, lines, patches = list(read_raw(raw)), read_counts(counts), iter(parts)
    # A file that became a link is one change but two patches: gone, and new.
    shown = [next(patches) + (next(patches) if c[0] == "T" else "") for c in changes]
    rows = zip(changes, lines, shown, strict=True)
    return [show_file(hub, new, *row) for row in islice(rows, MOST_FILES)]


def read_raw(fields: list[str]) -> Iterator[tuple[str, str, str, str | None]]:
    """Yield status letter, blob, path and former path of `--raw -z` output."""
    parts = iter(fields)
    for header in parts:
        if not header.startswith(":"):
            continue
        _, _, old, new, status = header.split(" ")
        first = next(parts)
        path, former = (next(parts), first) if status[0] in "RC" else (first, None)
        yield status[0], old if status == "D" else new, path, former


def read_counts(fields: list[str]) -> Iterator[tuple[int, int]]:
    """Yield the lines added and removed of `--numstat -z` output; a binary file has none."""
    parts = iter(fields)
    for row in parts:
        if "\t" not in row:
            continue
        added, removed, path = row.split("\t", 2)
        if not path:  # a rename: both paths follow
            next(parts)
            next(parts)
        yield number(added), number(removed)


def number(text: str) -> int:
    """Return a count of lines; of a binary file it is `-`."""
    return int(text) if text.isdigit() else 0


def show_file(
    hub: Hub,
    commit: str,
    change: tuple[str, str, str, str | None],
    lines: tuple[int, int],
    part: str,
) -> Json:
    """Return one changed file in GitHub's form."""
    status, blob, path, former = change
    where = quote(path)
    shown: Json = {
        "sha": blob,
        "filename": path,
        "status": WORDS.get(status, "changed"),
        "additions": lines[0],
        "deletions": lines[1],
        "changes": sum(lines),
        "blob_url": hub.settings.html(f"/blob/{commit}/{where}"),
        "raw_url": hub.settings.html(f"/raw/{commit}/{where}"),
        "contents_url": hub.settings.api(f"/contents/{where}?ref={commit}"),
    }
    hunks = part.partition("\n@@")
    if hunks[1]:
        shown["patch"] = ("@@" + hunks[2]).rstrip("\n")
    return shown | ({"previous_filename": former} if former else {})
