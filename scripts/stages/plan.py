"""Decide everything, by reading only, and print it for a person to read."""

import json

from scripts.core import codec, lockfile, planning, report
from scripts.core.errors import ProblemsError, ServiceError
from scripts.core.findings import PROBLEM, Finding
from scripts.core.lockfile import Lock
from scripts.core.planning import Plan
from scripts.core.results import Done
from scripts.release import attempt, previous, starting_point
from scripts.release.context import Context
from scripts.release.runners import DEFAULT, NO_IMAGE, RUNNERS
from scripts.release.starting_point import Start
from scripts.stages import doctor


def run(context: Context) -> Done:
    """Make the plan, or reuse the binding one, and pass it to the jobs."""
    start = starting_point.find(context)
    wanted = starting_point.wanted(context, start)
    context.console.step(f"find what is public of {wanted}")
    found = attempt.look(context, start, wanted)
    plan, commit = attempt.choose(context, start, wanted, found)
    if context.environment.trigger().dry_run:
        plan = plan.for_mode(planning.DRY_RUN)
    findings = preflight(context, start)
    earlier = found.lock if found.lock and found.lock.plan.id == plan.id else None
    hand_over(context, plan, earlier)
    previous.hand_over(context, plan, found.releases)
    text = report.plan(plan, found.names) + "\n" + report.findings("Preflight", findings)
    context.report(text, plan=plan, public=found.names, findings=findings)
    return Done(facts=(("commit", commit),))


def preflight(context: Context, start: Start) -> list[Finding]:
    """Run the doctor before anything is built. A dry run does not need write access."""
    found = doctor.examine(context, start)
    problems = [one for one in found if one.status == PROBLEM]
    if problems and not context.environment.trigger().dry_run:
        raise ProblemsError(ServiceError(f"{p.what}: {p.found}", p.remedy) for p in problems)
    return found


def hand_over(context: Context, plan: Plan, earlier: Lock | None) -> None:
    """Write the plan, the files of an earlier attempt, and the workflow's matrices."""
    context.write("plan.json", codec.encode(plan))
    if earlier:
        context.write(f"earlier/{lockfile.NAME}", lockfile.write(earlier))
        attempt.fetch_dists(context, earlier)
        attempt.fetch_sboms(context, earlier)
    legs = [(one.name, p) for one in plan.images for p in one.platforms]
    platforms = sorted({platform for _, platform in legs} | {DEFAULT})
    context.workflow.output(
        mode=plan.mode,
        tag=plan.tag,
        # GitHub rejects an empty matrix, and would skip all jobs after a skipped job.
        images=json.dumps(
            [
                {"image": name, "platform": p, "runner": RUNNERS[p]}
                for name, p in legs or [(NO_IMAGE, DEFAULT)]
            ]
        ),
        platforms=json.dumps([{"platform": p, "runner": RUNNERS[p]} for p in platforms]),
    )
