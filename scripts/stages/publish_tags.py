"""Publish the names that can still be deleted: the git tag, then the image version tags."""

from functools import partial

from scripts.core.converge import converge
from scripts.core.errors import ConflictError
from scripts.core.results import Done
from scripts.release.context import Context
from scripts.release.release_surfaces import tags


def run(context: Context) -> Done:
    """Push the tags, unless somebody withdrew the release during the wait for approval."""
    tag = context.plan.tag
    if context.ask(partial(context.forge.release, tag)) is None:
        raise ConflictError(
            f"the draft of {tag} is gone: it was withdrawn or deleted after it was verified",
            "to release it after all, run the release again with the same version",
        )
    context.git.fetch(context.lock.commit)
    return Done(tuple(converge(tags(context, context.lock), context.environment.patience)))
