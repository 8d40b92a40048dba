"""Find what an earlier attempt of the same version left, and whether it binds.

An attempt binds once its first name is public. Until then, a run starts again from the branch's
head. From then on, the plan of the earlier attempt applies, read from the draft or from the release
commit.
"""

import hashlib
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.version import Version

from scripts.core import changelog, lockfile, planning, version
from scripts.core.converge import Conflict, Missing, Surface
from scripts.core.errors import ConflictError, ServiceError, TransientError, UsageError
from scripts.core.lockfile import Lock, unbuilt
from scripts.core.planning import Base, Plan
from scripts.core.tags import Style
from scripts.release import sboms
from scripts.release.assets import SBOMS, VERIFIER
from scripts.release.configuration import Config
from scripts.release.context import Context
from scripts.release.release_surfaces import names
from scripts.release.starting_point import Start, base_of, called, check, following, product

if TYPE_CHECKING:
    from github.GitRelease import GitRelease  # start-up counts


@dataclass(frozen=True)
class Attempt:
    """The public state of one version."""

    names: tuple[str, ...]
    """The names that are public already."""
    lock: Lock | None
    """The lock that the release, or its draft, holds."""
    rolled_back: frozenset[Version] = frozenset()
    """Stable versions that were rolled back. They do not hold any pointer."""
    releases: "tuple[GitRelease, ...]" = ()
    """All releases that GitHub lists, with drafts."""


def look(context: Context, start: Start, wanted: Version) -> Attempt:
    """Look at every surface, side by side."""
    tag = start.style.tag(wanted)
    # The tag that started this run is the request, not the trace of an earlier one.
    looked_at = possible_names(context, start, wanted)[1 if start.tag else 0 :]

    with ThreadPoolExecutor() as pool:
        listed = pool.submit(context.ask, lambda: tuple(context.forge.releases()))
        states = pool.map(lambda name: context.ask(name.observe), looked_at)
        pairs = zip(looked_at, states, strict=True)
        public = [name.title for name, state in pairs if not isinstance(state, Missing)]
        releases = listed.result()
    mine = next(iter(context.forge.chosen(releases, tag)), None)
    found = context.ask(lambda: lock_of(context, tag, mine))
    return Attempt(tuple(public), found, rolled_back(releases, start.style), releases)


def possible_names(context: Context, start: Start, wanted: Version) -> list[Surface]:
    """List the names that a release of this version would have, the git tag first."""
    plan = _decide(context, start, wanted, base_of(context, start))
    return names(context, unbuilt(plan))


def read_lock(context: Context, tag: str) -> Lock | None:
    """Read the lock back from the release, or its draft, if there is one.

    Raises ConflictError if it belongs to another release, or differs from the lock that the
    release's notes or the tag's message name. The notes of a draft do not count: an interrupted run
    may have left older ones.
    """
    return lock_of(context, tag, context.forge.release(tag))


def lock_of(context: Context, tag: str, release: "GitRelease | None") -> Lock | None:
    """Read the lock that the release of `tag` holds, if it holds one; see `read_lock`."""
    text = context.forge.asset(release, lockfile.NAME) if release else None
    if release is None or not text:
        return None
    found = lockfile.read(text)
    lockfile.bound(found, tag, _present_name(context, found.repository))
    digest = hashlib.sha256(text).hexdigest()
    if not release.draft:
        lockfile.undisputed(f"the notes of release {tag}", digest, context.forge.lock_of(release))
    lockfile.undisputed(f"the message of git tag {tag}", digest, said_by_tag(context, tag))
    return found


def said_by_tag(context: Context, tag: str) -> str:
    """Return the digest of the lock that the tag's message names; empty where it names none."""
    return lockfile.said(context.git.tag_message(tag))


def _present_name(context: Context, said: str) -> str:
    """Return this repository's name; if it was renamed since, `said`."""
    ours = context.endpoints.repository
    other = said and said.casefold() != ours.casefold()
    return said if other and context.forge.same(said) else ours


def rolled_back(releases: "Iterable[GitRelease]", style: Style) -> frozenset[Version]:
    """Return the stable versions that GitHub shows as pre-releases: a rollback marked them so."""
    marked = (r.tag_name for r in releases if r.prerelease and not r.draft)
    versions = (style.read(tag) for tag in marked)
    return frozenset(v for v in versions if v and not v.is_prerelease)


def stable(releases: "Sequence[GitRelease]", style: Style) -> set[Version]:
    """Return the stable versions that are public and were not rolled back."""
    promoted = (one.tag_name for one in releases if not one.draft and not one.prerelease)
    return set(style.versions(promoted))


def choose(context: Context, start: Start, wanted: Version, found: Attempt) -> tuple[Plan, str]:
    """Return the plan, and the commit of an earlier attempt that binds, or an empty text."""
    if not found.names:
        check(context, start, wanted)
        return _decide(context, start, wanted, base_of(context, start), found.rolled_back), ""
    if found.lock is None:
        commit = _release_commit(start, wanted, found)
        return _recovered(context, start, wanted, found, commit), commit
    plan = _same_branch(start, found.lock.plan)
    refuse_conflicts(context, found.lock)
    return plan, found.lock.commit


def refuse_conflicts(context: Context, locked: Lock) -> None:
    """Reject a lock if other content has one of its names, before the next name is published."""
    for surface in names(context, locked):
        state = context.ask(surface.observe)
        if isinstance(state, Conflict):
            raise ConflictError(f"{surface.title}: {state.cause}", state.remedy)


