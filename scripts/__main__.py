"""The verbs: `python -m scripts VERB`. Only this module turns errors into exit codes."""

import contextlib
import importlib
import io
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from scripts.cli.command_line import COMPLETION, REHEARSE, VERBS, parser
from scripts.cli.streams import cleaned, ended

if TYPE_CHECKING:
    # Imported when a verb runs: `--help` must not wait for what only a stage needs.
    from scripts.core.results import Done
    from scripts.release.context import Context

T = TypeVar("T")
TYPED = ("version", "good", "dry_run")
"""Arguments of the command line that are also inputs of the workflow."""
ON_A_DESK = (
    *("check", "init", "upgrade", "changelog", "notes", "rebuild"),
    *("ci-plan", "ci-dists", "ci-verdict"),
)
"""Verbs that are not jobs of a release; they do not write a result."""
DEFECT = "read the traceback in this job's log, and report it"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; give its exit code."""
    arguments = read(sys.argv[1:] if argv is None else argv)
    verb: str = arguments.pop("verb")
    if verb == COMPLETION:
        from scripts.cli.completion import script  # noqa: PLC0415

        print(script(parser(), **arguments))
        return 0
    if verb == REHEARSE:
        from scripts.cli.rehearsing import rehearse  # noqa: PLC0415

        return rehearse(**arguments)
    from scripts.release.context import Context  # noqa: PLC0415
    from scripts.tools.environment import Environment  # noqa: PLC0415

    as_json = arguments.pop("as_json")
    typed = {key: arguments.pop(key) for key in TYPED if key in arguments}
    context = Context(Environment.current(**typed), Path.cwd(), as_json=as_json)
    with cleaned(context.environment.clean):
        # With --json only the document goes to standard output: redirect everything else.
        aside = contextlib.redirect_stdout(sys.stderr) if as_json else contextlib.nullcontext()
        with aside, context.console.progress(" ".join([verb, *_words(arguments)])):
            came_to = misplaced(context) or perform(context, verb, arguments)
        return answer(context, verb, came_to, as_json=as_json)


def program() -> int:
    """Run one verb as a process of its own: nobody may read its output, or a disk may be full."""
    return ended(main)


def read(argv: Sequence[str]) -> dict[str, Any]:
    """Read the command line; a wrong one ends the process, with --json by a document."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            return vars(parser(*(one for one in argv[:1] if one in VERBS)).parse_args(argv))
    except SystemExit as refused:
        sys.stderr.write(said.getvalue())
        if refused.code and "--json" in argv:
            from scripts.cli import json_document  # noqa: PLC0415

            usage, _, cause = said.getvalue().strip().rpartition("error: ")
            verb = argv[0] if argv[0] in VERBS else None
            print(json_document.usage(verb, cause, " ".join(usage.rpartition("\n")[0].split())))
        raise


def misplaced(context: "Context") -> "Exception | None":
    """Return an error unless this is the top of a clone: git ignores `release/` only there."""
    from scripts.core.errors import UsageError  # noqa: PLC0415

    folders = (context.root, *context.root.parents)
    top = next((one for one in folders if (one / ".git").exists()), context.root)
    if top == context.root:
        return None
    return UsageError(f"{context.root} is not the top of its clone, which is {top}", f"cd {top}")


def perform(context: "Context", verb: str, arguments: dict[str, Any]) -> "Done | Exception":
    """Run the verb's stage and write its result; return its error if it fails."""
    began = time.time()
    words = [word.rpartition("/")[2] for word in _words(arguments)]
    leg = "" if verb in ON_A_DESK else "-".join(words)
    came_to = _attempted(lambda: _run(context, verb, arguments))
    kept = _attempted(lambda: keep(context, verb, leg, began, came_to))
    return kept if isinstance(kept, Exception) and not isinstance(came_to, Exception) else came_to


def _run(context: "Context", verb: str, arguments: dict[str, Any]) -> "Done":
    _ = context.secrets  # one that cannot be used is refused before anything is begun
    stage = importlib.import_module(f"scripts.stages.{verb.replace('-', '_')}")
    done: Done = stage.run(context, **arguments)
    return done


def _attempted(act: Callable[[], T]) -> "T | Exception":
    """Run it, or return its error; a file that cannot be used is a UsageError."""
    from scripts.core.errors import UsageError  # noqa: PLC0415

    try:
        return act()
    except OSError as error:
        if error.filename is None:
            return error
        remedy = "make it a file or folder that this user can read and write"
        return UsageError(f"{error.filename}: {error.strerror}", remedy)
    except Exception as error:  # a defect: `answer` prints its traceback
        return error


def _words(arguments: dict[str, Any]) -> list[str]:
    """Return the words that distinguish one leg of a matrix from another."""
    return [word for word in arguments.values() if isinstance(word, str)]


def answer(context: "Context", verb: str, came_to: "Done | Exception", *, as_json: bool) -> int:
    """Print the outcome of the verb, and return its exit code."""
    from scripts.cli import json_document  # noqa: PLC0415
    from scripts.core.errors import ReleaseError  # noqa: PLC0415

    if as_json:
        print(json_document.write(verb, context.console.found, came_to))
    if isinstance(came_to, ReleaseError):
        failed = _attempted(partial(context.errors.fail, came_to))
        if isinstance(failed, ReleaseError):
            print(failed, file=sys.stderr)
    elif isinstance(came_to, Exception):
        # A defect. Printed here and not by Python, which would show it unfiltered.
        import traceback  # noqa: PLC0415

        traceback.print_exception(came_to)
    return json_document.exit_code(came_to)


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
    ended, facts = time.time(), dict(done.facts)
    attempt = context.environment.attempt()
    result = Result(job, leg, began, ended, done.outcomes, facts, failure, attempt)
    context.write(f"results/{result.name}.json", codec.encode(result))


if __name__ == "__main__":
    sys.exit(program())
