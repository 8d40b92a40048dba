"""Run the project's own checks, those of every pull request, on the release commit."""

import sys
from pathlib import Path

from scripts.core.converge import CHECK, Outcome
from scripts.core.errors import CheckError, ServiceError
from scripts.core.results import Done
from scripts.release import checkout
from scripts.release.context import Context
from scripts.tools import processes

LONGEST = 1500  # seconds
SILENT = "passed, and printed nothing"


def run(context: Context) -> Done:
    """Run the configured commands in the release commit, unless an earlier attempt passed it."""
    if context.earlier_lock:
        return Done(
            (Outcome("checks", "passed in the earlier attempt", written=False, kind=CHECK),)
        )
    tree = checkout.checkout(context)
    environment = context.environment.inherited(CI="true")
    if setup := context.config.setup:
        environment |= _virtual(context, environment)
        _run("the set-up of the checks fails", setup, tree, environment)
    said = _run("the checks fail", context.config.checks, tree, environment)
    last = [SILENT, *said.strip().splitlines()][-1]
    return Done((Outcome("checks", last, written=False, kind=CHECK),))


def _virtual(context: Context, environment: dict[str, str]) -> dict[str, str]:
    """Make a virtual environment, since a runner's own Python accepts no packages (PEP 668).

    Return the variables that activate it.
    """
    folder = context.fresh("environment")
    processes.run([sys.executable, "-m", "venv", "--", str(folder)], environment=environment)
    path = f"{folder / 'bin'}:{environment.get('PATH', '')}"
    return {"VIRTUAL_ENV": str(folder), "PATH": path}


def _run(what: str, command: tuple[str, ...], tree: Path, environment: dict[str, str]) -> str:
    """Run one command, and show its output. Raises CheckError if it fails."""
    words = list(command)
    try:
        return processes.run(words, cwd=tree, environment=environment, timeout=LONGEST, echo=True)
    except ServiceError as error:
        raise CheckError(
            f"{what} on the release commit: {error.cause}",
            f"run `{' '.join(words)}`, fix what it reports, and run the release again",
        ) from error
