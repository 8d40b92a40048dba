"""Check the changelog as the release will need it, and write its first draft."""

import re
import sys
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from scripts.core import changelog
from scripts.core.changelog import Changelog
from scripts.core.commits import Change, changes
from scripts.core.converge import converge, patiently
from scripts.core.entries import Entry, Pull, Sources, entries
from scripts.core.errors import Place, ProblemsError, ReleaseError, ServiceError, UsageError
from scripts.core.results import Done
from scripts.release import configuration, history
from scripts.release.configuration import Config
from scripts.release.context import Context, utf8
from scripts.release.second_reader import agree

EXCUSE = re.compile(r"^Changelog: (none|skip)\s*$", re.MULTILINE | re.IGNORECASE)
LABEL = "no-changelog"
SHOWN = 3
PRINT, WRITE, PROPOSE = "print", "write", "propose"


def run(context: Context, action: str, base: str | None, since: str | None, to: str) -> Done:
    """Run `check` or `draft`."""
    return check(context, base) if action == "check" else draft(context, since, to)


def check(context: Context, base: str | None) -> Done:
    """Find every problem of the file, and whether a change since `base` has its entry.

    Without `base`, use the base of the run's pull request, if there is one. Problems of older
    versions are only warnings. Raises CheckError if a second reader reads the file differently.
    """
    base = base or history.merged_into(context)
    config = read_config(context)
    if not config.keeps_changelog:
        context.console.say("no changelog is kept: the notes come from the history", changelog=None)
        return Done()
    text = read(context.root, config.changelog)
    problems = changelog.problems(text, config.changelog)
    if base:
        problems += entry_problems(context, config, text, base)
    for odd in changelog.oddities(text, config.changelog):
        context.errors.warn(odd)
    if problems:
        raise ProblemsError(problems)
    if passed_over := str(agree(text, config.changelog)):
        context.console.say(f"{config.changelog}: {passed_over}")
    context.console.say(f"{config.changelog}: fine", changelog=config.changelog)
    return Done()


def read_config(context: Context) -> Config:
    """Read the configuration of the checkout, including uncommitted changes."""
    return configuration.parse(read(context.root, configuration.FILE))


def read(root: Path, path: str) -> str:
    """Read a text of the checkout, with its line endings and byte order mark.

    Raises UsageError if it does not exist, leads out of the clone, or is not UTF-8.
    """
    place = Place(path)
    if not (root / path).resolve().is_relative_to(root.resolve()):
        raise UsageError(f"{path} is outside of this clone", "use a file in the clone", place)
    try:
        return utf8((root / path).read_bytes(), path)
    except FileNotFoundError as error:
        remedy = f"add it, or set the right file in [{configuration.TABLE}]"
        raise UsageError(f"{path} does not exist", remedy, place) from error
    except OSError as error:
        cause = f"{path} cannot be read: {error.strerror}"
        raise UsageError(cause, "put a file there that this user may read", place) from error


def entry_problems(
    context: Context, config: Config, text: str, base: str
) -> Iterator[ReleaseError]:
    """Require an entry under Unreleased if shipped files changed, unless it is excused."""
    changed = [path for path in history.changed_files(context, base) if shipped(config, path)]
    if not changed:
        return
    if excuse := excused(context, base):
        context.console.say(f"{config.changelog}: no entry is needed: {excuse}", excuse=excuse)
        return
    parent = context.git.run("merge-base", "--end-of-options", base, "HEAD")
    before = changelog.parse(context.read_at(parent, config.changelog))
    now = changelog.parse(text, config.changelog)
    if said(now) - said(before) or versions(now) - versions(before):
        return
    more = f" and {len(changed) - SHOWN} more" if len(changed) > SHOWN else ""
    place = Place(config.changelog, *((now.pending.line, 1) if now.unreleased else ()))
    yield UsageError(
        f"{', '.join(changed[:SHOWN])}{more} changed, but Unreleased has no new entry"
        + misplaced(before, now),
        f"add an entry there, or excuse it: label {LABEL}, or a trailer `Changelog: none` in a "
        "commit's message",
        place,
    )


def excused(context: Context, base: str) -> str | None:
    """Return what excuses the change from an entry: a label, or a commit's trailer."""
    if LABEL in labels(context):
        return f"the pull request has the label {LABEL}"
    for commit in history.since(context, base):
        if found := EXCUSE.search(commit.message):
            return f"commit {commit.sha[:10]} says `{found[0].strip()}`"
    return None


def labels(context: Context) -> list[str]:
    """Return the pull request's current labels, or else those at the start of the run."""
    event = context.environment.event()
    if not (event.pull_request and context.secrets.github):
        return list(event.labels)
    try:
        look = partial(context.forge.labels, event.pull_request)
        return patiently(look, context.environment.patience())
    except ServiceError:
        return list(event.labels)


def shipped(config: Config, path: str) -> bool:
    """Tell whether users get a file."""
    modules = config.package.modules if config.package else ()
    dockerfiles = [image.dockerfile for image in config.images]
    names = [*dockerfiles, config.compose, configuration.FILE]
    first = path.removeprefix("src/").split("/")[0].removesuffix(".py")
    return first in modules or path in names or path.split("/", maxsplit=1)[0] in config.shipped


