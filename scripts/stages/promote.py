"""Move the pointers, which people follow: only now does anyone get the new version unasked."""

from scripts.core.converge import Surface, converge
from scripts.core.results import Done
from scripts.release.context import Context
from scripts.surfaces.git_remote import Branch, ReleaseBranchGone
from scripts.surfaces.github_release import Published
from scripts.surfaces.image_registry import FloatingTag


def run(context: Context) -> Done:
    """Publish the draft, move the floating tags, bring the release commit to its branch."""
    return Done(tuple(converge(pointers(context), context.runner.patience)))


def pointers(context: Context) -> list[Surface]:
    """List the pointers, in the order they move."""
    plan, locked, forge = context.plan, context.lock, context.forge
    floating = [
        FloatingTag(context.registry, i.repository, tag, locked.image(i.name).digest, plan.version)
        for i in plan.images
        for tag in i.floating
    ]
    if plan.branch is None:
        return [Published(forge, plan), *floating]
    branch = Branch(
        context.git,
        plan,
        locked.commit,
        forge.find_pull_request,
        forge.open_pull_request,
        context.config.changelog,
    )
    gone = ReleaseBranchGone(context.git, plan, locked.commit)
    return [Published(forge, plan), *floating, branch, gone]