def _decide(
    context: Context,
    start: Start,
    wanted: Version,
    base: Base,
    rolled_back: frozenset[Version] = frozenset(),
) -> Plan:
    gone = {wanted, *rolled_back}
    released = {one: tag for one, tag in start.released().items() if one not in gone}
    what = product(context, start.config)
    base = replace(base, next_version=_next_version(context, start, wanted, base))
    return planning.decide(what, wanted, base, released, start.style)


def _next_version(context: Context, start: Start, wanted: Version, base: Base) -> str:
    """Return the development version that the branch gets, by the table where the plan starts."""
    same = base.commit == start.commit
    config = start.config if same else context.config_at(base.commit)
    return following(config, wanted) if base.branch else ""


def _release_commit(start: Start, wanted: Version, found: Attempt) -> str:
    """Find the commit of an attempt whose draft is gone: its tag, or its branch, holds it."""
    tag = start.style.tag(wanted)
    for ref in (f"refs/tags/{tag}", f"refs/heads/release/{tag}"):
        if ref in start.refs:
            return start.refs[ref]
    raise ConflictError(
        f"{wanted} is taken ({', '.join(found.names)}), but no tag, release branch or draft here "
        "shows its source",
        "a public name must not be used again: release the next version",
    )


def _recovered(
    context: Context, start: Start, wanted: Version, found: Attempt, commit: str
) -> Plan:
    """Make the plan again from the release commit: its parent, trailer and time are the plan's."""
    try:
        config = context.config_at(commit)
    except UsageError as error:
        highest = max(start.released(), default=wanted)
        raise ConflictError(
            f"{wanted} is taken ({', '.join(found.names)}), and was made without this system",
            f"ask for a free version by its number; the highest is {highest}",
        ) from error
    if not config.from_tags and version.current(config.version) != wanted:
        tagged = start.refs.get(f"refs/tags/{start.style.tag(wanted)}", commit)
        raise ConflictError(
            f"{wanted} is taken ({tagged[:12]} "
            f"is tagged, or on its release branch), but that commit says {config.version}",
            "delete the tag if nobody has used it, or release the next version",
        )
    form = "%ct%n%P%n%(trailers:key=Release-Branch,valueonly)"
    seconds, parent, branch = context.git.run(
        "show", "--no-patch", f"--format={form}", "--end-of-options", commit
    ).split("\n")[:3]
    day, back = _date(context, config, commit, wanted, int(seconds)), found.rolled_back
    if not branch and not start.tag:
        raise ConflictError(
            f"{wanted} is taken ({', '.join(found.names)}) by a commit that was not made by a "
            f"release from a branch",
            "release the next version; or run the workflow on that tag, if it has begun there",
        )
    named = called(context, config, commit, wanted)
    if not branch:
        return _decide(context, start, wanted, Base(commit, None, day, int(seconds), named), back)
    base = Base(parent, branch, day, int(seconds), named)
    return _same_branch(start, _decide(context, start, wanted, base, back))


def _date(context: Context, config: Config, commit: str, wanted: Version, seconds: int) -> str:
    """Give the release's day: as the changelog has it, else that of the commit (`plan.epoch`)."""
    if not config.keeps_changelog:
        return datetime.fromtimestamp(seconds, UTC).date().isoformat()
    path = config.changelog
    return changelog.section(context.read_at(commit, path), wanted, path).date or ""


def _same_branch(start: Start, plan: Plan) -> Plan:
    if start.branch and plan.branch and plan.branch != start.branch:
        raise UsageError(
            f"{plan.version} was started from branch {plan.branch}, this is {start.branch}",
            f"run it from {plan.branch} to finish it, or choose another version",
        )
    return plan


def _from_index(context: Context, project: str, name: str, folder: Path) -> bytes:
    try:
        return context.index.download(project, name, folder).read_bytes()
    except TransientError:
        raise
    except ServiceError as error:
        error.remedy = "delete the draft release, and run the release again: it builds new files"
        raise


def fetch_dists(context: Context, earlier: Lock) -> None:
    """Bring the proven files of an earlier attempt: from its release, or else from the index."""
    release = context.forge.release(earlier.plan.tag)
    folder = context.outputs / "earlier"
    for dist in earlier.dists:
        content = context.forge.asset(release, dist.name) if release else None
        if content is None:
            content = _from_index(context, earlier.plan.project, dist.name, folder)
        if lockfile.locked_dist(dist.name, content) != dist:
            raise ConflictError(
                f"{dist.name} of the earlier attempt is not the file that its lock describes",
                "delete the draft release, and run the release again",
            )
        (folder / dist.name).write_bytes(content)
    # The program is not in the lock: what the earlier attempt showed stays.
    program = context.forge.asset(release, VERIFIER) if release else None
    if program is not None:
        (folder / VERIFIER).write_bytes(program)


def fetch_sboms(context: Context, earlier: Lock) -> None:
    """Bring the SBOMs of an earlier try; an older system's lock names none."""
    if not earlier.sboms:
        return
    release = context.forge.release(earlier.plan.tag)
    content = context.forge.asset(release, SBOMS) if release else None
    if content is None:
        raise ConflictError(
            f"the release of the earlier attempt has lost {SBOMS}",
            "delete the draft release, and run the release again",
        )
    for name, text in sboms.unpacked(content, earlier):
        context.write(f"earlier/{sboms.FOLDER}/{name}", text.decode("utf-8"))
