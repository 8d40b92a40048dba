"""Inject every fault into every write of a release, and run the release again.

One clean run shows which requests write, and where each job begins. For each fault, this restores
the state before the struck job, runs the rest with the fault, and runs everything again without it.
Both must reach exactly the end state of the clean run. If an earlier
fault left the same state, its result counts, since the second run depends only on that state.
"""

import dataclasses
import json
import re
import shutil
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from rehearsal.actions.artifacts import ZIP
from rehearsal.faults.end_state import Keeper, State
from rehearsal.faults.writes import DOWN, KINDS, SILENCE, UPLOAD_SILENCE, Write, writes
from rehearsal.gateway import journal
from rehearsal.gateway.journal import Entry
from rehearsal.progress import Progress
from rehearsal.runs import direct, maintainer, new_run
from rehearsal.runs.direct import POLL, Begun, DirectRun, Interference, LegRun
from rehearsal.runs.workflow import SUCCESS
from rehearsal.world.world import World

PATIENCE, IMPATIENCE = 20.0, 3.0
"""Seconds of the stages' deadline; the second where a service stays down."""
QUICK = (
    "prepare: github POST git-receive-pack 1: dropped after",
    "stage: github POST releases 1: dropped after",
    "stage: github POST releases/N/assets 2: dropped after",
    "publish-package: index POST root/release 1: dropped after",
    "publish-tags: registry PUT tiny_front v0.2.4 1: 503",
    "publish-tags: github POST git-receive-pack 1: down",
    "promote: github PATCH releases/N 1: dropped after",
    "promote: github POST git-receive-pack 1: dropped before",
    "stage: killed on the way",
    "publish-package: killed on the way",
    "publish-tags: artifact lost",
    "stage: github: port refused",
    "publish-package: index: connection reset",
)
"""The cases of every test run: each kind of surface, each kind of end."""


@dataclass(frozen=True)
class Checkpoint:
    """The clean run just before one of its jobs: its results, and the state of the world."""

    begun: Begun
    state: State


@dataclass
class Clean:
    """The clean run, the reference for all others."""

    run: DirectRun
    start: State
    state: State
    writes: list[Write]
    checkpoints: dict[str, Checkpoint]

    def after(self, job: str) -> State:
        """Return the state after that job of the run."""
        keys = list(self.checkpoints)
        rest = keys[keys.index(job) + 1 :]
        return self.checkpoints[rest[0]].state if rest else self.state


@dataclass(frozen=True)
class Ended:
    """The result of a second run."""

    ok: bool
    state: State
    writes: int
    failed: tuple[str, ...]


@dataclass
class Row:
    """One line of the table."""

    case: str
    first: str = ""
    told: str = ""
    second: str = ""
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def converged(self) -> bool:
        """Tell whether all ended as expected."""
        return not self.problems


@dataclass(frozen=True)
class Case:
    """One fault, by name, and how it runs."""

    name: str
    perform: "Callable[[Matrix, Row], None]" = field(repr=False)
    write: Write | None = None
    kind: str = ""


