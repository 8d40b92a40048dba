"""The lock: the hashes and digests of a release. `release.json` is its text."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from scripts.core import codec, planning, sbom
from scripts.core.errors import ConflictError
from scripts.core.planning import Plan, PlannedImage
from scripts.core.scan_policy import Verdict
from scripts.core.scorecard import Scorecard

NAME = "release.json"
SIGNER = r"\.github/workflows/[\w.-]+\.ya?ml@refs/(heads|tags)/[^\s@]+"
"""A workflow and its branch or tag, as certificates name them after the repository."""
EXCHANGED = (
    "somebody replaced that file: find out who and when, and restore the right one; if only a "
    "draft has it, delete the draft and run the release again"
)


@dataclass(frozen=True)
class LockedDist:
    """One file of the package."""

    name: str
    sha256: str
    size: int


@dataclass(frozen=True)
class LockedImage:
    """One image index and the platform images in it."""

    name: str
    digest: str
    platforms: dict[str, str]
    """Platform to digest."""


@dataclass(frozen=True)
class LockedSbom:
    """One document of the asset `sboms.zip`."""

    name: str
    """The file in the archive: `api-linux-amd64.cdx.json`."""
    sha256: str


@dataclass(frozen=True)
class LockedBase:
    """The base image of one platform's image, as it was built."""

    image: str
    platform: str
    reference: str
    """`docker.io/library/python:3.13-slim`, which can move."""
    digest: str


@dataclass(frozen=True)
class Signing:
    """Who signs every part of a release after the approval."""

    by: str = ""
    """The workflow and its branch: `.github/workflows/release.yml@refs/heads/main`."""
    reason: str = ""
    """Why nobody signs."""


@dataclass(frozen=True)
class Lock:
    """The exact content of one release, and the plan it came from."""

    plan: Plan
    commit: str
    dists: tuple[LockedDist, ...]
    images: tuple[LockedImage, ...]
    repository: str = field(default="", metadata=codec.LATER)
    """`owner/name` on the forge; empty in locks that predate this field."""
    sboms: tuple[LockedSbom, ...] = field(default=(), metadata=codec.LATER)
    bases: tuple[LockedBase, ...] = field(default=(), metadata=codec.LATER)
    scan: Verdict | None = field(default=None, metadata=codec.LATER)
    """What the scan came to; none where nothing is scanned."""
    scorecard: Scorecard | None = field(default=None, metadata=codec.LATER)
    """How fast and large the release is, beside the last one; none where nothing is measured."""
    signing: Signing | None = field(default=None, metadata=codec.LATER)
    """Who signs; none in locks that predate this field."""

    def image(self, name: str) -> LockedImage:
        """Return the image of that name."""
        return next(image for image in self.images if image.name == name)

    def pinned(self, planned: PlannedImage) -> str:
        """Return the reference by digest, which never changes: `repository@sha256:…`."""
        return f"{planned.repository}@{self.image(planned.name).digest}"

    def references(self) -> dict[str, str]:
        """Return every image's pinned reference by its name."""
        return {planned.name: self.pinned(planned) for planned in self.plan.images}


def read(text: str | bytes) -> Lock:
    """Read `release.json`, every field checked, and the plan in it against its id."""
    data = codec.parsed(text, NAME)
    planning.refuse_schema(data.get("plan") if isinstance(data, dict) else None)
    lock = codec.decode(Lock, text, NAME)
    planning.checked(lock.plan)
    for what in _altered(lock):
        raise ConflictError(
            f"{NAME} of {lock.plan.version} was altered: {what}",
            "delete the draft release, and run the release again",
        )
    return lock


