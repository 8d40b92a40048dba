"""Run the failed jobs of a run again, or all of them: the same run, another attempt.

The rules: GitHub Docs, "Re-running workflows and jobs". The failed jobs run again, and all jobs
that come after them, for the same commit. The other jobs keep their results and outputs, and the
run keeps its artifacts. A job of an environment waits for another approval.
"""

import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

from rehearsal.progress import Progress
from rehearsal.runs import decisions
from rehearsal.runs.act import Event, Setting
from rehearsal.runs.limits import holds_secret
from rehearsal.runs.run import Run, run
from rehearsal.runs.workflow import SKIPPED, SUCCESS, Workflow, read
from rehearsal.world import git_repo
from scripts.core.errors import UsageError

FILE = "ended.json"
"""In a run's folder: what another attempt needs to know of the one before."""
KEPT = "Kept from the attempt before"
"""The step of a job that does not run again."""


@dataclass(frozen=True)
class Ended:
    """An attempt of a run that is over. `outputs` has those of each job, without any secret."""

    workflow: str
    event: Event
    attempt: int
    results: Mapping[str, str]
    outputs: Mapping[str, Mapping[str, str]]
    summaries: list[tuple[str, str]]


def perform(setting: Setting, event: Event, progress: Progress) -> Run:
    """Run a workflow to its end, so that it can be run again."""
    done = run(setting, event, progress)
    save(setting, event, done)
    return done


def save(setting: Setting, event: Event, done: Run) -> None:
    """Write down how an attempt has ended."""
    secrets = list(setting.secrets.values())
    outputs = {
        job: {name: text for name, text in said.items() if not holds_secret(text, secrets)}
        for job, said in done.outputs.items()
    }
    attempt, results = setting.attempt, dict(done.results)
    ended = Ended(setting.workflow, event, attempt, results, outputs, done.summaries)
    (setting.folder / FILE).write_text(json.dumps(asdict(ended)))


def load(folder: Path) -> Ended:
    """Read what `save` wrote. Raises `UsageError` if the run has not ended."""
    file = folder / FILE
    if not file.exists():
        raise UsageError(f"run {folder.name} has not ended", "wait for it, or start another run")
    raw = json.loads(file.read_text())
    summaries = [(job, text) for job, text in raw["summaries"]]
    return Ended(**{**raw, "event": Event(**raw["event"]), "summaries": summaries})


def prepare(setting: Setting, ended: Ended, *, everything: bool) -> list[str]:
    """Write the workflow of the next attempt into the run's checkout; return its jobs.

    Raises `UsageError` if no job failed, unless everything is to run.
    """
    git_repo.git(setting.tree, "checkout", "--quiet", "--force", "HEAD", "--", ".github")
    workflow = read(setting.tree, ended.workflow)
    again = list(workflow.jobs) if everything else after_failures(workflow, ended.results)
    if not again:
        raise UsageError(f"no job of run {setting.folder.name} failed", "run all jobs again: --all")
    file = setting.tree / ended.workflow
    text = yaml.safe_load(file.read_text(encoding="utf-8"))
    if True in text:  # YAML 1.1 reads the key `on` as a truth value
        text["on"] = text.pop(True)
    for key in text["jobs"].keys() - set(again):
        text["jobs"][key] = _kept(workflow, key, ended)
    file.write_text(yaml.safe_dump(text, sort_keys=False, width=1000), encoding="utf-8")
    shutil.rmtree(setting.folder / decisions.FOLDER, ignore_errors=True)
    return again


def after_failures(workflow: Workflow, results: Mapping[str, str]) -> list[str]:
    """Return the jobs that failed, and all that come after them, in the order of the file."""
    again = {key for key in workflow.jobs if results.get(key) not in (SUCCESS, SKIPPED)}
    while more := {
        key for key, job in workflow.jobs.items() if key not in again and again & set(job.needs)
    }:
        again |= more
    return [key for key in workflow.jobs if key in again]


def _kept(workflow: Workflow, key: str, ended: Ended) -> dict[str, Any]:
    """Make a job that ends as the one of the attempt before, and hands over the same."""
    job = workflow.jobs[key]
    kept: dict[str, Any] = {"name": key, "runs-on": "ubuntu-24.04", "permissions": {}}
    if ended.results.get(key) == SKIPPED:
        kept["if"] = "failure()"  # it needs no job, so nothing before it has failed
    kept["outputs"] = dict(_outputs(job.outputs, ended.outputs.get(key, {})))
    return {**kept, "steps": [{"name": KEPT, "run": "true"}]}


def _outputs(declared: Mapping[str, str], written: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    """Yield a job's outputs: each is read of a step's output, whose name comes last."""
    for name, value in declared.items():
        source = str(value).strip("${} ").rpartition(".")[2]
        yield name, written.get(source, "")
