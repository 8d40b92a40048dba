"""What a workflow file promises to run, read from the file itself.

act skips a job silently (a label it does not know, a job with `services:`) and still ends well. So
the jobs that ran are compared with those that GitHub would have run, and a difference is an error.
"""

import itertools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

import yaml

SUCCESS, FAILURE, SKIPPED = "success", "failure", "skipped"
_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}", re.DOTALL)
_FROM_JSON = re.compile(r"fromJSON\(\s*needs\.([\w-]+)\.outputs\.([\w-]+)\s*\)", re.IGNORECASE)
_STEP_OUTPUT = re.compile(r"steps\.[\w-]+\.outputs\.([\w-]+)")
_COMPARISON = re.compile(
    r"needs\.([\w-]+)\.(?:outputs\.([\w-]+)|(result))\s*(==|!=)\s*'([^']*)'\s*"
)
_INPUT = re.compile(r"(!?)inputs\.([\w-]+)")
_STATUS = re.compile(r"\b(always|success|failure|cancelled)\(\)")

Leg = Mapping[str, Any]
Outputs = Mapping[str, Mapping[str, str]]
"""What each job wrote: the job's key -> the name a step gave -> the value."""


class UnclearError(Exception):
    """A condition or a matrix is written in a way that is not understood here."""


@dataclass(frozen=True)
class Job:
    """One job of a workflow file. `calls` is the reusable workflow it calls, if it calls one."""

    key: str
    name: str
    needs: tuple[str, ...]
    condition: str
    matrix: Any
    outputs: Mapping[str, str]
    labels: tuple[str, ...]
    calls: "Workflow | None" = None
    given: Mapping[str, Any] = field(default_factory=dict)
    """The inputs that it gives to the workflow it calls."""

    def legs(self, outputs: Outputs, needs: Mapping[str, "Job"]) -> list[Leg]:
        """Return the matrix's legs in act's order, `[{}]` without a matrix.

        Raises `UnclearError` where the matrix is not known, or not yet.
        """
        return combinations(_resolved(self.matrix, outputs, needs)) if self.matrix else [{}]

    def named(self, act_name: str) -> int:
        """Return which leg (from 1) an act name's first part means; 0 if it is not this job."""
        pattern = "".join(
            ".*?" if _EXPRESSION.fullmatch(part) else re.escape(part)
            for part in re.split(r"(\$\{\{.*?\}\})", self.name)
        )
        found = re.fullmatch(rf"(?:{pattern})(?:-(\d+))?", act_name)
        return int(found[1] or 1) if found else 0


@dataclass(frozen=True)
class Workflow:
    """A workflow file: its name as act shows it, and its jobs by key, in the file's order."""

    name: str
    jobs: Mapping[str, Job] = field(default_factory=dict)

    def place(self, act_name: str, job_id: str) -> tuple[Job, int] | None:
        """Return the job of this file that an act job belongs to, and its leg from 1.

        act says `Release/Plan` for a job of the file and `images-1/Image/build` for one of a
        reusable workflow: the calling job's name, the leg, the called file's name, its job.
        """
        own = self.jobs.get(job_id)
        if own and own.calls is None and act_name.startswith(f"{self.name}/"):
            return own, max(own.named(act_name.removeprefix(f"{self.name}/")), 1)
        for job in self.jobs.values():
            first, called, _ = act_name.partition(f"/{job.calls.name}/" if job.calls else "\0")
            if called and job.calls and job_id in job.calls.jobs and job.named(first):
                return job, job.named(first)
        return None

    def labels(self) -> set[str]:
        """Return every runner label written in this file and in those it calls."""
        own = {label for job in self.jobs.values() for label in job.labels}
        return own.union(*(job.calls.labels() for job in self.jobs.values() if job.calls))


def read(tree: Path, path: str) -> Workflow:
    """Read the workflow file `path` of the checkout `tree`, with the files it calls."""
    text = yaml.safe_load((tree / path).read_text(encoding="utf-8"))
    jobs = {key: _job(tree, key, job) for key, job in text["jobs"].items()}
    return Workflow(text.get("name", Path(path).name), jobs)


