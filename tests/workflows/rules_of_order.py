"""Rules about which job runs when. Each yields a sentence for a breach."""

import re
from collections.abc import Mapping
from pathlib import Path

from scripts.core import ci_plan
from scripts.core.jobs import JOBS, PROVING, REPORT, before_report
from tests.workflows.tree import (
    AUDIT,
    CHANGELOG,
    CI,
    EXPRESSION,
    RELEASE,
    ROLLBACK,
    WATCH,
    Job,
    Problems,
    Tree,
    as_map,
    at,
    named,
    needs,
)

RELEASING = "needs.plan.outputs.mode == 'release'"
# Conditions that decide by something else than the plan, each with what it decides.
KNOWN = {
    ("action.yml", "inputs.checkout != ''"),  # what an action does for another repository
    (ROLLBACK, "!inputs.dry-run"),  # what moves something: a dry run ends before anybody is asked
}
HAS_USER = "vars.REGISTRY_USERNAME != ''"
STATUS = re.compile(r"\b(?:always|success|failure|cancelled)\(\)")
TRIGGERS = {
    "changelog.yml": {"workflow_dispatch"},
    "ci.yml": {"pull_request", "push", "merge_group"},
    "entry.yml": {"pull_request", "push", "merge_group"},
    "image.yml": {"workflow_call"},
    "release.yml": {"workflow_dispatch", "push"},
    "rollback.yml": {"workflow_dispatch"},
    "audit.yml": {"schedule", "workflow_dispatch"},
    "watch.yml": {"schedule", "workflow_dispatch"},
}
LONGEST = 60  # minutes
# What a workflow may say. `services` and `container` make act skip a job in silence, it ignores
# `continue-on-error` of a job, and the same of a step would hide a failure anywhere.
TOP = {"name", "run-name", "on", "permissions", "concurrency", "env", "jobs"}
JOB = {
    *("name", "needs", "if", "runs-on", "timeout-minutes", "permissions", "environment"),
    *("outputs", "env", "strategy", "steps", "uses", "with", "secrets", "concurrency"),
}
STRATEGY = {"fail-fast", "matrix"}
STEP = {"id", "name", "if", "uses", "with", "run", "shell", "env"}
# What act does otherwise than GitHub, or not at all -> the rule that reads it from the files.
IGNORED_BY_ACT = {
    "environments and their reviewers": "only_the_gate_waits_for_people",
    "permissions": "every_job_states_its_grants",
    "concurrency": "a_release_is_never_cancelled",
    "timeouts of jobs": "jobs_end_in_time",
    "fail-fast": "one_leg_does_not_end_the_others",
    "outputs of a matrix: its first leg wins": "one_leg_does_not_end_the_others",
    "outputs of a skipped job: they are their own expression": "conditions_are_plain",
    "continue-on-error, services, container": "what_a_rehearsal_leaves_out_is_not_used",
    "a label that no runner has: the job is skipped": "runners_are_known",
    "inputs: their names": "inputs_are_declared",
    "inputs: their types and choices": "inputs_need_no_check",
    "inputs and secrets of a called workflow": "callers_give_what_is_asked",
    "which secrets a job is given": "secrets_go_where_they_are_needed",
    "an artifact's name that is taken": "artifacts_have_names_of_their_own",
    "identity tokens": "only_the_upload_is_trusted",
}
UNCANCELLED = (RELEASE, ROLLBACK, AUDIT, WATCH, CHANGELOG)
# The jobs that move pointers, of whichever branch and workflow: one at a time.
POINTING = {(RELEASE, "promote"), (ROLLBACK, "rollback")}
POINTERS = "pointers-${{ github.repository }}"


def jobs_run_in_the_designed_order(tree: Tree) -> Problems:
    jobs = tree.workflow(RELEASE).jobs
    expected = {job.name: list(job.needs) for job in before_report()}
    expected[REPORT] = list(expected)
    if list(jobs) != list(expected):
        strange = [name for name in jobs if name not in expected]
        place = at(tree.workflow(RELEASE).data, "jobs", *strange[:1])
        yield f"{place}: the jobs are {', '.join(jobs)}, expected {', '.join(expected)}"
    for name in jobs.keys() & expected.keys():
        if needs(jobs[name]) != expected[name]:
            place = at(jobs[name], "needs")
            yield f"{place}: {name} needs {needs(jobs[name])}, not {expected[name]}"
    for job in JOBS:
        if job.name in jobs and jobs[job.name].get("name") != job.title:
            place, said = at(jobs[job.name], "name"), jobs[job.name].get("name")
            yield f"{place}: {job.name} is called {said}, not {job.title}"


