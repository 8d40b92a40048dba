"""Whether everything says one version: from public surfaces only, for any past release.

Needs no token. Exit code 1 on drift. A release made before this system has no lock: then what can
be told without one is told.
"""

import hashlib
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from packaging.version import Version

from scripts import attempt
from scripts.context import Context
from scripts.core import changelog, report, tags, version
from scripts.core import lock as locking
from scripts.core.converge import patiently
from scripts.core.errors import CheckError, ReleaseError, UsageError
from scripts.core.findings import PROBLEM, Finding, compared, not_checked
from scripts.core.lock import Lock
from scripts.core.plan import normalised
from scripts.core.results import Done
from scripts.stages.dists import metadata
from scripts.stages.rollback import stable
from scripts.surfaces.image_registry import VERSION_LABEL

NAMES = "names that people may have are not mended in place: release the next version"
POINTERS = "run the release again with the same version: it moves what it should"


@dataclass(frozen=True)
class Subject:
    """The release that is looked at."""

    version: Version
    commit: str
    lock: Lock | None
    stable: frozenset[Version]
    """The stable releases that pointers may lead to."""

    @property
    def tag(self) -> str:
        """Its git tag."""
        return version.tag(self.version)


def run(context: Context) -> Done:
    """Print every finding; fail on drift."""
    subject = find(context)
    findings = examine(context, subject)
    text = report.findings(f"Audit of {subject.tag}", findings)
    print(text)
    context.runner.summary(text)
    drift = [finding for finding in findings if finding.status == PROBLEM]
    if drift:
        raise CheckError(
            "; ".join(f"{one.what}: {one.found}" for one in drift),
            "; ".join(dict.fromkeys(one.remedy for one in drift)),
        )
    return Done()


def find(context: Context) -> Subject:
    """Find the release: the version asked for, or the highest stable one."""
    refs = patiently(context.git.refs, context.runner.patience())
    releases = patiently(context.forge.releases, context.runner.patience())
    promoted = stable(releases)
    asked = context.runner.trigger().version
    wanted = version.parse(asked) if asked else max(promoted, default=None)
    if wanted is None:
        raise UsageError("there is no release to look at", "release one first")
    commit = refs.get(f"refs/tags/{version.tag(wanted)}")
    if commit is None:
        raise UsageError(f"{wanted} was never released: there is no such tag", "name another")
    read = partial(attempt.read_lock, context, version.tag(wanted))
    lock = patiently(read, context.runner.patience())
    return Subject(wanted, commit, lock, frozenset(promoted))


def examine(context: Context, subject: Subject) -> list[Finding]:
    """Make every check; one that cannot be made is said to be not made."""
    findings: list[Finding] = []
    for check in CHECKS:
        try:
            findings += _made(check, context, subject)
        except ReleaseError as error:
            what = (check.__doc__ or "").rstrip(".")
            findings.append(Finding(what, PROBLEM, error.cause, remedy=error.remedy))
    return findings


def _made(check: "Check", context: Context, subject: Subject) -> list[Finding]:
    return patiently(lambda: list(check(context, subject)), context.runner.patience())


def release(context: Context, subject: Subject) -> Iterator[Finding]:
    """The release and its assets."""
    found = context.forge.release(subject.tag)
    if found is None:
        yield Finding("release", PROBLEM, "not there", remedy=POINTERS)
        return
    yield compared("release title", subject.tag, found.name, "edit the release's title")
    if subject.lock is None:
        yield not_checked("assets", f"no {locking.NAME}: made before this system")
        return
    sums = context.forge.asset(found, "SHA256SUMS") or b""
    for line in sums.decode().splitlines():
        digest, _, name = line.partition("  ")
        content = context.forge.asset(found, name)
        said = hashlib.sha256(content).hexdigest() if content is not None else "not there"
        yield compared(f"asset {name}", digest, said, NAMES)


def tag(_: Context, subject: Subject) -> Iterator[Finding]:
    """The git tag."""
    if subject.lock:
        yield compared("git tag", subject.lock.commit, subject.commit, NAMES)


def files(context: Context, subject: Subject) -> Iterator[Finding]:
    """The files of the tagged commit."""
    config = context.config_at(subject.commit)
    yield compared("pyproject.toml", str(subject.version), config.version, NAMES)
    for file in config.version_files:
        line = file.line.replace("{version}", str(subject.version))
        there = line in context.read_at(subject.commit, file.path)
        yield compared(file.path, line, line if there else "another text", NAMES)
    text = context.read_at(subject.commit, config.changelog)
    section = changelog.section(text, subject.version, config.changelog)
    yield compared(config.changelog, subject.version, section.version, NAMES)
    if context.git.run("ls-tree", subject.commit, "uv.lock"):
        packages = tomllib.loads(context.read_at(subject.commit, "uv.lock"))["package"]
        mine = [one["version"] for one in packages if one["name"] == normalised(config.project)]
        yield compared("uv.lock", [str(subject.version)], mine, NAMES)


def package(context: Context, subject: Subject) -> Iterator[Finding]:
    """The package on the index."""
    config = context.config_at(subject.commit)
    if config.package is None:
        return
    project, wanted = config.project, str(subject.version)
    hashes = context.index.hashes(project, wanted)
    if subject.lock:
        planned = {dist.name: dist.sha256 for dist in subject.lock.dists}
        for name in sorted(planned.keys() | hashes.keys()):
            yield compared(f"package file {name}", planned.get(name), hashes.get(name), NAMES)
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
    """The images' version tags and labels."""
    config = context.config_at(subject.commit)
    for image in config.images:
        repository = f"{context.endpoints.registry}/{image.repository}"
        found = context.registry.find(f"{repository}:{subject.tag}")
        if found is None:
            yield Finding(f"image {image.name}", PROBLEM, "not there", remedy=POINTERS)
            continue
        if subject.lock:
            locked = subject.lock.image(image.name)
            yield compared(f"image {image.name}", locked.digest, found.digest, NAMES)
        for platform, digest in found.platforms.items():
            said = context.registry.labels(f"{repository}@{digest}").get(VERSION_LABEL)
            what = f"label of {image.name} for {platform}"
            yield compared(what, str(subject.version), said, NAMES)


def pointers(context: Context, subject: Subject) -> Iterator[Finding]:
    """The pointers that lead to this release."""
    here = [n for n, to in tags.pointers(subject.stable).items() if to == subject.version]
    if subject.lock is None:
        yield not_checked("floating tags", "no lock says which bytes they should show")
        return
    for image in subject.lock.plan.images:
        for name in here:
            found = context.registry.find(f"{image.repository}:{name}")
            said = found.digest if found else "not there"
            digest = subject.lock.image(image.name).digest
            yield compared(f"{image.repository}:{name}", digest, said, POINTERS)
    if tags.LATEST in here:
        yield compared("GitHub's Latest", subject.tag, context.forge.latest(), POINTERS)


Check = Callable[[Context, Subject], Iterator[Finding]]
CHECKS: tuple[Check, ...] = (release, tag, files, package, images, pointers)
