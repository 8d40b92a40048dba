"""The package index: its files by hash, and uploads by twine."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from packaging.version import InvalidVersion, Version
from pypi_simple import (
    PYPI_SIMPLE_ENDPOINT,
    DistributionPackage,
    NoProvenanceError,
    NoSuchProjectError,
    ProjectPage,
    ProjectStatus,
    PyPISimple,
    UnsupportedContentTypeError,
    UnsupportedRepoVersionError,
)

from scripts.core.converge import NAME, Conflict, Matches, Missing, State, Surface
from scripts.core.errors import ServiceError
from scripts.core.lockfile import Lock
from scripts.core.planning import normalised
from scripts.surfaces import web
from scripts.tools import processes

READ_REMEDY = "check PACKAGE_INDEX_URL and the index's status page, and run this again"
UPLOAD = 30
"""The longest upload, as a multiple of the longest silence of a service."""
UPLOAD_REMEDY = (
    "check what the index reports and its status page, and run the release again with the same "
    "version"
)
NEXT = "release the next version: an index never accepts this file"
# What the public index says of a refused upload (in lower case), and what to do about it.
REMEDIES = {
    "authentication information": "check PACKAGE_INDEX_TOKEN, or delete it where a trusted "
    "publisher is registered (docs/setup.md, step 1)",
    "invalid api token": "check that PACKAGE_INDEX_TOKEN is for this project and not revoked",
    "isn't allowed to upload": "check that the project is neither archived nor quarantined, and "
    "that the trusted publisher or the token is for this project",
    "cannot create new projects": "give the pending publisher at the index the project's name as "
    "pyproject.toml has it",
    "already exists": "yank that version, and release the next one: a file name is used once",
    "has since been deleted": NEXT,
    "older than": NEXT,
    "invalid attestations": "check that the job which signs is the trusted publisher, and release "
    "again with the same version",
    "too large": "make the file smaller, or ask the index for a higher limit",
}


class PackageIndex:
    """An index that speaks the simple repository API (PEP 503, PEP 691)."""

    def __init__(
        self, simple_url: str | None, upload_url: str | None, silence: float = web.SILENCE
    ) -> None:
        self.simple_url = simple_url or PYPI_SIMPLE_ENDPOINT
        self._upload_url = upload_url
        self._silence = silence

    @property
    def upload_url(self) -> str:
        """The address of uploads. Only a job that uploads has twine, which knows the public one."""
        if self._upload_url:
            return self._upload_url
        from twine.utils import DEFAULT_REPOSITORY  # noqa: PLC0415

        return DEFAULT_REPOSITORY

    @property
    def is_public(self) -> bool:
        """Whether no address of another index is configured."""
        return not self._upload_url

    def files(self, project: str) -> list[DistributionPackage]:
        """List every file of the project; none if the index does not know it."""
        page = self._page(project)
        return page.packages if page else []

    def status(self, project: str) -> tuple[str, str]:
        """Give the project's status and its reason (PEP 792); "" if the index does not know it."""
        page = self._page(project)
        if page is None:
            return "", ""
        return (page.status or ProjectStatus.ACTIVE).value, page.status_reason or ""

    def _page(self, project: str) -> ProjectPage | None:
        fresh = {"Cache-Control": "max-age=0"}
        with self._client() as client, web.failures("the package index", READ_REMEDY):
            try:
                return client.get_project_page(project, timeout=self._silence, headers=fresh)
            except NoSuchProjectError:
                return None
            except (UnsupportedContentTypeError, UnsupportedRepoVersionError) as error:
                raise ServiceError(
                    f"the package index did not answer as an index: {error}", READ_REMEDY
                ) from error

    def hashes(self, project: str, wanted: str) -> dict[str, str]:
        """Return the files of one version, each with its SHA-256."""
        return {
            file.filename: file.digests.get("sha256", "")
            for file in self.files(project)
            if _version(file) == Version(wanted)
        }

    def first_upload(self, project: str, wanted: str) -> datetime | None:
        """Return the upload time of a version's first file; None without a file or a time."""
        mine = [file for file in self.files(project) if _version(file) == Version(wanted)]
        return min((file.upload_time for file in mine if file.upload_time), default=None)

    def yanked(self, project: str, wanted: str) -> bool:
        """Tell whether every file of one version is marked as yanked (PEP 592)."""
        mine = [file for file in self.files(project) if _version(file) == Version(wanted)]
        return bool(mine) and all(file.is_yanked for file in mine)

    def versions(self, project: str) -> set[Version]:
        """Return every version that has a file."""
        found = {_version(file) for file in self.files(project)}
        return {one for one in found if one is not None}

    def download(self, project: str, name: str, folder: Path) -> Path:
        """Fetch one file, and check its hash against that of the index."""
        file = next((f for f in self.files(project) if f.filename == name), None)
        if file is None:
            raise ServiceError(f"the package index has no {name}", "run the release again")
        with self._client() as client, web.failures("the package index", READ_REMEDY):
            client.download_package(file, folder / name, timeout=self._silence)
        return folder / name

    def attestations(self, project: str, name: str) -> list[dict[str, Any]]:
        """Return the attestations that the index shows of a file (PEP 740); none without any."""
        file = next((one for one in self.files(project) if one.filename == name), None)
        with self._client() as client, web.failures("the package index", READ_REMEDY):
            try:
                shown = client.get_provenance(file, timeout=self._silence) if file else {}
            except NoProvenanceError:
                return []
            bundles = shown.get("attestation_bundles", [])
            return [dict(one) for bundle in bundles for one in bundle["attestations"]]

    def upload(
        self, files: list[Path], environment: Mapping[str, str], attested: Sequence[Path] = ()
    ) -> None:
        """Upload with twine; `environment` has its credentials, or the variables to get them.

        `attested` are the files' attestations, if the index takes any.
        """
        command = [sys.executable, "-m", "twine", "upload", "--disable-progress-bar"]
        command += ["--attestations"] if attested else []
        url = {"TWINE_REPOSITORY_URL": self.upload_url, "TWINE_NON_INTERACTIVE": "1"}
        # Its messages are parsed, so they need no colours and no line wrap.
        plain = {"NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "1000"}
        environment = {**environment, **url, **plain}
        # twine waits forever. A service that transfers data is not silent, and files can be large.
        longest = UPLOAD * self._silence
        command += ["--", *map(str, (*files, *attested))]
        processes.run(command, environment=environment, timeout=longest)

    def _client(self) -> PyPISimple:
        return PyPISimple(self.simple_url)


def _version(file: DistributionPackage) -> Version | None:
    try:
        return Version(file.version or "")
    except InvalidVersion:
        return None


@dataclass(frozen=True)
class Dists(Surface):
    """The package's files: the last name, and the only one that cannot be withdrawn."""

    kind = NAME
    index: PackageIndex
    lock: Lock
    folder: Path
    login: Callable[[], Mapping[str, str]]
    """Gives the environment to upload with; called at the moment of an upload."""
    attested: Path | None = None
    """The folder of the files' attestations; None for an index that takes none."""

    @property
    def title(self) -> str:
        """Name project and version."""
        return f"package {self.lock.plan.project} {self.lock.plan.version}"

    @property
    def planned(self) -> str:
        """Return the files, with their hashes once they are built."""
        files = (f"{d.name} sha256:{d.sha256}".removesuffix(" sha256:") for d in self.lock.dists)
        return ", ".join(files)

    @property
    def link(self) -> str:
        """Return the index's page of the project (PEP 503)."""
        return f"{self.index.simple_url.rstrip('/')}/{normalised(self.lock.plan.project)}/"

    def observe(self) -> State:
        """Compare every file by its hash, since the same name does not prove the same content."""
        found = self.index.hashes(self.lock.plan.project, self.lock.plan.version)
        planned = {dist.name: dist.sha256 for dist in self.lock.dists}
        for name, sha256 in found.items():
            if planned.get(name) != sha256:
                return _conflict(name, sha256, planned.get(name))
        if missing := sorted(planned.keys() - found.keys()):
            return Missing(f"without {', '.join(missing)}")
        return Matches(", ".join(sorted(found)))

    def apply(self) -> None:
        """Upload the missing files."""
        found = self.index.hashes(self.lock.plan.project, self.lock.plan.version)
        missing = [self.folder / d.name for d in self.lock.dists if d.name not in found]
        if not missing:  # they appeared after the check
            return
        environment = self.login()
        try:
            self.index.upload(missing, environment, self._attested(missing))
        except ServiceError as error:
            error.remedy = _remedy(error.cause)
            raise

    def _attested(self, files: Sequence[Path]) -> list[Path]:
        if self.attested is None:
            return []
        found = (self.attested.glob(f"{file.name}.*.attestation") for file in files)
        return sorted(path for paths in found for path in paths)


def _remedy(said: str) -> str:
    """Return what to do about a refused upload, by what the index says; twine wraps its lines."""
    text = " ".join(said.lower().split())
    found = (remedy for sign, remedy in REMEDIES.items() if sign in text)
    return next(found, UPLOAD_REMEDY)


def _conflict(name: str, found: str, planned: str | None) -> Conflict:
    wanted = f"this release has sha256 {planned}" if planned else "this release lacks that file"
    return Conflict(
        f"the index holds {name} with sha256 {found}, {wanted}",
        "an index never accepts a file name twice: yank that version, and release the next one",
    )