def what_is_public_waits_for_the_mode(tree: Tree) -> Problems:
    """A dry run ends before the gate; nothing else depends on how a run goes."""
    public = (job.name for job in JOBS if job.phase != PROVING)
    conditions = {**dict.fromkeys(public, RELEASING), REPORT: "always()"}
    for name, job in tree.workflow(RELEASE).jobs.items():
        expected = conditions.get(name)
        if job.get("if") != expected:
            yield f"{at(job, 'if')}: {name} runs if {job.get('if')}, not if {expected}"


def conditions_are_plain(tree: Tree) -> Problems:
    """`always()`, or one job's output against a literal: true is never equal to 'true'."""
    for file in tree.files:
        for number, node in file.values("if"):
            said = (EXPRESSION.sub(r"\1", node.value)).strip()
            plain = re.fullmatch(
                r"always\(\)|needs\.(plan|rollback)\.outputs\.\w+ == '[\w-]+'", said
            )
            if not plain and said != HAS_USER and (file.name, said) not in KNOWN:
                yield f"{file.path}:{number}: if {said}"


def called_workflows_skip_nothing(tree: Tree) -> Problems:
    """A job that is skipped inside a called workflow skips all that follows in its caller.

    The implicit `success()` looks at the jobs inside, too (GitHub community discussion 189172).
    """
    for file in tree.workflows:
        if "workflow_call" in file.data["on"]:
            for name, job in file.jobs.items():
                if "if" in job:
                    yield f"{at(job, 'if')}: {name} is called, and runs only if {job['if']}"


def nothing_is_skipped_upstream(tree: Tree) -> Problems:
    """In a real release each job runs: `success()` is false after any skipped job upstream."""
    jobs = tree.workflow(RELEASE).jobs
    skipped = {name for name, job in jobs.items() if _may_be_skipped(tree, job)}
    for name, job in jobs.items():
        if STATUS.search(str(job.get("if", ""))):
            continue
        if cause := sorted(_upstream(jobs, name) & skipped):
            place = at(jobs[cause[0]], "if")
            yield f"{place}: {name} is skipped, because {', '.join(cause)} can be"


def _upstream(jobs: Mapping[str, Job], name: str) -> set[str]:
    """Give all jobs that a job waits for, those of which these wait included."""
    direct = set(needs(jobs[name]))
    return direct.union(*(_upstream(jobs, one) for one in direct))


def _may_be_skipped(tree: Tree, job: Job) -> bool:
    """Say whether a job, or one inside of what it calls, is skipped in a real release."""
    if job.get("if") not in (None, RELEASING, "always()"):
        return True
    called = tree.workflow(Path(job["uses"]).name).jobs if "uses" in job else {}
    return any("if" in inner for inner in called.values())


def logins_have_a_user_name(tree: Tree) -> Problems:
    """The login action refuses an empty user name: a project without images has none."""
    for file in tree.files:
        for job, step in file.steps():
            if "login-action" in step.get("uses", "") and step.get("if") != HAS_USER:
                yield f"{at(step, 'if')}: {job} logs in without a user name"


def groups_are_never_empty_nor_shared(tree: Tree) -> Problems:
    """An empty group holds everything back; a run that shares another's waits for its approval."""
    owners: dict[str, dict[str, str]] = {}
    for file in tree.workflows:
        if "concurrency" not in file.data:
            if set(file.data["on"]) - {"workflow_call"}:
                yield f"{at(file.data)}: has no group"
            continue
        group = str(file.data["concurrency"].get("group"))
        fixed = EXPRESSION.split(group)[0]
        if not fixed or not EXPRESSION.search(group):
            yield f"{at(file.data, 'concurrency', 'group')}: the group is {group!r}"
        owners.setdefault(fixed, {})[file.name] = at(file.data, "concurrency", "group")
    for fixed, places in owners.items():
        if len(places) > 1:
            for place in places.values():
                yield f"{place}: {sorted(places)} share the group {fixed}…"


