"""The SBOMs of a release between its jobs and among its assets: one archive with all of them."""

import hashlib
import io
import zipfile
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from scripts.core import lockfile, sbom
from scripts.core.errors import ConflictError, UsageError
from scripts.core.lockfile import Lock, LockedSbom
from scripts.core.sbom import Inventory
from scripts.release.assets import SBOMS
from scripts.release.context import Context

if TYPE_CHECKING:
    from github.GitRelease import GitRelease  # start-up counts

FOLDER = "sboms"
FIRST = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip file can state."""


def keep(context: Context, name: str) -> None:
    """Pass on the SBOM of an earlier attempt; a lock of an older system has none."""
    earlier = context.inputs / "earlier" / FOLDER / name
    if earlier.exists():
        context.write(f"{FOLDER}/{name}", earlier.read_text("utf-8"))


def locked(context: Context) -> tuple[LockedSbom, ...]:
    """Describe the planned SBOMs, which earlier jobs wrote."""
    return tuple(_locked(context, name) for name in lockfile.sbom_names(context.plan))


def _locked(context: Context, name: str) -> LockedSbom:
    path = context.inputs / FOLDER / name
    if not path.is_file():
        job = "dists" if name == sbom.PACKAGE else "images"
        raise UsageError(
            f"the SBOM {name} is missing: this step needs the output of `{job}`",
            f"run the job `{job}` again, then this one",
        )
    return LockedSbom(name, hashlib.sha256(path.read_bytes()).hexdigest())


def archive(context: Context, made: Lock) -> bytes:
    """Pack the locked SBOMs; the same documents give the same bytes."""
    packed = io.BytesIO()
    # Stored, since what a compressor writes depends on its version.
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as target:
        for one in made.sboms:
            content = (context.inputs / FOLDER / one.name).read_bytes()
            target.writestr(zipfile.ZipInfo(one.name, FIRST), content)
    return packed.getvalue()


def unpacked(content: bytes, made: Lock) -> Iterator[tuple[str, bytes]]:
    """Yield each SBOM of an archive. Raises ConflictError for one that the lock does not name."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as source:
            found = {name: source.read(name) for name in source.namelist()}
    except (zipfile.BadZipFile, OSError, NotImplementedError) as error:
        raise ConflictError(f"{SBOMS} is not an archive: {error}", lockfile.EXCHANGED) from error
    for one in made.sboms:
        digest = hashlib.sha256(found.get(one.name, b"")).hexdigest()
        if digest != one.sha256:
            cause = f"{one.name} in {SBOMS} has sha256 {digest}, the lock says {one.sha256}"
            raise ConflictError(cause, lockfile.EXCHANGED)
        yield one.name, found[one.name]


def inventories(context: Context) -> dict[str, Inventory]:
    """Read the SBOMs that earlier jobs wrote, by name."""
    texts = {one.name: one.read_bytes() for one in sorted((context.inputs / FOLDER).glob("*"))}
    return {name: sbom.read(text, name) for name, text in texts.items()}


def released(context: Context, made: Lock, release: "GitRelease | None") -> dict[str, Inventory]:
    """Read the SBOMs of a release, checked by its lock; none where it has none.

    Raises ConflictError if its lock names SBOMs and the asset is missing or altered.
    """
    if not made.sboms or release is None:
        return {}
    content = context.ask(partial(context.forge.asset, release, SBOMS))
    if content is None:
        raise ConflictError(f"release {made.plan.tag} has no {SBOMS}", lockfile.EXCHANGED)
    return {name: sbom.read(text, name) for name, text in unpacked(content, made)}
