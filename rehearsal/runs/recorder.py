"""Reads what act says, line by line: jobs, steps, outputs, summaries, annotations, times."""

import json
import re
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rehearsal.progress import Progress
from rehearsal.runs import limits
from rehearsal.runs.act_copy import WAIT
from rehearsal.runs.workflow import FAILURE, UnclearError, Workflow, condition

WHATEVER = ("always()", "!cancelled()")
"""Conditions of jobs that always run, unless somebody cancels the run."""
TAIL = 25
"""Lines of a failing step that are shown."""
STARTS = "⭐ Run Main"
STAND_INS = "rehearsal.actions."
"""Texts of act before a step's name or command, and in the command of a stand-in."""


@dataclass
class Step:
    """A step that ran: its name, result, and seconds as act measured them."""

    name: str
    result: str = ""
    seconds: float = 0.0


@dataclass
class JobRun:
    """A job that ran, or one of its legs. `key` is its job in the workflow file.

    `path` is that key, with the key of the called file's job after a slash if it calls one.
    """

    key: str
    label: str
    log: Path
    started: float
    path: str = ""
    result: str = ""
    seconds: float = 0.0
    steps: list[Step] = field(default_factory=list)
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=TAIL))

    def failing(self) -> Step | None:
        """Return the first step that failed."""
        return next((step for step in self.steps if step.result == FAILURE), None)


@dataclass
class Annotation:
    """A notice, warning or error that a step wrote, with its place if it has one."""

    level: str
    text: str
    job: str
    place: Mapping[str, str]


class Recorder:
    """Reads act's lines one by one and keeps their information."""

    def __init__(
        self,
        workflow: Workflow,
        folder: Path,
        progress: Progress,
        clock: Callable[[], float] = time.monotonic,
        *,
        decide: Callable[[str, str, Sequence[tuple[str, str]]], list[str]] = lambda *_: [],
        secrets: Iterable[str] = (),
    ) -> None:
        """Record a workflow; call `decide` when a job waits for its environment.

        `decide` gets the job as `WORKFLOW--JOB`, the environment and the summaries so far, and
        returns a problem or "".
        """
        self._decide, self._secrets = decide, tuple(secrets)
        self.workflow, self.folder, self.progress, self.clock = workflow, folder, progress, clock
        self.jobs: dict[str, JobRun] = {}
        self.outputs: dict[str, dict[str, str]] = {}
        self.summaries: list[tuple[str, str]] = []
        self.annotations: list[Annotation] = []
        self.words: list[str] = []
        self.problems: list[str] = []
        self.busy: list[tuple[float, float]] = []
        self._open: dict[tuple[str, ...], float] = {}

    def read(self, lines: Iterable[str]) -> None:
        """Take in lines until act ends."""
        for line in lines:
            entry = _parsed(line)
            if "job" in entry and "jobID" in entry:
                self._job_line(entry)
            else:
                self.words.append(str(entry.get("msg", line)).strip())

    def unreached(self) -> list[str]:
        """Return the jobs that always run, and that act did not reach."""
        ran = {job.key for job in self.jobs.values()}
        jobs = self.workflow.jobs.items()
        return [key for key, job in jobs if condition(job) in WHATEVER and key not in ran]

    def _job_line(self, entry: Mapping[str, Any]) -> None:
        name, matrix, started = str(entry["job"]).strip(), entry.get("matrix"), "step" in entry
        job = self._job(name, str(entry["jobID"]), matrix, started=started)
        if job is None:
            self.words.append(str(entry.get("msg", "")).strip())
            return
        _log(job, entry)
        self._step(job, entry)
        self._time(job, entry)
        self._command(job, entry)
        if "jobResult" in entry:
            job.result, job.seconds = str(entry["jobResult"]), self.clock() - job.started
            self.progress.finish(job.label, job.result)
            if job.result == FAILURE:
                self.progress.say(*failure_lines(job))

    def _job(self, name: str, job_id: str, matrix: Any, *, started: bool) -> JobRun | None:
        if name not in self.jobs:
            if not started:
                return None  # what act says of a job that it skips
            found = self.workflow.place(name, job_id)
            if found is None:
                self.problems.append(f"act ran a job that the workflow file does not have: {name}")
                return None
            label = self._label(found[0].key, found[1], matrix)
            log = self.folder / "logs" / f"{re.sub(r'[^A-Za-z0-9.]+', '-', label).strip('-')}.log"
            self.jobs[name] = JobRun(found[0].key, label, log, self.clock(), found[2])
            self.progress.start(label)
        return self.jobs[name]

    def _label(self, key: str, leg: int, matrix: Any) -> str:
        """Name a leg by those of its values that tell it from the others."""
        try:
            legs = self.workflow.jobs[key].legs(self.outputs, self.workflow.jobs)
        except UnclearError:
            legs = []
        flat = [_scalars(each) for each in legs]
        own = _scalars(matrix) if matrix else (flat[leg - 1] if leg <= len(flat) else {})
        telling = [own[name] for name in _telling(flat) if name in own]
        label = f"{key} ({', '.join(telling)})" if telling else key
        taken = {job.label for job in self.jobs.values()}
        return label if label not in taken else f"{label} #{len(taken)}"

    def _step(self, job: JobRun, entry: Mapping[str, Any]) -> None:
        if len(entry.get("stepID", ())) != 1 or entry.get("stage") != "Main":
            return
        name = str(entry["step"]).splitlines()[0]
        if "stepResult" in entry:
            step = job.steps[-1] if job.steps else Step(name)
            step.result = str(entry["stepResult"])
            step.seconds = int(entry.get("executionTime", 0)) / 1e9
        elif str(entry.get("msg", "")).startswith(STARTS):
            if name == WAIT:
                workflow, held = self.workflow.at(job.path)
                self.problems += self._decide(
                    f"{workflow}--{held.key}", held.environment, self.summaries
                )
            job.steps.append(Step(name))
            job.tail.clear()

    def _time(self, job: JobRun, entry: Mapping[str, Any]) -> None:
        """Record the time of the project's own commands, without stand-ins and wrappers."""
        path = (job.label, *entry.get("stepID", ()))
        text = str(entry.get("msg", ""))
        if "stepResult" in entry and path in self._open:
            self.busy.append((self._open.pop(path), self.clock()))
        elif text.startswith(STARTS):
            for depth in range(len(path)):
                self._open.pop(path[:depth], None)
            if STAND_INS not in text:
                self._open[path] = self.clock()
                self.progress.detail(job.label, text.removeprefix(STARTS).strip().splitlines()[0])

    def _command(self, job: JobRun, entry: Mapping[str, Any]) -> None:
        command = entry.get("command")
        if command == "set-output":
            self._output(job, entry["name"], entry["arg"])
        elif command == "summary":
            problem = limits.summary_problem(job.label, entry["content"])
            self.problems += [problem] if problem else []
            self.summaries += [] if problem else [(job.label, entry["content"])]
        elif command in ("notice", "warning", "error"):
            places = entry.get("kvPairs") or {}
            self.annotations.append(Annotation(command, entry["arg"], job.label, places))

    def _output(self, job: JobRun, name: str, text: str) -> None:
        """Record a step's outputs, and those that GitHub would not hand over."""
        self.outputs.setdefault(job.path, {})[name] = text
        handed = self.workflow.at(job.path)[1].outputs.values()
        problem = limits.output_problem(job.label, name, text, self._secrets)
        if problem and any(str(one).endswith(f".outputs.{name} }}}}") for one in handed):
            self.problems.append(problem)


