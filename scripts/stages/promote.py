"""Move the pointers, which people follow: only now does anyone get the new version unasked."""

from scripts.core.converge import converge
from scripts.core.results import Done
from scripts.release.context import Context
from scripts.release.release_surfaces import pointers


def run(context: Context) -> Done:
    """Publish the draft, move the floating tags, bring the release commit to its branch."""
    wanted = pointers(context, context.lock, context.config.changelog)
    return Done(tuple(converge(wanted, context.runner.patience)))
