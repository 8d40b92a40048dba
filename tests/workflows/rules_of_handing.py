"""Rules about what jobs hand to each other. Each yields a sentence for a breach."""

import contextlib
import io
import re
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping
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
from tests.workflows.tree import (
    AUDIT,
    CHANGELOG,
    EXPRESSION,
    IMAGE,
    RELEASE,
    ROLLBACK,
    STAGE,
    Job,
    Problems,
    Tree,
    named,
    needs,
)

ROOT = Path(__file__).parents[2]
RUNS = (RELEASE, ROLLBACK, AUDIT, CHANGELOG)
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
    said.endpoints = SimpleNamespace(registry="docker.io")
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
    return list(yaml.safe_load(plan_outputs().get(output[1], "[]"))) if output else []


def filled(text: str, **contexts: Mapping[str, str]) -> str:
    """Put values in for expressions such as `matrix.image`."""

    def value(found: re.Match[str]) -> str:
        context, _, name = found[1].partition(".")
        return contexts.get(context, {}).get(name, found[0])

    return EXPRESSION.sub(value, text)


def uses_of_stage(tree: Tree, file: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield every run of a stage within a run of a file: the job, the inputs of the action."""
    for name, job in tree.workflow(file).jobs.items():
        for leg in legs(job):
            yield from _uses(tree, name, job, matrix=leg)


def _uses(
    tree: Tree, name: str, job: Job, **contexts: Mapping[str, str]
) -> Iterator[tuple[str, dict[str, str]]]:
    if "uses" in job:
        given = {key: filled(str(text), **contexts) for key, text in job.get("with", {}).items()}
        for inner, called in tree.workflow(Path(job["uses"]).name).jobs.items():
            yield from _uses(tree, inner, called, inputs=given)
    for step in job.get("steps", ()):
        if step.get("uses") == STAGE:
            yield name, {key: filled(text, **contexts) for key, text in step["with"].items()}


def calls(tree: Tree) -> Iterator[tuple[str, Job, dict[str, Any]]]:
    """Yield every job that calls a workflow, with the workflow."""
    for file, name, job in tree.jobs():
        if "uses" in job:
            yield f"{file}: {name}", job, tree.workflow(Path(job["uses"]).name).data


def callers_say_what_they_may(tree: Tree) -> Problems:
    for name, job, called in calls(tree):
        if wrong := set(job) - CALLER:
            yield f"{name} says {sorted(wrong)}, which a calling job may not"
        for inner, asked in called["jobs"].items():
            for scope, level in (asked.get("permissions") or {}).items():
                granted = job["permissions"].get(scope, "none")
                if LEVELS.index(granted) < LEVELS.index(level):
                    yield f"{name} grants {scope}: {granted}, {inner} asks for {level}"


def callers_give_what_is_asked(tree: Tree) -> Problems:
    for name, job, called in calls(tree):
        asked = called["on"]["workflow_call"] or {}
        for kind, key in (("inputs", "with"), ("secrets", "secrets")):
            given, wanted = set(job.get(key, {})), asked.get(kind, {})
            required = {one for one in wanted if wanted[one].get("required")}
            if given - set(wanted) or required - given:
                yield f"{name} gives the {kind} {sorted(given)}, {sorted(required)} are asked for"


def inputs_are_declared(tree: Tree) -> Problems:
    """A name that no one declares is empty, and no error."""
    for file in tree.files:
        on = file.data.get("on", {})
        places = [file.data, *(on.get(key) or {} for key in ("workflow_dispatch", "workflow_call"))]
        declared = {name for place in places for name in place.get("inputs", {})}
        if unknown := named("inputs", file.data) - declared:
            yield f"{file.name} reads the inputs {sorted(unknown)}"


def the_action_is_given_its_inputs(tree: Tree) -> Problems:
    for file in tree.files:
        for job, step in file.steps():
            if step.get("uses", "").startswith("./"):
                declared = _action(tree, step["uses"]).get("inputs", {})
                asked = {name for name, about in declared.items() if about.get("required")}
                if not asked <= set(step.get("with", {})) <= set(declared):
                    yield f"{file.name}: {job} gives {sorted(step.get('with', {}))}"


def _action(tree: Tree, path: str) -> dict[str, Any]:
    return dict(yaml.safe_load(tree.read(f"{path}/action.yml")))


def runners_are_known(tree: Tree) -> Problems:
    """A job with a label that no runner has waits for a day and fails."""
    for name, job in tree.workflow(RELEASE).jobs.items():
        for leg in legs(job):
            label = filled(str(job.get("runs-on", "ubuntu-24.04")), matrix=leg)
            given = filled(str(job.get("with", {}).get("runner", label)), matrix=leg)
            if not {label, given} <= LABELS:
                yield f"{RELEASE}: {name} runs on {label}, {given}"
    for file, name, job in tree.jobs():
        own = "${{ inputs.runner }}" if file == IMAGE else "ubuntu-24.04"
        if file != RELEASE and job["runs-on"] != own:
            yield f"{file}: {name} runs on {job['runs-on']}"


def matrices_come_from_the_plan(tree: Tree) -> Problems:
    """And name only what the plan writes."""
    for name, job in tree.workflow(RELEASE).jobs.items():
        known = set(plan_outputs())
        if unknown := set(re.findall(r"needs\.plan\.outputs\.(\w+)", str(job))) - known:
            yield f"{name} reads {sorted(unknown)}, which the plan does not write"
        if not legs(job):
            yield f"{name}: its matrix is not the plan's"
        for leg in legs(job):
            if unknown := named("matrix", job) - set(leg):
                yield f"{name} reads {sorted(unknown)} of a matrix of {sorted(leg)}"
        reads = "needs.plan.outputs" in str(job)
        if reads and "plan" not in needs(job):
            yield f"{name} reads the plan's outputs without needing it"


def outputs_arrive(tree: Tree) -> Problems:
    """From the script to the step, to the action, to the job, under one name."""
    action = _action(tree, STAGE)["outputs"]
    checks = ci_plan.decide(None, House(frozenset(), ("3.11",)))
    written = {STAGE: set(action), CI_PLAN: {"pythons", "arguments", *checks.outputs()}}
    for _, key, job in tree.jobs():
        for name, value in job.get("outputs", {}).items():
            steps = {step.get("id"): step.get("uses", step.get("run")) for step in job["steps"]}
            right = value == f"${{{{ steps.{key}.outputs.{name} }}}}"
            if not right or name not in written.get(steps.get(key, ""), ()):
                yield f"{key}: the job's output {name} is {value}"
    for name, said in action.items():
        if said["value"] != f"${{{{ steps.run.outputs.{name} }}}}" or name not in plan_outputs():
            yield f"the action's output {name} is {said['value']}"


def artifacts_have_names_of_their_own(tree: Tree) -> Problems:
    """Over the whole run, each leg of a matrix too: a second of one name is an error, or a loss."""
    for file in RUNS:
        names = Counter(given["artifact"] for _, given in uses_of_stage(tree, file))
        for name, count in names.items():
            if count > 1 or not re.fullmatch(r"[\w.-]+", name):
                yield f"{file}: artifact {name}: {count} times"


def results_may_be_written_again(tree: Tree) -> Problems:
    """*Re-run failed jobs* is the same run; and a failed stage has a result too."""
    for step in _action(tree, STAGE)["runs"]["steps"]:
        if "upload-artifact" in step.get("uses", ""):
            if step["with"].get("overwrite") is not True:
                yield "an artifact of an earlier attempt stands in the way"
            if step.get("if") != "always()":
                yield "a failed stage hands over nothing"


def stages_are_verbs(tree: Tree) -> Problems:
    """Each job runs its own stage, with arguments that the command line takes."""
    for job, given in (use for file in RUNS for use in uses_of_stage(tree, file)):
        words = shlex.split(given["stage"])
        if words[0] != VERBS.get(job, job):
            yield f"{job} runs the stage {words[0]}"
        yield from refused(job, words)
    for file in tree.files:
        for job, step in file.steps():
            words = shlex.split(step.get("run", ""))
            if words[: len(SCRIPTS)] == SCRIPTS:
                yield from refused(job, words[len(SCRIPTS) :])


def refused(job: str, words: list[str]) -> Problems:
    try:
        with contextlib.redirect_stderr(io.StringIO()) as said:
            parser().parse_args(words)
    except SystemExit:
        yield f"{job}: {' '.join(words)}: {said.getvalue().strip()}"


def shells_are_named(tree: Tree) -> Problems:
    """A composite action's command has no default shell."""
    for file in tree.files:
        for job, step in file.steps():
            if file.name == "action.yml" and "run" in step and step.get("shell") != "bash":
                yield f"{file.path.parent.name}: {job}: {step['run']} has no shell"


def variables_are_read(tree: Tree) -> Problems:
    """A misspelt name of the environment is empty, and no error."""
    source = (ROOT / "scripts" / "tools" / "environment.py").read_text("utf-8")
    make = (ROOT / "Makefile").read_text("utf-8")
    for file in tree.workflows:
        for _, node in file.values("env"):
            for key, _ in cast(yaml.MappingNode, node).value:
                if f'"{key.value}"' not in source and f"\n{key.value} ?=" not in make:
                    yield f"{file.name}: nothing reads {key.value}"


def settings_are_documented(tree: Tree) -> Problems:
    """Every variable and secret, and no other, is one of docs/setup.md's."""
    used = {
        name for f in tree.workflows for kind in ("vars", "secrets") for name in named(kind, f.data)
    }
    rows = re.findall(r"^\| `([A-Z_]+)` \|", tree.read(SETUP), re.MULTILINE)
    for name in sorted(used ^ set(rows)):
        yield f"{name} is {'not in' if name in used else 'only in'} {SETUP}"


def the_report_knows_what_became_of_each_job(tree: Tree) -> Problems:
    """A run that is started again has results of an earlier attempt: `needs` tells them apart."""
    report = tree.workflow(RELEASE).jobs["report"]
    if report.get("env", {}).get("CI_NEEDS") != "${{ toJson(needs) }}":
        yield "the report is not told what became of the jobs"


RULES = (
    the_report_knows_what_became_of_each_job,
    callers_say_what_they_may,
    callers_give_what_is_asked,
    inputs_are_declared,
    the_action_is_given_its_inputs,
    runners_are_known,
    matrices_come_from_the_plan,
    outputs_arrive,
    artifacts_have_names_of_their_own,
    results_may_be_written_again,
    stages_are_verbs,
    shells_are_named,
    variables_are_read,
    settings_are_documented,
)
