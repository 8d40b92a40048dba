"""The database of advisories (OSV): one archive for each ecosystem, as plain files."""

import hashlib
import re
import shutil
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import requests

from scripts.core.errors import ServiceError
from scripts.surfaces import web

ARCHIVE = "all.zip"
MODIFIED = re.compile(rb'"modified"\s*:\s*"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)')
TOLERATED = timedelta(hours=1)
"""How far a clock may be off."""
REMEDY = (
    "check the address (`database` of [tool.release.scan], or the variable "
    "VULNERABILITY_DATABASE_URL), and run this job again"
)


@dataclass(frozen=True)
class Database:
    """The advisories at hand."""

    folder: Path
    digests: dict[str, str]
    """Ecosystem to the sha256 of its archive."""
    newest: str
    """When the newest advisory changed, in UTC."""

    def knows(self, name: str) -> bool:
        """Tell whether any advisory has this id, or names it as an alias."""
        quoted = f'"{name}"'.encode()
        for ecosystem in self.digests:
            with zipfile.ZipFile(self.folder / ecosystem / ARCHIVE) as source:
                if any(quoted in source.read(one) for one in source.namelist()):
                    return True
        return False


def fetch(
    address: str, ecosystems: Iterable[str], folder: Path, now: datetime, silence: float
) -> Database:
    """Bring the archives of the ecosystems into `folder`, each checked.

    Raises ServiceError for one that is missing, damaged, empty, or newer than the clock.
    """
    digests, newest = {}, ""
    for one in sorted(set(ecosystems)):
        target = folder / one / ARCHIVE
        target.parent.mkdir(parents=True, exist_ok=True)
        _bring(f"{address.rstrip('/')}/{quote(one)}/{ARCHIVE}", target, silence)
        newest = max(newest, _newest(target, one))
        with target.open("rb") as file:
            digests[one] = hashlib.file_digest(file, "sha256").hexdigest()
    limit = (now + TOLERATED).strftime("%Y-%m-%dT%H:%M:%S")
    if newest > limit:
        cause = f"the database of advisories is of {newest} UTC, which is later than now"
        raise ServiceError(cause, f"check this machine's clock; or {REMEDY}")
    return Database(folder, digests, newest)


def _bring(url: str, target: Path, silence: float) -> None:
    if url.startswith("file:"):
        path = Path(unquote(urlsplit(url).path))
        if not path.is_file():
            raise ServiceError(f"the database of advisories has no {path}", REMEDY)
        shutil.copy(path, target)
        return
    what = f"the database of advisories at {url}"
    with web.failures(what, REMEDY), requests.get(url, stream=True, timeout=silence) as answer:
        answer.raise_for_status()
        with target.open("wb") as file:
            shutil.copyfileobj(answer.raw, file, 1 << 20)


def _newest(path: Path, ecosystem: str) -> str:
    """Read all of an archive; give when its newest advisory changed."""
    try:
        with zipfile.ZipFile(path) as source:
            texts = (source.read(one) for one in source.namelist())
            times = [found[1] for text in texts if (found := MODIFIED.search(text))]
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError) as error:
        cause = f"the advisories for {ecosystem} are damaged: {error}"
        raise ServiceError(cause, REMEDY) from error
    if not times:
        raise ServiceError(f"the advisories for {ecosystem} are empty", REMEDY)
    return max(times).decode()
