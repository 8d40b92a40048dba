"""The verbs: `python -m scripts VERB`. The one place where errors become exit codes."""

import argparse
import importlib
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # Imported when a verb runs: `--help` must not wait for what only a stage needs.
    from scripts.context import Context
    from scripts.core.results import Done

STAGES = {
    "plan": "decide everything, change nothing, and print it",
    "prepare": "make the release commit on its branch",
    "checks": "run the project's checks on the release commit",
    "dists": "build and check the wheel and the sdist",
    "image": "build one image for one platform",
    "stage": "gather the lock and make the draft release",
    "verify": "use the staged or the published bytes as a user does",
    "gate": "show exactly what becomes public",
    "publish-package": "upload to the package index",
    "publish-tags": "tag the images and the commit",
    "promote": "publish the draft, move floating tags and the branch",
    "report": "say what is where and what to do next",
    "doctor": "find what would stop a release, before it is begun",
    "audit": "look whether everything of a past release says one version",
    "rollback": "move the pointers from a bad release to a good one",
}
VERSIONS = {
    "doctor": "the version to be released (default: whichever)",
    "plan": "0.2.4, or patch, minor, major, rc",
    "audit": "the release to look at (default: the highest stable one)",
    "rollback": "the bad version",
}
TYPED = ("version", "good", "dry_run")
"""What a person types on the command line, or gives the workflow as an input."""
EXAMPLES = """examples:
  python -m scripts plan 0.2.4        what a release of 0.2.4 would be, from here
  python -m scripts plan minor        the same for the next minor version
  python -m scripts rollback 0.2.4 --dry-run
                                      what taking 0.2.4 back would move

exit codes: 1 a check failed, 2 wrong usage or configuration, 3 conflict, 4 a service failed"""

DEFECT = "look at the traceback in this job's log, and report it"


def parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    main = argparse.ArgumentParser(
        prog="python -m scripts",
        description="Release a Python package with its images.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = main.add_subparsers(dest="verb", required=True, metavar="VERB")
    for name, meaning in STAGES.items():
        verb = verbs.add_parser(name, help=meaning, description=meaning)
        if name in VERSIONS:
            verb.add_argument("version", nargs="?", help=VERSIONS[name])
            verb.add_argument("--dry-run", action="store_true", help="write nothing anywhere")
        if name == "rollback":
            verb.add_argument("--to", dest="good", help="the good version (default: the highest)")
        if name == "image":
            verb.add_argument("--name", required=True, help="the image, as in [tool.release]")
        if name == "verify":
            moments = ("staged", "published", "rolled-back")
            verb.add_argument("--moment", required=True, choices=moments)
        if name in ("image", "verify"):
            verb.add_argument("--platform", required=True, help="linux/amd64 or linux/arm64")
    return main


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
    leg = "-".join(arguments[key].rpartition("/")[2] for key in arguments)
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

    done = came_to if isinstance(came_to, Done) else Done()
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
