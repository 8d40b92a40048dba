"""A database of advisories that the world writes itself: a few for what its images hold.

Each archive has the same bytes in every world, so that a scan of the same images comes to the same
verdict.
"""

import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FIRST = (1980, 1, 1, 0, 0, 0)
MODIFIED = "2026-01-05T00:00:00Z"
HIGH = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"
LOW = "CVSS:3.1/AV:L/AC:H/PR:L/UI:N/S:U/C:L/I:N/A:N"


@dataclass(frozen=True)
class Advisory:
    """An advisory about one package (OSV schema)."""

    id: str
    ecosystem: str
    package: str
    fixed: str = ""
    severity: str = HIGH
    aliases: tuple[str, ...] = ()
    modified: str = MODIFIED

    def data(self) -> dict[str, Any]:
        """Give it as the database has it."""
        events = [{"introduced": "0"}, *([{"fixed": self.fixed}] if self.fixed else [])]
        about = {
            "package": {"ecosystem": self.ecosystem, "name": self.package},
            "ranges": [{"type": "ECOSYSTEM", "events": events}],
        }
        return {
            "schema_version": "1.7.0",
            "id": self.id,
            "modified": self.modified,
            "published": MODIFIED,
            "summary": f"a rehearsed vulnerability of {self.package}",
            "aliases": list(self.aliases),
            "severity": [{"type": "CVSS_V3", "score": self.severity}],
            "affected": [about],
        }


ADVISORIES: Mapping[str, Sequence[Advisory]] = {
    "Debian": (
        Advisory("DEBIAN-CVE-2026-90001", "Debian:13", "zlib", aliases=("CVE-2026-90001",)),
        Advisory("DEBIAN-CVE-2026-90002", "Debian:13", "openssl", fixed="0.1"),
        Advisory("DEBIAN-CVE-2026-90003", "Debian:13", "expat", fixed="99", severity=LOW),
    ),
    "Alpine": (Advisory("ALPINE-CVE-2026-90004", "Alpine:v3.22", "openssl", fixed="0.1"),),
    "PyPI": (Advisory("PYSEC-2026-90005", "PyPI", "numpy", fixed="1.0"),),
    "npm": (Advisory("GHSA-9999-9999-9995", "npm", "left-pad", fixed="1.0.0"),),
}
"""High without a fix, fixed long ago, and low with a fix: nothing that stops a release."""


def write(folder: Path, advisories: Mapping[str, Sequence[Advisory]] = ADVISORIES) -> Path:
    """Write an archive for each ecosystem."""
    for ecosystem, each in advisories.items():
        target = folder / ecosystem / "all.zip"
        target.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
            for one in each:
                entry = zipfile.ZipInfo(f"{one.id}.json", FIRST)
                archive.writestr(entry, json.dumps(one.data(), sort_keys=True))
    return folder