class Matrix:
    """A world with a clean run, and the means to disturb others."""

    def __init__(self, here: World, keeper: Keeper) -> None:
        self.world, self.keeper = here, keeper
        self._seconds: dict[str, tuple[str, Ended]] = {}
        self.clean: Clean = self._clean_run()
        self.after_clean = self.again(Row("the clean run"))
        """The second run after the clean one, which must not write."""

    def direct(
        self,
        interference: Interference | None = None,
        begun: Begun | None = None,
        *,
        patience: float = PATIENCE,
    ) -> DirectRun:
        """Press the button, and run the release directly."""
        return self.starting(interference, begun, patience=patience)()

    def starting(
        self,
        interference: Interference | None = None,
        begun: Begun | None = None,
        *,
        patience: float = PATIENCE,
        version: str = "",
    ) -> Callable[[], DirectRun]:
        """Press the button; return a function that performs the run."""
        here = dataclasses.replace(self.world, version=version) if version else self.world
        event = maintainer.press_button(here)
        if begun:
            event = dataclasses.replace(event, sha=self.clean.start.refs["refs/heads/main"])
        setting, more = new_run.setting(here, event.sha), environment(patience)
        return partial(direct.run, setting, event, interference, environment=more, begun=begun)

    def strike(self, *rules: Mapping[str, Any]) -> None:
        """Set the faults for requests from now on; none removes all."""
        file = self.world.endpoints.faults
        draft = file.with_suffix(".part")
        if rules:
            draft.write_text(json.dumps(rules))
            draft.replace(file)
        else:
            file.unlink(missing_ok=True)

    def offset(self) -> int:
        """Return the journal's current length."""
        return journal.size(self.world.endpoints.journal)

    def writes_since(self, offset: int) -> list[Entry]:
        """Return the write requests since then."""
        return [one for one in journal.read(self.world.endpoints.journal, offset) if one.write]

    def again(self, row: Row) -> Ended:
        """Run without a fault, unless the same state was run from before."""
        key = self.keeper.look().key()
        if key in self._seconds:
            name, ended = self._seconds[key]
            row.second = f"as after «{name}»"
        else:
            ended = self._again()
            row.second = "run"
            self._seconds[key] = (row.case, ended)
        row.second += f": {ended.writes} writes, {'well' if ended.ok else 'failed'}"
        return ended

    def _again(self) -> Ended:
        offset = self.offset()
        done = self.direct()
        writes = len(self.writes_since(offset))
        return Ended(done.ok, self.keeper.look(), writes, tuple(done.failed))

    def sound(self) -> list[str]:
        """List problems of the clean run itself, whose second run must not write."""
        problems = self.after_clean.state.differences(self.clean.state)
        if self.after_clean.writes or not self.after_clean.ok:
            problems.append(f"after the clean run: {self.after_clean}")
        return problems

    def judge(self, row: Row, first: DirectRun, ended: Ended, left: State) -> None:
        """Compare the results of two runs with the clean run."""
        row.first = "ended well" if first.ok else f"failed at {', '.join(first.failed)}"
        row.told = advice(self.clean.run if first.cut else first)
        if first.cut:
            row.first += f"; from the end of {first.cut} as the clean run"
            return
        as_planned = not left.differences(self.clean.state)
        if first.ok and not as_planned:
            row.problems += ["green, but the end state is not as planned"]
            row.problems += left.differences(self.clean.state)
        if as_planned and ended.writes:
            row.problems.append(
                f"everything was public, but the second run wrote {ended.writes} times"
            )
        if not first.ok and "report" not in first.failed and "again" not in row.told:
            row.problems.append("the report does not tell the user to run it again")
        if not ended.ok:
            row.problems.append(f"the second run failed at {', '.join(ended.failed)}")
        row.problems += ended.state.differences(self.clean.state)

    def _clean_run(self) -> Clean:
        start = self.keeper.look()
        self.keeper.keep(start)
        checkpoints: dict[str, Checkpoint] = {}
        offset = self.offset()
        done = self.direct(Interference(before=partial(self._checkpoint, checkpoints)))
        if not done.ok:
            raise ValueError(f"the run without a fault failed at {done.failed}: {done.folder}")
        found = writes(self.writes_since(offset), done.legs)
        clean = Clean(done, start, self.keeper.look(), found, checkpoints)
        self.keeper.keep(clean.state)
        return clean

    def _checkpoint(self, kept: dict[str, Checkpoint], key: str, so_far: DirectRun) -> None:
        state = self.keeper.look()
        self.keeper.keep(state)
        artifacts = self.world.folder / "checkpoints" / key
        artifacts.mkdir(parents=True)
        if (so_far.folder / "artifacts").exists():
            shutil.copytree(so_far.folder / "artifacts", artifacts, dirs_exist_ok=True)
        kept[key] = Checkpoint(Begun(dict(so_far.results), dict(so_far.outputs), artifacts), state)


def environment(patience: float) -> dict[str, str]:
    """Return settings that make the stages less patient than with the public services."""
    return {"RELEASE_DEADLINE": f"{patience:g}", "RELEASE_SILENCE": f"{SILENCE:g}"}


def cases(clean: Clean) -> Iterator[Case]:
    """Yield every fault on every write and at every job boundary."""
    for write in clean.writes:
        where = f"{write.job}: {write.entry.service} {write.entry.method} {write.title}"
        for kind in KINDS:
            if kind == DOWN and write.number > 1:
                continue
            name = f"{where} {write.number}: {kind}"
            yield Case(name, partial(_request, write=write, kind=kind), write, kind)
    for one in sorted(clean.run.legs, key=lambda leg: leg.began):
        label = one.leg.label
        for moment in ("at its start", "on the way", "at its end"):
            yield Case(f"{label}: killed {moment}", partial(_kill, leg=one, moment=moment))
        yield Case(f"{label}: artifact lost", partial(_lose, leg=one))


def _request(matrix: Matrix, row: Row, *, write: Write, kind: str) -> None:
    checkpoint = matrix.clean.checkpoints[write.job]
    matrix.keeper.put_back(checkpoint.state)
    offset = matrix.offset()
    matrix.strike(write.rule(kind, whole_run=False))
    first = matrix.direct(
        Interference(enough=partial(_as_clean, matrix, write.job, offset)),
        checkpoint.begun,
        patience=IMPATIENCE if kind == DOWN else PATIENCE,
    )
    matrix.strike()
    if not _struck(matrix, offset):
        row.problems.append("the fault did not hit a request")
    finish(matrix, row, first)


def _struck(matrix: Matrix, offset: int) -> bool:
    """Tell whether a fault was hit, after a delayed request has taken effect."""
    deadline = time.monotonic() + UPLOAD_SILENCE + SILENCE
    while time.monotonic() < deadline:
        if any(entry.fault for entry in matrix.writes_since(offset)):
            return True
        time.sleep(POLL)
    return False


