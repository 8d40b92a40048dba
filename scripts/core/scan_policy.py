"""Judge the vulnerabilities that a scanner found: which of them stop a release, and why.

The scanner matches packages with advisories. What that means for a release is decided here alone,
never by the scanner's exit code. The same findings on the same day give the same verdict.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from packaging.version import InvalidVersion, Version

from scripts.core.errors import ServiceError
from scripts.core.sbom import APK, BASE, DEB, NPM, OURS, PYPI, Component, Inventory

LEVELS = ("unknown", "low", "medium", "high", "critical")
SCORES = ((9.0, "critical"), (7.0, "high"), (4.0, "medium"), (0.1, "low"))
"""The lowest score of each level (CVSS v3.1, 5)."""
FIXABLE, NEVER = "fixable ", "never"
POLICY = rf"({FIXABLE})?({'|'.join(LEVELS[1:])})|{NEVER}"
MALWARE = "MAL-"
"""How the ids of malicious packages begin (OSV schema)."""
SOURCES = {DEB: "Debian", APK: "Alpine", PYPI: "PyPI", NPM: "npm"}
"""Kind of package to the ecosystem whose advisories are about it."""
REMEDY = "read the scanner's log above, and run the job again"


@dataclass(frozen=True)
class Accepted:
    """An exception: a finding that does not stop a release until a day."""

    id: str
    until: str
    """The last day, YYYY-MM-DD."""
    reason: str


@dataclass(frozen=True)
class Policy:
    """What stops a release."""

    stop: str
    """`fixable high`: from this level on, if there is a fix; `high`: fixed or not; `never`."""
    accepted: tuple[Accepted, ...] = ()


@dataclass(frozen=True)
class Match:
    """A package that the scanner matched with an advisory."""

    id: str
    aliases: tuple[str, ...]
    ecosystem: str
    package: str
    version: str
    fixed: str
    """The version that has the fix; empty if there is none."""
    level: str
    unimportant: bool = False
    """Whether the distribution says that it does not affect its users."""


@dataclass(frozen=True)
class Vulnerability:
    """A match, judged."""

    id: str
    package: str
    version: str
    fixed: str
    level: str
    where: tuple[str, ...]
    """The SBOMs that have the package: `api-linux-amd64`."""
    layer: str
    """`base` if only base images bring it, else `ours`."""
    known: bool
    """Whether the last release had it, by its lock."""
    stops: bool
    why: str


@dataclass(frozen=True)
class Verdict:
    """What a scan came to, and what it was judged by."""

    day: str
    """The day that exceptions are compared with, YYYY-MM-DD."""
    stop: str
    scanner: str
    databases: dict[str, str]
    """Ecosystem to the sha256 of its advisories."""
    newest: str
    """When the newest advisory changed, in UTC."""
    findings: tuple[Vulnerability, ...]
    exceptions: tuple[str, ...] = ()
    """The problems of exceptions."""
    unjudged: tuple[str, ...] = ()
    """Distributions whose packages no advisories are known for."""
    since: str = ""
    """The tag of the last release, whose verdict says what is known; empty if it has none."""

    @property
    def stopping(self) -> tuple[Vulnerability, ...]:
        """Give what stops the release."""
        return tuple(one for one in self.findings if one.stops)


Key = tuple[str, str, str]
"""Ecosystem, package, version: what a scanner is asked about."""


def ecosystem(kind: str, distro: str) -> str:
    """Name the advisories for a kind of package (OSV schema, ecosystems); empty if none are."""
    name, _, version = distro.partition("-")
    if kind == DEB:
        return f"Debian:{version.partition('.')[0]}" if name == "debian" and version else ""
    if kind == APK:
        short = ".".join(version.split(".")[:2])
        return f"Alpine:v{short}" if name == "alpine" and version else ""
    return SOURCES.get(kind, "")


def asked(found: Iterable[Inventory]) -> dict[Key, list[tuple[str, Component]]]:
    """Give what to ask the scanner about, and who has it: a distribution's source packages."""
    keys: dict[Key, list[tuple[str, Component]]] = {}
    for one in found:
        for component in one.components:
            package = component.package
            where = ecosystem(package.kind, one.distro)
            key = (where, package.source or package.name, package.version)
            keys.setdefault(key, []).append((one.name, component))
    return {key: keys[key] for key in sorted(keys)}


def unjudged(found: Iterable[Inventory]) -> tuple[str, ...]:
    """Name the distributions for whose packages no advisories are known."""
    without = (
        one.distro or "an unknown distribution"
        for one in found
        if any(not ecosystem(each.package.kind, one.distro) for each in one.components)
    )
    return tuple(sorted(set(without)))


def question(keys: Iterable[Key]) -> dict[str, Any]:
    """Write the scanner's own format for a list of packages (osv-scanner, custom lockfiles)."""
    listed = [
        {"package": {"ecosystem": where, "name": name, "version": version}}
        for where, name, version in keys
        if where
    ]
    return {"results": [{"packages": listed}]}


