"""What can be typed after `python -m scripts`: the verbs, their arguments, their help."""

import argparse
from collections.abc import Callable

from scripts.core import jobs

PROG = "python -m scripts"
VERBS = {
    **jobs.verbs(),
    "check": "find every problem of this working tree, without a network",
    "doctor": "find what would stop a release, before it is begun",
    "rollback": "move the pointers from a bad release to a good one",
    "changelog": "check the changelog, or write its first draft",
    "notes": "print the notes of any version, released or to come",
    "ci-plan": "decide which checks a change needs",
    "ci-dists": "build and check the wheel and the sdist of this commit, as a release does",
    "ci-verdict": "sum up the checks of a change in one answer",
    "completion": "print what a shell needs to complete all this",
}
"""The verbs of a release run in its order, then the others."""
COMPLETION = "completion"
JSON = "print one JSON document instead, errors included"
EXIT_CODES = {
    0: "it is done, or nothing was to be done",
    1: "a check failed",
    2: "wrong usage or configuration",
    3: "conflict: a name is taken by other bytes",
    4: "a service failed",
}
EXAMPLES = {
    "plan": {
        "0.2.4": "what a release of 0.2.4 would be, from here",
        "minor": "the same for the next minor version",
        "patch --json": "for another program to read",
    },
    "image": {"--name api --platform linux/arm64": "build one of them, in a release's tree"},
    "verify": {"--moment published --platform linux/amd64": "use what is public"},
    "check": {"": "whether table, files, changelog and workflow fit each other"},
    "doctor": {"": "whether a release could be made", "0.2.4": "and whether 0.2.4 is still free"},
    "audit": {
        "": "whether the last release still says one version",
        "0.2.4 --start": "the same of 0.2.4, and start its images",
    },
    "rollback": {
        "0.2.4 --dry-run": "what taking 0.2.4 back would move",
        "0.2.4 --to 0.2.2": "take it back, to a version of your choice",
    },
    "changelog": {
        "check --base origin/main": "the file, and whether this change has its entry",
        "draft": "entries for what came since the last tag",
        "draft --write": "the same, written under Unreleased",
    },
    "notes": {
        "0.2.3": "what the release said",
        "0.2.4": "what the next one would say, if it is not out yet",
    },
    "ci-plan": {"--base origin/main": "what this branch would have to pass"},
    "completion": {"bash": "to be read by `source <(python -m scripts completion bash)`"},
}
"""Verb -> arguments -> what that does."""
SHOWN = (
    ("plan", "0.2.4"),
    ("plan", "minor"),
    ("changelog", "draft"),
    ("audit", ""),
    ("rollback", "0.2.4 --dry-run"),
)


def typed(verb: str, words: str) -> str:
    """Write a verb with its arguments as it is typed."""
    return f"{PROG} {verb} {words}".strip()


def _epilog(examples: list[tuple[str, str]]) -> str:
    lines = "".join(f"  {typed(*one)}\n      {EXAMPLES[one[0]][one[1]]}\n" for one in examples)
    codes = ", ".join(f"{code} {meaning}" for code, meaning in EXIT_CODES.items() if code)
    return (f"examples:\n{lines}\n" if lines else "") + f"exit codes: {codes}"


def parser(*only: str) -> argparse.ArgumentParser:
    """Describe the command line, of all verbs or, which is quicker, of those named."""
    main = argparse.ArgumentParser(
        prog=PROG,
        description="Release a Python package with its images.",
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
        if name != COMPLETION:
            verb.add_argument("--json", dest="as_json", action="store_true", help=JSON)
    return main


def _none(_: argparse.ArgumentParser) -> None:
    """Take no arguments."""


def _plan(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("version", nargs="?", help="0.2.4, or patch, minor, major, rc")
    verb.add_argument("--dry-run", action="store_true", help="write nothing anywhere")


def _image(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--name", required=True, help="the image, as in [tool.release]")
    _platform(verb)


def _verify(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--moment", required=True, choices=("staged", "published", "rolled-back"))
    _platform(verb)


def _platform(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--platform", required=True, help="linux/amd64 or linux/arm64")


def _doctor(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("version", nargs="?", help="the version to be released (default: whichever)")


def _audit(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("version", nargs="?", help="the release (default: the highest stable one)")
    verb.add_argument("--start", action="store_true", help="start its images, and ask each")
    every = "look at every release, and keep one issue about drift"
    verb.add_argument("--issue", action="store_true", help=every)


def _rollback(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("version", nargs="?", help="the bad version")
    verb.add_argument("--to", dest="good", help="the good version (default: the highest below)")
    verb.add_argument("--dry-run", action="store_true", help="write nothing anywhere")


def _changelog(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("action", choices=("check", "draft"))
    verb.add_argument(
        "--base",
        help="check that what changed since this commit has its entry (default: what the run's "
        "pull request is to be merged into)",
    )
    verb.add_argument("--since", help="draft what came after this commit (default: the last tag)")
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
        help="bring the draft into a pull request, on the branch changelog-draft",
    )


def _notes(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("version", nargs="?", help="the version (default: the highest stable one)")


def _ci_plan(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--base", help="the commit to compare with (default: the pull request's)")


def _completion(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("shell", choices=("bash", "zsh"))


ARGUMENTS: dict[str, Callable[[argparse.ArgumentParser], None]] = {
    "plan": _plan,
    "image": _image,
    "verify": _verify,
    "doctor": _doctor,
    "audit": _audit,
    "rollback": _rollback,
    "changelog": _changelog,
    "notes": _notes,
    "ci-plan": _ci_plan,
    COMPLETION: _completion,
}
