"""The command line of `bin/release`: the verbs, their arguments, their help."""

import argparse
from collections.abc import Callable
from pathlib import Path

from scripts.core import jobs

_IN_CHECKOUT = (Path(__file__).parents[2] / "bin" / "release").is_file()
PROG = "bin/release" if _IN_CHECKOUT else "release"
"""The command: its path in a checkout, its name if it is installed."""
VERBS = {
    **jobs.verbs(),
    "check": "find every problem of this working tree, without a network",
    "init": "adopt the system: write this repository's table and workflows",
    "upgrade": "update the workflows that init wrote, and keep edits",
    "doctor": "find what would stop a release before it starts",
    "watch": "find what became known about past releases: vulnerabilities, moved base images",
    "rollback": "move the pointers from a bad release to a good one",
    "changelog": "check the changelog, or write its first draft",
    "notes": "print the notes of any version, released or planned",
    "rebuild": "build a past release again elsewhere, and compare it with its lock",
    "ci-plan": "decide which checks a change needs",
    "ci-dists": "build and check the wheel and the sdist of this commit as a release does",
    "ci-verdict": "combine the checks of a change into one result",
    "rehearse": "rehearse a whole release of this checkout on this machine",
    "completion": "print the completion script for a shell",
}
"""The verbs of a release run in its order, then the others."""
COMPLETION, REHEARSE = "completion", "rehearse"
WITHOUT_STAGE = (COMPLETION, REHEARSE)
JSON = "print one JSON document instead, including errors"
EXIT_CODES = {
    0: "success, or nothing to do",
    1: "a check failed",
    2: "wrong usage or configuration",
    3: "conflict: a name already has different content",
    4: "a service failed",
}
EXAMPLES = {
    "plan": {
        "0.2.4": "show the content of a release of 0.2.4 from here",
        "minor": "show the same for the next minor version",
        "patch --json": "print it for another program",
    },
    "image": {"--name api --platform linux/arm64": "build one image in a release's tree"},
    "verify": {"--moment published --platform linux/amd64": "use the public artifacts"},
    "check": {
        "": "check that table, files, changelog and workflow agree",
        "--online": "also check that the actions' commits exist",
    },
    "doctor": {
        "": "check whether a release is possible",
        "0.2.4": "also check whether 0.2.4 is still free",
    },
    "init": {
        "": "inspect, ask, show the plan, write",
        "--yes --answer namespace=example": "run without a person at the terminal",
        "--check": "show where the workflows differ from the generated ones",
    },
    "upgrade": {"": "merge new parts into the workflows"},
    "audit": {
        "": "check that all parts of the last release have the same version",
        "0.2.4 --start": "check 0.2.4, and start its images",
    },
    "watch": {"": "scan what the last releases contain, and write nothing"},
    "rollback": {
        "0.2.4 --dry-run": "show the moves of a rollback of 0.2.4",
        "0.2.4 --to 0.2.2": "roll it back to a version of your choice",
    },
    "changelog": {
        "check --base origin/main": "check the file, and that this change has an entry",
        "draft": "print entries for the changes since the last tag",
        "draft --write": "write them under Unreleased",
    },
    "notes": {
        "0.2.3": "print the notes of a release",
        "0.2.4": "print the notes of a version that is not released yet",
    },
    "rebuild": {"0.2.4": "check that 0.2.4 can be built again, byte for byte"},
    "ci-plan": {"--base origin/main": "show the checks that this branch needs"},
    "rehearse": {
        "": "start a world, run the release in it, print the verdict",
        "run --keep": "keep the world, to look around in it",
        "down": "end the world",
    },
    "completion": {"bash": "load it with `source <(bin/release completion bash)`"},
}
"""Verb -> arguments -> description."""
SHOWN = (
    ("plan", "0.2.4"),
    ("plan", "minor"),
    ("changelog", "draft"),
    ("audit", ""),
    ("rollback", "0.2.4 --dry-run"),
)


def typed(verb: str, words: str) -> str:
    """Write a verb with its arguments as a person types it."""
    return f"{PROG} {verb} {words}".strip()


def _epilog(examples: list[tuple[str, str]]) -> str:
    lines = "".join(f"  {typed(*one)}\n      {EXAMPLES[one[0]][one[1]]}\n" for one in examples)
    codes = ", ".join(f"{code} {meaning}" for code, meaning in EXIT_CODES.items() if code)
    return (f"examples:\n{lines}\n" if lines else "") + f"exit codes: {codes}"


