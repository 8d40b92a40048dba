"""Check the working tree as a release will need it: everything at once, and without a network."""

import re
from collections.abc import Iterator
from fnmatch import fnmatch
from typing import Any

from scripts.adopt import actions, registries
from scripts.core import changelog, jobs, tags
from scripts.core.errors import Place, ProblemsError, ReleaseError, ServiceError, UsageError
from scripts.core.planning import COMMIT
from scripts.core.results import Done
from scripts.core.version import BEFORE_ANY
from scripts.release import configuration
from scripts.release.configuration import FILE, TABLE, Config, Examined
from scripts.release.context import Context
from scripts.release.named_files import Tree, of_folder, problems, unsettable, wrong
from scripts.release.version_source import inside

MAKEFILE = "Makefile"


def run(context: Context, *, online: bool = False) -> Done:
    """Report every problem of table, files, changelog and workflow; oddities are warnings.

    With `online` also ask GitHub whether the commits of the actions exist.
    """
    tree = of_folder(context.root)
    text = tree.read(FILE)
    if text is None:
        remedy = f"add it, with a table [{TABLE}]"
        raise UsageError(f"{FILE} does not exist", remedy, Place(FILE))
    found = configuration.examine(text)
    errors = [*of_table(found, tree), *workflow(found.config, tree, local_tags(context))]
    errors += [*pins(context), *(actions.missing(context) if online else ())]
    path = found.config.kept_changelog
    for odd in changelog.oddities(tree.read(path) or "", path) if path else ():
        context.errors.warn(odd)
    if errors:
        raise ProblemsError(errors)
    context.console.say("table, files, changelog and workflow: fine", checked=FILE)
    return Done()


def of_table(found: Examined, tree: Tree) -> Iterator[ReleaseError]:
    """Find the problems of the table, and of all files that it names."""
    yield from (*found.problems, *problems(found, tree), *unsettable(found, tree))
    yield from targets(found, tree)
    path = found.config.kept_changelog
    if path and (log := tree.read(path)) is not None:
        yield from changelog.problems(log, path)


def logins(config: Config, tree: Tree, path: str) -> Iterator[ReleaseError]:
    """Find the jobs that push images and cannot log in at a registry of the table."""
    named = registries.hosts(config)
    folder, beside = path.rpartition("/")[0], "-system" if path == jobs.BESIDE else ""
    paths = [path, *(f"{folder}/{one}{beside}.yml" for one in ("image", "rollback"))]
    for file in paths if named else ():
        for job, lack in registries.lacking(_yaml(tree.read(file) or ""), named):
            remedy = "add it there; for generated files `release upgrade` does"
            yield UsageError(f"the job {job} lacks {lack}", remedy, Place(file))


def pins(context: Context) -> Iterator[ReleaseError]:
    """Find actions of the release system that are not at the one commit of all generated files.

    Jobs of two versions would read each other's files.
    """
    commits = set[str]()
    for _, pin, place in actions.pins(context):
        if not re.fullmatch(COMMIT, pin):
            cause = f"the action is at {pin}, which is not a commit of 40 digits"
            yield UsageError(cause, "write the commit, as the other lines have it", place)
        elif commits and pin not in commits:
            cause = f"the action is at {pin[:12]}, other lines are at {min(commits)[:12]}"
            yield UsageError(cause, "use one commit; `release upgrade` writes it", place)
        else:
            commits.add(pin)


def _yaml(text: str) -> Any:
    """Read a workflow; nothing if it is not YAML."""
    from ruamel.yaml import YAML  # noqa: PLC0415 - start-up counts
    from ruamel.yaml.error import YAMLError  # noqa: PLC0415

    try:
        return YAML(typ="safe").load(text)
    except YAMLError:
        return None


def local_tags(context: Context) -> list[str]:
    """Name the tags of this clone; none outside a clone."""
    try:
        return context.git.run("for-each-ref", "--format=%(refname:strip=2)", "refs/tags").split()
    except ServiceError:
        return []


def targets(found: Examined, tree: Tree) -> Iterator[ReleaseError]:
    """Search for the make target that checks the release commit."""
    config = found.config
    words = [word for word in config.checks[1:] if re.fullmatch(r"[\w-]+", word)]
    text = tree.read(MAKEFILE)
    if config.checks[0] != "make" or not words:
        return
    if text is None:
        cause = f"{TABLE}.checks needs a {MAKEFILE}, which does not exist"
        yield wrong(found, "checks", cause, "add it, or set another command")
    elif not re.search(rf"^(?:[\w-]+ +)*{re.escape(words[0])}(?: +[\w-]+)*\s*:(?!=)", text, re.M):
        yield UsageError(
            f"{MAKEFILE} has no target {words[0]}, which checks the release commit",
            f"add it, or set another command: checks in [{TABLE}]",
            Place(MAKEFILE),
        )


def workflow(config: Config, tree: Tree, known: list[str]) -> Iterator[ReleaseError]:
    """Compare the workflow with the jobs of a release, and its trigger with the tags."""
    from ruamel.yaml import YAML  # noqa: PLC0415 - start-up counts
    from ruamel.yaml.error import YAMLError  # noqa: PLC0415

    path = jobs.BESIDE if tree.has(jobs.BESIDE) else jobs.WORKFLOW
    place, copy = Place(path), "take the file of the release system, unchanged"
    text = tree.read(path)
    if text is None:
        yield UsageError(f"{path} does not exist, so nothing can be released", copy, place)
        return
    try:
        document: Any = YAML(typ="safe").load(text)
    except YAMLError as error:
        yield UsageError(f"{path} is not YAML: {error}", copy, place)
        return
    lacking = [job.name for job in jobs.JOBS if job.name not in inside(document, "jobs")]
    if lacking:
        yield UsageError(f"{path} lacks the jobs {', '.join(lacking)}", copy, place)
    yield from logins(config, tree, path)
    wanted = inside(document, "on", "push").get("tags")
    style = tags.detect(known, config.tag, config.project).style
    if isinstance(wanted, list) and not any(
        fnmatch(style.tag(BEFORE_ANY), str(pattern)) for pattern in wanted
    ):
        line = next((n for n, one in enumerate(text.splitlines(), 1) if "tags:" in one), 0)
        yield UsageError(
            f"a pushed tag starts the workflow for {', '.join(map(str, wanted))}, and the tags "
            f"here have the form {style.template}",
            f'write tags: ["{style.prefix}[0-9]*"] there',
            Place(path, line),
        )
