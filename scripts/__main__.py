"""The verbs: `python -m scripts VERB`. The one place where errors become exit codes."""

import contextlib
import importlib
import io
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scripts.command_line import COMPLETION, VERBS, parser

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
    arguments = read(sys.argv[1:] if argv is None else argv)
    verb: str = arguments.pop("verb")
    if verb == COMPLETION:
        from scripts.completion import script  # noqa: PLC0415

        print(script(parser(), **arguments))
        return 0
    from scripts.context import Context  # noqa: PLC0415
    from scripts.runner import Runner  # noqa: PLC0415

    as_json = arguments.pop("as_json")
    typed = {key: arguments.pop(key) for key in TYPED if key in arguments}
    context = Context(Runner.current(**typed, as_json=as_json), Path.cwd())
    # With --json standard output is the document's: whatever else prints goes elsewhere.
    aside = contextlib.redirect_stdout(sys.stderr) if as_json else contextlib.nullcontext()
    with aside, context.runner.progress(" ".join([verb, *_words(arguments)])):
        came_to = perform(context, verb, arguments)
    return answer(context, verb, came_to, as_json=as_json)


def read(argv: Sequence[str]) -> dict[str, Any]:
    """Read the command line; a wrong one ends the process, with --json by a document."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            return vars(parser(*(one for one in argv[:1] if one in VERBS)).parse_args(argv))
    except SystemExit as ended:
        sys.stderr.write(said.getvalue())
        if ended.code and "--json" in argv:
            from scripts import document  # noqa: PLC0415

            usage, _, cause = said.getvalue().strip().rpartition("error: ")
            verb = argv[0] if argv[0] in VERBS else None
            print(document.usage(verb, cause, " ".join(usage.rpartition("\n")[0].split())))
        raise


def perform(context: "Context", verb: str, arguments: dict[str, Any]) -> "Done | Exception":
    """Run the verb's stage, and keep its result; what it fails with is an answer too."""
    began = time.time()
    words = [word.rpartition("/")[2] for word in _words(arguments)]
    leg = "" if verb in ON_A_DESK else "-".join(words)
    came_to: Done | Exception
    try:
        stage = importlib.import_module(f"scripts.stages.{verb.replace('-', '_')}")
        came_to = stage.run(context, **arguments)
    except Exception as error:  # `answer` raises a defect again
        came_to = error
    keep(context, verb, leg, began, came_to)
    return came_to


def _words(arguments: dict[str, Any]) -> list[str]:
    """Give what tells one leg of a matrix from another."""
    return [word for word in arguments.values() if isinstance(word, str)]


def answer(context: "Context", verb: str, came_to: "Done | Exception", *, as_json: bool) -> int:
    """Say what the verb came to, and give its exit code."""
    from scripts import document  # noqa: PLC0415
    from scripts.core.errors import ReleaseError  # noqa: PLC0415

    if as_json:
        print(document.write(verb, context.runner.found, came_to))
    if isinstance(came_to, ReleaseError):
        context.runner.fail(came_to)
    elif isinstance(came_to, Exception):
        # A defect: its traceback is in the log, and the report must not take the job for fine.
        raise came_to
    return document.exit_code(came_to)


def keep(context: "Context", job: str, leg: str, began: float, came_to: "Done | Exception") -> None:
    """Write the job's result, of a failed one above all: the report is made from it."""
    from scripts.core import codec  # noqa: PLC0415
    from scripts.core.errors import ReleaseError  # noqa: PLC0415
    from scripts.core.results import Done, Failure, Result  # noqa: PLC0415

    if job in ON_A_DESK:
        return
    done = Done.of(came_to)
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