def _as_clean(matrix: Matrix, struck: str, offset: int, key: str, so_far: DirectRun) -> bool:
    """Tell whether the job with the fault left the state of the clean run: the rest is equal then.

    The client of a delayed request has timed out, so its late result counts too.
    """
    if key != struck or so_far.results[key] != SUCCESS or not _struck(matrix, offset):
        return False
    if matrix.keeper.look().key() != matrix.clean.after(key).key():
        return False
    mine, clean = (_handed_over(run.folder, key, run) for run in (so_far, matrix.clean.run))
    return mine == clean


def _handed_over(folder: Path, key: str, done: DirectRun) -> dict[str, tuple[str, int]]:
    """Return the files that a job handed over by checksum, without its own words and times."""
    found: dict[str, tuple[str, int]] = {}
    for one in done.legs:
        archive = folder / "artifacts" / one.leg.artifact / ZIP
        if one.leg.key == key and archive.exists():
            with zipfile.ZipFile(archive) as opened:
                for info in opened.infolist():
                    if not info.filename.startswith("results/"):
                        name = f"{one.leg.artifact}/{info.filename}"
                        found[name] = (f"{info.CRC:08x}", info.file_size)
    return found


def _kill(matrix: Matrix, row: Row, *, leg: LegRun, moment: str) -> None:
    checkpoint = matrix.clean.checkpoints[leg.leg.key]
    matrix.keeper.put_back(checkpoint.state)
    reached = _moment(matrix, leg) if moment == "on the way" else lambda: True
    when = None if moment == "at its end" else reached
    interference = Interference(kill=leg.leg.label, moment=when)
    finish(matrix, row, matrix.direct(interference, checkpoint.begun))


def _moment(matrix: Matrix, leg: LegRun) -> Callable[[], bool]:
    """Return a check whether a leg is half done: half its writes, or half its time."""
    mine = [one for one in matrix.clean.writes if one.leg == leg.leg.label]
    offset, patterns = matrix.offset(), {one.pattern for one in mine}
    asked: list[float] = []

    def reached() -> bool:
        asked.append(time.monotonic())
        if not mine:
            return asked[-1] - asked[0] > (leg.ended - leg.began) / 2
        made = [
            one
            for one in matrix.writes_since(offset)
            if any(re.search(pattern, one.path) for pattern in patterns)
        ]
        return len(made) >= (len(mine) + 1) // 2

    return reached


def _lose(matrix: Matrix, row: Row, *, leg: LegRun) -> None:
    checkpoint = matrix.clean.checkpoints[leg.leg.key]
    matrix.keeper.put_back(checkpoint.state)
    finish(matrix, row, matrix.direct(Interference(lose=leg.leg.label), checkpoint.begun))


def finish(matrix: Matrix, row: Row, first: DirectRun) -> None:
    """Run again, and judge both results."""
    left = matrix.keeper.look()
    if first.cut:
        row.second = "as after the clean run"
        matrix.judge(row, first, matrix.after_clean, left)
        return
    matrix.judge(row, first, matrix.again(row), left)


def advice(done: DirectRun) -> str:
    """Return the next step in the run's report."""
    return advised(done.summary("report"))


def advised(text: str) -> str:
    """Return the next step in a report, on one line."""
    found = re.findall(r"^\*\*(?:Next|Done|What to do):\*\* (.*)$", text, re.MULTILINE)
    return " / ".join(re.sub(r" \(\[this run\].*?\)\)", "", one) for one in found)


def perform(matrix: Matrix, chosen: Sequence[Case], progress: Progress) -> list[Row]:
    """Run cases one after another, with a line for each."""
    rows: list[Row] = []
    for number, case in enumerate(chosen, 1):
        row, began = Row(case.name), time.monotonic()
        try:
            case.perform(matrix, row)
        except ValueError as error:
            row.problems.append(str(error))
        finally:
            matrix.strike()
        row.seconds = round(time.monotonic() - began, 1)
        rows.append(row)
        mark = "ok " if row.converged else "NOT"
        progress.say(f"  {mark} {number}/{len(chosen)} {case.name}: {row.first} ({row.seconds} s)")
        progress.say(*(f"        {problem}" for problem in row.problems))
    return rows


def table(rows: Sequence[Row]) -> list[str]:
    """Return the rows as lines for a person."""
    lines = []
    for row in rows:
        lines.append(f"  {'ok ' if row.converged else 'NOT'}  {row.case}")
        lines.append(f"         first: {row.first}; told: {row.told or 'nothing'}")
        lines.append(f"         again: {row.second}")
        lines += [f"         NOT: {problem}" for problem in row.problems]
    good = sum(row.converged for row in rows)
    return [*lines, "", f"  {good} of {len(rows)} faults converge"]


def save(rows: Sequence[Row], path: Path) -> None:
    """Write the table for programs to read."""
    content = [{**asdict(row), "converged": row.converged} for row in rows]
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
