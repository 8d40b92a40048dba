"""Find the jobs that GitHub would run, from the workflow file.

act silently skips some jobs (an unknown label, a job with `services:`) and still succeeds. So this
compares the jobs that ran with those that GitHub would run; a difference is an error.
"""

import itertools
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

import yaml

from rehearsal.runs.environments import name_of
from rehearsal.runs.limits import LONGEST

SUCCESS, FAILURE, SKIPPED, CANCELLED = "success", "failure", "skipped", "cancelled"
_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}", re.DOTALL)
_FROM_JSON = re.compile(r"fromJSON\(\s*needs\.([\w-]+)\.outputs\.([\w-]+)\s*\)", re.IGNORECASE)
_STEP_OUTPUT = re.compile(r"steps\.[\w-]+\.outputs\.([\w-]+)")
_COMPARISON = re.compile(
    r"needs\.([\w-]+)\.(?:outputs\.([\w-]+)|(result))\s*(==|!=)\s*'([^']*)'\s*"
)
_INPUT = re.compile(r"(!?)inputs\.([\w-]+)")
_STATUS = re.compile(r"\b(always|success|failure|cancelled)\(\)")

Values = Mapping[str, Any]
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
    environment: str = ""
    minutes: float = LONGEST

    def legs(self, outputs: Outputs, needs: Mapping[str, "Job"]) -> list[Values]:
        """Return the matrix's legs in act's order, `[{}]` without a matrix.

        Raises `UnclearError` if the matrix is not known, or not yet.
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

    def place(self, act_name: str, job_id: str) -> tuple[Job, int, str] | None:
        """Return the job of this file that an act job belongs to, its leg from 1, and its path.

        act says `Release/Plan` for a job of the file and `images-1/Image/build` for one of a
        reusable workflow: the calling job's name, the leg, the called file's name, its job. The
        path is `plan` for the one and `images/build` for the other.
        """
        own = self.jobs.get(job_id)
        if own and own.calls is None and act_name.startswith(f"{self.name}/"):
            return own, max(own.named(act_name.removeprefix(f"{self.name}/")), 1), own.key
        for job in self.jobs.values():
            first, called, _ = act_name.partition(f"/{job.calls.name}/" if job.calls else "\0")
            if called and job.calls and job_id in job.calls.jobs and job.named(first):
                return job, job.named(first), f"{job.key}/{job_id}"
        return None

    def at(self, path: str) -> tuple[str, Job]:
        """Return the job of a path, and the name of its workflow."""
        key, inner, rest = path.partition("/")
        called = self.jobs[key].calls
        return called.at(rest) if inner and called else (self.name, self.jobs[key])

    def labels(self) -> set[str]:
        """Return every runner label written in this file and in those it calls."""
        own = {label for job in self.jobs.values() for label in job.labels}
        return own.union(*(job.calls.labels() for job in self.jobs.values() if job.calls))


def read(tree: Path, path: str) -> Workflow:
    """Read the workflow file `path` of the checkout `tree`, with the files it calls."""
    return parsed(lambda one: yaml.safe_load((tree / one).read_text(encoding="utf-8")), path)


def parsed(load: Callable[[str], Mapping[str, Any]], path: str) -> Workflow:
    """Read a workflow whose files, by path, `load` returns as values."""
    text = load(path)
    jobs = {key: _job(load, key, job) for key, job in text["jobs"].items()}
    return Workflow(text.get("name", Path(path).name), jobs)


def used_actions(tree: Path) -> dict[str, str]:
    """Return every marketplace action below .github as `owner/repo@ref`, with a file naming it."""
    found: dict[str, str] = {}
    for path, uses, _ in given_inputs(tree):
        found.setdefault(uses, path)
    return found


def given_inputs(tree: Path) -> Iterator[tuple[str, str, set[str]]]:
    """Yield every use of a marketplace action below .github: file, action, names of its inputs."""
    for path in sorted((tree / ".github").rglob("*.y*ml")):
        for step in _steps(yaml.safe_load(path.read_text(encoding="utf-8"))):
            if not step["uses"].startswith(("./", "$/")):
                yield path.relative_to(tree).as_posix(), step["uses"], set(step.get("with") or ())


def combinations(matrix: Mapping[str, Any]) -> list[Values]:
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
    """Tell whether GitHub would run the job after these results.

    `results` has the jobs of this file by key, and those of called files as `key/inner`:
    `success()` depends on all jobs before this one, at any distance.
    Raises `UnclearError` for a condition that is more than comparisons of one job's output or
    result with a literal, truth of one input, and the status functions, joined by && and ||.
    """
    wanted = condition(job)
    stopped = before(job, results, jobs)
    status = {
        "always()": True,
        "cancelled()": False,  # a run is never cancelled here
        "!cancelled()": True,
        "success()": not stopped,
        "failure()": FAILURE in stopped.values(),
    }

    def holds(term: str) -> bool:
        if term in status:
            return status[term]
        if named := _INPUT.fullmatch(term):
            # The button sends every input as a text.
            return ((inputs or {}).get(named[2]) in (True, "true")) != bool(named[1])
        return _compare(term, results, outputs, jobs)

    return any(all(holds(term.strip()) for term in side.split("&&")) for side in wanted.split("||"))


def before(job: Job, results: Mapping[str, str], jobs: Mapping[str, Job]) -> dict[str, str]:
    """Return the jobs before this one that did not succeed, each with its result.

    All that it needs count, all that those need, and all jobs of a workflow that one of them
    calls. Rule: GitHub Docs, "Using conditions to control job execution" (a skip applies to all
    jobs in the chain); across `workflow_call` as practitioners report (actions/runner, 2205).
    """
    needed, left = set[str](), list(job.needs)
    while left:
        key = left.pop()
        if key not in needed:
            needed.add(key)
            left += jobs[key].needs if key in jobs else ()
    return {
        path: result
        for path, result in results.items()
        if path.partition("/")[0] in needed and result != SUCCESS
    }


def condition(job: Job) -> str:
    """Return a job's condition, with the `success()` that GitHub adds where no status is asked."""
    said = _EXPRESSION.sub(r"\1", job.condition).strip()
    if _STATUS.search(said):
        return said
    return " && ".join(filter(None, ["success()", said]))


