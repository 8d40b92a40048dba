"""Give the other names: the image version tags, then the git tag."""

from scripts.context import Context
from scripts.core.converge import converge
from scripts.core.results import Done
from scripts.names import tags


def run(context: Context) -> Done:
    """Tag what is proven."""
    context.git.fetch(context.lock.commit)
    return Done(tuple(converge(tags(context, context.lock), context.runner.patience)))