def a_rollback_waits_for_no_gate(tree: Tree) -> Problems:
    """Its run's group is its own: one that a release holds is held for the 30 days of its gate."""
    group = tree.workflow(ROLLBACK).data.get("concurrency", {}).get("group")
    if group != "rollback-${{ github.run_id }}":
        place = at(tree.workflow(ROLLBACK).data, "concurrency", "group")
        yield f"{place}: its run has the group {group}, and can wait for an approval"
    for file, name, job in tree.jobs():
        group = job.get("concurrency")
        expected = {"group": POINTERS, "cancel-in-progress": False}
        if group != (expected if (file, name) in POINTING else None):
            wrong = next((key for key in expected if as_map(group).get(key) != expected[key]), "")
            yield f"{at(job, 'concurrency', wrong)}: {name} has the group {group}"
    promote = tree.workflow(RELEASE).jobs["promote"]
    if "environment" in promote:
        place = at(promote, "environment")
        yield f"{place}: promote waits for an approval, and holds the pointers meanwhile"


def a_release_is_never_cancelled(tree: Tree) -> Problems:
    ci = tree.workflow(CI).data
    for name in UNCANCELLED:
        group = tree.workflow(name).data.get("concurrency")
        if group and group.get("cancel-in-progress") is not False:
            place = at(tree.workflow(name).data, "concurrency", "cancel-in-progress")
            yield f"{place}: cancel-in-progress: {group.get('cancel-in-progress')}"
    said = ci["concurrency"]
    if said.get("cancel-in-progress") != "${{ github.event_name == 'pull_request' }}":
        place = at(ci, "concurrency", "cancel-in-progress")
        yield f"{place}: cancel-in-progress: {said.get('cancel-in-progress')}"
    own = r"github\.event_name == 'pull_request' && github\.ref \|\| github\.run_id\b"
    if not re.search(own, str(said.get("group"))):
        place = at(ci, "concurrency", "group")
        yield f"{place}: outside of pull requests the group is not the run's own"


def the_verdict_knows_every_check(tree: Tree) -> Problems:
    """Each check runs if the plan says so, by its make target, and is summed up."""
    jobs = dict(tree.workflow(CI).jobs)
    plan, verdict = (jobs.pop(name) for name in ("plan", "ci"))
    if needs(verdict) != ["plan", *jobs]:
        yield f"{at(verdict, 'needs')}: ci needs {needs(verdict)}, expected plan, {list(jobs)}"
    if verdict.get("if") != "always()" or "if" in plan:
        place = at(plan, "if") if "if" in plan else at(verdict, "if")
        yield f"{place}: the plan or the sum of the checks can be skipped"
    for name, job in jobs.items():
        if job.get("if") != f"needs.plan.outputs.{name} == 'yes'":
            yield f"{at(job, 'if')}: {name} runs if {job.get('if')}"
        if needs(job) != ["plan"]:
            yield f"{at(job, 'needs')}: {name} needs {needs(job)}, not the plan alone"
        last = job["steps"][-1]
        if last.get("run") != f"make {ci_plan.TARGETS.get(name)}":
            yield f"{at(last, 'run')}: {name} runs {last.get('run')}"


def the_checks_follow_the_plan(tree: Tree) -> Problems:
    """Its legs and its outputs: all that it decides is read, and nothing else."""
    jobs = tree.workflow(CI).jobs
    plan = jobs["plan"]
    matrix = (jobs["check"].get("strategy") or {}).get("matrix")
    if matrix != "${{ fromJson(needs.plan.outputs.pythons) }}":
        place = at(jobs["check"], "strategy", "matrix")
        yield f"{place}: the legs are {matrix}, expected the plan's Pythons"
    for one in sorted(named("matrix", jobs["check"]) - {"python"}):
        yield f"{at(jobs['check'], 'name')}: {one} is not one of the matrix"
    read = set(re.findall(r"needs\.plan\.outputs\.(\w+)", str(jobs)))
    written = set(plan.get("outputs", {}))
    for one in sorted(written - read):
        yield f"{at(plan, 'outputs', one)}: nothing reads the output {one}"
    for one in sorted(read - written):
        yield f"{at(plan, 'outputs')}: the plan has no output {one}, which is read"


