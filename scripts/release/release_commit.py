"""Make the release commit: version files, changelog and lock file in one commit.

It depends neither on the clock nor on the checkout: the same plan gives the same SHA.
"""

from collections.abc import Mapping

from scripts.core import changelog, version
from scripts.core.errors import ConflictError
from scripts.core.planning import Plan
from scripts.release import version_files
from scripts.release.configuration import FILE, Config
from scripts.release.context import Context
from scripts.release.second_reader import agree
from scripts.release.version_source import STATIC
from scripts.surfaces.git_remote import identity

TRAILER = "Release-Branch"


def find(context: Context) -> str | None:
    """Return the binding commit of an earlier attempt, which the plan's job found."""
    commit = context.commit_of("plan") or None
    if commit:
        context.git.fetch(commit)
    return commit


def make(context: Context) -> str:
    """Write the release commit into the clone's object store; the checkout stays untouched.

    Raises CheckError if a second reader reads the changelog otherwise than it was meant.
    """
    plan = context.plan
    context.git.fetch(plan.base)
    texts = release_texts(context)
    path = context.config.changelog
    if path in texts and (passed_over := str(agree(texts[path], path))):
        context.console.say(f"{path}: {passed_over}")
    return context.git.commit_files(texts, plan.base, message(plan), identity(plan))


def message(plan: Plan) -> str:
    """Write the release commit's message; the trailer names its plan."""
    subject = plan.named(f"Release {plan.project} {plan.version}")
    return f"{subject}\n\n{TRAILER}: {plan.branch}\n"


def release_texts(context: Context) -> dict[str, str]:
    """Compute every changed file before any is written."""
    plan, config = context.plan, context.config
    texts = _texts(context, plan.base, config)
    if config.keeps_changelog:
        texts[config.changelog] = context.read_at(plan.base, config.changelog)
    return edited(texts, plan, config, context.endpoints.page_url)


def _texts(context: Context, commit: str, config: Config) -> dict[str, str]:
    """Read the files of a commit that state the version."""
    paths = [*(file.path for file in config.version_files), FILE]
    locked = context.git.run("ls-tree", "--end-of-options", commit, "uv.lock")
    if locked and not config.from_tags:
        paths.append("uv.lock")
    return {path: context.read_at(commit, path) for path in paths}


def edited(texts: dict[str, str], plan: Plan, config: Config, page: str) -> dict[str, str]:
    """Set the version in each file, and cut the changelog's section: pure, texts to texts."""
    new = _versions(texts, plan.project, config, plan.version)
    if config.keeps_changelog:
        new[config.changelog] = changelog.cut(
            new[config.changelog],
            version.parse(plan.version),
            plan.date,
            tag=plan.tag,
            previous_tag=plan.previous_tag,
            repository_url=page,
            path=config.changelog,
        )
    return new


def _versions(
    texts: Mapping[str, str], project: str, config: Config, wanted: str
) -> dict[str, str]:
    """Set the version in each file that states it."""
    new = dict(texts)
    for file in config.version_files:
        new[file.path] = version_files.line(
            new[file.path], file.path, file.line, config.version, wanted
        )
    if config.source.kind == STATIC:
        new[FILE] = version_files.pyproject(new[FILE], wanted)
    if "uv.lock" in new:
        canonical = str(version.current(wanted))
        new["uv.lock"] = version_files.uv_lock(new["uv.lock"], project, canonical)
    return new


def development(context: Context, plan: Plan, commit: str) -> str:
    """Make the commit of the next development version, above the release commit.

    The branch gets it, and no tag does. The same plan gives the same commit.
    """
    context.git.fetch(commit)
    config, new = context.config_at(commit), plan.next_version
    texts = _versions(_texts(context, commit, config), plan.project, config, new)
    return context.git.commit_files(texts, commit, f"Begin {new}\n", identity(plan))


def ensure(context: Context) -> str:
    """Fetch the release commit into this clone, and return it.

    A dry run did not push it, so make it again and check that it is the same.
    """
    commit = context.commit
    if context.plan.dry_run and context.plan.release_branch:
        if (made := make(context)) != commit:
            raise ConflictError(
                f"the release commit is {made}, but `prepare` made {commit}",
                "the same plan must give the same commit: report this as a defect",
            )
        return commit
    context.git.fetch(commit)
    return commit
