"""Every name of a release, as surfaces: the git tag, the image version tags, the package."""

from scripts.core.converge import Surface
from scripts.core.lock import Lock
from scripts.release.context import Context
from scripts.surfaces.git_remote import GitTag
from scripts.surfaces.image_registry import VersionTag


def names(context: Context, locked: Lock) -> list[Surface]:
    """List the names in the order they are given; only to look at, for want of credentials."""
    from scripts.surfaces.package_index import Dists  # noqa: PLC0415 - start-up counts

    plan = locked.plan
    package = [Dists(context.index, locked, context.inputs / "dist", {})] if plan.dists else []
    return [*tags(context, locked), *package]


def tags(context: Context, locked: Lock) -> list[Surface]:
    """List the names but the package's."""
    images = [
        VersionTag(context.registry, i.repository, i.tag, locked.image(i.name).digest)
        for i in locked.plan.images
    ]
    return [GitTag(context.git, locked), *images]
