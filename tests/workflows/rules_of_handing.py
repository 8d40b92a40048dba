"""Rules about what jobs hand to each other. Each yields a sentence for a breach."""

import contextlib
import io
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import yaml

from scripts.__main__ import parser
from scripts.core import ci_plan, planning, version
from scripts.core.ci_plan import House
from scripts.core.jobs import JOBS
from scripts.core.planning import Base
from scripts.release import configuration, starting_point
from scripts.release.context import Context
from scripts.stages.plan import hand_over
from scripts.tools.environment import Environment
from tests.workflows.tree import (
    AUDIT,
    CHANGELOG,
    EXPRESSION,
    IMAGE,
    RELEASE,
    ROLLBACK,
    STAGE,
    WATCH,
    File,
    Job,
    Problems,
    Tree,
    at,
    named,
    needs,
)

ROOT = Path(__file__).parents[2]
RUNS = (RELEASE, ROLLBACK, AUDIT, WATCH, CHANGELOG)
SCRIPTS = ["release"]
LABELS = {"ubuntu-24.04", "ubuntu-24.04-arm"}
# GitHub Docs, "Reusing workflows": what a job that calls one may say.
CALLER = {
    "name",
    "uses",
    "with",
    "secrets",
    "strategy",
    "needs",
    "if",
    "concurrency",
    "permissions",
}
LEVELS = ("none", "read", "write")
# Job -> its verb; of the workflows that a release calls, the jobs within.
VERBS = {
    **{job.name: job.command for job in JOBS},
    "build": "image",
}
SETUP = "docs/setup.md"
CI_PLAN = "release ci-plan"


@cache
def plan_outputs() -> Mapping[str, str]:
    """Let the stage `plan` write its outputs for a release of this very repository."""
    found: dict[str, str] = {}
    workflow = SimpleNamespace(output=lambda **values: found.update(values))
    said = SimpleNamespace(workflow=workflow, write=lambda *_: None)
    said.endpoints = Environment({"GITHUB_REPOSITORY": "mari/thing"}).endpoints()
    read = configuration.parse((ROOT / configuration.FILE).read_text("utf-8"))
    context = cast(Context, said)
    base = Base(commit="0" * 40, branch="main", date="2026-01-01", source_date_epoch=1)
    product = starting_point.product(context, read)
    plan = planning.decide(product, version.parse("9.9.9"), base, {})
    hand_over(context, plan, None)
    return found


def legs(job: Job) -> list[dict[str, str]]:
    """Give the legs of a job: what `plan` writes, or one without values."""
    matrix = job.get("strategy", {}).get("matrix")
    if matrix is None:
        return [{}]
    output = re.fullmatch(
        r"\$\{\{ fromJson\(needs\.plan\.outputs\.(\w+)\) \}\}", str(matrix.get("include"))
    )
    try:
        found = json.loads(plan_outputs().get(output[1], "[]")) if output else []
    except ValueError:
        return []  # another output than a matrix
    return [leg for leg in found if isinstance(leg, dict)]


def filled(text: str, **contexts: Mapping[str, str]) -> str:
    """Put values in for expressions such as `matrix.image`."""

    def value(found: re.Match[str]) -> str:
        context, _, name = found[1].partition(".")
        return contexts.get(context, {}).get(name, found[0])

    return EXPRESSION.sub(value, text)


def where(file: File, text: str) -> str:
    """Give the place where a file first has a text; its first line if it has it nowhere."""
    lines = file.text.splitlines()
    found = (n for n, line in enumerate(lines, 1) if re.search(rf"{re.escape(text)}\b", line))
    return f"{file.path}:{next(found, 1)}"


@dataclass(frozen=True)
class Use:
    """One run of a stage: its job of the file that is run, the leg, what the action is given."""

    job: str
    leg: Mapping[str, str]
    step: Job
    given: Mapping[str, str]

    def place(self, *keys: str) -> str:
        return at(self.step, "with", *keys)


def uses_of_stage(tree: Tree, file: str) -> Iterator[Use]:
    """Yield every run of a stage within a run of a file."""
    for name, job in tree.workflow(file).jobs.items():
        for leg in legs(job):
            yield from _uses(tree, name, job, leg, matrix=leg)


