"""`python -m tests.mutation`: plant a sample of faults, and see how many the fast tests notice."""

import argparse
import hashlib
import json
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
from tests.mutation.reach import Reached
from tests.mutation.running import FAST, SERVICES, SURVIVED, BaselineError, Copy, files

ROOT = Path(__file__).parents[2]
FILES = ("scripts/core/**/*.py", "scripts/surfaces/*.py", "scripts/release/attempt.py")
EQUIVALENT = Path(__file__).with_name("equivalent.toml")
KEPT = ROOT / ".cache" / "mutants"
MEMORY = 8 << 30  # bytes: a loop without end must not take the machine's


def paths(root: Path) -> list[str]:
    """List the files that faults are planted in."""
    return sorted({p.relative_to(root).as_posix() for one in FILES for p in root.glob(one)})


Known = tuple[str, str, str, str]
"""Of a fault its file, function, lines then and lines now."""


def equivalent(text: str) -> set[Known]:
    """Read the faults that change nothing which anyone could see."""
    keys = ("file", "function", "was", "now")
    return {tuple(one[key] for key in keys) for one in tomllib.loads(text)["equivalent"]}


def known_by(one: Mutant) -> Known:
    """Give what names a fault among those that change nothing."""
    return one.path, one.function, one.was, one.now


def sample(found: Sequence[Mutant], known: set[Known], count: int, seed: int) -> list[Mutant]:
    """Draw faults, without those that are known to change nothing."""
    judged = [one for one in found if known_by(one) not in known]
    drawn = random.Random(seed).sample(judged, min(count, len(judged)))  # noqa: S311 - to repeat it
    return sorted(drawn, key=lambda one: (one.path, one.number))


def recorded(copies: Sequence[Copy], tests: Sequence[str], marks: str) -> dict[str, Reached]:
    """Run the tests without a fault, side by side, and give what each of them reaches.

    Raises BaselineError if they cannot be run.
    """
    with ThreadPoolExecutor(len(copies)) as pool:
        shares = [tests[n :: len(copies)] for n in range(len(copies))]
        found = pool.map(
            lambda pair: pair[0].record(pair[1], marks), zip(copies, shares, strict=True)
        )
        return {name: one for each in found for name, one in each.items()}


def judged(
    drawn: Sequence[Mutant], copies: Sequence[Copy], reached: Mapping[str, Reached]
) -> Iterator[tuple[Mutant, str]]:
    """Run the tests on each fault, side by side in copies of the tree."""
    free = SimpleQueue[Copy]()
    for copy in copies:
        free.put(copy)

    def one(mutant: Mutant) -> tuple[Mutant, str]:
        copy = free.get()
        try:
            return mutant, copy.judge(mutant, reached)
        finally:
            free.put(copy)

    with ThreadPoolExecutor(len(copies)) as pool:
        yield from pool.map(one, drawn)


def known_reach(copies: Sequence[Copy], marks: str) -> dict[str, Reached]:
    """Give what each test reaches, from the last run if no file has changed since."""
    tests = files(copies[0].root)
    texts = sorted(p for p in copies[0].root.rglob("*.py"))
    state = hashlib.sha256(marks.encode() + b"".join(p.read_bytes() for p in texts))
    kept = KEPT / f"{state.hexdigest()[:16]}.json"
    if not kept.exists():
        found = recorded(copies, tests, marks)
        KEPT.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(found), "utf-8")
    reached: dict[str, Reached] = json.loads(kept.read_text("utf-8"))
    return reached


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
    parser.add_argument(
        "--services", action="store_true", help="also the tests that start services and worlds"
    )
    parser.add_argument("--part", default="1/1", help="judge a part of the sample, as 2/4 (1/1)")
    given = parser.parse_args(arguments)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
    found = [m for p in paths(ROOT) if fnmatch(p, given.only) for m in mutants(ROOT, p)]
    known = equivalent(EQUIVALENT.read_text("utf-8"))
    part, parts = map(int, given.part.split("/"))
    drawn = sample(found, known, given.sample, given.seed)[part - 1 :: parts]
    print(f"{len(drawn)} of {len(found)} faults, seed {given.seed}", flush=True)
    results = []
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copies = [Copy.made(ROOT, Path(folder) / str(n), given.seed) for n in range(given.workers)]
        try:
            reached = known_reach(copies, SERVICES if given.services else FAST)
        except BaselineError as error:
            print(error, file=sys.stderr)
            return 2
        for mutant, end in judged(drawn, copies, reached):
            results.append((mutant, end))
            shown = mutant if end == SURVIVED else f"{mutant.path}:{mutant.line}"
            print(f"{end}: {shown}", flush=True)
    print(scores(results))
    return int(100 * share([end for _, end in results]) < given.goal)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
