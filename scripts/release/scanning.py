"""Ask the scanner about SBOMs, and judge its answer: for a release, and for the watch."""

from collections.abc import Iterable
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Judge:
    """A scanner and the advisories, which judge one inventory after the other by one policy."""

    config: ScanConfig
    scanner: Scanner
    database: Database

    def verdict(self, found: Iterable[Inventory], day: str, last: Lock | None = None) -> Verdict:
        """Scan what is installed; `last` is the lock of the last release."""
        found, before = list(found), last.scan if last else None
        holders = scan_policy.asked(found)
        answer = self.scanner.scan(scan_policy.question(holders), self.database.folder.parent)
        matches = list(scan_policy.matches(answer))
        rules = policy(self.config)
        ids = {alias for one in matches for alias in (one.id, *one.aliases)}
        known = {one.id: self.database.knows(one.id) for one in rules.accepted if one.id not in ids}
        return Verdict(
            day,
            self.config.stop,
            f"{PROGRAM} {self.scanner.version}",
            self.database.digests,
            self.database.newest,
            scan_policy.judge(matches, holders, rules, day, before),
            scan_policy.faults(matches, rules, day, known),
            scan_policy.unjudged(found),
            last.plan.tag if last and before else "",
        )


def judge(context: Context, config: ScanConfig, found: Iterable[Inventory]) -> Judge:
    """Bring the advisories that these inventories need, and the scanner."""
    wanted = {where.partition(":")[0] for where, _, _ in scan_policy.asked(found) if where}
    folder = context.fresh("scan")
    database = _database(context, config, wanted)
    context.console.step("match packages with advisories")
    return Judge(config, Scanner(context.environment.inherited(), folder), database)


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
