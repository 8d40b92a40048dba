"""What the index lets be uploaded, and what it says where it does not.

The rules: the public index's own code (pypi/warehouse, `warehouse/forklift/legacy.py`).
"""

import hashlib
import io
import re
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from packaging.metadata import Metadata, RawMetadata
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version

from rehearsal.index.state import File, Project, State, Upload

DAYS_OPEN = 14
"""Days for which a release takes new files."""
DAY = 86400
SDIST, WHEEL = "sdist", "bdist_wheel"
SUFFIXES = {SDIST: ".tar.gz", WHEEL: ".whl"}
NO_UPLOADS = ("archived", "quarantined")
_FIELDS = (
    "metadata_version",
    "name",
    "version",
    "summary",
    "requires_python",
    "license_expression",
)


class RefusedError(Exception):
    """A refused upload: the status, and the message that stands beside it."""

    def __init__(self, status: int, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.status, self.message, self.remedy = status, message, remedy


@dataclass(frozen=True)
class Offer:
    """A file that somebody wants to upload, with the fields of the form."""

    fields: Mapping[str, str]
    name: str
    content: bytes

    @property
    def project(self) -> str:
        """The project's normalised name."""
        return canonicalize_name(self.fields["name"])

    @property
    def version(self) -> str:
        """The version, normalised."""
        return str(Version(self.fields["version"]))

    @property
    def kind(self) -> str:
        """`sdist` or `bdist_wheel`."""
        return self.fields["filetype"]

    @property
    def sha256(self) -> str:
        """The content's hash."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def blake2(self) -> str:
        """The content's other hash, which the index names files by."""
        return hashlib.blake2b(self.content, digest_size=32).hexdigest()


def check_form(offer: Offer) -> None:
    """Refuse a form that lacks something, or whose metadata does not hold to the rules."""
    fields = offer.fields
    if fields.get("protocol_version", "1") != "1":
        raise RefusedError(400, "Unknown protocol version.")
    if fields.get("filetype") not in SUFFIXES:
        raise RefusedError(400, "Invalid value for filetype. Error: Use a known file type.")
    if (fields["filetype"] == SDIST) != (fields.get("pyversion") == "source"):
        raise RefusedError(
            400, "Error: Use 'source' as Python version for an sdist, and only then."
        )
    if not any(fields.get(f"{name}_digest") for name in ("md5", "sha256", "blake2_256")):
        raise RefusedError(400, "Error: Include at least one message digest.")
    raw = RawMetadata(**{key: fields[key] for key in _FIELDS if fields.get(key)})  # type: ignore[typeddict-item]
    try:
        Metadata.from_raw(raw)
    except ExceptionGroup as errors:
        raise RefusedError(400, f"{errors.exceptions[0]}.") from errors
    if Version(fields["version"]).local:
        raise RefusedError(
            400, f"The use of local versions in {fields['version']!r} is not allowed."
        )


def check_right(state: State, token: Upload, offer: Offer) -> None:
    """Refuse who may not upload to a project; an account's token makes a project that is new."""
    project = state.projects.get(offer.project)
    if project is None and token.publisher:
        raise RefusedError(
            400,
            "Non-user identities cannot create new projects.",
            "give the pending publisher the name that the package's metadata has",
        )
    project = project or state.projects.setdefault(offer.project, Project())
    mine = not token.publisher or offer.project in token.projects
    if not mine or project.status in NO_UPLOADS:
        remedy = f"the project is {project.status}: {project.reason or 'nobody may upload to it'}"
        message = f"The given token isn't allowed to upload to project {offer.project!r}."
        raise RefusedError(403, message, remedy)


def is_there(state: State, offer: Offer, now: float) -> bool:
    """Say whether the index has just this file; refuse a name or a release that takes no other."""
    _check_digests(offer)
    known = state.files.get(offer.name)
    same = [one for one in state.files.values() if one.sha256 == offer.sha256 and not one.deleted]
    if known and not known.deleted and known.sha256 == offer.sha256:
        return True
    if (known and not known.deleted) or same:
        raise RefusedError(
            400, f"File already exists ({offer.name!r}, with blake2_256 hash {offer.blake2!r})."
        )
    if known:
        raise RefusedError(
            400,
            "This filename was previously used by a file that has since been deleted. "
            "Use a different version.",
        )
    created = state.created(offer.project, offer.version)
    if created is not None and now - created > DAYS_OPEN * DAY:
        raise RefusedError(
            400, f"Uploading new files to releases older than {DAYS_OPEN} days is not allowed."
        )
    _check_only_sdist(state, offer)
    return False


def _check_digests(offer: Offer) -> None:
    kinds = {
        "md5": hashlib.md5(offer.content, usedforsecurity=False).hexdigest(),
        "sha256": offer.sha256,
        "blake2_256": offer.blake2,
    }
    for name, digest in kinds.items():
        if (said := offer.fields.get(f"{name}_digest")) and said.lower() != digest:
            raise RefusedError(400, "The digest supplied does not match the uploaded file.")


def _check_only_sdist(state: State, offer: Offer) -> None:
    mine = (offer.project, offer.version, SDIST)
    taken = {(one.project, one.version, one.kind) for one in state.files.values()}
    if offer.kind == SDIST and mine in taken:
        raise RefusedError(400, "Only one sdist may be uploaded per release.")


def check_file(offer: Offer) -> None:
    """Refuse a file whose name or content does not fit the metadata."""
    if re.search(r"[^A-Za-z0-9._+-]", offer.name) or not offer.name.endswith(SUFFIXES[offer.kind]):
        raise RefusedError(400, f"Invalid file name {offer.name!r} for a {offer.kind}.")
    try:
        name, version = _named(offer)
    except (InvalidSdistFilename, InvalidWheelFilename, InvalidVersion) as error:
        raise RefusedError(400, f"Invalid file name: {error}") from error
    expected = offer.project.replace("-", "_")
    if name != offer.project or offer.name.split("-")[0] != expected:
        raise RefusedError(400, f"Filename {offer.name!r} should begin with {expected!r}.")
    if str(version) != offer.version:
        raise RefusedError(
            400, f"Version in filename should be {offer.version!r}, not '{version}'."
        )
    try:
        members = list(_members(offer))
    except (zipfile.BadZipFile, tarfile.ReadError, EOFError, zlib.error) as error:
        raise RefusedError(400, f"Invalid distribution file. {error}") from error
    for needed in _needed(offer):
        if needed not in members:
            raise RefusedError(400, f"Invalid distribution file. {needed} not found.")


def _named(offer: Offer) -> tuple[str, Version]:
    if offer.kind == SDIST:
        return parse_sdist_filename(offer.name)
    return parse_wheel_filename(offer.name)[:2]


def _members(offer: Offer) -> Iterator[str]:
    content = io.BytesIO(offer.content)
    if offer.kind == WHEEL:
        with zipfile.ZipFile(content) as archive:
            yield from archive.namelist()
        return
    with tarfile.open(fileobj=content, mode="r:gz") as sdist:
        yield from sdist.getnames()


def _needed(offer: Offer) -> list[str]:
    stem = "-".join(offer.name.removesuffix(".tar.gz").split("-")[:2])
    if offer.kind == SDIST:
        return [f"{stem}/PKG-INFO"]
    return [f"{stem}.dist-info/{name}" for name in ("METADATA", "WHEEL", "RECORD")]


def entry(offer: Offer, now: float) -> File:
    """Return what the index notes of a file that it takes."""
    size = len(offer.content)
    return File(offer.project, offer.version, offer.kind, offer.sha256, size, now)
