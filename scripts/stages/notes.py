"""Print the notes of any version: of a release from its lock, of any other as a preview.

A release from before this system, or one that has not started, does not have a lock. Its notes omit
hashes and digests.
"""

from functools import partial

from packaging.version import Version

from scripts.core import changelog, tags, version
from scripts.core.errors import UsageError
from scripts.core.lockfile import Lock
from scripts.core.notes import NotesFacts
from scripts.core.results import Done
from scripts.release import attempt, history, release_surfaces, sections, starting_point
from scripts.release.attempt import stable
from scripts.release.context import Context
from scripts.release.release_notes import release_notes, rendered
from scripts.release.starting_point import Start


def run(context: Context) -> Done:
    """Render them from the lock; without one, from the tagged commit or from Unreleased."""
    wanted = asked(context)
    read = partial(attempt.read_lock, context, context.style.tag(wanted))
    lock = context.ask(read)
    if lock:
        git_tag = release_surfaces.tags(context, lock)[:1]
        release_surfaces.refuse_disputed(context, lock, git_tag)
    text = released(context, lock) if lock else unlocked(context, wanted)
    context.console.say(text, version=str(wanted), notes=text)
    return Done()


def asked(context: Context) -> Version:
    """Return the typed version, or the highest stable one."""
    if typed := context.environment.trigger().version:
        return version.parse(typed)
    releases = context.ask(context.forge.releases)
    highest = max(stable(releases, context.style), default=None)
    if highest is None:
        raise UsageError("there is no release yet", "give a version: `notes 0.1.0`")
    return highest


def released(context: Context, lock: Lock) -> str:
    """Render the notes of the release or its draft."""
    context.git.fetch(lock.commit)
    release = context.ask(lambda: context.forge.release(lock.plan.tag))
    assets = {one.name for one in release.assets} if release else set[str]()
    return release_notes(context.knowing(plan=lock.plan), lock, assets)


def unlocked(context: Context, wanted: Version) -> str:
    """Render from the changelog and the history alone."""
    start = starting_point.find(context)
    tag, commit = tagged(start).get(wanted, (start.style.tag(wanted), None))
    if commit is None and wanted <= version.current(start.config.version):
        raise UsageError(
            f"{wanted} was never released: tag {tag} does not exist, and "
            f"{start.branch or start.tag} says {start.config.version} already",
            "give a version that has a tag, or a higher one",
        )
    facts = facts_of(context, start, wanted, tag, commit)
    return rendered(context, facts, start.config, start.commit)


def tagged(start: Start) -> dict[Version, tuple[str, str]]:
    """Return every version's tag, with its own spelling (`v0.1.2-rc1`), and its commit."""
    return {one: (tag, start.refs[f"{tags.REFS}{tag}"]) for one, tag in start.released().items()}


def facts_of(
    context: Context, start: Start, wanted: Version, tag: str, commit: str | None
) -> NotesFacts:
    """Collect the facts without a lock; `commit` is the tagged commit, if there is one."""
    page, config = context.endpoints.page_url, start.config
    before = tags.previous(wanted, start.released())
    previous_tag, previous = tagged(start)[before] if before else (None, None)
    history.complete(context, commit or start.commit, *([previous] if previous else []))
    if config.keeps_changelog:
        body, date = _told(context, start, wanted, tag, commit)
    else:
        body, date = sections.from_history(context, config, commit or start.commit, previous), ""
    bots = config.draft.skip_authors
    people = history.people(context, commit or start.commit, previous, bots)
    return NotesFacts(
        project=config.project,
        version=str(wanted),
        tag=tag,
        date=date,
        prerelease=wanted.is_prerelease,
        body=body,
        repository_url=page,
        previous_tag=previous_tag,
        changelog=config.kept_changelog,
        contributors=people.all,
        newcomers=people.new,
        internal=config.internal,
    )


def _told(
    context: Context, start: Start, wanted: Version, tag: str, commit: str | None
) -> tuple[str, str]:
    """Give the changelog's section, and the day of the release if it is known."""
    path, page = start.config.changelog, context.endpoints.page_url
    text = context.read_at(commit or start.commit, path)
    if commit is None:
        today, first = starting_point.today(), None
        text = changelog.cut(
            text, wanted, today, tag=tag, previous_tag=first, repository_url=page, path=path
        )
    section = changelog.section(text, wanted, path)
    return changelog.excerpt(text, section), section.date or ""
