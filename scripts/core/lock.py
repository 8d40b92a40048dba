"""The lock: what was released, by its bytes. `release.json` is its text."""

import hashlib
from dataclasses import dataclass, replace

from scripts.core import codec, plan
from scripts.core.errors import ConflictError
from scripts.core.plan import Plan, PlannedImage

NAME = "release.json"


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
class Lock:
    """What one release is, to the byte, and the plan it came from."""

    plan: Plan
    commit: str
    dists: tuple[LockedDist, ...]
    images: tuple[LockedImage, ...]

    def image(self, name: str) -> LockedImage:
        """Give the image of that name."""
        return next(image for image in self.images if image.name == name)

    def pinned(self, planned: PlannedImage) -> str:
        """Give the reference that can only mean these bytes: `repository@sha256:…`."""
        return f"{planned.repository}@{self.image(planned.name).digest}"

    def references(self) -> dict[str, str]:
        """Give every image's pinned reference by its name."""
        return {planned.name: self.pinned(planned) for planned in self.plan.images}


def read(text: str | bytes) -> Lock:
    """Read `release.json`, every field checked, and the plan in it against its id."""
    lock = codec.decode(Lock, text, NAME)
    plan.checked(lock.plan)
    if {d.name for d in lock.dists} != set(lock.plan.dists) or {i.name for i in lock.images} != {
        i.name for i in lock.plan.images
    }:
        raise ConflictError(
            f"{NAME} of {lock.plan.version} was altered: it does not hold what its plan says",
            "delete the draft release, and run the release again",
        )
    return lock


def write(lock: Lock) -> str:
    """Give the text of `release.json`. A run's mode is no part of it."""
    return codec.encode(replace(lock, plan=lock.plan.for_mode(plan.RELEASE)))


def locked_dist(name: str, content: bytes) -> LockedDist:
    """Describe a file by its bytes."""
    return LockedDist(name, hashlib.sha256(content).hexdigest(), len(content))
