"""Measure contenders in turns, compare their medians, keep and print what came out."""

import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "build" / "bench"

Act = Callable[[], object]
Contender = Callable[[], Act]
"""Prepares one repetition, untimed, and gives what is timed."""


@dataclass(frozen=True)
class Series:
    """What one contender took, in seconds, in the order of the repetitions."""

    name: str
    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The figure that is compared."""
        return statistics.median(self.seconds)


@dataclass(frozen=True)
class Claim:
    """A promise about a ratio: at most `limit`, or more than it."""

    says: str
    ratio: float
    limit: float
    at_most: bool

    @property
    def kept(self) -> bool:
        """Whether the measurement is as promised."""
        return self.ratio <= self.limit if self.at_most else self.ratio > self.limit

    def __str__(self) -> str:
        """Write the verdict, the promise and the figure on one line."""
        sign = "at most" if self.at_most else "more than"
        verdict = "kept  " if self.kept else "BROKEN"
        return f"{verdict}  {self.says}: {self.ratio:.2f} x ({sign} {self.limit:g} x)"


def at_most(says: str, ours: Series, theirs: Series, limit: float) -> Claim:
    """Promise that `ours` takes at most `limit` times as long as `theirs`."""
    return Claim(says, ours.median / theirs.median, limit, at_most=True)


def ahead(says: str, ours: Series, theirs: Series, times: float = 1) -> Claim:
    """Promise that `theirs` takes more than `times` as long as `ours`."""
    return Claim(says, theirs.median / ours.median, times, at_most=False)


def side_by_side(
    contenders: Mapping[str, Contender],
    repeats: int,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, Series]:
    """Time every contender once per round, so that a busy moment hits all of them alike.

    One more round goes before, untimed, to fill the caches; not where one round is all there is,
    because a contender then takes minutes. What runs in this process is better timed by the
    `clock` `time.process_time`, which other programs do not change.
    """
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    untimed = 1 if repeats > 1 else 0
    for turn in range(untimed + repeats):
        for name, prepare in contenders.items():
            act = prepare()
            began = clock()
            act()
            took = clock() - began
            if turn >= untimed:
                seconds[name].append(took)
    return {name: Series(name, tuple(times)) for name, times in seconds.items()}


def unprepared(act: Act) -> Contender:
    """Make a contender of what needs no preparation."""
    return lambda: act


def table(title: str, series: Mapping[str, Series], reference: str) -> str:
    """Write medians, spread and the ratio to the reference, a line each."""
    base = series[reference].median
    width = max(map(len, series))
    lines = [title]
    for one in series.values():
        spread = f"{min(one.seconds) * 1000:.1f} to {max(one.seconds) * 1000:.1f}"
        ratio = f"{one.median / base:8.2f} x"
        lines.append(f"  {one.name:{width}} {one.median * 1000:10.1f} ms {ratio}   ({spread} ms)")
    return "\n".join(lines)


def conclude(name: str, measured: Mapping[str, Mapping[str, Series]], claims: list[Claim]) -> int:
    """Print the claims, keep all figures in build/bench/NAME.json; exit code 1 if one is broken."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    figures = {
        title: {one.name: {"median": one.median, "seconds": one.seconds} for one in series.values()}
        for title, series in measured.items()
    }
    result = {
        "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
        "seconds": figures,
        "claims": [{**asdict(claim), "kept": claim.kept} for claim in claims],
    }
    (RESULTS / f"{name}.json").write_text(json.dumps(result, indent=2) + "\n", "utf-8")
    print("\n".join(f"  {claim}" for claim in claims))
    return 0 if all(claim.kept for claim in claims) else 1
