"""The verbs: `python -m scripts VERB`. The one place where errors become exit codes."""

import importlib
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.command_line import parser

if TYPE_CHECKING:
    # Imported when a verb runs: `--help` must not wait for what only a stage needs.
    from scripts.context import Context
    from scripts.core.results import Done

TYPED = ("version", "good", "dry_run")
"""What a person types on the command line, or gives the workflow as an input."""
ON_A_DESK = ("changelog", "notes", "ci-plan", "ci-dists", "ci-verdict")
"""Verbs that are no job of a release, and leave no result."""
DEFECT = "look at the traceback in this job's log, and report it"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; give its exit code."""
    arguments = vars(parser().parse_args(argv))
    verb: str = arguments.pop("verb")
    from scripts.context import Context  # noqa: PLC0415
    from scripts.core.errors import ReleaseError  # noqa: PLC0415
    from scripts.runner import Runner  # noqa: PLC0415

    typed = {key: arguments.pop(key) for key in TYPED if key in arguments}
    runner = Runner.current(**typed)
    context = Context(runner, Path.cwd())
    began = time.time()
    words = [word for word in arguments.values() if isinstance(word, str)]
    leg = "" if verb in ON_A_DESK else "-".join(word.rpartition("/")[2] for word in words)
    try:
        stage = importlib.import_module(f"scripts.stages.{verb.replace('-', '_')}")
        done: Done = stage.run(context, **arguments)
    except ReleaseError as error:
        keep(context, verb, leg, began, error)
        runner.fail(error)
        return error.exit_code
    except Exception as error:
        # A defect: its traceback is in the log, and the report must not take the job for fine.
        keep(context, verb, leg, began, error)
        raise
    keep(context, verb, leg, began, done)
    return 0


def keep(context: "Context", job: str, leg: str, began: float, came_to: "Done | Exception") -> None:
    """Write the job's result, of a failed one above all: the report is made from it."""
    from scripts.core import codec  # noqa: PLC0415
    from scripts.core.errors import ReleaseError  # noqa: PLC0415
    from scripts.core.results import Done, Failure, Result  # noqa: PLC0415

    if job in ON_A_DESK:
        return
    done = came_to if isinstance(came_to, Done) else Done(getattr(came_to, "outcomes", ()))
    failure = None
    if not isinstance(came_to, Done):
        kind = type(came_to).__name__
        failure = Failure(f"a defect of the release system: {kind}: {came_to}", DEFECT, kind)
        if isinstance(came_to, ReleaseError):
            failure = Failure(came_to.cause, came_to.remedy, kind)
    result = Result(job, leg, began, time.time(), done.outcomes, dict(done.facts), failure)
    context.write(f"results/{result.name}.json", codec.encode(result))


if __name__ == "__main__":
    sys.exit(main())
