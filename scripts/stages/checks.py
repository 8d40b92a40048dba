"""Run the project's own checks, those of every pull request, on the release commit."""

from scripts.core.converge import CHECK, Outcome
from scripts.core.errors import CheckError, ServiceError
from scripts.core.results import Done
from scripts.release import checkout
from scripts.release.context import Context
from scripts.tools import processes

LONGEST = 1500  # seconds
SILENT = "passed, and printed nothing"


def run(context: Context) -> Done:
    """Run the configured command in the release commit, unless an earlier attempt passed it."""
    if context.earlier_lock:
        return Done(
            (Outcome("checks", "passed in the earlier attempt", written=False, kind=CHECK),)
        )
    tree = checkout.checkout(context)
    environment = context.environment.inherited(CI="true")
    command = list(context.config.checks)
    try:
        said = processes.run(command, cwd=tree, environment=environment, timeout=LONGEST, echo=True)
    except ServiceError as error:
        raise CheckError(
            f"the checks fail on the release commit: {error.cause}",
            f"run `{' '.join(command)}`, fix what it reports, and run the release again",
        ) from error
    last = [SILENT, *said.strip().splitlines()][-1]
    return Done((Outcome("checks", last, written=False, kind=CHECK),))
