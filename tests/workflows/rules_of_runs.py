"""Rules about whole runs, worked out as GitHub would: which jobs run, and after what.

They know nothing of how the file says it. Each yields a sentence for a breach.
"""

from collections.abc import Mapping, Set

from rehearsal.runs.workflow import (
    FAILURE,
    SKIPPED,
    SUCCESS,
    UnclearError,
    Workflow,
    in_order,
    parsed,
    should_run,
)
from scripts.core.jobs import JOBS, PROVING, RELEASING, REPORT
from tests.workflows.tree import RELEASE, ROLLBACK, Problems, Tree, at

OUTPUTS = {
    RELEASE: {"plan": {"mode": "release", "images": "[{}]", "platforms": "[{}]"}},
    ROLLBACK: {"rollback": {"mode": "rolled-back"}},
}
PUBLIC = {job.name for job in JOBS if job.phase == RELEASING}
ORDER = [job.name for job in JOBS]
# A job -> who works beside it, and does not wait for it. What cannot be undone waits for both.
BESIDE = {"attest": {"publish-tags"}}


def ends(
    workflow: Workflow,
    outputs: Mapping[str, Mapping[str, str]],
    inputs: Mapping[str, str],
    failing: Set[str] = frozenset(),
) -> dict[str, str]:
    """Work out how every job of a run ends, if those of `failing` fail. Raises UnclearError."""
    results: dict[str, str] = {}
    for key in in_order(workflow.jobs):
        runs = should_run(workflow.jobs[key], results, outputs, workflow.jobs, inputs)
        results[key] = SKIPPED if not runs else FAILURE if key in failing else SUCCESS
    return results


def a_release_runs_every_job_and_a_dry_run_only_proves(tree: Tree) -> Problems:
    proving = {job.name for job in JOBS if job.phase == PROVING} | {REPORT}
    for mode, expected in (("release", set(ORDER)), ("dry-run", proving)):
        plan = {**OUTPUTS[RELEASE]["plan"], "mode": mode}
        ran = _ran(tree, RELEASE, {"plan": plan}, {})
        if isinstance(ran, str):
            yield ran
            continue
        for name in sorted(ran ^ expected):
            job = tree.workflow(RELEASE).jobs[name]
            does = "runs" if name in ran else "does not run"
            yield f"{at(job, 'if')}: in a {mode} {name} {does}"


def nothing_is_made_public_after_a_failure(tree: Tree) -> Problems:
    """Whatever fails before the pointers move, nothing that comes after it becomes public."""
    for failed in ORDER[: ORDER.index("promote")]:
        ran = _ran(tree, RELEASE, OUTPUTS[RELEASE], {}, {failed})
        later = set(ORDER[ORDER.index(failed) + 1 :]) & PUBLIC - BESIDE.get(failed, set())
        for name in sorted(later & ran) if isinstance(ran, set) else [ran]:
            job = tree.workflow(RELEASE).jobs.get(name, tree.workflow(RELEASE).data)
            for key in ("needs", "if"):
                yield f"{at(job, key)}: {name} runs although {failed} failed"
        if isinstance(ran, set) and REPORT not in ran:
            report = tree.workflow(RELEASE).jobs[REPORT]
            yield f"{at(report, 'if')}: nothing reports that {failed} failed"


def a_dry_rollback_moves_nothing(tree: Tree) -> Problems:
    """And what went back is tested; what did not is not."""
    for inputs, mode, expected in (
        ({"dry-run": "true"}, "", {"plan"}),
        ({"dry-run": "false"}, "rolled-back", {"plan", "rollback", "verify"}),
        ({"dry-run": "false"}, "nothing", {"plan", "rollback"}),
    ):
        ran = _ran(tree, ROLLBACK, {"rollback": {"mode": mode}}, inputs)
        for name in sorted(ran ^ expected) if isinstance(ran, set) else ():
            job = tree.workflow(ROLLBACK).jobs[name]
            does = "runs" if name in ran else "does not run"
            yield f"{at(job, 'if')}: with {inputs} and {mode or 'no mode'} {name} {does}"
        if isinstance(ran, str):
            yield ran


def _ran(
    tree: Tree,
    file: str,
    outputs: Mapping[str, Mapping[str, str]],
    inputs: Mapping[str, str],
    failing: Set[str] = frozenset(),
) -> set[str] | str:
    """Return the jobs that run; a problem where that cannot be told."""
    folder = ".github/workflows"
    try:
        workflow = parsed(lambda path: _data(tree, path), f"{folder}/{file}")
        found = ends(workflow, outputs, inputs, failing)
    except UnclearError as unclear:
        return f"{at(tree.workflow(file).data, 'jobs')}: {unclear}"
    return {name for name, end in found.items() if end != SKIPPED}


def _data(tree: Tree, path: str) -> Mapping[str, object]:
    return tree.workflow(path.rpartition("/")[2]).data


RULES = (
    a_release_runs_every_job_and_a_dry_run_only_proves,
    nothing_is_made_public_after_a_failure,
    a_dry_rollback_moves_nothing,
)
