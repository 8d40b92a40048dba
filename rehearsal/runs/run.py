"""One run of a workflow under act: the result, the time and the log of each job and step."""

import dataclasses
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from rehearsal.github.settings import Token
from rehearsal.github.tokens import BOT, asking
from rehearsal.progress import Progress
from rehearsal.runs import (
    act,
    act_copy,
    concurrency,
    environments,
    identities,
    limits,
    permissions,
)
from rehearsal.runs.environments import Approver
from rehearsal.runs.recorder import Annotation, JobRun, Recorder, covered
from rehearsal.runs.turns import FOLDER
from rehearsal.runs.workflow import FAILURE, Outputs, Workflow, differences, read

POLL = 0.02
RUN_VARIABLE = "REHEARSAL_RUN"
"""Tells jobs the run's folder, and us whose a process is."""
STOP_SECONDS = 20.0
"""What act gets to clean up after an interrupt before it is killed."""


@dataclass
class Run:
    """A run that is over. `problems` are the differences from what GitHub would have run."""

    exit_code: int
    seconds: float
    jobs: list[JobRun]
    results: Mapping[str, str]
    problems: list[str]
    summaries: list[tuple[str, str]]
    annotations: list[Annotation]
    outputs: Outputs
    words: list[str]
    busy: float
    """Seconds in which at least one of the project's own steps was at work."""
    left_out: Sequence[str] = ()
    """Newer keys of the workflow files, which act did not see."""

    @property
    def ok(self) -> bool:
        """Say whether every job that should have run did, and none failed."""
        return not self.exit_code and not self.problems and FAILURE not in self.results.values()

    def summary(self) -> str:
        """Return the step summaries as one page, each under its job's name."""
        return (
            "\n\n".join(f"<!-- {job} -->\n{text.rstrip()}" for job, text in self.summaries) + "\n"
        )


def run(setting: act.Setting, event: act.Event, progress: Progress) -> Run:
    """Run a workflow of `setting.tree` to its end.

    An interrupt stops act, ends its jobs' processes, and is raised again. Raises
    `MissingStandInError` if an action has no stand-in, and `UsageError` if a called job declares
    more than its caller grants, or a job names a missing environment. A run of a concurrency group
    waits for its turn; `CancelledError` if a later one takes its place.
    """
    group = concurrency.of_run(setting.tree, setting.workflow, _context(setting, event))
    groups = setting.folder.parents[1] / FOLDER
    with concurrency.turn(groups, group, setting.run_id, progress.say):
        return _run(setting, event, progress)


def _context(setting: act.Setting, event: act.Event) -> dict[str, Any]:
    """Return the contexts that the name of a concurrency group may use."""
    github = {
        "event_name": event.name,
        "ref": event.ref,
        "ref_name": event.ref.split("/", 2)[-1],
        "run_id": setting.run_id,
        "repository": setting.context.get("GITHUB_REPOSITORY", ""),
        "head_ref": event.payload.get("pull_request", {}).get("head", {}).get("ref", ""),
        "event": event.payload,
    }
    return {"github": github, "inputs": event.payload.get("inputs", {}), "vars": setting.variables}


def _run(setting: act.Setting, event: act.Event, progress: Progress) -> Run:
    (setting.folder / "logs").mkdir(parents=True, exist_ok=True)
    workflow = read(setting.tree, setting.workflow)
    environments.check(setting.tree, setting.workflow, setting.environments)
    decide = _approver(setting, event, progress)
    secrets = setting.secrets.values()
    recorder = Recorder(workflow, setting.folder, progress, decide=decide, secrets=secrets)
    recorder.summaries += setting.summaries
    began = time.monotonic()
    granted = permissions.of_jobs(setting.tree, setting.workflow)
    token = _token(setting, event, granted)
    left_out = act_copy.write(setting.tree, setting.environments, _asking(setting, token.jobs))
    try:
        code = _act(setting, event, recorder, token)
        rest = recorder.unreached() if code else []
        if rest:
            _act(_rest(setting, rest), event, recorder, token)
    finally:
        if setting.tokens:
            for text in (setting.secrets["GITHUB_TOKEN"], setting.runtime_token):
                setting.tokens.revoke(text)
    seconds, inputs = time.monotonic() - began, event.payload.get("inputs", {})
    ended = _finished(recorder, code, seconds, inputs, halted=bool(rest))
    ended.left_out = left_out
    (setting.folder / "summary.md").write_text(ended.summary(), encoding="utf-8")
    return ended


def _approver(
    setting: act.Setting, event: act.Event, progress: Progress
) -> Callable[[str, str, Sequence[tuple[str, str]]], list[str]]:
    """Return what decides upon a job that its environment holds."""
    approver = Approver(setting.environments, event.ref, setting.folder, progress.say)
    return approver.leave if setting.hold else approver.decide


