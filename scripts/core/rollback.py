"""Decide a rollback: which pointers move from a bad release to a good one. Names do not move."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from packaging.version import Version

from scripts.core import tags, version
from scripts.core.errors import UsageError
from scripts.core.lockfile import Lock


@dataclass(frozen=True)
class Move:
    """One floating tag that moves back."""

    repository: str
    tag: str
    bad: str
    """The digest that it points at now."""
    good: str
    version: str


@dataclass(frozen=True)
class Rollback:
    """The decided rollback. Without a good release, pointers have no target."""

    bad: Lock
    good: Lock
    moves: tuple[Move, ...]
    staying: tuple[str, ...]
    """Floating tags that stay, since their line has no other release."""


def choose(bad: Version, asked: Version | None, stable: Collection[Version]) -> Version:
    """Return the good version: the requested one, or the highest stable one below the bad.

    `stable` are the promoted releases that have not been rolled back. Raises UsageError for a
    rollback to itself, to a candidate, or to an unreleased version.
    """
    if asked == bad:
        raise UsageError(f"{bad} cannot be rolled back to itself", "name an earlier version")
    if asked and asked.is_prerelease:
        raise UsageError(
            f"{asked} is a release candidate, and pointers lead only to stable versions",
            "name a stable version",
        )
    if asked and asked not in stable:
        raise UsageError(
            f"{asked} is not a release that pointers can lead to",
            f"choose one of: {', '.join(map(str, sorted(set(stable) - {bad})))}",
        )
    good = asked or max((one for one in stable if one < bad), default=None)
    if good is None:
        raise UsageError(
            f"there is no stable release below {bad} to roll back to",
            "release a fixed version instead: the pointers move to it",
        )
    return good


def targets(bad: Version, good: Version, stable: Collection[Version]) -> dict[str, Version | None]:
    """Give, for each floating tag of the bad release, the version it goes to; none if none is left.

    `latest`, and every line the good release is in, go to it; another line to its own highest.
    """
    left = set(stable) - {bad}
    ended = tags.pointer_targets(left)
    followed = set(tags.floating(good, {good}))
    names = tags.floating(bad, left)
    return {name: good if name in followed else ended.get(name) for name in names}


def decide(
    bad: Lock, good: Version, stable: Collection[Version], locks: Mapping[Version, Lock]
) -> Rollback:
    """Decide every move. `locks` has the lock of each version in `targets`."""
    wanted = targets(version.parse(bad.plan.version), good, stable)
    moves, staying = [], []
    for image in bad.plan.images:
        for tag, to in wanted.items():
            lock = locks[to] if to else None
            known = {i.name for i in lock.images} if lock else set()
            if lock is None or image.name not in known:
                staying.append(f"{image.repository}:{tag}")
                continue
            digests = bad.image(image.name).digest, lock.image(image.name).digest
            moves.append(Move(image.repository, tag, *digests, lock.plan.version))
    return Rollback(bad, locks[good], tuple(moves), tuple(staying))
