"""What the gate, the notes and the report say of security and size: a line each, with details."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from scripts.core import sbom
from scripts.core.lockfile import Signing
from scripts.core.plain import plain
from scripts.core.sbom import BASE, PYPI, Inventory
from scripts.core.scan_policy import Verdict, Vulnerability

SHOWN = 40
"""Rows of a table in the notes, which GitHub limits; the lock and the SBOMs have all."""
SIGNED = "Signed: "
LEAST = 0.005
"""A smaller part of a size counts as unchanged."""


class Line(NamedTuple):
    """One line for everybody, and its details."""

    text: str
    details: str


def security(verdict: Verdict) -> Line:
    """Write what a scan came to, and what it was judged by."""
    rows = [_row(one, verdict.since) for one in verdict.findings]
    since = verdict.since or "last release"
    head = ("id", "package", "fixed in", "level", "layer", "where", since, "why")
    databases = ", ".join(f"{name} `{one[:12]}`" for name, one in verdict.databases.items())
    parts = [
        _table(head, rows, f"{len(rows)} findings are in `release.json`"),
        *(f"- ⚠️ exception {plain(one)}" for one in verdict.exceptions),
        *(f"- ⚠️ not scanned, without advisories: {one}" for one in verdict.unjudged),
        f"Policy: stop {verdict.stop}, on {verdict.day}. {verdict.scanner}, advisories until "
        f"{verdict.newest} UTC (sha256: {databases}).",
    ]
    return Line(security_line(verdict), "\n\n".join(part for part in parts if part))


def security_line(verdict: Verdict) -> str:
    """Write `Security: 0 stopping, 3 known unfixable`."""
    waiting = [one for one in verdict.findings if not one.stops]
    without = sum(not one.fixed for one in waiting)
    counts = {
        "stopping": len(verdict.stopping),
        "known unfixable": without,
        "that can wait": len(waiting) - without,
        "exceptions to review": len(verdict.exceptions),
    }
    always = ("stopping", "known unfixable")
    said = ", ".join(f"{n} {what}" for what, n in counts.items() if n or what in always)
    new = sum(not one.known for one in waiting) if verdict.since else 0
    return f"Security: {said}" + (f" ({new} new since {verdict.since})" if new else "")


def _row(one: Vulnerability, since: str) -> tuple[str, ...]:
    return (
        f"{'❌ ' if one.stops else ''}{plain(one.id)}",
        f"{plain(one.package)} {plain(one.version)}",
        plain(one.fixed) or "-",
        one.level,
        "base image" if one.layer == BASE else "ours",
        ", ".join(one.where),
        "not scanned" if not since else "had it" if one.known else "new",
        plain(one.why),
    )


Sizes = Mapping[str, Mapping[str, int]]
"""Image, then platform, to bytes."""


def difference(
    sizes: Sizes,
    before: Sizes,
    now: Mapping[str, Inventory],
    last: Mapping[str, Inventory],
    own: str = "",
) -> Line | None:
    """Compare sizes and packages with the last release; none if neither is known of it.

    `own` is the project itself, whose version always changes.
    """
    changed = list(_changes(now, last, f"{PYPI} {own}"))
    grown = [_grown(name, sizes[name], before[name]) for name in sizes if before.get(name)]
    counted = [f"{len(changed)} package change{'' if len(changed) == 1 else 's'}"] if last else []
    if not (grown or counted):
        return None
    head = ("where", "package", "last release", "this release")
    details = _table(head, changed, "all are in `sboms.zip`")
    return Line(f"Size: {', '.join([*grown, *counted])}", details)


def _grown(name: str, now: Mapping[str, int], before: Mapping[str, int]) -> str:
    both = now.keys() & before.keys()
    old, new = (sum(each[one] for one in both) for each in (before, now))
    if not old or abs(new - old) < LEAST * old:
        return f"{name} unchanged"
    return f"{name} {(new - old) / 1e6 / len(both):+,.1f} MB ({(new - old) / old:+.0%})"


def _changes(
    now: Mapping[str, Inventory], last: Mapping[str, Inventory], own: str
) -> Iterator[tuple[str, ...]]:
    """Yield each change once: where it is, the package, its version before and now."""
    where: dict[tuple[str, str, str], list[str]] = {}
    for name in sorted(now.keys() & last.keys()):
        for change in sbom.changes(sbom.versions(last[name]), sbom.versions(now[name])):
            where.setdefault(change, []).append(name.removesuffix(sbom.SUFFIX))
    for change, names in sorted(where.items()):
        if change[0] != own:
            yield ", ".join(names), *map(plain, change)


def signed(signing: Signing, parts: int) -> Line:
    """Write `Signed: 16 of 16`, which is true once the release is public; or why nobody signs."""
    if not signing.by:
        return Line(f"{SIGNED}0 of {parts}", f"Nobody signs: {signing.reason}.")
    who = f"`{signing.by}` signs every part of the release."
    how = "`verify.py` checks the signatures if the program `gh` is installed."
    return Line(f"{SIGNED}{parts} of {parts}", f"{who} {how}")


def at_gate(lines: Sequence[tuple[str, str]], signing: Signing | None) -> list[Line]:
    """Say of the same lines what is true before the approval: nothing is signed yet."""
    waiting = {True: "after the approval ", False: ""}[bool(signing and signing.by)]
    return [Line(text.replace(SIGNED, f"{SIGNED}{waiting}"), details) for text, details in lines]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], rest: str) -> str:
    if not rows:
        return ""
    shown = [head, ["---"] * len(head), *rows[:SHOWN]]
    lines = ["| " + " | ".join(one.replace("|", "\\|") for one in row) + " |" for row in shown]
    more = [f"\nOnly the first {SHOWN} are shown: {rest}."] if len(rows) > SHOWN else []
    return "\n".join([*lines, *more])