def used_actions(tree: Path) -> dict[str, str]:
    """Return every marketplace action below .github as `owner/repo@ref`, with a file naming it."""
    found: dict[str, str] = {}
    for path in sorted((tree / ".github").rglob("*.y*ml")):
        for uses in _values(yaml.safe_load(path.read_text(encoding="utf-8")), "uses"):
            if not uses.startswith(("./", "$/")):
                found.setdefault(uses, path.relative_to(tree).as_posix())
    return found


def combinations(matrix: Mapping[str, Any]) -> list[Leg]:
    """Return a matrix's legs: the product of its lists, less `exclude`, more `include`."""
    axes = {key: value for key, value in matrix.items() if key not in ("include", "exclude")}
    legs = [
        dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values()) if axes
    ]
    legs = [leg for leg in legs if not any(_within(e, leg) for e in matrix.get("exclude", []))]
    added = []
    for extra in matrix.get("include", []):
        shared = {key: value for key, value in extra.items() if key in axes}
        hosts = [leg for leg in legs if _within(shared, leg)]
        for leg in hosts:
            leg.update(extra)
        if not hosts:
            added.append(dict(extra))
    return [*legs, *added]


def should_run(
    job: Job,
    results: Mapping[str, str],
    outputs: Outputs,
    jobs: Mapping[str, Job],
    inputs: Mapping[str, Any] | None = None,
) -> bool:
    """Say whether GitHub would run the job, given what became of those before it.

    Raises `UnclearError` for a condition that is more than comparisons of one job's output or
    result with a literal, truth of one input, and the status functions, joined by && and ||.
    """
    condition = _EXPRESSION.sub(r"\1", job.condition).strip()
    if not _STATUS.search(condition):
        condition = " && ".join(filter(None, ["success()", condition]))
    before = [results[need] for need in job.needs]

    def holds(term: str) -> bool:
        status = {
            "always()": True,
            "!cancelled()": True,
            "success()": all(result == SUCCESS for result in before),
            "failure()": FAILURE in before,
        }
        if term in status:
            return status[term]
        if named := _INPUT.fullmatch(term):
            # The button sends every input as a text.
            return ((inputs or {}).get(named[2]) in (True, "true")) != bool(named[1])
        return _compare(term, results, outputs, jobs)

    return any(
        all(holds(term.strip()) for term in side.split("&&")) for side in condition.split("||")
    )


def differences(
    workflow: Workflow,
    ran: Mapping[str, Sequence[str]],
    outputs: Outputs,
    *,
    halted: bool = False,
    inputs: Mapping[str, Any] | None = None,
) -> tuple[dict[str, str], list[str]]:
    """Compare the jobs that ran with those that should have.

    `ran` has, for each key of the workflow, the result of every act job that belongs to it;
    `halted` says that act stopped early. Returns each job's result (success, failure or skipped)
    and a sentence for each difference.
    """
    results: dict[str, str] = {}
    problems: list[str] = []
    for key in in_order(workflow.jobs):
        found = ran.get(key, ())
        results[key] = _result(found)
        try:
            expected = _expected(workflow, key, results, outputs, inputs)
        except UnclearError as unclear:
            problems.append(f"{key}: {unclear}")
            continue
        if expected != len(found):
            why = " (act stopped before)" if halted and not found else ""
            problems.append(f"{key}: {expected} job(s) should have run, {len(found)} did{why}")
    return results, problems


def _expected(
    workflow: Workflow,
    key: str,
    results: Mapping[str, str],
    outputs: Outputs,
    inputs: Mapping[str, Any] | None,
) -> int:
    """Count the act jobs that belong to one job of the file."""
    job = workflow.jobs[key]
    if not should_run(job, results, outputs, workflow.jobs, inputs):
        return 0
    return _inner(job) * len(job.legs(outputs, workflow.jobs))


