"""Run a few of the faults in full: all of release.yml under act, twice each.

The result of a direct run must hold in the workflow itself, which also runs the checks and
verifications.
"""

import dataclasses
import random
from collections.abc import Sequence
from functools import partial

from rehearsal.faults import fault_matrix
from rehearsal.faults.fault_matrix import IMPATIENCE, PATIENCE, Case, Matrix, Row
from rehearsal.faults.writes import DOWN
from rehearsal.progress import Progress
from rehearsal.runs import maintainer, new_run, run
from rehearsal.runs.run import Run


def chosen(cases: Sequence[Case], number: int, seed: int) -> list[Case]:
    """Choose randomly among the faults on requests; the same seed chooses the same."""
    able = [one for one in cases if one.write is not None]
    return random.Random(seed).sample(able, min(number, len(able)))  # noqa: S311 -- no secret


def case(direct: Case, progress: Progress) -> Case:
    """Return the same fault as a separate case, run under act."""
    return Case(f"under act: {direct.name}", partial(_perform, direct=direct, progress=progress))


def _perform(matrix: Matrix, row: Row, *, direct: Case, progress: Progress) -> None:
    """Run with the fault and without it, and compare with the direct clean run."""
    write, kind = direct.write, direct.kind
    assert write is not None  # noqa: S101 -- for the reader
    matrix.keeper.put_back(matrix.clean.start)
    matrix.strike(write.rule(kind, whole_run=True))
    offset = matrix.offset()
    first = _run(matrix, IMPATIENCE if kind == DOWN else PATIENCE, progress)
    matrix.strike()
    if not any(entry.fault for entry in matrix.writes_since(offset)):
        row.problems.append("the fault did not hit a request")
    left = matrix.keeper.look()
    offset = matrix.offset()
    second = _run(matrix, PATIENCE, progress)
    row.first = "ended well" if first.ok else f"failed at {', '.join(_failed(first))}"
    row.told = fault_matrix.advised(dict(first.summaries).get("report", ""))
    written = len(matrix.writes_since(offset))
    row.second = f"run: {written} writes, {'well' if second.ok else 'failed'}"
    as_planned = not left.differences(matrix.clean.state)
    if first.ok and not as_planned:
        row.problems.append("green, but the end state is not as planned")
    if as_planned and written:
        row.problems.append(f"everything was public, but the second run wrote {written} times")
    if not second.ok:
        row.problems += [f"the second run failed at {', '.join(_failed(second))}", *second.problems]
    row.problems += matrix.keeper.look().differences(matrix.clean.state)


def _run(matrix: Matrix, patience: float, progress: Progress) -> Run:
    event = maintainer.press_button(matrix.world)
    setting = new_run.setting(matrix.world, event.sha)
    more = {**setting.environment, **fault_matrix.environment(patience)}
    return run.run(dataclasses.replace(setting, environment=more), event, progress)


def _failed(done: Run) -> list[str]:
    return [job.label for job in done.jobs if job.result != "success"]
