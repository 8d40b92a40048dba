"""The last release, which `plan` hands to the jobs that compare this one with it."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from scripts.core import lockfile
from scripts.core.lockfile import Lock
from scripts.core.planning import Plan
from scripts.core.sbom import Inventory, read
from scripts.release import attempt, sboms
from scripts.release.assets import SBOMS
from scripts.release.context import Context

if TYPE_CHECKING:
    from github.GitRelease import GitRelease  # start-up counts

FOLDER = "previous"


def hand_over(context: Context, plan: Plan, releases: "Iterable[GitRelease]") -> None:
    """Write the lock and the SBOMs of the last release, as far as it has them."""
    tag = plan.previous_tag
    if not tag:
        return
    release = next(iter(context.forge.chosen(releases, tag)), None)
    found = context.ask(lambda: attempt.lock_of(context, tag, release)) if release else None
    if found is None or release is None:
        return
    context.write(f"{FOLDER}/{lockfile.NAME}", lockfile.write(found))
    content = context.ask(lambda: context.forge.asset(release, SBOMS)) if found.sboms else None
    for name, text in sboms.unpacked(content, found) if content else ():
        context.write(f"{FOLDER}/{sboms.FOLDER}/{name}", text.decode("utf-8"))


def lock(context: Context) -> Lock | None:
    """Give the lock of the last release; none if it has none, or `plan` did not run."""
    path = context.inputs / FOLDER / lockfile.NAME
    return lockfile.read(path.read_bytes()) if path.exists() else None


def inventories(context: Context) -> dict[str, Inventory]:
    """Give the SBOMs of the last release, by name."""
    folder = context.inputs / FOLDER / sboms.FOLDER
    return {one.name: read(one.read_bytes(), one.name) for one in sorted(folder.glob("*"))}