def _uses(
    tree: Tree, name: str, job: Job, leg: Mapping[str, str], **contexts: Mapping[str, str]
) -> Iterator[Use]:
    if "uses" in job:
        given = _filled_all(job.get("with"), contexts)
        for inner, called in tree.workflow(Path(job["uses"]).name).jobs.items():
            yield from _uses(tree, inner, called, leg, inputs=given)
    for step in job.get("steps", ()):
        if step.get("uses") == STAGE:
            given = {"stage": "", "artifact": "", **_filled_all(step.get("with"), contexts)}
            yield Use(name, leg, step, given)


def _filled_all(
    values: Mapping[str, Any] | None, contexts: Mapping[str, Mapping[str, str]]
) -> dict[str, str]:
    return {key: filled(str(text), **contexts) for key, text in (values or {}).items()}


def calls(tree: Tree) -> Iterator[tuple[str, Job, dict[str, Any]]]:
    """Yield every job that calls a workflow, with the workflow."""
    for _, name, job in tree.jobs():
        if "uses" in job:
            yield name, job, tree.workflow(Path(job["uses"]).name).data


def callers_say_what_they_may(tree: Tree) -> Problems:
    for name, job, called in calls(tree):
        for wrong in sorted(set(job) - CALLER):
            yield f"{at(job, wrong)}: {name} says {wrong}, which a calling job may not"
        for inner, asked in called["jobs"].items():
            for scope, level in (asked.get("permissions") or {}).items():
                granted = (job.get("permissions") or {}).get(scope, "none")
                if LEVELS.index(granted) < LEVELS.index(level):
                    place = at(job, "permissions", scope)
                    yield f"{place}: {name} grants {scope}: {granted}, {inner} asks for {level}"


def callers_give_what_is_asked(tree: Tree) -> Problems:
    for name, job, called in calls(tree):
        asked = called["on"]["workflow_call"] or {}
        for kind, key in (("inputs", "with"), ("secrets", "secrets")):
            given, wanted = set(job.get(key, {})), asked.get(kind, {})
            required = {one for one in wanted if wanted[one].get("required")}
            for one in sorted(given - set(wanted)):
                yield f"{at(job, key, one)}: {name} gives {one}, which is not one of the {kind}"
            for one in sorted(required - given):
                yield f"{at(job, key)}: {name} does not give {one} of the {kind}"


def inputs_are_declared(tree: Tree) -> Problems:
    """A name that no one declares is empty, and no error."""
    for file in tree.files:
        on = file.data.get("on", {})
        places = [file.data, *(on.get(key) or {} for key in ("workflow_dispatch", "workflow_call"))]
        declared = {name for place in places for name in place.get("inputs", {})}
        for unknown in sorted(named("inputs", file.data) - declared):
            holder = next((at(one, "inputs") for one in places if "inputs" in one), at(file.data))
            for place in (where(file, f"inputs.{unknown}"), holder):
                yield f"{place}: the input {unknown} is read, and is not declared"


def the_action_is_given_its_inputs(tree: Tree) -> Problems:
    for file in tree.files:
        for job, step in file.steps():
            if step.get("uses", "").startswith("./"):
                declared = _action(tree, step["uses"]).get("inputs", {})
                asked = {name for name, about in declared.items() if about.get("required")}
                given = set(step.get("with") or {})
                for one in sorted(asked - given):
                    yield f"{at(step, 'with')}: {job} does not give {one}"
                for one in sorted(given - set(declared)):
                    yield f"{at(step, 'with', one)}: {job} gives {one}, which is not an input"


def _action(tree: Tree, path: str) -> dict[str, Any]:
    return tree.action(Path(path).name).data


def runners_are_known(tree: Tree) -> Problems:
    """A job with a label that no runner has waits for a day and fails."""
    for name, job in tree.workflow(RELEASE).jobs.items():
        for leg in legs(job):
            label = filled(str(job.get("runs-on", "ubuntu-24.04")), matrix=leg)
            given = filled(str(job.get("with", {}).get("runner", label)), matrix=leg)
            if not {label, given} <= LABELS:
                place = at(job, "runs-on") if "runs-on" in job else at(job, "with", "runner")
                yield f"{place}: {name} runs on {label}, {given}"
    for file, name, job in tree.jobs():
        own = "${{ inputs.runner }}" if file == IMAGE else "ubuntu-24.04"
        expected = "${{ matrix.runner }}" if "strategy" in job and file == RELEASE else own
        if "steps" in job and job.get("runs-on") != expected:
            yield f"{at(job, 'runs-on')}: {name} runs on {job.get('runs-on')}, not {expected}"


