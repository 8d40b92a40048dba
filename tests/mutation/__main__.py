"""`python -m tests.mutation`: plant a sample of faults, and see how many the fast tests notice."""

import argparse
import random
import resource
import sys
import tempfile
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatch
from pathlib import Path
from queue import SimpleQueue

from tests.mutation.mutants import Mutant, mutants
from tests.mutation.running import SURVIVED, BaselineError, Copy, steps

ROOT = Path(__file__).parents[2]
FILES = ("scripts/core/**/*.py", "scripts/surfaces/*.py", "scripts/release/attempt.py")
EQUIVALENT = Path(__file__).with_name("equivalent.toml")
MEMORY = 8 << 30  # bytes: a loop without end must not take the machine's


def paths(root: Path) -> list[str]:
    """List the files that faults are planted in."""
    return sorted({p.relative_to(root).as_posix() for one in FILES for p in root.glob(one)})


def equivalent(text: str) -> set[tuple[str, str, str]]:
    """Read the faults that change nothing which anyone could see: file, lines then, lines now."""
    return {(one["file"], one["was"], one["now"]) for one in tomllib.loads(text)["equivalent"]}


def sample(
    found: Sequence[Mutant], known: set[tuple[str, str, str]], count: int, seed: int
) -> list[Mutant]:
    """Draw faults, without those that are known to change nothing."""
    judged = [one for one in found if (one.path, one.was, one.now) not in known]
    drawn = random.Random(seed).sample(judged, min(count, len(judged)))  # noqa: S311 - to repeat it
    return sorted(drawn, key=lambda one: (one.path, one.number))


def judged(
    drawn: Sequence[Mutant], origin: Path, folder: Path, *, workers: int, seed: int
) -> Iterator[tuple[Mutant, str]]:
    """Run the tests on each fault, side by side in copies of the tree.

    Raises BaselineError if they fail without one.
    """
    copies = [Copy.made(origin, folder / str(n), seed) for n in range(workers)]
    runs = {run for one in drawn for run in steps(origin, one.path)}
    free = SimpleQueue[Copy]()
    for copy in copies:
        free.put(copy)
    with ThreadPoolExecutor(workers) as pool:
        halves = [sorted(runs)[n::workers] for n in range(workers)]
        checked = pool.map(lambda pair: pair[0].check(pair[1]), zip(copies, halves, strict=True))
        limits = {run: limit for each in checked for run, limit in each.items()}

        def one(mutant: Mutant) -> tuple[Mutant, str]:
            copy = free.get()
            try:
                return mutant, copy.judge(
                    mutant, {run: limits[run] for run in steps(origin, mutant.path)}
                )
            finally:
                free.put(copy)

        yield from pool.map(one, drawn)


def scores(results: Sequence[tuple[Mutant, str]]) -> str:
    """Write the score by file, and of all."""
    by_file: Mapping[str, list[str]] = defaultdict(list)
    for mutant, end in results:
        by_file[mutant.path].append(end)
    rows = [*sorted(by_file.items()), ("all", [end for _, end in results])]
    return "\n".join(
        f"{sum(end != SURVIVED for end in ends):4} of {len(ends):4}"
        f" {100 * share(ends):6.1f} %  {path}"
        for path, ends in rows
    )


def share(ends: Sequence[str]) -> float:
    """Give the share of faults that were noticed."""
    return sum(end != SURVIVED for end in ends) / (len(ends) or 1)


def main(arguments: list[str]) -> int:
    """Print each fault's end, those that nobody noticed, and the score; fail below the goal."""
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("--sample", type=int, default=200, help="how many (200)")
    parser.add_argument("--seed", type=int, default=1, help="what draws them (1)")
    parser.add_argument("--only", default="*", help="files, as scripts/core/*")
    parser.add_argument("--workers", type=int, default=2, help="side by side (2)")
    parser.add_argument("--goal", type=float, default=95, help="least share noticed, percent (95)")
    given = parser.parse_args(arguments)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
    found = [m for p in paths(ROOT) if fnmatch(p, given.only) for m in mutants(ROOT, p)]
    known = equivalent(EQUIVALENT.read_text("utf-8"))
    drawn = sample(found, known, given.sample, given.seed)
    print(f"{len(drawn)} of {len(found)} faults, seed {given.seed}", flush=True)
    results = []
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        runs = judged(drawn, ROOT, Path(folder), workers=given.workers, seed=given.seed)
        try:
            for mutant, end in runs:
                results.append((mutant, end))
                print(
                    f"{end}: {mutant}"
                    if end == SURVIVED
                    else f"{end}: {mutant.path}:{mutant.line}",
                    flush=True,
                )
        except BaselineError as error:
            print(error, file=sys.stderr)
            return 2
    print(scores(results))
    return int(100 * share([end for _, end in results]) < given.goal)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
