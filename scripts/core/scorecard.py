"""Compare the performance of a release with that of the last one, measured on one machine.

Both releases are measured in turn, so that each value has a partner from the same moments. A
difference counts only if most pairs show it, and a second pass shows it again.
"""

import math
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from scripts.core import codec

CHANCE = 0.05
"""How likely pairs of equal releases may be as unequal as those that count (sign test)."""
FEW = 6
"""With fewer pairs no sign test can tell anything: their median has to differ more."""
LEAST = 0.10
"""A smaller part of a measured value does not count."""
LEAST_OF_FEW = 0.25
LEAST_MEGABYTES = 0.1
LEAST_MEMORY = 5
"""Megabytes: the memory of a small service differs by a few at each start."""
KEPT = 10
"""Releases whose values a lock has."""
BARS = "▁▂▃▄▅▆▇█"
SPEED, SIZE = "speed", "size"


@dataclass(frozen=True)
class Measured:
    """One thing that was measured of both releases, in pairs. Less is better."""

    name: str
    unit: str
    before: tuple[float, ...]
    after: tuple[float, ...]
    exact: bool = False
    """Whether it is counted, so that every difference counts."""


@dataclass(frozen=True)
class Row:
    """One thing of the scorecard: its median of the last release and of this one."""

    name: str
    unit: str
    after: float
    before: float | None = field(default=None, metadata=codec.LATER)
    """None where there is no last release, or it does not have that."""
    changed: bool = field(default=False, metadata=codec.LATER)
    history: tuple[float, ...] = field(default=(), metadata=codec.LATER)
    """The values of the releases before, the oldest first."""


@dataclass(frozen=True)
class Scorecard:
    """The measurements of one release."""

    machine: str
    """What it was measured on: `linux/amd64, 4 processors`."""
    since: str
    """The tag of the release that it is compared with; empty where there is none."""
    rows: tuple[Row, ...]
    failures: tuple[str, ...] = field(default=(), metadata=codec.LATER)
    """What could not be measured, and why."""


def differs(one: Measured) -> int:
    """Tell whether the pairs differ: 1 where the value rose, -1 where it fell, 0 if neither."""
    if one.exact:
        more = one.after[0] - one.before[0] if one.before and one.after else 0
        return 0 if one.unit == "MB" and abs(more) < LEAST_MEGABYTES else _sign(more)
    pairs = [(b, a) for b, a in zip(one.before, one.after, strict=False) if b > 0]
    if not pairs:
        return 0
    change = statistics.median(a / b for b, a in pairs) - 1
    if abs(change) < (LEAST if len(pairs) >= FEW else LEAST_OF_FEW):
        return 0
    if len(pairs) < FEW and one.unit == "MB" and abs(pairs[0][1] - pairs[0][0]) < LEAST_MEMORY:
        return 0
    same = sum(_sign(a - b) == _sign(change) for b, a in pairs)
    if len(pairs) >= FEW and chance(same, len(pairs)) > CHANCE:
        return 0
    return _sign(change)


def chance(same: int, pairs: int) -> float:
    """Give the probability that so many pairs or more have one sign (sign test, two-sided)."""
    others = sum(math.comb(pairs, k) for k in range(pairs - same + 1))
    return float(min(1, 2 * others / 2**pairs))


def _sign(number: float) -> int:
    return (number > 0) - (number < 0)


def suspected(found: Iterable[Measured]) -> bool:
    """Tell whether a second pass is needed: something that is not counted differs."""
    return any(differs(one) for one in found if not one.exact)


def rows(first: Sequence[Measured], second: Sequence[Measured] | None) -> Iterator[Row]:
    """Judge what was measured; without a second pass only what is counted can have changed."""
    again = {one.name: one for one in second or ()}
    for one in first:
        both = (one, again[one.name]) if one.name in again else (one,)
        signs = {differs(each) for each in both}
        changed = 0 not in signs and len(signs) == 1 and (one.exact or len(both) > 1)
        before, after = (
            [v for each in both for v in getattr(each, s)] for s in ("before", "after")
        )
        if after:
            yield Row(
                one.name, one.unit, _middle(after), _middle(before) if before else None, changed
            )


def _middle(values: Sequence[float]) -> float:
    return float(f"{statistics.median(values):.4g}")


def following(card: Scorecard, last: Scorecard | None) -> Scorecard:
    """Add the values of the releases before, from the last release's scorecard."""
    known = {one.name: (*one.history, one.after)[-KEPT + 1 :] for one in last.rows} if last else {}
    return replace(
        card, rows=tuple(replace(one, history=known.get(one.name, ())) for one in card.rows)
    )


def line(card: Scorecard) -> str:
    """Write what it comes to: `Speed: api p50 +31 %`, or `Speed: unchanged`."""
    if not card.since:
        return "Speed: measured for the first time"
    said = [f"{one.name} {_change(one)}" for one in card.rows if one.changed]
    missing = [f"{len(card.failures)} not measured"] if card.failures else []
    return f"Speed: {', '.join([*(said or ['unchanged']), *missing])}"


def details(card: Scorecard) -> str:
    """Write the table, with a line of bars for the releases so far."""
    head = ("measured", "last release", "this release", "difference", f"up to {KEPT} releases")
    shown = [head, ["---", "--:", "--:", "--:", "---"], *map(_cells, card.rows)]
    table = "\n".join("| " + " | ".join(cells) + " |" for cells in shown)
    how = f"Measured in turn with {card.since}" if card.since else "Measured"
    why = "A difference in bold was found twice." if card.since else ""
    failed = [f"- ⚠️ not measured: {one}" for one in card.failures]
    return "\n\n".join(part for part in (table, *failed, f"{how} on {card.machine}. {why}") if part)


def _cells(one: Row) -> Sequence[str]:
    before = "-" if one.before is None else f"{one.before:g} {one.unit}".strip()
    change = f"**{_change(one)}**" if one.changed else _change(one)
    after = f"{one.after:g} {one.unit}".strip()
    return one.name, before, after, change, bars([*one.history, one.after])


def _change(one: Row) -> str:
    if not one.before:
        return "-"
    if one.unit == "" and one.before % 1 == one.after % 1 == 0:
        return f"{one.after - one.before:+g}"
    return f"{one.after / one.before - 1:+.0%}"


def bars(values: Sequence[float]) -> str:
    """Draw a line of bars, the highest for the greatest value; nothing for a single one."""
    top = max(values, default=0)
    if len(values) < 2 or top <= 0:  # noqa: PLR2004 - one value has no course
        return ""
    return "".join(BARS[round(value / top * (len(BARS) - 1))] for value in values)


def paired(
    taken: Sequence[Mapping[str, Sequence[float]]], units: Mapping[str, str]
) -> Iterator[Measured]:
    """Make measurements of the values of the last release and of this one, or of this one alone."""
    *last, this = taken
    for name, values in this.items():
        before = last[0].get(name, ()) if last else ()
        yield Measured(name, units.get(name, ""), tuple(before), tuple(values))


def counted(name: str, unit: str, values: Sequence[float]) -> Measured:
    """Make a measurement of what is counted once, of the last release and of this one."""
    return Measured(name, unit, tuple(values[:-1]), tuple(values[-1:]), exact=True)
