"""Move the pointers. From now on people get the new version by default."""

from scripts.core.converge import converge
from scripts.core.results import Done
from scripts.release.context import Context
from scripts.release.release_surfaces import pointers


def run(context: Context) -> Done:
    """Publish the draft, move the floating tags, merge the release commit into its branch."""
    wanted = pointers(context, context.lock, context.config.kept_changelog)
    return Done(tuple(converge(wanted, context.environment.patience)))
