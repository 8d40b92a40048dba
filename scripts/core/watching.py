"""Decide what the watch reports about past releases: one finding for each fingerprint.

A finding is about the newest release, since a later release clears what an earlier one has. Its
text depends only on what was found, so that a second run has nothing to write.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from scripts.core.lockfile import LockedBase
from scripts.core.plain import plain
from scripts.core.sbom import BASE, OURS, PYPI, Inventory
from scripts.core.scan_policy import Verdict, Vulnerability

AHEAD = timedelta(days=90)
"""How long before its last day a runtime is reported."""
LAYERS = {BASE: "base image", OURS: "ours"}
AGAIN = "Release the next patch version: its images are built from the base image of that day."


@dataclass(frozen=True)
class Watched:
    """One finding, which becomes one issue."""

    fingerprint: str
    """What it is about, without anything that changes from week to week."""
    title: str
    text: str
    """In Markdown."""


@dataclass(frozen=True)
class Moved:
    """A base image whose tag leads elsewhere today."""

    reference: str
    recorded: tuple[str, ...]
    """The digests that images were built from."""
    today: str
    """The digest that the tag leads to; empty if it is gone."""
    images: tuple[str, ...]
    """The images that are built from it, each with its platform."""


@dataclass(frozen=True)
class Found:
    """Everything that a watch found, to be handed to the jobs that write."""

    newest: str
    """The tag of the newest release."""
    findings: tuple[Watched, ...]
    moved: tuple[Moved, ...] = ()
    outdated: tuple[str, ...] = ()
    """Python packages with a fix, of those that would stop a release."""
    refreshed: tuple[str, ...] = ()
    """Lock files that `scan` updated for the proposal."""
    left: tuple[str, ...] = ()
    """What would still stop a release after that, by a scan of the updated lock files."""


def vulnerabilities(verdicts: Mapping[str, Verdict]) -> Iterator[Watched]:
    """Report what would stop a release today, in the newest one: the first of `verdicts`."""
    newest, verdict = next(iter(verdicts.items()))
    groups: dict[tuple[str, str], list[Vulnerability]] = {}
    for one in verdict.stopping:
        groups.setdefault((one.id, one.package), []).append(one)
    for (name, package), found in groups.items():
        older = [
            tag
            for tag, each in verdicts.items()
            if tag != newest
            and any((one.id, one.package) == (name, package) for one in each.findings)
        ]
        title = f"{newest} has a known vulnerability: {name} in {package}"
        text = "\n\n".join(
            [_vulnerability(newest, verdict.since, found), *_also(older), _cure(found)]
        )
        yield Watched(f"vulnerability {name} {package}", title, text)


def _vulnerability(newest: str, since: str, found: Sequence[Vulnerability]) -> str:
    lines = [
        f"- {plain(one.package)} {plain(one.version)} ({LAYERS[one.layer]}), {one.level}, fixed in "
        f"{plain(one.fixed) or 'no version'}: {', '.join(one.where)}"
        for one in found
    ]
    told = (
        f"It was not scanned when {newest} was released."
        if not since
        else f"It was known when {newest} was released, and now stops a release."
        if all(one.known for one in found)
        else f"It is new since {newest} was released."
    )
    head = f"A scan of what {newest} contains found `{found[0].id}`. {told}"
    return "\n".join([head, "", *lines])


def _also(older: Sequence[str]) -> list[str]:
    return [f"Also in {', '.join(older)}, which a newer release replaces."] if older else []


def _cure(found: Sequence[Vulnerability]) -> str:
    base = all(one.layer == BASE for one in found)
    how = (
        AGAIN
        if base
        else "Update the package in its lock file, and release the next patch version."
    )
    return f"**What to do:** {how} To accept it for a while: `exceptions` of `[tool.release.scan]`."


def outdated(verdict: Verdict, found: Iterable[Inventory]) -> tuple[str, ...]:
    """Name the Python packages that stop a release and have a fix."""
    packages = (one.package for each in found for one in each.components)
    python = {one.name for one in packages if one.kind == PYPI}
    return tuple(sorted({one.package for one in verdict.stopping if one.fixed} & python))


def updated(moved: Iterable[Moved], packages: Iterable[str]) -> dict[str, list[str]]:
    """Write the changelog's entries of a patch release, by group."""
    bases = [f"Update the base image {one.reference}." for one in moved if one.today]
    fixed = [f"Update {name}, which has known vulnerabilities." for name in packages]
    return {title: lines for title, lines in (("Changed", bases), ("Security", fixed)) if lines}


def pinned(text: str, moved: Iterable[Moved]) -> str:
    """Replace the digests that a Dockerfile pins by those of today; a tag alone stays."""
    for one in moved:
        for digest in one.recorded if one.today else ():
            text = text.replace(digest, one.today)
    return text


def proposal(found: Found, changes: Mapping[str, Sequence[str]]) -> str:
    """Write the text of the pull request: what was found, and what it changes.

    `changes` is a package with its versions then and now, to the lock files that change.
    """
    lines = [f"- {one.title}" for one in found.findings]
    bases = [
        f"- {one.reference}: {', '.join(f'`{digest}`' for digest in one.recorded)} → `{one.today}`"
        for one in found.moved
        if one.today
    ]
    parts = [f"Found in {found.newest} by the watch:", "\n".join(lines)]
    parts += ["Base images, as recorded and today:", "\n".join(bases)] if bases else []
    if changes:
        packages = [f"- {plain(one)}: {', '.join(paths)}" for one, paths in changes.items()]
        parts += ["Packages, then and now:", "\n".join(packages), _scanned(found)]
    parts.append("Merge this and release the next patch version. A later watch closes the issues.")
    return "\n\n".join(parts)


