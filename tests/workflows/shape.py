"""Which form a workflow must have before a rule can read it. GitHub refuses most breaches."""

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from tests.workflows.tree import EXPECTED, File, Node, Problems, Tree, as_map, at, needs

JOB_KEYS = ("name", "permissions")
OWN_JOB_KEYS = ("runs-on", "timeout-minutes", "steps")
FILE_KEYS = ("name", "on", "permissions", "jobs")
ACTION_KEYS = ("name", "description", "runs")
MAPPINGS = ("env", "with", "secrets", "outputs", "permissions", "concurrency", "strategy")


def breaches(tree: Tree) -> Problems:
    """Yield what keeps the rules from reading the files."""
    try:
        files = [(file, file.data) for file in tree.files]
    except yaml.MarkedYAMLError as error:
        yield _unreadable(tree, error)
        return
    for file, data in files:
        yield from _file(file, data)
        yield from _called(tree, file)
    there = {file.name: file for file, data in files if data.get("jobs")}
    for name, jobs in EXPECTED.items():
        if name not in there:
            yield f".github/workflows/{name}:1: the workflow is not there, or has no jobs"
            continue
        for job in jobs:
            if job not in there[name].data["jobs"]:
                yield f"{at(there[name].data, 'jobs')}: the job {job} is not there"


def _unreadable(tree: Tree, error: yaml.MarkedYAMLError) -> str:
    """Name the first file that cannot be read."""
    line = error.problem_mark.line + 1 if error.problem_mark else 1
    for path, text in tree.changed.items():
        try:
            yaml.compose(text, yaml.CSafeLoader)
        except yaml.YAMLError:
            return f"{path}:{line}: {error.problem}"
    return f".github:{line}: {error.problem}"


def _file(file: File, data: Node) -> Problems:
    action = file.name == "action.yml"
    for key in ACTION_KEYS if action else FILE_KEYS:
        if not data.get(key) and not (key == "permissions" and key in data):
            yield f"{at(data, key)}: {key} is missing"
    if action:
        yield from _action(data)
        return
    yield from _mappings(data)
    if not isinstance(data.get("on"), Node):
        yield f"{at(data, 'on')}: the triggers are not a mapping"
    jobs = data.get("jobs")
    for name, job in jobs.items() if isinstance(jobs, Node) else ():
        yield from _job(data, name, job)


def _action(data: Node) -> Problems:
    runs = data.get("runs")
    if not isinstance(runs, Node):
        return
    if runs.get("using") != "composite":
        yield f"{at(runs, 'using')}: using is {runs.get('using')}, expected composite"
    yield from _steps(runs)
    for kind in ("inputs", "outputs"):
        for name, said in (data.get(kind) or {}).items():
            if not isinstance(said, Node) or not said.get("description"):
                yield f"{at(data, kind, name)}: {name} has no description"


def _called(tree: Tree, file: File) -> Problems:
    """A step uses an action, a job a workflow that can be called."""
    there = {one.path.as_posix(): one.data for one in tree.files}
    for name, step in file.steps():
        used = str(step.get("uses", "")) if isinstance(step, Node) else ""
        if used.startswith("./") and f"{used.removeprefix('./')}/action.yml" not in there:
            yield f"{at(step, 'uses')}: {name}: {used} is not an action"
    for name, job in file.jobs.items():
        if isinstance(job, Node) and "uses" in job:
            called = there.get(str(job["uses"]).removeprefix("./"), {})
            if "workflow_call" not in as_map(called.get("on")):
                yield f"{at(job, 'uses')}: {name}: {job['uses']} cannot be called"


def _job(data: Node, name: str, job: Any) -> Problems:
    if not isinstance(job, Node):
        yield f"{at(data, 'jobs', name)}: {name} is not a mapping"
        return
    yield from _mappings(job)
    for key in JOB_KEYS if "uses" in job else (*JOB_KEYS, *OWN_JOB_KEYS):
        if not job.get(key):
            yield f"{at(job, key)}: {name} has no {key}"
    for one in needs(job):
        if one not in data["jobs"]:
            yield f"{at(job, 'needs')}: {name} needs {one or 'nothing'}, which is not a job"
    if "steps" in job:
        yield from _steps(job)


def _mappings(node: Node) -> Problems:
    for key in MAPPINGS:
        wrong = key in node and not isinstance(node[key], Node)
        if wrong and (key, node[key]) not in (("secrets", "inherit"), ("permissions", None)):
            yield f"{at(node, key)}: {key} is {node[key]!r}, expected a mapping"


def _steps(holder: Node) -> Problems:
    steps = holder.get("steps")
    if not isinstance(steps, list) or not steps:
        yield f"{at(holder, 'steps')}: there are no steps"
        return
    for step in steps:
        yield from _step(holder, step)
    ids = [step["id"] for step in steps if isinstance(step, Node) and "id" in step]
    for one in {one for one in ids if ids.count(one) > 1}:
        yield f"{at(holder, 'steps')}: two steps have the id {one}"


def _step(holder: Node, step: Any) -> Problems:
    if not isinstance(step, Node):
        yield f"{at(holder, 'steps')}: a step is {step!r}, expected a mapping"
        return
    yield from _mappings(step)
    if ("uses" in step) == ("run" in step):
        yield f"{at(step)}: a step needs one of uses and run"
    for key in _texts(step):
        yield f"{at(step, key)}: {key} is {step[key]!r}, expected a text"


def _texts(step: Mapping[str, Any]) -> Iterator[str]:
    for key in ("uses", "run", "shell", "id", "name"):
        if key in step and not (isinstance(step[key], str) and step[key]):
            yield key
