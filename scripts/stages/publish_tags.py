"""Give the other names: the image version tags, then the git tag."""

from scripts.context import Context
from scripts.core.converge import Surface, converge
from scripts.core.results import Done
from scripts.surfaces.git_remote import GitTag
from scripts.surfaces.image_registry import VersionTag


def run(context: Context) -> Done:
    """Tag what is proven."""
    context.git.fetch(context.lock.commit)
    return Done(tuple(converge(names(context), context.runner.patience)))


def names(context: Context) -> list[Surface]:
    """List the names but the package's, in the order they are given."""
    plan, locked = context.plan, context.lock
    tags = [
        VersionTag(context.registry, i.repository, i.tag, locked.image(i.name).digest)
        for i in plan.images
    ]
    return [*tags, GitTag(context.git, plan, locked.commit)]