def triggers_are_the_known_ones(tree: Tree) -> Problems:
    """None that gives a stranger's code the repository's rights."""
    for file in tree.workflows:
        if set(file.data["on"]) != TRIGGERS.get(file.name):
            strange = sorted(set(file.data["on"]) - TRIGGERS.get(file.name, set()))
            place = at(file.data, "on", *strange[:1])
            yield f"{place}: runs on {sorted(file.data['on'])}"
    on = tree.workflow(RELEASE).data["on"]
    if on.get("push") != {"tags": ["v*"]}:
        yield f"{at(on, 'push', 'tags')}: runs on other pushes than those of tags v*"
    for file in (tree.workflow(CI), tree.workflow("entry.yml")):
        if file.data["on"].get("push") != {"branches": ["main"]}:
            place = at(file.data, "on", "push", "branches")
            yield f"{place}: runs on other pushes than those to the main branch"
    # A label changes what the entry's check says, and nothing else: `ci` must not run again and
    # forget what failed.
    kinds = (tree.workflow("entry.yml").data["on"].get("pull_request") or {}).get("types", ())
    if not {"opened", "synchronize", "reopened", "labeled", "unlabeled"} <= set(kinds):
        place = at(tree.workflow("entry.yml").data, "on", "pull_request", "types")
        yield f"{place}: runs on {kinds}"
    ci = tree.workflow(CI).data
    if ci["on"].get("pull_request") is not None:
        place = at(ci, "on", "pull_request")
        yield f"{place}: runs on other events of a pull request than new commits"


def jobs_end_in_time(tree: Tree) -> Problems:
    for _, name, job in tree.jobs():
        minutes = job.get("timeout-minutes")
        if "steps" in job and not (isinstance(minutes, int) and 0 < minutes <= LONGEST):
            yield f"{at(job, 'timeout-minutes')}: {name}: timeout-minutes: {minutes}"


def one_leg_does_not_end_the_others(tree: Tree) -> Problems:
    """A leg that was ended leaves no result, and a matrix's outputs are whose leg came last."""
    for _, name, job in tree.jobs():
        if "matrix" not in job.get("strategy", {}):
            continue
        if job["strategy"].get("fail-fast") is not False:
            place = at(job, "strategy", "fail-fast")
            yield f"{place}: {name}: one leg's failure ends the others"
        if "outputs" in job:
            yield f"{at(job, 'outputs')}: {name}: outputs of a matrix"


def what_a_rehearsal_leaves_out_is_not_used(tree: Tree) -> Problems:
    """Keys that act ignores, or for which it skips the job and says nothing.

    What else it ignores is held by the rules that IGNORED_BY_ACT names.
    """
    for file in tree.workflows:
        for key in sorted(set(file.data) - TOP):
            yield f"{at(file.data, key)}: {key} at the top"
    for _, name, job in tree.jobs():
        yield from (f"{at(job, key)}: {name} says {key}" for key in sorted(set(job) - JOB))
        for key in sorted(set(job.get("strategy", {})) - STRATEGY):
            yield f"{at(job, 'strategy', key)}: {name} says {key}"
    for each in tree.files:
        for job, step in each.steps():
            for key in sorted(set(step) - STEP):
                yield f"{at(step, key)}: a step of {job} says {key}"


def inputs_need_no_check(tree: Tree) -> Problems:
    """A text or a switch: act checks no type and no choice, so the scripts do."""
    for file in tree.workflows:
        for on in (file.data["on"].get(key) for key in ("workflow_dispatch", "workflow_call")):
            for name, said in ((on or {}).get("inputs") or {}).items():
                if said.get("type") not in ("string", "boolean"):
                    yield f"{at(said, 'type')}: the input {name} is a {said.get('type')}"


RULES = (
    what_a_rehearsal_leaves_out_is_not_used,
    inputs_need_no_check,
    jobs_run_in_the_designed_order,
    what_is_public_waits_for_the_mode,
    conditions_are_plain,
    groups_are_never_empty_nor_shared,
    a_release_is_never_cancelled,
    the_verdict_knows_every_check,
    the_checks_follow_the_plan,
    triggers_are_the_known_ones,
    jobs_end_in_time,
    called_workflows_skip_nothing,
    nothing_is_skipped_upstream,
    logins_have_a_user_name,
    a_rollback_waits_for_no_gate,
    one_leg_does_not_end_the_others,
)
