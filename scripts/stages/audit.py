"""Check that all parts of a past release agree, from public surfaces only.

The audit does not need a token. Its exit code is 1 on drift. A release from before this system does
not have a lock; then only the checks that need none run.
"""

import tarfile
import tomllib
import zipfile
from collections.abc import Callable, Iterator
from functools import partial

from github.GitRelease import GitRelease

from scripts.core import changelog, lockfile, report
from scripts.core.converge import Conflict, Matches, Outcome, Surface, converge
from scripts.core.errors import CheckError, ReleaseError, ServiceError, shown
from scripts.core.findings import (
    PROBLEM,
    Finding,
    compared,
    foreign,
    not_checked,
    ok,
    problem,
)
from scripts.core.planning import normalised
from scripts.core.results import Done
from scripts.core.tags import LATEST, pointer_targets
from scripts.release import attested, release_surfaces
from scripts.release.assets import COMPOSE, SUMS
from scripts.release.context import Context
from scripts.release.foreign import Explained
from scripts.release.package_metadata import metadata
from scripts.release.release_surfaces import tags
from scripts.release.released import Subject, every, find
from scripts.release.version_source import STATIC
from scripts.surfaces import kept_issue
from scripts.surfaces.image_registry import VERSION_LABEL, FloatingTag
from scripts.surfaces.kept_issue import KeptIssue
from scripts.surfaces.web import NO_ANSWER
from scripts.tools.docker_engine import Engine, said_version

NAMES = "a public name must not be changed: release the next version"
POINTERS = "run the release again with the same version: it moves the missing pointers"
DRIFT = "Parts of a release no longer agree"
MARK = "<!-- kept by the audit of releases -->"
KEEPER = "the audit, about what no lock explains"
BESIDE = "what no lock explains"
ASSET = "asset "
RECENT = 10
"""Releases whose attestations are asked for, which takes a request for each part."""
AGREED = "All parts of every release agree again."


def run(context: Context, start: bool = False, issue: bool = False) -> Done:
    """Print every finding; fail on drift, and on what no lock explains.

    `start` starts the images too. `issue` checks every release that has a lock, and the names
    besides them, unless one version is requested. It keeps one issue about the drift, and one for
    each thing that somebody else made. It starts only the highest stable release, since a runner's
    disk cannot hold the images of all.
    """
    keeping = issue and not context.environment.trigger().version
    subjects = every(context) if keeping else [find(context)]
    found: dict[str, list[Finding]] = {}
    for number, one in enumerate(subjects):
        begun = started if not keeping or one.version == max(one.stable, default=None) else left_out
        asks = number < RECENT and not (context.inputs / "plan.json").exists()
        checks = CHECKS if asks else tuple(_without_signers())
        found[one.tag] = examine(context, one, (*checks, begun) if start else checks)
    names = beside(context, subjects) if keeping else {}
    found |= {BESIDE: list(dict.fromkeys(names.values()))} if keeping else {}
    text = "\n".join(report.findings(f"Audit of {tag}", each) for tag, each in found.items())
    context.report(text, releases=found)
    wrong = {tag: [one for one in each if one.status == PROBLEM] for tag, each in found.items()}
    done = Done(tuple(keep(context, wrong, names)) if keeping else ())
    if named := [(tag, one) for tag, each in wrong.items() for one in each]:
        raise CheckError(
            "; ".join(f"{tag}: {one.what}: {one.found}" for tag, one in named),
            "; ".join(dict.fromkeys(one.remedy for _, one in named)),
        )
    return done


def beside(context: Context, subjects: list[Subject]) -> dict[str, Finding]:
    """Find what no lock explains, by name. An unreadable lock is a finding of its own release."""
    context.console.step(BESIDE)
    locks = {one.version: one.lock for one in subjects if one.lock}
    unread = frozenset(one.version for one in subjects if one.unreadable)
    try:
        return Explained(context, locks, unread).unexplained()
    except ReleaseError as error:
        return {BESIDE: Finding(BESIDE, PROBLEM, error.cause, remedy=error.remedy)}


def keep(
    context: Context, wrong: dict[str, list[Finding]], names: dict[str, Finding]
) -> list[Outcome]:
    """Keep one issue about drift, and one for each thing that no release made."""
    others = {what for what, one in names.items() if one.foreign}
    drift = {
        tag: mine
        for tag, each in wrong.items()
        if (mine := [one for one in each if not one.foreign and one.what not in others])
    }
    said = report.drift(drift) if drift else None
    kept = [KeptIssue(context.forge, MARK, DRIFT, said, AGREED)]
    for tag, one in ((tag, one) for tag, each in wrong.items() for one in each if one.foreign):
        what = f"{one.what} of {tag}" if one.what.startswith(ASSET) else one.what
        mark, text = kept_issue.mark(KEEPER, what), report.foreign(one)
        kept.append(
            KeptIssue(context.forge, mark, f"No release made this: {what}", text, kept_issue.GONE)
        )
    old = partial(kept_issue.others, context.forge, KEEPER, {one.mark for one in kept})
    return converge([*kept, *context.ask(old)], context.environment.patience)


