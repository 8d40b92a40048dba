"""Print the notes of any release, as they are rendered from changelog and lock."""

from functools import partial

from scripts import attempt
from scripts.context import Context
from scripts.core import version
from scripts.core.converge import patiently
from scripts.core.errors import UsageError
from scripts.core.results import Done
from scripts.stages.rollback import stable
from scripts.stages.stage import release_notes


def run(context: Context) -> Done:
    """Render them from the release's own lock."""
    asked = context.runner.trigger().version
    releases = patiently(context.forge.releases, context.runner.patience())
    wanted = version.parse(asked) if asked else max(stable(releases), default=None)
    read = partial(attempt.read_lock, context, version.tag(wanted)) if wanted else None
    lock = patiently(read, context.runner.patience()) if read else None
    if lock is None:
        raise UsageError(
            f"{wanted or 'the last release'} has no lock to render notes from",
            "name a version that was released with this system, or begun by a draft",
        )
    context.git.fetch(lock.commit)
    context.plan = lock.plan
    print(release_notes(context, lock))
    return Done()
