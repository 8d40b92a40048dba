"""Every surface of a release: its names in the order they become public, then its pointers."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path

from scripts.core.converge import Conflict, Surface
from scripts.core.errors import ConflictError
from scripts.core.lockfile import NAME, Lock
from scripts.release.context import Context
from scripts.surfaces.git_remote import Branch, GitTag, ReleaseBranchGone
from scripts.surfaces.image_registry import FloatingTag, VersionTag

Login = Callable[[], Mapping[str, str]]
"""Gives the environment to upload with, at the moment of the upload."""
NOBODY: Login = dict
"""No credentials: whoever has none can only observe."""


def surfaces(context: Context, locked: Lock) -> list[Surface]:
    """List all surfaces of a release, only to observe: they have no credentials to write."""
    return [*names(context, locked), *pointers(context, locked)]


def names(context: Context, locked: Lock) -> list[Surface]:
    """List the names, in the order they become public; to observe only."""
    return [*tags(context, locked), *package(context, locked)]


def refuse_disputed(context: Context, locked: Lock, there: Sequence[Surface]) -> None:
    """Reject a lock that disagrees with a public name."""
    for surface in there:
        state = context.ask(surface.observe)
        if isinstance(state, Conflict):
            raise ConflictError(
                f"{NAME} of {locked.plan.version} disagrees with {surface.title}: {state.cause}",
                "one of the two was changed by hand: find out which, or choose another version",
            )


def tags(context: Context, locked: Lock) -> list[Surface]:
    """List the names but the package's."""
    images = [
        VersionTag(context.registry, i.repository, i.tag, locked.image(i.name).digest)
        for i in locked.plan.images
    ]
    return [GitTag(context.git, locked), *images]


def package(
    context: Context, locked: Lock, login: Login = NOBODY, attested: Path | None = None
) -> list[Surface]:
    """Return the package's name on the index, if the release has a package.

    `attested` is the folder of the attestations to upload with it.
    """
    from scripts.surfaces.package_index import Dists  # noqa: PLC0415 - start-up counts

    if not locked.plan.dists:
        return []
    return [Dists(context.index, locked, context.inputs / "dist", login, attested)]


def pointers(context: Context, locked: Lock, changelog: str = "CHANGELOG.md") -> list[Surface]:
    """List the pointers, in the order they move; `changelog` is needed to merge, not to observe."""
    from scripts.surfaces.github_release import Published  # noqa: PLC0415 - start-up counts

    plan, forge = locked.plan, context.forge
    published = Published(forge, plan, context.endpoints.page_url)
    floating = [
        FloatingTag(context.registry, i.repository, tag, locked.image(i.name).digest, plan.version)
        for i in plan.images
        for tag in i.floating
    ]
    if plan.branch is None:
        return [published, *floating]
    asking = (forge.find_pull_request, forge.open_pull_request)
    then = cache(partial(_development, context, locked)) if plan.next_version else None
    branch = Branch(context.git, plan, locked.commit, *asking, changelog, then)
    gone = ReleaseBranchGone(context.git, plan, locked.commit, then)
    return [published, *floating, branch, gone]


def _development(context: Context, locked: Lock) -> str:
    """Make the commit of the next development version, which the branch gets."""
    from scripts.release import release_commit  # noqa: PLC0415 - start-up counts

    return release_commit.development(context, locked.plan, locked.commit)