def _token(setting: act.Setting, event: act.Event, granted: list[permissions.Granted]) -> Token:
    """Return the permissions of the jobs' common token in each job."""
    claims = identities.of_jobs(setting, event, granted)
    named = {job.name: one for job, one in zip(granted, claims, strict=True)}
    return Token(BOT, jobs=permissions.by_name(granted), identities=named)


def _asking(
    setting: act.Setting, jobs: Mapping[str, Mapping[str, str]]
) -> dict[str, dict[str, str]]:
    """Return the variables of the jobs that may ask for identity tokens, by `WORKFLOW/JOB`."""
    given = asking(setting.context["GITHUB_SERVER_URL"], "${{ github.token }}")
    return {name: given for name, one in jobs.items() if identities.may_ask(one)}


def _act(setting: act.Setting, event: act.Event, recorder: Recorder, token: Token) -> int:
    process = act.start(setting, event, recorder.workflow)
    try:
        if setting.tokens:
            token = dataclasses.replace(token, runner=process.pid)
            setting.tokens.write(setting.secrets["GITHUB_TOKEN"], token)
            of_artifacts = dataclasses.replace(token, run=setting.run_id)
            setting.tokens.write(setting.runtime_token, of_artifacts)
        recorder.read(process.stdout or ())
        return process.wait()
    finally:
        stop(process, setting.folder)


def _rest(setting: act.Setting, keys: Iterable[str]) -> act.Setting:
    """Make a workflow of the jobs that always run, and that act did not reach.

    act stops if a job of a called workflow fails, or if a failed job leaves a later one's matrix
    empty. It then omits even jobs with `always()`.
    """
    text = yaml.safe_load((setting.tree / setting.workflow).read_text(encoding="utf-8"))
    if True in text:  # YAML 1.1 reads the key `on` as a truth value
        text["on"] = text.pop(True)
    kept = {key: dict(text["jobs"][key]) for key in keys}
    for job in kept.values():
        del job["needs"], job["if"]
    path = setting.folder / "rest.yml"
    path.write_text(yaml.safe_dump({**text, "jobs": kept}, sort_keys=False), encoding="utf-8")
    return dataclasses.replace(setting, workflow=str(path))


def stop(process: subprocess.Popen[str], folder: Path) -> None:
    """End act and all processes of its jobs.

    Send SIGINT first, since act does not clean up on SIGTERM.
    """
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            process.communicate(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if process.stdout:
        process.stdout.close()
    deadline = time.monotonic() + STOP_SECONDS
    while pids := list(left(folder)):
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if time.monotonic() > deadline:
            raise TimeoutError(f"processes {pids} of the run do not end")
        time.sleep(POLL)


def _finished(
    recorder: Recorder, code: int, seconds: float, inputs: Mapping[str, str], *, halted: bool
) -> Run:
    ran: dict[str, list[str]] = {}
    for job in recorder.jobs.values():
        ran.setdefault(job.path, []).append(job.result or FAILURE)
    results, problems = differences(
        recorder.workflow, ran, recorder.outputs, halted=halted, inputs=inputs
    )
    problems += filter(None, (_late(recorder.workflow, job) for job in recorder.jobs.values()))
    if code and FAILURE not in results.values():
        problems.append(f"act ended with exit code {code}: {' | '.join(recorder.words)}")
    return Run(
        exit_code=code,
        seconds=seconds,
        jobs=list(recorder.jobs.values()),
        results=results,
        problems=[*recorder.problems, *problems],
        summaries=recorder.summaries,
        annotations=recorder.annotations,
        outputs=recorder.outputs,
        words=recorder.words,
        busy=covered(recorder.busy),
    )


def _late(workflow: Workflow, job: JobRun) -> str:
    """Return the problem of a job that GitHub would have stopped; waiting for others is free."""
    waited = sum(step.seconds for step in job.steps if step.name in act_copy.ADDED)
    minutes = workflow.at(job.path)[1].minutes
    return limits.time_problem(job.label, job.seconds - waited, minutes)


def left(folder: Path) -> Iterator[int]:
    """Yield the processes that a run's jobs left behind, by the run's folder in their environment.

    Their session and their parent do not help: act gives every step its own session.
    """
    mark = f"{RUN_VARIABLE}={folder}".encode()
    for environment in Path("/proc").glob("[0-9]*/environ"):
        try:
            inherited = environment.read_bytes().split(b"\0")
        except OSError:
            continue
        if mark in inherited:
            yield int(environment.parent.name)