def failure_lines(job: JobRun) -> list[str]:
    """Return the first lines for a person: the step, its last lines, and the path of the log."""
    step = job.failing()
    head = f"  -- {job.label}: {step.name if step else 'the job'} failed; its last lines:"
    return [head, *(f"     {line}" for line in job.tail), f"  -- whole log: {job.log}"]


def covered(spans: Iterable[tuple[float, float]]) -> float:
    """Return the total length that the spans cover."""
    total, end = 0.0, float("-inf")
    for start, until in sorted(spans):
        total += max(0.0, until - max(start, end))
        end = max(end, until)
    return total


def _parsed(line: str) -> Mapping[str, Any]:
    try:
        entry = json.loads(line)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}


def _log(job: JobRun, entry: Mapping[str, Any]) -> None:
    text = str(entry.get("msg", "")).rstrip("\n")
    if text.startswith("LocalRepositoryCache"):
        return  # act's own bookkeeping, several lines a step
    with job.log.open("a", encoding="utf-8") as log:
        log.write(f"{text}\n")
    if entry.get("stage") == "Post":
        return  # the clean-up afterwards does not explain why the job failed
    if entry.get("raw_output") or entry.get("command") == "error":
        job.tail.append(text.strip("\r"))


def _telling(legs: Sequence[Mapping[str, str]]) -> list[str]:
    """Return the first few names whose values tell each leg from every other."""
    names: list[str] = []
    for name in legs[0] if len(legs) > 1 else ():
        if len({each.get(name) for each in legs}) > 1:
            names.append(name)
        if len({tuple(each.get(one) for one in names) for each in legs}) == len(legs):
            break
    return names


def _scalars(value: Mapping[str, Any]) -> dict[str, str]:
    """Return the plain values of a leg, also those one level down."""
    flat: dict[str, str] = {}
    for key, each in value.items():
        if isinstance(each, dict):
            flat.update(_scalars(each))
        elif not isinstance(each, list):
            flat[key] = str(each)
    return flat