def matches(answer: Mapping[str, Any]) -> Iterator[Match]:
    """Read the scanner's answer. Raises ServiceError if it has another form."""
    try:
        for result in answer["results"] or ():
            for one in result["packages"]:
                yield from _groups(one)
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        cause = f"the scanner's answer has another form: {type(error).__name__}: {error}"
        raise ServiceError(cause, REMEDY) from error


def _groups(one: Mapping[str, Any]) -> Iterator[Match]:
    package = one["package"]
    advisories = {each["id"]: each for each in one["vulnerabilities"]}
    for group in one["groups"]:
        ids = sorted(group["ids"])
        aliases = tuple(sorted({*ids, *(group.get("aliases") or ())}))
        told = group.get("experimental_analysis") or {}
        yield Match(
            id=next((alias for alias in aliases if alias.startswith("CVE-")), ids[0]),
            aliases=aliases,
            ecosystem=package["ecosystem"],
            package=package["name"],
            version=package["version"],
            fixed=_fixed(package, [advisories[each] for each in ids if each in advisories]),
            level=_level(group.get("max_severity") or "", aliases),
            unimportant=bool(told) and all(each.get("unimportant") for each in told.values()),
        )


def _level(score: str, ids: Iterable[str]) -> str:
    if any(one.startswith(MALWARE) for one in ids):
        return LEVELS[-1]
    value = float(score or 0)
    return next((level for least, level in SCORES if value >= least), LEVELS[0])


def _fixed(package: Mapping[str, str], advisories: Iterable[Mapping[str, Any]]) -> str:
    """Give the lowest version with the fix; of Python's, which can be compared, a higher one."""
    found = {
        event["fixed"]
        for advisory in advisories
        for affected in advisory.get("affected", ())
        if affected["package"]["name"] == package["name"]
        if affected["package"]["ecosystem"] == package["ecosystem"]
        for span in affected.get("ranges", ())
        if span["type"] != "GIT"
        for event in span["events"]
        if "fixed" in event
    }
    if package["ecosystem"] != SOURCES[PYPI]:
        return ", ".join(sorted(found))
    try:
        higher = [one for one in found if Version(one) > Version(package["version"])]
    except InvalidVersion:
        return ", ".join(sorted(found))
    return min(higher, key=Version, default="")


def judge(
    found: Iterable[Match],
    holders: Mapping[Key, list[tuple[str, Component]]],
    policy: Policy,
    day: str,
    before: "Verdict | None" = None,
) -> tuple[Vulnerability, ...]:
    """Judge every match, the stopping and the worst first."""
    known = {(one.id, one.package) for one in before.findings} if before else set()
    judged = [_judged(one, holders, policy, day, known) for one in found]
    ranked = sorted(set(judged), key=lambda one: (one.package, one.version, one.id))
    return tuple(sorted(ranked, key=lambda one: (not one.stops, -LEVELS.index(one.level))))


def _judged(
    one: Match,
    holders: Mapping[Key, list[tuple[str, Component]]],
    policy: Policy,
    day: str,
    known: set[tuple[str, str]],
) -> Vulnerability:
    held = holders.get((one.ecosystem, one.package, one.version), [])
    ours = any(component.origin == OURS for _, component in held)
    stops, why = _ruled(one, policy, day)
    return Vulnerability(
        *(one.id, one.package, one.version, one.fixed, one.level),
        where=tuple(sorted({name for name, _ in held})),
        layer=OURS if ours else BASE,
        known=(one.id, one.package) in known,
        stops=stops,
        why=why,
    )


def _ruled(one: Match, policy: Policy, day: str) -> tuple[bool, str]:
    """Decide whether a match stops the release, and say why."""
    if policy.stop == NEVER:
        return False, "the policy stops nothing"
    least = policy.stop.removeprefix(FIXABLE)
    if one.unimportant:
        return False, "the distribution says that it is unimportant"
    if LEVELS.index(one.level) < LEVELS.index(least):
        return False, f"below {least}"
    if policy.stop.startswith(FIXABLE) and not one.fixed:
        return False, "no fix exists"
    mine = [each for each in policy.accepted if each.id in (one.id, *one.aliases)]
    for each in mine:
        if day <= each.until:
            return False, f"accepted until {each.until}: {each.reason}"
    expired = f"; its exception ended on {mine[0].until}" if mine else ""
    return True, f"{one.level}, fixed in {one.fixed or 'no version'}{expired}"


def faults(
    found: Iterable[Match], policy: Policy, day: str, known: Mapping[str, bool]
) -> tuple[str, ...]:
    """Find the problems of exceptions: expired, unknown to the database, or never matching.

    `known` says of the id of an exception whether the database has it.
    """
    ids = {alias for one in found for alias in (one.id, *one.aliases)}
    return tuple(_faults(policy, ids, day, known))


def _faults(policy: Policy, ids: set[str], day: str, known: Mapping[str, bool]) -> Iterator[str]:
    for one in policy.accepted:
        if one.id not in ids and not known.get(one.id, True):
            yield f"{one.id}: the database does not know it: correct the id, or remove it"
        elif one.id not in ids:
            yield f"{one.id}: no package has it any more: remove it"
        elif day > one.until:
            yield f"{one.id}: it ended on {one.until}: fix the package, or extend it with a reason"