def matrices_come_from_the_plan(tree: Tree) -> Problems:
    """And name only what the plan writes."""
    for name, job in tree.workflow(RELEASE).jobs.items():
        known = set(plan_outputs())
        if unknown := set(re.findall(r"needs\.plan\.outputs\.(\w+)", str(job))) - known:
            place = where(tree.workflow(RELEASE), f"needs.plan.outputs.{min(unknown)}")
            yield f"{place}: {name} reads {sorted(unknown)}, which the plan does not write"
        if named("matrix", job) and "matrix" not in job.get("strategy", {}):
            yield f"{at(job, 'strategy')}: {name} reads a matrix, and has none"
        if wrong := _other_legs(name, job):
            yield f"{at(job, 'strategy', 'matrix', 'include')}: {wrong}"
        if not legs(job):
            place = at(job, "strategy", "matrix", "include")
            yield f"{place}: {name}: its matrix is not the plan's"
        yield from _read_of_legs(tree.workflow(RELEASE), name, job)
        reads = "needs.plan.outputs" in str(job)
        if reads and "plan" not in needs(job):
            yield f"{at(job, 'needs')}: {name} reads the plan's outputs without needing it"


def _read_of_legs(file: File, name: str, job: Job) -> Problems:
    for leg in legs(job):
        if unknown := named("matrix", job) - set(leg):
            place = where(file, f"matrix.{min(unknown)}")
            yield f"{place}: {name} reads {sorted(unknown)} of a matrix of {sorted(leg)}"


def _other_legs(name: str, job: Job) -> str:
    """Say which legs a job should have, if it has others: those of the list of jobs."""
    said = next((one.legs for one in JOBS if one.name == name), "")
    expected = "images" if "image" in said else "platforms" if said else ""
    include = str(job.get("strategy", {}).get("matrix", {}).get("include", ""))
    found = "".join(re.findall(r"needs\.plan\.outputs\.(\w+)", include))
    if found == expected:
        return ""
    return f"{name} has a leg for each of {found or 'nothing'}, expected {expected or 'none'}"


def outputs_arrive(tree: Tree) -> Problems:
    """From the script to the step, to the action, to the job, under one name."""
    action = _action(tree, STAGE).get("outputs", {})
    for name in sorted({"mode", "images", "platforms"} - set(action)):
        yield f"{at(_action(tree, STAGE), 'outputs')}: the action has no output {name}"
    checks = ci_plan.decide(None, House(frozenset(), ("3.11",)))
    written = {STAGE: set(action), CI_PLAN: {"pythons", "arguments", *checks.outputs()}}
    for _, key, job in tree.jobs():
        for name, value in job.get("outputs", {}).items():
            steps = {one.get("id"): one.get("uses", one.get("run")) for one in job["steps"]}
            if key not in steps:
                work = job["steps"][-1]
                yield f"{at(work, 'id')}: {key}: no step has the id {key}, which {name} is read of"
            right = value == f"${{{{ steps.{key}.outputs.{name} }}}}"
            if not right or name not in written.get(steps.get(key, ""), ()):
                yield f"{at(job, 'outputs', name)}: the job's output {name} is {value}"


def the_action_hands_on_what_the_stage_writes(tree: Tree) -> Problems:
    steps = _action(tree, STAGE)["runs"]["steps"]
    for step in steps:
        runs = "install.sh" not in str(step.get("run", "install.sh"))
        if runs and step.get("id") != "run":
            yield f"{at(step, 'id')}: the stage's step has the id {step.get('id')}, expected run"
    for name, said in _action(tree, STAGE).get("outputs", {}).items():
        value = said.get("value")
        if value != f"${{{{ steps.run.outputs.{name} }}}}" or name not in plan_outputs():
            yield f"{at(said, 'value')}: the action's output {name} is {value}"


def artifacts_have_names_of_their_own(tree: Tree) -> Problems:
    """Over the whole run, each leg of a matrix too: a second of one name is an error, or a loss."""
    for file in RUNS:
        found = [
            (use.place("artifact"), use.given["artifact"]) for use in uses_of_stage(tree, file)
        ]
        names = Counter(name for _, name in found)
        for place, name in found:
            if names[name] > 1 or not re.fullmatch(r"[\w.-]+", name):
                yield f"{place}: artifact {name}: {names[name]} times"


