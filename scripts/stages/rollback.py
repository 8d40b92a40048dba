"""Roll a release back: move the pointers to a good one, keep the names, mark the bad one.

A release that was never promoted is withdrawn instead, since no pointer led to it.
"""

import json
from collections.abc import Sequence
from functools import partial
from typing import Any

from packaging.version import Version

from scripts.core import codec, lockfile, report, rollback, version
from scripts.core.converge import Outcome, Surface, converge
from scripts.core.errors import ReleaseError, UsageError
from scripts.core.lockfile import Lock
from scripts.core.results import Done
from scripts.core.rollback import Rollback
from scripts.release import attempt
from scripts.release.attempt import stable
from scripts.release.context import Context
from scripts.release.release_surfaces import package, refuse_disputed, tags
from scripts.surfaces.rolled_back import BranchGone, DraftGone, LatestBack, Marked, TagBack, Yanked


def run(context: Context) -> Done:
    """Print the steps, then do them; a second run finishes the rest."""
    trigger = context.environment.trigger()
    wanted = version.parse(trigger.version or "")
    releases = context.ask(context.forge.releases)
    mine = [one for one in releases if one.tag_name == context.style.tag(wanted)]
    if not mine and not begun(context, wanted):
        raise UsageError(
            f"{wanted} was never released or started here",
            "choose a version from the repository's releases: a rollback needs the release's lock",
        )
    if all(one.draft for one in mine):
        return withdraw(context, wanted, trigger.dry_run)
    asked = version.parse(trigger.good) if trigger.good else None
    decided = decide(context, wanted, asked, stable(releases, context.style))
    text = report.rollback(decided)
    context.report(text, **found(decided))
    hand_over(context, decided)
    if trigger.dry_run:
        return Done()
    context.workflow.output(mode="rolled-back")
    done = bring(context, surfaces(context, decided))
    on_index = yank_on_index(context, decided.bad)
    tell(context, on_index)
    moved = json.dumps([(f"{m.repository}:{m.tag}", m.version) for m in decided.moves])
    return Done((*done, *on_index), (("moved", moved),))


def bring(context: Context, wanted: Sequence[Surface]) -> list[Outcome]:
    """Converge, and report the outcomes, even those of a failed attempt."""
    try:
        done = converge(wanted, context.environment.patience)
    except ReleaseError as error:
        tell(context, error.outcomes)
        raise
    tell(context, done)
    return done


def tell(context: Context, outcomes: Sequence[Outcome]) -> None:
    """Print each outcome, open tasks first, and write them to the summary page."""
    for one in outcomes:
        said = f"{one.title}: {one.detail}{', done now' if one.written else ''}"
        context.console.say(said)
        context.workflow.summary(f"- {said}")


def found(decided: Rollback) -> dict[str, Any]:
    """Return the decisions for another program."""
    bad, good = decided.bad.plan, decided.good.plan
    names = {"bad": bad.version, "good": good.version, "latest": bad.latest}
    return {**names, "moves": decided.moves, "staying": decided.staying}


def begun(context: Context, wanted: Version) -> bool:
    """Tell whether an attempt left its branch but no draft."""
    refs = context.ask(context.git.refs)
    return f"refs/heads/release/{context.style.tag(wanted)}" in refs


def decide(
    context: Context, bad: Version, asked: Version | None, released: set[Version]
) -> Rollback:
    """Read the needed locks, and decide every move."""
    good = rollback.choose(bad, asked, released)
    needed = {v for v in rollback.targets(bad, good, released).values() if v} | {bad, good}
    locks = {one: read(context, one) for one in needed}
    for one in needed:
        check_names(context, locks[one])
    for one in needed - {bad}:
        for image in locks[one].plan.images:
            check_there(context, locks[one].pinned(image))
    return rollback.decide(locks[bad], good, released, locks)


def read(context: Context, wanted: Version) -> Lock:
    """Read a release's lock. A rollback to a release without a lock is not possible by digest."""
    tag = context.style.tag(wanted)
    lock = context.ask(partial(attempt.read_lock, context, tag))
    if lock is None:
        raise UsageError(
            f"release {tag} has no {lockfile.NAME}: this system did not make the release, or the "
            "file was deleted",
            "choose a release that has one, or move the floating tags by hand, with "
            "`docker buildx imagetools create`",
        )
    return lock


def check_names(context: Context, lock: Lock) -> None:
    """Reject a lock that disagrees with the public names: somebody changed one by hand."""
    refuse_disputed(context, lock, tags(context, lock))


def check_there(context: Context, reference: str) -> None:
    """Check that the images of the good release still exist, before anything moves."""
    find = partial(context.registry.find, reference)
    if context.ask(find) is None:
        raise UsageError(
            f"{reference} is gone from the registry",
            "choose another good version; nothing was changed",
        )


def surfaces(context: Context, decided: Rollback) -> list[Surface]:
    """List what moves back, the pointers that most people follow first."""
    bad, good = decided.bad.plan, decided.good.plan
    forge, page = context.forge, context.endpoints.page_url
    tags: list[Surface] = [TagBack(context.registry, move) for move in decided.moves]
    latest: list[Surface] = [LatestBack(forge, bad.tag, good.tag, bad.style)] if bad.latest else []
    config = context.config_at(decided.bad.commit)
    changelog = Yanked(
        context.git,
        bad,
        config.changelog,
        bad.branch or config.branch or context.ask(context.git.default_branch),
        forge.find_pull_request,
        forge.open_pull_request,
    )
    marked: list[Surface] = [Marked(forge, bad.tag, good.tag, page)]
    return [*tags, *latest, *marked, *([changelog] if config.keeps_changelog else [])]


def withdraw(context: Context, wanted: Version, dry_run: bool) -> Done:
    """Delete the draft and the release branch of a release that was never public."""
    tag = context.style.tag(wanted)
    text = report.withdrawal(tag)
    context.report(text, bad=str(wanted), good=None, moves=[], staying=[], latest=False)
    if dry_run:
        return Done()
    gone: list[Surface] = [DraftGone(context.forge, tag)]
    gone.append(BranchGone(context.git, f"release/{tag}"))
    return Done(tuple(bring(context, gone)))


def hand_over(context: Context, decided: Rollback) -> None:
    """Write the good release's plan and assets: the consumer's check that follows reads them."""
    good = decided.good
    context.write("plan.json", codec.encode(good.plan))
    context.write(f"assets/{lockfile.NAME}", lockfile.write(good))
    release = context.forge.release(good.plan.tag)
    compose = context.forge.asset(release, "compose.yaml") if release else None
    if compose:
        context.write("assets/compose.yaml", compose.decode("utf-8", "surrogateescape"))


def yank_on_index(context: Context, bad: Lock) -> list[Outcome]:
    """Report whether the version is yanked on the index: only a person can do that (PEP 592)."""
    if not bad.dists:
        return []
    (name,) = package(context, bad)
    find = partial(context.index.yanked, bad.plan.project, bad.plan.version)
    yanked = context.ask(find)
    how = "not yanked: on the index, open the project's page, Manage, Releases, Options, Yank"
    return [Outcome(name.title, "yanked" if yanked else how, written=False, kind=name.kind)]