def _altered(lock: Lock) -> Iterator[str]:
    """Find why this cannot be the plan's lock: other files or images, or a missing hash."""
    if sorted(dist.name for dist in lock.dists) != sorted(lock.plan.dists):
        yield "its files are not those of its plan"
    planned = sorted((image.name, sorted(image.platforms)) for image in lock.plan.images)
    if sorted((image.name, sorted(image.platforms)) for image in lock.images) != planned:
        yield "its images are not those of its plan"
    if lock.sboms and sorted(one.name for one in lock.sboms) != sorted(sbom_names(lock.plan)):
        yield "its SBOMs are not those of its plan"
    wrong = [one for one in _digests(lock) if not re.fullmatch("sha256:[0-9a-f]{64}", one)]
    wrong += [lock.commit] if not re.fullmatch(planning.COMMIT, lock.commit) else []
    named = lock.repository and not re.fullmatch(planning.REPOSITORY, lock.repository)
    wrong += [lock.repository] if named else []
    signer = lock.signing.by if lock.signing else ""
    wrong += [signer] if signer and not re.fullmatch(SIGNER, signer) else []
    wrong += [f"{dist.name} with {dist.size} bytes" for dist in lock.dists if dist.size < 0]
    yield from (f"{one!r} cannot be" for one in wrong)


def _digests(lock: Lock) -> Iterator[str]:
    for image in lock.images:
        yield from (image.digest, *image.platforms.values())
    yield from (base.digest for base in lock.bases)
    yield from (f"sha256:{dist.sha256}" for dist in lock.dists)
    yield from (f"sha256:{one.sha256}" for one in lock.sboms)
    yield from (f"sha256:{one}" for one in (lock.scan.databases.values() if lock.scan else ()))


def sbom_names(plan: Plan) -> list[str]:
    """Name the SBOMs of a release: one for each platform's image, and one for the package."""
    images = [
        sbom.asset_name(one.name, platform) for one in plan.images for platform in one.platforms
    ]
    return [*images, *([sbom.PACKAGE] if plan.dists else [])]


def write(lock: Lock) -> str:
    """Return the text of `release.json`. A run's mode is not part of it."""
    return codec.encode(replace(lock, plan=lock.plan.for_mode(planning.RELEASE)))


def sha256(content: bytes) -> str:
    """Return the SHA-256 of a content, in hex."""
    import hashlib  # noqa: PLC0415 - start-up counts

    return hashlib.sha256(content).hexdigest()


def digest(lock: Lock) -> str:
    """Return the SHA-256 of its text, in hex."""
    return sha256(write(lock).encode())


def mark(digest: str) -> str:
    """Write the line that names the lock of a release in its notes and its tag."""
    return f"{NAME} sha256:{digest}"


def said(text: str) -> str:
    """Read that line from notes or a tag's message; empty if they do not have it."""
    found = re.search(rf"{re.escape(NAME)} sha256:([0-9a-f]{{64}})\b", text)
    return found[1] if found else ""


def bound(lock: Lock, tag: str, repository: str) -> None:
    """Reject a lock of another release, before a rollback marks or uses the wrong one.

    Raises ConflictError. GitHub takes names of repositories in any case.
    """
    ours = not lock.repository or lock.repository.casefold() == repository.casefold()
    if lock.plan.tag != tag or not ours:
        whose = f"{lock.repository or repository} {lock.plan.tag}"
        raise ConflictError(
            f"{NAME} of release {tag} of {repository} is that of {whose}", EXCHANGED
        )


def undisputed(where: str, digest: str, said: str) -> None:
    """Reject a lock whose text differs from the digest in `where`; an empty one passes."""
    if said and said != digest:
        raise ConflictError(
            f"{where} says that {NAME} has sha256 {said}, its sha256 is {digest}", EXCHANGED
        )


def locked_dist(name: str, content: bytes) -> LockedDist:
    """Describe a file by its size and hash."""
    return LockedDist(name, sha256(content), len(content))


def unbuilt(plan: Plan) -> Lock:
    """Return the lock of a plan before anything is built: without commit, hashes and digests.

    It gives the titles of the surfaces; anything that exists at one is a `Conflict`.
    """
    dists = tuple(LockedDist(name, "", 0) for name in plan.dists)
    return Lock(plan, "", dists, tuple(LockedImage(image.name, "", {}) for image in plan.images))