def _inner(job: Job) -> int:
    """Count the jobs that run within one leg, if all of them end well.

    What a job within wrote is not recorded: what hangs on that alone counts as skipped.
    """
    if not job.calls:
        return 1
    jobs, results, count = job.calls.jobs, dict[str, str](), 0
    for key in in_order(jobs):
        runs = should_run(jobs[key], results, {}, jobs, job.given)
        results[key] = SUCCESS if runs else SKIPPED
        count += len(jobs[key].legs({}, jobs)) if runs else 0
    return count


def _result(found: Sequence[str]) -> str:
    if not found:
        return SKIPPED
    return SUCCESS if all(result == SUCCESS for result in found) else FAILURE


def _compare(
    term: str, results: Mapping[str, str], outputs: Outputs, jobs: Mapping[str, Job]
) -> bool:
    found = _COMPARISON.fullmatch(term)
    if not found:
        raise UnclearError(f"cannot tell whether it should run: `if: {term}`")
    need, output, _, operator, literal = found.groups()
    value = _output(need, output, outputs, jobs) if output else results[need]
    return (value == literal) == (operator == "==")


def _output(need: str, output: str, outputs: Outputs, jobs: Mapping[str, Job]) -> str:
    """Return a job's output; "" if its step never wrote it, as GitHub reads it."""
    if need not in jobs or output not in jobs[need].outputs:
        raise UnclearError(f"the job {need!r} has no output {output!r}")
    step = _STEP_OUTPUT.search(jobs[need].outputs[output])
    if not step:
        raise UnclearError(f"the output {output!r} of {need!r} is not a step's output")
    return outputs.get(need, {}).get(step[1], "")


def _resolved(value: Any, outputs: Outputs, jobs: Mapping[str, Job]) -> Any:
    """Put in what an earlier job wrote, wherever a matrix says `fromJson(needs…)`."""
    if isinstance(value, str) and (found := _FROM_JSON.search(value)):
        text = _output(found[1], found[2], outputs, jobs)
        if not text:
            raise UnclearError(f"the job {found[1]!r} did not write {found[2]!r}")
        return json.loads(text)
    if isinstance(value, str) and _EXPRESSION.search(value):
        raise UnclearError(f"cannot read the matrix `{value}`")
    if isinstance(value, dict):
        return {key: _resolved(each, outputs, jobs) for key, each in value.items()}
    return value


def _job(tree: Path, key: str, job: Mapping[str, Any]) -> Job:
    needs, calls, labels = job.get("needs", ()), job.get("uses", ""), job.get("runs-on", ())
    return Job(
        key=key,
        name=str(job.get("name", key)),
        needs=(needs,) if isinstance(needs, str) else tuple(needs),
        condition=str(job.get("if", "")),
        matrix=job.get("strategy", {}).get("matrix"),
        outputs=job.get("outputs", {}),
        labels=(labels,) if isinstance(labels, str) else tuple(labels),
        calls=read(tree, calls.removeprefix("./").removeprefix("$/")) if calls else None,
        given=job.get("with", {}),
    )


def in_order(jobs: Mapping[str, Job]) -> list[str]:
    """Give the keys so that every job comes after those it needs."""
    try:
        found = list(TopologicalSorter({key: jobs[key].needs for key in jobs}).static_order())
    except CycleError as error:
        raise UnclearError("the jobs need each other in a circle") from error
    if absent := set(found) - set(jobs):
        raise UnclearError(f"a job needs {', '.join(sorted(absent))}, which is not there")
    return found


def _within(part: Leg, whole: Leg) -> bool:
    return all(whole.get(key) == value for key, value in part.items())


def _values(node: Any, wanted: str) -> Iterator[str]:
    """Yield the text under every key of that name, however deep."""
    if isinstance(node, dict):
        if isinstance(node.get(wanted), str):
            yield node[wanted]
        for child in node.values():
            yield from _values(child, wanted)
    elif isinstance(node, list):
        for child in node:
            yield from _values(child, wanted)
