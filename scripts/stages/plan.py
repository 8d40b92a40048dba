"""Decide everything, by reading only, and print it for a person to read."""

import json
from functools import partial

from scripts import attempt, start
from scripts.context import Context
from scripts.core import codec, lock, report
from scripts.core import plan as planning
from scripts.core.converge import patiently
from scripts.core.errors import ServiceError
from scripts.core.lock import Lock
from scripts.core.plan import Plan
from scripts.core.results import Done
from scripts.surfaces.registry_access import may_push

RUNNERS = {"linux/amd64": "ubuntu-24.04", "linux/arm64": "ubuntu-24.04-arm"}


def run(context: Context) -> Done:
    """Make the plan, or take up the one that binds, and hand it to the jobs."""
    began = start.find(context)
    wanted = start.wanted(context, began)
    found = attempt.look(context, began, wanted)
    plan, commit = attempt.choose(context, began, wanted, found)
    if context.runner.trigger().dry_run:
        plan = plan.for_mode(planning.DRY_RUN)
    else:
        preflight(context, plan)
    earlier = found.lock if found.lock and found.lock.plan.id == plan.id else None
    hand_over(context, plan, earlier)
    text = report.plan(plan, found.names)
    print(text)
    context.runner.summary(text)
    return Done(facts=(("commit", commit),))


def preflight(context: Context, plan: Plan) -> None:
    """Make sure that the credentials can do what is planned, before anything is built."""
    patience, secrets = context.runner.patience, context.secrets
    if not patiently(context.forge.may_push, patience()):
        raise ServiceError(
            f"the token may not write to {context.endpoints.repository}",
            "give the job `contents: write`, or use a token that has it",
        )
    if not (secrets.registry_username and secrets.registry_token):
        return
    user, token = secrets.registry_username, secrets.registry_token
    for image in plan.images:
        granted = partial(may_push, image.repository, user, token)
        if not patiently(granted, patience()):
            raise ServiceError(
                f"the registry does not let {user} push to {image.repository}",
                "check REGISTRY_USERNAME and REGISTRY_TOKEN, and the token's scope",
            )


def hand_over(context: Context, plan: Plan, earlier: Lock | None) -> None:
    """Write the plan, the bytes of an earlier try, and what the workflow's matrices need."""
    context.write("plan.json", codec.encode(plan))
    if earlier:
        context.write(f"earlier/{lock.NAME}", lock.write(earlier))
        attempt.fetch_dists(context, earlier)
    legs = [(image.name, p) for image in plan.images for p in image.platforms]
    platforms = sorted({platform for _, platform in legs} | {"linux/amd64"})
    context.runner.output(
        mode=plan.mode,
        tag=plan.tag,
        images=json.dumps(
            [{"image": name, "platform": p, "runner": RUNNERS[p]} for name, p in legs]
        ),
        platforms=json.dumps([{"platform": p, "runner": RUNNERS[p]} for p in platforms]),
    )