def differences(
    workflow: Workflow,
    ran: Mapping[str, Sequence[str]],
    outputs: Outputs,
    *,
    halted: bool = False,
    inputs: Mapping[str, Any] | None = None,
) -> tuple[dict[str, str], list[str]]:
    """Compare the jobs that ran with those that should have.

    `ran` has, for each path of a job (`plan`, `images/build`), the result of every act job that
    belongs to it; `halted` says that act stopped early. Returns each job's result on GitHub, and a
    sentence for each difference.
    """
    compared = _Compared(ran, outputs, halted)
    compared.all_of(workflow.jobs, inputs)
    return compared.results, compared.sentences()


@dataclass
class _Compared:
    """The jobs that act ran, and those that GitHub would run."""

    ran: Mapping[str, Sequence[str]]
    outputs: Outputs
    halted: bool
    results: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    kept_back: dict[str, list[str]] = field(default_factory=dict)
    """What stopped them -> the jobs that GitHub would skip and act ran all the same."""

    def sentences(self) -> list[str]:
        told = [
            f"GitHub would skip {', '.join(paths)}, because not all jobs before it succeeded "
            f"({why}). act ran it. success() needs every job before it, also those of called "
            f"workflows: make sure that none is skipped"
            for why, paths in self.kept_back.items()
        ]
        return [*self.problems, *told]

    def all_of(
        self,
        jobs: Mapping[str, Job],
        inputs: Mapping[str, Any] | None,
        above: str = "",
        legs: int = 1,
    ) -> None:
        """Compare the jobs of one file; `above` is the path of the job that calls it, with a /."""
        for key in in_order(jobs):
            path, local = f"{above}{key}", _below(self.results, above)
            try:
                count = legs * self._legs(jobs, key, local, _below(self.outputs, above), inputs)
            except UnclearError as unclear:
                self.problems.append(f"{path}: {unclear}")
                self.results[path] = result(self._of(path))
                continue
            called = jobs[key].calls
            if called and count:
                self.all_of(called.jobs, jobs[key].given, f"{path}/", count)
                self.results[path] = result(self._of(path))
            else:
                self._one(path, count, before(jobs[key], local, jobs))

    def _legs(
        self,
        jobs: Mapping[str, Job],
        key: str,
        results: Mapping[str, str],
        outputs: Outputs,
        inputs: Mapping[str, Any] | None,
    ) -> int:
        """Count the legs that GitHub would run of a job."""
        runs = should_run(jobs[key], results, outputs, jobs, inputs)
        return len(jobs[key].legs(outputs, jobs)) if runs else 0

    def _of(self, path: str) -> list[str]:
        """Return the results of act's jobs for a job, or for the file that it calls."""
        return [
            result
            for one, results in self.ran.items()
            if one == path or one.startswith(f"{path}/")
            for result in results
        ]

    def _one(self, path: str, expected: int, stopped: Mapping[str, str]) -> None:
        found = self._of(path)
        self.results[path] = result(found)
        if expected == len(found):
            return
        if not expected and stopped:
            self.results[path] = SKIPPED
            self.kept_back.setdefault(self._why(stopped), []).append(path)
            return
        why = " (act stopped before)" if self.halted and not found else ""
        self.problems.append(f"{path}: {expected} job(s) should have run, {len(found)} did{why}")

    def _why(self, stopped: Mapping[str, str]) -> str:
        """Return the first causes: each inner job, without jobs skipped for the same reason."""
        same = {path for paths in self.kept_back.values() for path in paths}
        inner = {path.rpartition("/")[0] for path in stopped}
        first = {one: why for one, why in stopped.items() if one not in same | inner}
        return "; ".join(
            f"{', '.join(one for one in first if first[one] == result)}: {result}"
            for result in dict.fromkeys(first.values())
        )