def results_may_be_written_again(tree: Tree) -> Problems:
    """*Re-run failed jobs* is the same run; and a failed stage has a result too."""
    for step in _action(tree, STAGE)["runs"]["steps"]:
        if "upload-artifact" in step.get("uses", ""):
            if step["with"].get("overwrite") is not True:
                place = at(step, "with", "overwrite")
                yield f"{place}: an artifact of an earlier attempt stands in the way"
            if step.get("if") != "always()":
                yield f"{at(step, 'if')}: a failed stage hands over nothing"


def stages_are_verbs(tree: Tree) -> Problems:
    """Each job runs its own stage, with arguments that the command line takes."""
    for file, use in ((name, use) for name in RUNS for use in uses_of_stage(tree, name)):
        words = use.given["stage"].split()
        verb = "watch" if file == WATCH else VERBS.get(use.job, use.job)
        if words[:1] != [verb]:
            yield f"{use.place('stage')}: {use.job} runs the stage {use.given['stage']}"
        yield from refused(use.place("stage"), words)
    for file in tree.files:
        for _, step in file.steps():
            words = step.get("run", "").split()
            if words[: len(SCRIPTS)] == SCRIPTS:
                yield from refused(at(step, "run"), words[len(SCRIPTS) :])


def refused(place: str, words: list[str]) -> Problems:
    if said := _complaint(tuple(words)):
        yield f"{place}: {' '.join(words)}: {said}"


@cache
def _complaint(words: tuple[str, ...]) -> str:
    """Say what the command line does not take, "" if it takes all."""
    try:
        with contextlib.redirect_stderr(io.StringIO()) as said:
            parser().parse_args(words)
    except SystemExit:
        return said.getvalue().strip()
    return ""


def shells_are_named(tree: Tree) -> Problems:
    """A composite action's command has no default shell."""
    for file in tree.files:
        for job, step in file.steps():
            if file.name == "action.yml" and "run" in step and step.get("shell") != "bash":
                yield f"{at(step, 'shell')}: {job}: {step['run']} has no shell"


def variables_are_read(tree: Tree) -> Problems:
    """A misspelt name of the environment is empty, and no error."""
    source = (ROOT / "scripts" / "tools" / "environment.py").read_text("utf-8")
    make = (ROOT / "Makefile").read_text("utf-8")
    for file in tree.workflows:
        for _, node in file.values("env"):
            for key, _ in cast(yaml.MappingNode, node).value:
                if f'"{key.value}"' not in source and f"\n{key.value} ?=" not in make:
                    yield f"{file.path}:{key.start_mark.line + 1}: nothing reads {key.value}"


def settings_are_documented(tree: Tree) -> Problems:
    """Every variable and secret, and no other, is one of docs/setup.md's."""
    used = {
        name for f in tree.workflows for kind in ("vars", "secrets") for name in named(kind, f.data)
    }
    rows = re.findall(r"^\| `([A-Z_]+)` \|", tree.read(SETUP), re.MULTILINE)
    for name in sorted(used ^ set(rows)):
        place = next((where(f, name) for f in tree.workflows if name in f.text), f"{SETUP}:1")
        yield f"{place}: {name} is {'not in' if name in used else 'only in'} {SETUP}"


def the_report_knows_what_became_of_each_job(tree: Tree) -> Problems:
    """A run that is started again has results of an earlier attempt: `needs` tells them apart."""
    report = tree.workflow(RELEASE).jobs["report"]
    if report.get("env", {}).get("CI_NEEDS") != "${{ toJson(needs) }}":
        yield f"{at(report, 'env', 'CI_NEEDS')}: the report is not told what became of the jobs"


RULES = (
    the_report_knows_what_became_of_each_job,
    callers_say_what_they_may,
    callers_give_what_is_asked,
    inputs_are_declared,
    the_action_is_given_its_inputs,
    runners_are_known,
    matrices_come_from_the_plan,
    outputs_arrive,
    the_action_hands_on_what_the_stage_writes,
    artifacts_have_names_of_their_own,
    results_may_be_written_again,
    stages_are_verbs,
    shells_are_named,
    variables_are_read,
    settings_are_documented,
)