def said(log: Changelog) -> Counter[str]:
    """Count the lines with content under Unreleased."""
    lines = (line.strip() for part in log.unreleased for line in part.body(log.text).split("\n"))
    return Counter(line for line in lines if line and not line.startswith("#"))


def versions(log: Changelog) -> set[str]:
    """Name the versions that have a section: a change that adds one is a release."""
    return {part.key for part in log.sections if part.key}


def misplaced(before: Changelog, now: Changelog) -> str:
    """Find a new entry under a version that was released since."""
    old = {part.key: part.body(before.text).split() for part in before.sections if part.key}
    for part in now.sections:
        if part.key in old and len(part.body(now.text).split()) > len(old[part.key]):
            return f" (there is a new entry below line {part.line}, under {part.version})"
    return ""


def draft(context: Context, since: str | None, to: str) -> Done:
    """Print the entries for the changes since the last tag, write them, or propose them."""
    config = read_config(context)
    if not config.keeps_changelog and to != PRINT:
        cause = f"no changelog is kept: changelog is {config.changelog!r}"
        raise UsageError(cause, f"name a file: changelog in [{configuration.TABLE}]")
    found = found_entries(context, config, since)
    if to == PROPOSE:
        return propose(context, config, found)
    text = read(context.root, config.changelog) if config.keeps_changelog else ""
    if to == PRINT:
        preview = changelog.preview(text, found, config.changelog)
        context.console.say(preview.removesuffix("\n"), draft=preview, entries=found)
        return Done()
    drafted = changelog.draft(text, found, config.changelog)
    if drafted != text:
        (context.root / config.changelog).write_bytes(drafted.encode())
    said = "drafted" if drafted != text else "nothing to add"
    context.console.say(f"{config.changelog}: {said}", entries=found)
    return Done()


def found_entries(context: Context, config: Config, since: str | None) -> list[Entry]:
    """Make entries for the changes since a commit, by default since the last tag."""
    found = changes(history.since(context, since or last_tag(context, config)))
    page, leave_out = context.endpoints.page_url, config.draft
    pulls = pull_requests(context, found)
    sources = Sources(page, leave_out.skip_authors, leave_out.skip_subjects, pulls)
    return entries(found, sources)


def last_tag(context: Context, config: Config) -> str | None:
    """Return the last version's tag, and report doubts about it."""
    released = history.released(context, config.tag, config.project)
    if released.tag is None:
        others = f"; {released.elsewhere} is on another branch" if released.elsewhere else ""
        warn(
            f"this history has no tag of a version{others}: the draft covers all of it\n"
            "  remedy: to start later, use --since COMMIT"
        )
    if released.warning:
        warn(released.warning)
    return released.tag


def pull_requests(context: Context, found: list[Change]) -> dict[str, Pull]:
    """Ask the API for authors and labels if a token allows it; a draft does not need them."""
    token = context.secrets.github
    if not (token and found):
        return {}
    from scripts.surfaces.pull_requests import PullRequests  # noqa: PLC0415

    where = context.endpoints
    api = PullRequests(where.api_url, where.repository, token, context.environment.silence())
    wanted = [f"#{one.number}" if one.number else one.commit.sha for one in found]
    try:
        api.ask(wanted, min(one.commit.time for one in found))
    except ServiceError as error:
        warn(
            f"cannot read the authors and labels of pull requests: {error.cause}\n"
            "  remedy: none is necessary; the draft takes authors from git, and groups entries "
            "by their words"
        )
    return api.found


def warn(text: str) -> None:
    """Print a warning to standard error."""
    print("\n".join(map(history.readable, text.split("\n"))), file=sys.stderr)


def propose(context: Context, config: Config, found: list[Entry]) -> Done:
    """Put the entries into a pull request, on top of a person's edits."""
    from scripts.surfaces.changelog_draft import DraftBranch, DraftRequest  # noqa: PLC0415

    def drafted(text: str) -> str:
        return changelog.draft(text, found, config.changelog)

    head = context.git.run("rev-parse", "HEAD")
    target = context.environment.trigger().branch or config.branch
    target = target or context.ask(context.git.default_branch)
    text = context.read_at(head, config.changelog)
    if drafted(text) == text:
        tell(context, f"{config.changelog}: nothing to add", found)
        return Done()
    forge = context.forge
    branch = DraftBranch(
        context.git, config.changelog, head, target, config.author, drafted, forge.find_pull_request
    )
    request = DraftRequest(target, forge.find_pull_request, forge.open_pull_request)
    outcomes = converge([branch, request], context.environment.patience)
    for outcome in outcomes:
        tell(context, f"{outcome.title}: {outcome.detail}", found)
    return Done(tuple(outcomes))


def tell(context: Context, text: str, found: list[Entry]) -> None:
    """Write a text to the log and the summary page."""
    context.console.say(text, entries=found)
    context.workflow.summary(f"{text}\n")