def parser(*only: str) -> argparse.ArgumentParser:
    """Describe the command line of all verbs, or of the given ones, which is faster."""
    main = argparse.ArgumentParser(
        prog=PROG,
        description="Release a Python package and its images.",
        epilog=_epilog(list(SHOWN)),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = main.add_subparsers(dest="verb", required=True, metavar="VERB")
    for name, meaning in ((one, VERBS[one]) for one in only or VERBS):
        verb = verbs.add_parser(
            name,
            help=meaning,
            description=meaning,
            epilog=_epilog([(name, words) for words in EXAMPLES.get(name, ())]),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        ARGUMENTS.get(name, _none)(verb)
        if name not in WITHOUT_STAGE:
            verb.add_argument("--json", dest="as_json", action="store_true", help=JSON)
    return main


def _none(_: argparse.ArgumentParser) -> None:
    """Take no arguments."""


def _check(verb: argparse.ArgumentParser) -> None:
    asked = "also ask GitHub whether the commits of the system's actions exist"
    verb.add_argument("--online", action="store_true", help=asked)


def _plan(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("version", nargs="?", help="0.2.4, or patch, minor, major, rc")
    verb.add_argument("--dry-run", action="store_true", help="write nothing")


def _image(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--name", required=True, help="the image, as in [tool.release]")
    _platform(verb)


def _verify(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--moment", required=True, choices=("staged", "published", "rolled-back"))
    _platform(verb)


def _platform(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--platform", required=True, help="linux/amd64 or linux/arm64")


def _init(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--check", action="store_true", help="only compare the files with the generated ones"
    )
    verb.add_argument("--yes", action="store_true", help="ask no questions: take the defaults")
    answers = "answer a question beforehand: KEY=VALUE"
    verb.add_argument("--answer", dest="answers", action="append", help=answers)
    verb.add_argument("--fork", action="store_true", help="take a fork over all the same")
    _system(verb)


def _system(verb: argparse.ArgumentParser) -> None:
    where = "the source of the actions: OWNER/REPO@COMMIT (default: this program's own source)"
    verb.add_argument("--system", help=where)


def _doctor(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("version", nargs="?", help="the version to release (default: any)")


def _audit(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("version", nargs="?", help="the release (default: the highest stable one)")
    verb.add_argument(
        "--start", action="store_true", help="start its images, and send each a request"
    )
    every = "check every release, and keep one issue about drift"
    verb.add_argument("--issue", action="store_true", help=every)


def _watch(verb: argparse.ArgumentParser) -> None:
    steps = ("look", "scan", "issues", "propose")
    verb.add_argument(
        "step", nargs="?", choices=steps, help="one job of watch.yml (default: look and scan)"
    )


def _rollback(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("version", nargs="?", help="the bad version")
    verb.add_argument("--to", dest="good", help="the good version (default: the highest below)")
    verb.add_argument("--dry-run", action="store_true", help="write nothing")


def _changelog(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("action", choices=("check", "draft"))
    verb.add_argument(
        "--base",
        help="check that the change since this commit has its entry (default: the base of the "
        "run's pull request)",
    )
    verb.add_argument(
        "--since", help="draft entries for the changes after this commit (default: the last tag)"
    )
    to = verb.add_mutually_exclusive_group()
    to.add_argument(
        "--write",
        dest="to",
        action="store_const",
        const="write",
        default="print",
        help="write the draft into the changelog",
    )
    to.add_argument(
        "--propose",
        dest="to",
        action="store_const",
        const="propose",
        help="open a pull request with the draft, from the branch changelog-draft",
    )


def _notes(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("version", nargs="?", help="the version (default: the highest stable one)")


def _rebuild(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("version", help="the release")


def _ci_plan(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--base", help="the commit to compare with (default: the pull request's)")


def _rehearse(verb: argparse.ArgumentParser) -> None:
    words = "the rehearsal's own verb (default: run) and options, which `run --help` lists"
    verb.add_argument("words", nargs=argparse.REMAINDER, help=words)


def _completion(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("shell", choices=("bash", "zsh"))


ARGUMENTS: dict[str, Callable[[argparse.ArgumentParser], None]] = {
    "check": _check,
    "plan": _plan,
    "image": _image,
    "verify": _verify,
    "init": _init,
    "upgrade": _system,
    "doctor": _doctor,
    "audit": _audit,
    "watch": _watch,
    "rollback": _rollback,
    "changelog": _changelog,
    "notes": _notes,
    "rebuild": _rebuild,
    "ci-plan": _ci_plan,
    REHEARSE: _rehearse,
    COMPLETION: _completion,
}
