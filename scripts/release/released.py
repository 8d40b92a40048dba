"""Find past releases with their locks, from public surfaces only."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice

from github.GitRelease import GitRelease
from packaging.version import Version

from scripts.core import version
from scripts.core.errors import ConflictError, ReleaseError, UsageError
from scripts.core.lockfile import Lock
from scripts.release import attempt
from scripts.release.attempt import stable
from scripts.release.context import Context

Named = tuple[Version, str, str, GitRelease | None]
"""A version, its tag, the tag's commit, and its release."""


@dataclass(frozen=True)
class Subject:
    """A past release."""

    version: Version
    tag: str
    """Its git tag, as the release spells it: other tools write `v0.1.2-rc1`."""
    commit: str
    """Empty if the tag is gone."""
    release: GitRelease | None
    lock: Lock | None
    stable: frozenset[Version]
    """The stable releases that pointers may lead to."""
    unreadable: ReleaseError | None = None
    """Why its lock cannot be one."""


def find(context: Context) -> Subject:
    """Find the release: that of this run, the requested version, or the highest stable one."""
    refs = context.ask(context.git.refs)
    releases = context.ask(context.forge.releases)
    promoted = frozenset(stable(releases, context.style))
    wanted = _asked(context) or max(promoted, default=None)
    if wanted is None:
        raise UsageError("there is no release to audit", "release one first")
    mine = [one for one in releases if context.style.read(one.tag_name) == wanted]
    release = min(mine, key=lambda one: (one.draft, one.id), default=None)
    tag = release.tag_name if release else context.style.tag(wanted)
    if f"refs/tags/{tag}" not in refs:
        raise UsageError(
            f"{wanted} was never released: its tag does not exist", "choose another version"
        )
    return _subject(context, (wanted, tag, refs[f"refs/tags/{tag}"], release), promoted)


def _asked(context: Context) -> Version | None:
    if (context.inputs / "plan.json").exists():
        return version.parse(context.plan.version)
    asked = context.environment.trigger().version
    return version.parse(asked) if asked else None


def every(context: Context) -> list[Subject]:
    """Find every public release that has a lock, the highest first."""
    return list(_locked(context))


def last(context: Context, most: int) -> list[Subject]:
    """Find the last stable releases that have a lock and were not rolled back.

    Raises ConflictError or UsageError for a lock that cannot be one.
    """
    held = (one for one in _locked(context) if one.version in one.stable)
    found = list(islice(held, most))
    for one in found:
        if one.unreadable:
            raise one.unreadable
    return found


def _locked(context: Context) -> Iterator[Subject]:
    """Yield the public releases with a lock, each read when it is asked for."""
    refs = context.ask(context.git.refs)
    releases = context.ask(context.forge.releases)
    promoted = frozenset(stable(releases, context.style))
    public = [(context.style.read(one.tag_name), one) for one in releases if not one.draft]
    named = [
        (wanted, one.tag_name, refs.get(f"refs/tags/{one.tag_name}", ""), one)
        for wanted, one in public
        if wanted
    ]
    for each in sorted(named, key=_first, reverse=True):
        found = _subject(context, each, promoted)
        if found.lock or found.unreadable:
            yield found


def _first(named: Named) -> Version:
    return named[0]


def _subject(context: Context, named: Named, promoted: frozenset[Version]) -> Subject:
    read = partial(attempt.lock_of, context, named[1], named[-1])
    try:
        lock = context.ask(read)
    except (ConflictError, UsageError) as error:
        return Subject(*named, None, promoted, error)
    return Subject(*named, lock, promoted)