def examine(
    context: Context, subject: Subject, checks: "tuple[Check, ...] | None" = None
) -> list[Finding]:
    """Run every check; an error of a check is a finding too."""
    findings: list[Finding] = []
    for check in checks or CHECKS:
        what = title(check)
        context.console.step(f"{subject.tag}: {what}")
        try:
            findings += _made(check, context, subject)
        except ReleaseError as error:
            findings.append(Finding(what, PROBLEM, error.cause, remedy=error.remedy))
        except (*NO_ANSWER, zipfile.BadZipFile, tarfile.TarError) as error:
            # A reader fails on a file that somebody replaced.
            found = shown(f"cannot be read: {type(error).__name__}: {error}")
            findings.append(Finding(what, PROBLEM, found, remedy=NAMES))
    return findings


def title(check: "Check") -> str:
    """Return what a check is about, from its docstring: "The git tag"."""
    text = (check.__doc__ or "").removeprefix("Check ").rstrip(".")
    return text[:1].upper() + text[1:]


def _made(check: "Check", context: Context, subject: Subject) -> list[Finding]:
    return context.ask(lambda: list(check(context, subject)))


def release(context: Context, subject: Subject) -> Iterator[Finding]:
    """Check the release and its assets."""
    found = subject.release
    if found is None:
        yield Finding("release", PROBLEM, "not there", remedy=POINTERS)
        return
    if subject.unreadable:
        error = subject.unreadable
        yield Finding(lockfile.NAME, PROBLEM, error.cause, remedy=f"restore it: {NAMES}")
    elif subject.lock is None:
        yield not_checked("assets", f"no {lockfile.NAME}: this system did not make the release")
    else:
        yield from _assets(context, found)


def _assets(context: Context, found: GitRelease) -> Iterator[Finding]:
    """Compare every asset with the list of hashes, and the list with the assets."""
    planned, there = _planned(context, found), context.forge.digests(found)
    if not planned:
        yield Finding(f"asset {SUMS}", PROBLEM, "not there", remedy=NAMES)
        return
    for name, digest in planned.items():
        if there.get(name, digest) != digest:
            yield foreign(f"asset {name}", f"{there[name]}, expected {digest}", NAMES)
        else:
            yield compared(f"asset {name}", digest, there.get(name, "not there"), NAMES)
    for name in sorted(there.keys() - planned.keys() - {SUMS}):
        yield foreign(f"asset {name}", "was not released", "delete it")


def _planned(context: Context, found: GitRelease) -> dict[str, str]:
    """Read the list of hashes: name to SHA-256; empty without that asset."""
    sums = context.forge.asset(found, SUMS) or b""
    return dict(line.split("  ", 1)[::-1] for line in sums.decode().splitlines())


def tag(context: Context, subject: Subject) -> Iterator[Finding]:
    """Check the git tag."""
    if subject.lock:
        yield observed(tags(context, subject.lock)[0])


def observed(surface: Surface, exactly: str | None = None) -> Finding:
    """Observe a surface as the release did; only the detail `exactly` is right."""
    state = surface.observe()
    if isinstance(state, Conflict):
        return foreign(surface.title, state.cause, NAMES)
    if isinstance(state, Matches) and exactly in (None, state.detail):
        return ok(surface.title, state.detail)
    found = f"{state.detail}, expected {surface.planned}"
    return problem(surface.title, found, "", POINTERS)


def files(context: Context, subject: Subject) -> Iterator[Finding]:
    """Check the files of the tagged commit."""
    config = context.config_at(subject.commit)
    if config.source.kind == STATIC:
        yield compared("pyproject.toml", str(subject.version), config.version, NAMES)
    for file in config.version_files:
        line = file.line.replace("{version}", str(subject.version))
        there = line in context.read_at(subject.commit, file.path)
        yield compared(file.path, line, line if there else "another text", NAMES)
    if config.keeps_changelog:
        text = context.read_at(subject.commit, config.changelog)
        section = changelog.section(text, subject.version, config.changelog)
        yield compared(config.changelog, subject.version, section.version, NAMES)
    if context.git.run("ls-tree", "--end-of-options", subject.commit, "uv.lock"):
        packages = tomllib.loads(context.read_at(subject.commit, "uv.lock"))["package"]
        own = [one for one in packages if one["name"] == normalised(config.project)]
        for said in [one["version"] for one in own if "version" in one]:
            yield compared("uv.lock", str(subject.version), said, NAMES)


