"""What of a release is signed, whether GitHub offers it, and who must have signed."""

import hashlib
from collections.abc import Collection
from pathlib import Path

from scripts.core.lockfile import Lock, Signing
from scripts.release.assets import NOTES
from scripts.release.context import Context

NOT_OFFERED = (
    "GitHub offers attestations of private repositories only to organisations with Enterprise Cloud"
)

FORGE = "https://github.com"
BY_HAND = "only a run on GitHub can prove who it is, and this one was started by hand"
ATTESTED, YES = "attested", "yes"
"""The fact of `publish-package` that it uploaded attestations."""
FOLDER = "attested"
"""Where `attest` writes what the index is given with the package's files."""


def signing(context: Context) -> Signing:
    """Return what the lock says about signatures: who makes them, or why nobody does."""
    build, where = context.environment.build(), context.endpoints.server_url
    if not build["ref"]:
        return Signing(reason=BY_HAND)
    if where != FORGE and not context.environment.trusted():
        return Signing(reason=f"{where} has no attestations that everybody can check")
    if context.forge.private():
        return Signing(reason=NOT_OFFERED)
    return Signing(by=f"{build['workflow']}@{build['ref']}")


def files(context: Context) -> dict[str, Path]:
    """Return the assets of the release, by name."""
    folders = (context.inputs / "assets", context.inputs / "dist")
    paths = [path for folder in folders for path in sorted(folder.glob("*"))]
    return {path.name: path for path in paths if path.name != NOTES}


def images(lock: Lock) -> dict[str, str]:
    """Return the digest of each image index and platform, by its pinned reference."""
    locked = [(image.repository, lock.image(image.name)) for image in lock.plan.images]
    return {
        f"{repository}@{digest}": digest
        for repository, image in locked
        for digest in (image.digest, *image.platforms.values())
    }


def subjects(context: Context) -> dict[str, str]:
    """Return everything that is signed: name to SHA-256 in hex."""
    found = {
        name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files(context).items()
    }
    digests = images(context.lock).items()
    return found | {name: digest.removeprefix("sha256:") for name, digest in digests}


def count(lock: Lock, assets: Collection[str]) -> int:
    """Return how many parts a release with these assets has to sign."""
    return len(set(assets)) + sum(1 + len(image.platforms) for image in lock.images)


def commits(context: Context) -> list[str]:
    """Return the commits of the runs that may have signed.

    That is this run's own, and the one that the release was planned from: a repeated run takes over
    what the first one signed.
    """
    own = context.environment.build()["commit"]
    return list(dict.fromkeys((own, context.lock.plan.base)))