def _below(values: Mapping[str, Any], above: str) -> dict[str, Any]:
    """Return the part of a mapping whose keys begin with `above`, without it."""
    return {key.removeprefix(above): one for key, one in values.items() if key.startswith(above)}


def result(found: Sequence[str]) -> str:
    """Return the result of a job from the results of its legs."""
    if not found:
        return SKIPPED
    wrong = [result for result in found if result not in (SUCCESS, SKIPPED)]
    if not wrong:
        return SUCCESS
    return CANCELLED if all(result == CANCELLED for result in wrong) else FAILURE


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
    """Replace each `fromJson(needs…)` of a matrix by the output of the earlier job."""
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


def _job(load: Callable[[str], Mapping[str, Any]], key: str, job: Mapping[str, Any]) -> Job:
    needs, calls, labels = job.get("needs", ()), job.get("uses", ""), job.get("runs-on", ())
    return Job(
        key=key,
        name=str(job.get("name", key)),
        needs=(needs,) if isinstance(needs, str) else tuple(needs),
        condition=str(job.get("if", "")),
        matrix=job.get("strategy", {}).get("matrix"),
        outputs=job.get("outputs", {}),
        labels=(labels,) if isinstance(labels, str) else tuple(labels),
        calls=parsed(load, calls.removeprefix("./").removeprefix("$/")) if calls else None,
        given=job.get("with", {}),
        environment=name_of(job),
        minutes=_minutes(job.get("timeout-minutes")),
    )


def _minutes(said: Any) -> float:
    """Return the minutes that a job may take; an expression counts as the default."""
    return float(said) if isinstance(said, int | float) else LONGEST


def in_order(jobs: Mapping[str, Job]) -> list[str]:
    """Return the keys so that every job comes after those it needs."""
    try:
        found = list(TopologicalSorter({key: jobs[key].needs for key in jobs}).static_order())
    except CycleError as error:
        raise UnclearError("the jobs need each other in a cycle") from error
    if absent := set(found) - set(jobs):
        raise UnclearError(f"a job needs {', '.join(sorted(absent))}, which does not exist")
    return found


def _within(some: Values, whole: Values) -> bool:
    return all(whole.get(key) == value for key, value in some.items())


def _steps(node: Any) -> Iterator[Mapping[str, Any]]:
    """Yield everything that has a `uses`, however deep."""
    if isinstance(node, dict):
        if isinstance(node.get("uses"), str):
            yield node
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            yield from _steps(child)
