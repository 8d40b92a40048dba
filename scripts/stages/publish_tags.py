"""Give the names that can still be taken away: the git tag, then the image version tags."""

from scripts.core.converge import converge
from scripts.core.results import Done
from scripts.release.context import Context
from scripts.release.release_surfaces import tags


def run(context: Context) -> Done:
    """Tag what is proven."""
    context.git.fetch(context.lock.commit)
    return Done(tuple(converge(tags(context, context.lock), context.runner.patience)))