def package(context: Context, subject: Subject) -> Iterator[Finding]:
    """Check the package on the index."""
    config = context.config_at(subject.commit)
    if config.package is None:
        return
    if subject.lock:
        yield from (observed(one) for one in release_surfaces.package(context, subject.lock))


def contents(context: Context, subject: Subject) -> Iterator[Finding]:
    """Check the metadata of the package's files."""
    config = context.config_at(subject.commit)
    if config.package is None:
        return
    project, wanted = config.project, str(subject.version)
    hashes = context.index.hashes(project, wanted)
    folder = context.fresh("audit")
    paths = [context.index.download(project, name, folder) for name in sorted(hashes)]
    wheels = [path for path in paths if path.suffix == ".whl"]
    sdists = [path for path in paths if path.name.endswith(".tar.gz")]
    if not (wheels and sdists):
        yield Finding("package", PROBLEM, f"only {sorted(hashes)}", remedy=POINTERS)
        return
    for name, said in metadata(wheels[0], sdists[0]).items():
        expected = f"{normalised(project)} {wanted}"
        yield compared(f"metadata of {name}", expected, " ".join(said), NAMES)


def images(context: Context, subject: Subject) -> Iterator[Finding]:
    """Check the images' version tags and labels."""
    if subject.lock:
        yield from (observed(one) for one in tags(context, subject.lock)[1:])
    for image in context.config_at(subject.commit).images:
        repository = context.endpoints.hosted(image.repository)
        found = context.registry.find(f"{repository}:{subject.tag}")
        if found is None and not subject.lock:
            yield Finding(f"image {image.name}", PROBLEM, "not there", remedy=POINTERS)
        for platform, digest in (found.platforms if found else {}).items():
            said = context.registry.labels(f"{repository}@{digest}").get(VERSION_LABEL)
            what = f"label of {image.name} for {platform}"
            yield compared(what, str(subject.version), said, NAMES)


def attestations(context: Context, subject: Subject) -> Iterator[Finding]:
    """Check the attestations."""
    if subject.release:
        sums = context.forge.digests(subject.release).get(SUMS)
        released = _planned(context, subject.release) | ({SUMS: sums} if sums else {})
        yield from attested.findings(context, subject.lock, released)


def pointers(context: Context, subject: Subject) -> Iterator[Finding]:
    """Check the pointers that lead to this release."""
    here = [n for n, to in pointer_targets(subject.stable).items() if to == subject.version]
    if subject.lock is None:
        yield not_checked("floating tags", "no lock has their expected content")
        return
    for image in subject.lock.plan.images:
        digest = subject.lock.image(image.name).digest
        for name in here:
            where = (context.registry, image.repository, name, digest, str(subject.version))
            # `promote` leaves a tag to a higher version; here none but this one may hold it.
            yield observed(FloatingTag(*where), exactly=digest)
    if LATEST in here:
        yield compared("GitHub's Latest", subject.tag, context.forge.latest(), POINTERS)


def started(context: Context, subject: Subject) -> Iterator[Finding]:
    """Check the started images."""
    what = f"started {subject.tag}"
    release = subject.release
    text = context.forge.asset(release, COMPOSE) if release and subject.lock else None
    if text is None:
        yield not_checked(what, f"no {COMPOSE} with a lock")
        return
    try:
        engine = Engine(
            context.environment.inherited(), context.fresh, context.environment.patience
        )
    except ServiceError as error:
        yield not_checked(what, error.cause)
        return
    file = context.fresh("audit-compose") / COMPOSE
    file.write_bytes(text)
    with engine.started(file) as services:
        for image in context.config_at(subject.commit).images:
            if image.port and image.version:
                said = said_version(services.get(image.name, image.port, image.version).text)
                name = f"{image.name} on {engine.platform}"
                yield compared(name, str(subject.version), said, NAMES)


def left_out(_: Context, subject: Subject) -> Iterator[Finding]:
    """Check the images of one release of many."""
    how = f"only the highest is started; these: the workflow's input {subject.version}"
    yield not_checked(f"started {subject.tag}", how)


def unasked(_: Context, __: Subject) -> Iterator[Finding]:
    """Check the attestations."""
    yield not_checked(
        "attestations", f"only the weekly audit asks, for the {RECENT} highest releases"
    )


Check = Callable[[Context, Subject], Iterator[Finding]]
CHECKS: tuple[Check, ...] = (release, tag, files, package, contents, images, attestations, pointers)


def _without_signers() -> Iterator[Check]:
    return (unasked if one is attestations else one for one in CHECKS)
