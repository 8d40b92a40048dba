"""Check the changelog as the release will need it, and write its first draft."""

import re
from collections.abc import Sequence

from scripts import history
from scripts.config import Config
from scripts.context import Context
from scripts.core import changelog
from scripts.core.commits import entries
from scripts.core.errors import Place, ProblemsError, ReleaseError, UsageError
from scripts.core.results import Done

EXCUSE = re.compile(r"^Changelog: (none|skip)\s*$", re.MULTILINE | re.IGNORECASE)
LABEL = "no-changelog"


def run(context: Context, action: str, base: str | None, write: bool) -> Done:
    """Run `check` or `draft`."""
    return check(context, base) if action == "check" else draft(context, write)


def check(context: Context, base: str | None) -> Done:
    """Find every problem of the file; of a change since `base`, whether it has its entry.

    Of a pull request the base is known: what it is to be merged into.
    """
    base = base or context.runner.merged_into()
    config = context.config_at("HEAD")
    text = context.read_at("HEAD", config.changelog)
    problems = changelog.problems(text, config.changelog)
    if base:
        problems += entry_problems(context, config, text, base)
    if problems:
        raise ProblemsError(problems)
    print(f"{config.changelog}: fine")
    return Done()


def entry_problems(context: Context, config: Config, text: str, base: str) -> list[ReleaseError]:
    """Ask for an entry under Unreleased if shipped files changed, unless somebody excused it."""
    changed = [path for path in history.changed_files(context, base) if shipped(config, path)]
    if not changed:
        return []
    messages = "\n".join(commit.message for commit in history.since(context, base))
    labels = context.runner.labels()
    if LABEL in labels or EXCUSE.search(messages):
        print(f"excused by {f'label {LABEL}' if LABEL in labels else 'a trailer Changelog: none'}")
        return []
    parent = context.git.run("merge-base", base, "HEAD")
    if unreleased(text) != unreleased(context.read_at(parent, config.changelog)):
        return []
    line = next((p.line for p in changelog.parse(text).sections if p.unreleased), 0)
    return [
        UsageError(
            f"{', '.join(changed[:3])} changed, and nothing new stands under Unreleased",
            f"add an entry, or excuse it: label {LABEL}, or a trailer `Changelog: none`",
            Place(config.changelog, line),
        )
    ]


def shipped(config: Config, path: str) -> bool:
    """Say whether a file is part of what users get."""
    modules = config.package.modules if config.package else ()
    dockerfiles = [image.dockerfile for image in config.images]
    names = [*dockerfiles, config.compose, "pyproject.toml"]
    first = path.removeprefix("src/").split("/")[0].removesuffix(".py")
    return first in modules or path in names or first in config.shipped


def unreleased(text: str) -> Sequence[str]:
    """Give the lines under Unreleased."""
    parts = [part for part in changelog.parse(text).sections if part.unreleased]
    return [line for part in parts for line in part.body(text).split("\n") if line.strip()]


def draft(context: Context, write: bool) -> Done:
    """Print the changelog with entries for what came since the last tag, or write it."""
    config = context.config_at("HEAD")
    path = context.root / config.changelog
    text = path.read_bytes().decode("utf-8")
    tag = history.last_tag(context)
    found = entries(history.since(context, tag), context.endpoints.page_url)
    drafted = changelog.draft(text, found, config.changelog)
    if write:
        path.write_bytes(drafted.encode())
        print(f"{config.changelog}: {'drafted' if drafted != text else 'nothing to add'}")
    else:
        print(drafted if tag is None else added(text, drafted), end="")
    return Done()


def added(before: str, after: str) -> str:
    """Give the lines that a draft adds."""
    known = set(before.splitlines())
    return "".join(f"{line}\n" for line in after.splitlines() if line and line not in known)
