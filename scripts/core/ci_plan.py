"""Decide which checks a change needs from its paths, and combine their results."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from scripts.core.errors import CheckError, ReleaseError, UsageError

YES, NO = "yes", "no"
DRY_RUN = "--dry-run"
CLASSIFIER = "Programming Language :: Python :: 3."
OLDEST, NEWEST = (
    11,
    20,
)  # the minor versions of Python 3; these scripts need the first one themselves
CHECK, DISTS, IMAGES = "check", "dists", "images"
SERVICES, REHEARSAL, WHOLE_REHEARSAL = "services", "rehearsal", "whole rehearsal"
EVERYTHING = frozenset({CHECK, DISTS, IMAGES, SERVICES, REHEARSAL, WHOLE_REHEARSAL})
TARGETS = {
    CHECK: "check",
    DISTS: "dists",
    IMAGES: "images",
    SERVICES: "check-services",
    REHEARSAL: "rehearse",
}
"""Check -> its make target, for CI and for every machine."""
PROSE = (".github/ISSUE_TEMPLATE", "docs", "LICENSE", "CITATION.cff", ".github/CODEOWNERS")


@dataclass(frozen=True)
class House:
    """The facts about a project for the decision. Paths are from the repository's root."""

    targets: frozenset[str]
    """The targets of its Makefile: this project does not have a check without a target."""
    pythons: tuple[str, ...]
    modules: tuple[str, ...] = ()
    """The top-level names of its package; none if it has no package."""
    dockerfiles: tuple[str, ...] = ()
    """None if it has no images."""
    compose: str | None = None
    readme: str | None = None
    """The page that the package index shows: part of the dists."""
    version_files: tuple[str, ...] = ()


@dataclass(frozen=True)
class Checks:
    """The checks that run. `pythons` is never empty: the tests also read documents."""

    pythons: tuple[str, ...]
    dists: bool
    images: bool
    services: bool
    rehearsal: bool
    dry_run: bool = False
    """Whether a rehearsal up to the gate is enough."""

    def outputs(self) -> dict[str, str]:
        """Return the texts that the workflow's conditions compare, each under its job's name."""
        names = (DISTS, IMAGES, SERVICES, REHEARSAL)
        return {CHECK: YES, **{name: YES if getattr(self, name) else NO for name in names}}


def decide(paths: Iterable[str] | None, house: House) -> Checks:
    """Choose the checks for these paths; None, an unknown change, needs all checks."""
    changed = None if paths is None else sorted(set(paths))
    wanted = set(EVERYTHING) if not changed else set[str]()
    for path in changed or ():
        wanted |= _needed(path, house)
    pythons = house.pythons if CHECK in wanted else house.pythons[-1:]
    return Checks(
        pythons=pythons,
        dists=DISTS in wanted and bool(house.modules) and TARGETS[DISTS] in house.targets,
        images=IMAGES in wanted and bool(house.dockerfiles) and TARGETS[IMAGES] in house.targets,
        services=SERVICES in wanted and TARGETS[SERVICES] in house.targets,
        rehearsal=REHEARSAL in wanted and TARGETS[REHEARSAL] in house.targets,
        dry_run=WHOLE_REHEARSAL not in wanted,
    )


def _needed(path: str, house: House) -> frozenset[str]:
    """Return the checks for a change of one file: the first match, or else all."""
    module = path.removeprefix("src/").split("/")[0].removesuffix(".py")
    fits = (
        (path in house.version_files, EVERYTHING),
        (path == house.readme, frozenset({DISTS})),
        (_prose(path), frozenset[str]()),
        (module in house.modules, EVERYTHING - {WHOLE_REHEARSAL}),
        (
            path in (*house.dockerfiles, house.compose, ".dockerignore"),
            EVERYTHING - {DISTS, SERVICES},
        ),
        (path.startswith(("tests/", "benchmarks/")), frozenset({CHECK, SERVICES})),
        (path.startswith("rehearsal/"), frozenset({CHECK, REHEARSAL, WHOLE_REHEARSAL})),
        (path.startswith("scripts/"), frozenset({CHECK, DISTS, REHEARSAL, WHOLE_REHEARSAL})),
    )
    return next((needed for does, needed in fits if does), EVERYTHING)


def _prose(path: str) -> bool:
    """Tell whether a file is only for people. A .md file elsewhere may be shipped."""
    folder = path.rpartition("/")[0]
    text = path.endswith((".md", ".rst")) and folder in ("", ".github")
    return text or any(path == one or path.startswith(f"{one}/") for one in PROSE)


def pythons(classifiers: Iterable[str], requires: str | None) -> tuple[str, ...]:
    """Return the Pythons that a project supports, oldest first.

    Those its classifiers name; without any, the oldest that `requires-python` allows.
    """
    ends = [one.removeprefix(CLASSIFIER) for one in classifiers if one.startswith(CLASSIFIER)]
    if numbers := sorted({int(end) for end in ends if end.isdecimal()}):
        return tuple(f"3.{number}" for number in numbers)
    try:
        allowed = SpecifierSet(requires or "")
    except InvalidSpecifier as error:
        raise UsageError(
            f"requires-python is {requires!r}, which is not a version specifier",
            'write one in [project], such as requires-python = ">=3.11"',
        ) from error
    # The highest patch release there could be: ">=3.11.4" allows 3.11.
    found = (f"3.{n}" for n in range(OLDEST, NEWEST) if allowed.contains(f"3.{n}.99"))
    return (next(found, f"3.{OLDEST}"),)


def verdict(needs: Mapping[str, Any]) -> Iterator[ReleaseError]:
    """Yield a problem for each check that did not follow the plan.

    `needs` is GitHub's context of that name: each job's `result` and `outputs`. A check that was
    skipped without the plan's word is a problem as much as one that failed: branch protection
    looks at this answer alone.
    """
    plan = needs.get("plan", {})
    if plan.get("result") != "success":
        result = plan.get("result", "not there")
        yield CheckError(
            f"plan: expected success, got {result}",
            "read the log of the job `plan`, then run it again",
        )
        return
    outputs = plan.get("outputs", {})
    for job in sorted(needs.keys() - {"plan"}):
        result = needs[job].get("result")
        wanted = {YES: "success", NO: "skipped"}.get(outputs.get(job, ""))
        if wanted is None:
            yield UsageError(
                f"the plan does not say whether {job} runs", "give the job the name of a check"
            )
        elif result != wanted:
            yield CheckError(
                f"{job}: expected {wanted}, got {result}",
                f"read the log of the job `{job}`, or run it here: make {TARGETS.get(job, job)}",
            )


def rows(checks: Checks) -> Iterator[tuple[str, str, str]]:
    """Write a table for people: each check, whether it runs, and the same command here."""
    yield CHECK, f"on Python {', '.join(checks.pythons)}", f"`make {TARGETS[CHECK]}`"
    for name, runs in checks.outputs().items():
        if name == REHEARSAL and runs == YES and checks.dry_run:
            yield name, f"{runs}, up to the gate", f'`make {TARGETS[name]} ARGS="{DRY_RUN}"`'
        elif name != CHECK:
            yield name, runs, f"`make {TARGETS[name]}`"