def _scanned(found: Found) -> str:
    if not found.left:
        return "A scan of the updated lock files finds nothing that stops a release."
    return f"A scan of the updated lock files still finds: {', '.join(found.left)}."


def recorded(bases: Iterable[LockedBase]) -> dict[str, list[LockedBase]]:
    """Group the base images by their reference; one without a tag cannot move."""
    groups: dict[str, list[LockedBase]] = {}
    for one in bases:
        if ":" in one.reference.rpartition("/")[2]:
            groups.setdefault(one.reference, []).append(one)
    return groups


def moved(
    groups: Mapping[str, Sequence[LockedBase]], today: Mapping[str, Sequence[str]]
) -> Iterator[Moved]:
    """Compare with today's digests: of each reference its index first, then its platforms."""
    for reference, bases in groups.items():
        now = today[reference]
        if all(one.digest in now for one in bases):
            continue
        digests = tuple(dict.fromkeys(one.digest for one in bases))
        where = tuple(f"{one.image} for {one.platform}" for one in bases)
        yield Moved(reference, digests, now[0] if now else "", where)


def base(newest: str, one: Moved) -> Watched:
    """Report a base image that moved, or vanished."""
    then = ", ".join(f"`{digest}`" for digest in one.recorded)
    lines = [f"- recorded in {newest}: {then}", f"- used by {', '.join(one.images)}"]
    if one.today:
        title = f"The base image {one.reference} moved since {newest}"
        head = "The tag of a base image leads to another image than the one that was built on."
        lines.insert(1, f"- today: `{one.today}`")
        cure = AGAIN
    else:
        title = f"The base image {one.reference} is gone"
        head = "The registry does not have the tag of a base image any more."
        cure = "Choose another tag in the Dockerfile: the next build would fail."
    text = "\n".join([head, "", *lines, "", f"**What to do:** {cure}"])
    return Watched(f"base {one.reference}", title, text)


def yanked(newest: str, package: str, version: str, where: Mapping[str, str]) -> Watched:
    """Report a dependency that its authors withdrew. `where` is what has it, and who brings it."""
    name = f"{package} {version}"
    todo = "update it in its lock file" if OURS in where.values() else "take a newer base image"
    text = (
        f"The package index marks `{name}` as yanked (PEP 592). {newest} has it in "
        f"{', '.join(where)}.\n\n**What to do:** read at the index why, {todo}, "
        "and release the next patch version."
    )
    return Watched(f"yanked {name}", f"{newest} contains {name}, which was yanked", text)


Table = Mapping[str, Mapping[str, date | str]]
"""Runtime, then version, to its last day; `source` is where the days are from."""


def runtimes(bases: Iterable[LockedBase], found: Iterable[Inventory]) -> dict[str, set[str]]:
    """Name each runtime and version, `python 3.13`, with the images that have it.

    The base image's tag says it (`python:3.13-slim`), and the distribution's os-release.
    """
    named: dict[str, set[str]] = {}
    for one in bases:
        repository, _, tag = one.reference.rpartition("/")[2].partition(":")
        if version := re.match(r"\d+(\.\d+)*", tag):
            image = f"{one.image}-{one.platform.replace('/', '-')}"
            named.setdefault(f"{repository} {version[0]}", set()).add(image)
    for each in found:
        name, _, version_id = each.distro.partition("-")
        if version_id:
            named.setdefault(f"{name} {version_id}", set()).add(each.name)
    return named


def ending(
    newest: str, named: Mapping[str, Iterable[str]], table: Table, day: date
) -> Iterator[Watched]:
    """Report the runtimes that get no more updates, or will get none in 90 days."""
    together: dict[tuple[str, str], set[str]] = {}
    for one, images in named.items():
        name, _, version = one.partition(" ")
        if known := _cycle(version, table.get(name, {})):
            together.setdefault((name, known), set()).update(images)
    for (name, version), images in sorted(together.items()):
        last = table[name][version]
        if isinstance(last, date) and day > last - AHEAD:
            yield _ended(newest, f"{name} {version}", last, str(table[name].get("source")), images)


def _cycle(version: str, cycles: Mapping[str, object]) -> str | None:
    """Find the line of a version: that of 3.13.5 is `3.13`, that of 24.1 is `24`."""
    numbers = version.split(".")
    tried = (".".join(numbers[:n]) for n in range(len(numbers), 0, -1))
    return next((one for one in tried if one in cycles), None)


def _ended(newest: str, name: str, last: date, source: str, images: Iterable[str]) -> Watched:
    text = (
        f"{name} gets security updates until {last} (<{source}>). {newest} has it in "
        f"{', '.join(sorted(images))}.\n\n**What to do:** choose a newer one in the Dockerfile."
    )
    return Watched(f"runtime {name}", f"{name} reaches its end of life on {last}", text)
