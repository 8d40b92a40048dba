"""Plant small faults in the workflows, and see which are refused."""

import argparse
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.workflows import shape
from tests.workflows.equivalent import reason
from tests.workflows.mutants import Mutant, mutants
from tests.workflows.rules import RULES
from tests.workflows.tree import Tree

ROOT = Path(__file__).parents[2]
QUICK = 100


@dataclass(frozen=True)
class Judged:
    """What became of a fault: the message that names its line, or another one, or none."""

    mutant: Mutant
    message: str
    named: bool

    @property
    def survived(self) -> bool:
        return not self.message


def judge(mutant: Mutant) -> Judged:
    """Ask the rules, until one names the fault's line or that of what it stands in."""
    tree = _tree().changing(mutant.path, mutant.text)
    other = ""
    for message in _messages(tree):
        if names(message, mutant):
            return Judged(mutant, message, named=True)
        other = other or message
    return Judged(mutant, other, named=False)


def names(message: str, mutant: Mutant) -> bool:
    """Tell whether a message begins with the place of a fault."""
    path, line, *_ = [*message.split(":", 2), "", ""]
    # What is gone or stands twice has no line of its own: what it was part of has one.
    lost = mutant.what in ("dropped", "renamed", "twice", "before the one above")
    lines = (mutant.line, *mutant.above) if lost else (mutant.line, *mutant.above[-1:])
    return path == mutant.path and line in map(str, lines)


def _messages(tree: Tree) -> Iterator[str]:
    wrong = list(shape.breaches(tree))
    yield from wrong
    for rule in () if wrong else RULES.values():
        try:
            yield from rule(tree)
        except Exception as error:
            yield f"{rule.__name__}: cannot judge: {error!r}"


@cache
def _tree() -> Tree:
    return Tree(ROOT)


def everything() -> list[Mutant]:
    """List every fault of every file."""
    return [one for f in _tree().files for one in mutants(f.path.as_posix(), f.text)]


def judged(faults: Sequence[Mutant], workers: int) -> Iterator[Judged]:
    """Judge faults side by side, in their order."""
    if workers == 1:
        yield from map(judge, faults)
        return
    with ProcessPoolExecutor(workers) as pool:
        yield from pool.map(judge, faults, chunksize=20)


def table(results: Iterable[Judged]) -> list[str]:
    """Write the counts by kind, and of all."""
    count: dict[str, Counter[str]] = {}
    for one in results:
        for kind in (one.mutant.kind, "all"):
            count.setdefault(kind, Counter()).update([_end(one), "of"])
    lines = [f"{'refused':>8} {'of':>6} {'equal':>6} {'survived':>9}  kind"]
    for kind, ends in sorted(count.items(), key=lambda pair: (pair[0] == "all", pair[0])):
        lines.append(
            f"{ends['refused'] + ends['elsewhere']:>8} {ends['of']:>6} {ends['equal']:>6} "
            f"{ends['survived']:>9}  {kind}"
        )
    return lines


def _end(one: Judged) -> str:
    if one.survived:
        return "equal" if reason(one.mutant) else "survived"
    return "refused" if one.named else "elsewhere"


def main(arguments: list[str]) -> int:
    """Print each fault that nobody refused, those that change nothing, and the counts."""
    parser = argparse.ArgumentParser(prog="make mutate-workflows", description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"a sample of {QUICK}")
    parser.add_argument("--seed", type=int, default=1, help="what draws the sample (1)")
    parser.add_argument("--only", default="", help="a text in the fault's place or name")
    parser.add_argument("--workers", type=int, default=2, help="side by side (2)")
    parser.add_argument("--all", action="store_true", help="show the message of each fault, too")
    given = parser.parse_args(arguments)
    faults = [one for one in everything() if given.only in f"{one.kind} {one}"]
    if given.quick:
        drawn = random.Random(given.seed).sample(faults, min(QUICK, len(faults)))  # noqa: S311
        faults = sorted(drawn, key=lambda one: (one.path, one.line))
    results = list(judged(faults, given.workers))
    for one in results:
        end = _end(one)
        if end in ("survived", "elsewhere") or given.all:
            print(f"{end}: {one.mutant}" + (f"\n    {one.message}" if one.message else ""))
    same = Counter(reason(one.mutant) for one in results if one.survived and reason(one.mutant))
    for why, number in same.items():
        print(f"{number} change nothing: {why}")
    print("\n".join(table(results)))
    return int(any(_end(one) in ("survived", "elsewhere") for one in results))
