"""Measure an installed package and started services: time, memory, size."""

import json
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from scripts.core.errors import CheckError
from scripts.tools.installation import Installation

MEGABYTE = 1e6
MILLISECOND = 1e-3
IMPORTED = """
import sys, time
began = time.perf_counter()
for name in sys.argv[2:]:  # the first one is `--`
    __import__(name)
took = time.perf_counter() - began
# What `getrusage` says begins with the memory of the process that started this one.
(most,) = [line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM:")]
import json
print(json.dumps([took, int(most) * 1024]))
"""
INSTALLED = """
import importlib.metadata, json, pathlib, sysconfig
folder = pathlib.Path(sysconfig.get_path("purelib"))
# What Python itself compiles depends on what was imported.
files = (one for one in folder.rglob("*") if one.is_file() and one.suffix != ".pyc")
count = len(list(importlib.metadata.distributions()))
print(json.dumps([count, sum(one.stat().st_size for one in files)]))
"""
BLOCK = 20
"""Requests of a block: its percentiles are one value of a pair."""
BLOCKS = 30
PERCENTILES = (50, 95, 99)
ROUNDS = 6
"""How often each side is measured, where one measurement is a process."""
T = TypeVar("T")
Values = dict[str, float]


def installed(consumer: Installation) -> tuple[int, float]:
    """Count the packages of an environment, and their megabytes."""
    count, size = json.loads(consumer.run("-c", INSTALLED))
    return count, size / MEGABYTE


def imported(consumer: Installation, modules: Sequence[str]) -> tuple[float, float]:
    """Import modules in a new process: its milliseconds, and its greatest megabytes in memory."""
    took, memory = json.loads(consumer.run("-c", IMPORTED, "--", *modules))
    return took / MILLISECOND, memory / MEGABYTE


def own(consumer: Installation, script: Path) -> dict[str, float]:
    """Run the project's benchmark: it prints a JSON object with a number for each name.

    Raises CheckError for any other output, and `ServiceError` if the program fails.
    """
    text = consumer.run("--", str(script))
    try:
        said = {str(name): float(value) for name, value in json.loads(text).items()}
    except (ValueError, TypeError, AttributeError) as error:
        cause = f"{script.name} printed {text[:80]!r}, expected a JSON object of names and numbers"
        raise CheckError(cause, "print nothing else on standard output") from error
    return said


def order(sides: Sequence[object], turn: int) -> Sequence[int]:
    """Change who is first, so that none has an advantage."""
    return sorted(range(len(sides)), reverse=bool(turn % 2))


def in_turn(
    sides: Sequence[T], once: Callable[[T], Values], turn: int
) -> list[dict[str, list[float]]]:
    """Measure each side `ROUNDS` times: its values by name."""
    taken = [dict[str, list[float]]() for _ in sides]
    for number in range(ROUNDS):
        for at in order(sides, turn + number):
            for name, value in once(sides[at]).items():
                taken[at].setdefault(name, []).append(value)
    return taken


def latencies(ask: Sequence[Callable[[], object]], turn: int = 0) -> list[dict[int, list[float]]]:
    """Send blocks of requests to each in turn: milliseconds by percentile, one for each block."""
    found = [{p: list[float]() for p in PERCENTILES} for _ in ask]
    for number in range(BLOCKS):
        for at in order(ask, turn + number):
            cuts = statistics.quantiles([_timed(ask[at]) for _ in range(BLOCK)], n=100)
            for p in PERCENTILES:
                found[at][p].append(cuts[p - 1] / MILLISECOND)
    return found


def _timed(ask: Callable[[], object]) -> float:
    began = time.perf_counter()
    ask()
    return time.perf_counter() - began
