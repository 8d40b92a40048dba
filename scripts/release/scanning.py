"""Ask the scanner about SBOMs, and judge its answer: for a release, and for the watch later."""

from collections.abc import Iterable
from datetime import UTC, datetime

from scripts.core import scan_policy
from scripts.core.errors import ReleaseError
from scripts.core.lockfile import Lock
from scripts.core.sbom import Inventory
from scripts.core.scan_policy import Accepted, Policy, Verdict
from scripts.release.configuration import ScanConfig
from scripts.release.context import Context
from scripts.surfaces import advisories
from scripts.surfaces.advisories import Database
from scripts.tools.scanner import PROGRAM, Scanner

LAYOUT = "osv-scanner"
"""The folder below its database in which the scanner searches for archives."""


def policy(config: ScanConfig) -> Policy:
    """Give the policy of the table."""
    accepted = (Accepted(one.id, one.until, one.reason) for one in config.exceptions)
    return Policy(config.stop, tuple(accepted))


def judged(
    context: Context,
    config: ScanConfig,
    found: Iterable[Inventory],
    day: str,
    last: Lock | None = None,
) -> Verdict:
    """Scan what is installed; `last` is the lock of the last release."""
    found, before = list(found), last.scan if last else None
    holders = scan_policy.asked(found)
    folder = context.fresh("scan")
    wanted = {where.partition(":")[0] for where, _, _ in holders if where}
    database = _database(context, config, wanted)
    context.console.step("match packages with advisories")
    scanner = Scanner(context.environment.inherited(), folder)
    answer = scanner.scan(scan_policy.question(holders), database.folder.parent)
    matches = list(scan_policy.matches(answer))
    rules = policy(config)
    ids = {alias for one in matches for alias in (one.id, *one.aliases)}
    known = {one.id: database.knows(one.id) for one in rules.accepted if one.id not in ids}
    return Verdict(
        day,
        config.stop,
        f"{PROGRAM} {scanner.version}",
        database.digests,
        database.newest,
        scan_policy.judge(matches, holders, rules, day, before),
        scan_policy.faults(matches, rules, day, known),
        scan_policy.unjudged(found),
        last.plan.tag if last and before else "",
    )


def _database(context: Context, config: ScanConfig, wanted: set[str]) -> Database:
    """Bring the advisories, or the copy that the table names if they cannot be had."""
    address = context.endpoints.advisories or config.database
    try:
        return _fetched(context, address, wanted)
    except ReleaseError as error:
        if config.fallback is None:
            raise
        context.errors.warn(error)
        return _fetched(context, config.fallback, wanted)


def _fetched(context: Context, address: str, wanted: set[str]) -> Database:
    folder = context.fresh("advisories") / LAYOUT
    context.console.step("fetch the advisories")
    now, silence = datetime.now(UTC), context.environment.silence()
    return context.ask(lambda: advisories.fetch(address, wanted, folder, now, silence))
