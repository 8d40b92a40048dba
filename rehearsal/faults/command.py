"""`python -m rehearsal faults`: run a clean release, inject every fault, and print the table.

The faults have their own world below the same folder, so a kept world does not change.
"""

import argparse
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rehearsal.faults import fault_matrix, network, races, under_act
from rehearsal.faults.end_state import Keeper
from rehearsal.faults.fault_matrix import QUICK, Case, Matrix, Row
from rehearsal.progress import Progress
from rehearsal.runs.direct import LEFT_OUT
from rehearsal.world import example_project, world
from rehearsal.world.world import World
from scripts.core.errors import UsageError

VERSION = "0.2.4"
WORLD, PROJECT, TABLE = "faults-world", "faults-project", "faults.json"


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    verb.add_argument("--quick", action="store_true", help="a few of each kind")
    verb.add_argument(
        "--only", metavar="TEXT", default="", help="the cases whose names contain TEXT"
    )
    verb.add_argument(
        "--act", metavar="N", type=int, default=0, help="run N of them under act instead"
    )
    verb.add_argument("--seed", metavar="S", type=int, help="the random seed of --act's choice")


def faults(arguments: argparse.Namespace, progress: Progress) -> int:
    """Run the requested cases; return 0 only if all converge."""
    folder, began = arguments.folder.resolve(), time.monotonic()
    with _up(folder, progress) as here:
        with progress.step("a run without a fault"):
            matrix = Matrix(here, Keeper(here, example_project.PROJECT, here.folder / "kept"))
        progress.say(*(f"  left out {job}: {why}" for job, why in LEFT_OUT.items()))
        rows = _perform(matrix, arguments, progress)
    fault_matrix.save(rows, folder / TABLE)
    progress.say("", *fault_matrix.table(rows), f"  {time.monotonic() - began:.0f} s in all")
    return 0 if all(row.converged for row in rows) else 1


def choose(cases: list[Case], *, quick: bool, only: str) -> list[Case]:
    """Return the requested cases. Raises `UsageError` if no case matches."""
    wanted = [case for case in cases if only in case.name and (case.name in QUICK or not quick)]
    names = {case.name for case in cases}
    if absent := [name for name in QUICK if name not in names]:
        raise UsageError(f"no longer a case: {', '.join(absent)}", "fix QUICK in fault_matrix.py")
    if not wanted:
        raise UsageError(f"no case name contains {only!r}", "run without --only to see all cases")
    return wanted


def _perform(matrix: Matrix, arguments: argparse.Namespace, progress: Progress) -> list[Row]:
    sound = Row("the clean run, then the same run again", "ended well", second="run")
    sound.problems += matrix.sound()
    cases = [*fault_matrix.cases(matrix.clean), *network.cases(matrix), *races.cases(matrix)]
    wanted = choose(cases, quick=arguments.quick, only=arguments.only)
    if not arguments.act:
        return [sound, *fault_matrix.perform(matrix, wanted, progress)]
    seed = secrets.randbelow(1 << 16) if arguments.seed is None else arguments.seed
    progress.say(f"  chosen by --seed {seed}")
    chosen = under_act.chosen(wanted, arguments.act, seed)
    in_full = [under_act.case(one, progress) for one in chosen]
    return [sound, *fault_matrix.perform(matrix, in_full, progress)]


@contextmanager
def _up(folder: Path, progress: Progress) -> Iterator[World]:
    """Start the example's world, and end it again."""
    project, place = folder / PROJECT, folder / WORLD
    world.down(place)
    shutil.rmtree(project, ignore_errors=True)
    try:
        example_project.make(Path.cwd(), project)
        yield world.up(place, project, progress, version=VERSION)
    finally:
        with progress.step("world down"):
            world.down(place)
            shutil.rmtree(project, ignore_errors=True)
