"""apt, asked what a distribution's archive would upgrade: it reads a status file of our own."""

import re
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from scripts.core.sbom import DEB, Package
from scripts.tools import processes

PROGRAMS = ("apt", "apt-get")
UPDATED = 300  # seconds
LINE = re.compile(
    r"^(?P<name>[^/\s]+)/\S+ (?P<new>\S+) \S+ \[upgradable from: (?P<old>[^\]]+)\]$", re.MULTILINE
)
ENTRY = """\
Package: {name}
Status: install ok installed
Maintainer: unknown <unknown@localhost>
Architecture: {arch}
Version: {version}
Description: as the SBOM says

"""


def available(environment: Mapping[str, str]) -> bool:
    """Tell whether apt is installed here."""
    path = environment.get("PATH", "")
    return all(shutil.which(name, path=path) for name in PROGRAMS)


def upgradable(
    installed: Iterable[Package], source: str, folder: Path, environment: Mapping[str, str]
) -> list[str]:
    """List the packages with a newer version in an archive, each as `name old → new`.

    `source` is a line of sources.list(5). `folder` is empty, and takes all that apt writes; the
    machine's own state is not read. Raises ServiceError if the archive cannot be read.
    """
    packages = [one for one in installed if one.kind == DEB]
    arch = next((one.arch for one in packages if one.arch not in ("", "all")), "amd64")
    for name in ("lists/partial", "cache/archives/partial", "parts"):
        (folder / name).mkdir(parents=True)
    entries = (ENTRY.format(name=o.name, arch=o.arch or arch, version=o.version) for o in packages)
    (folder / "status").write_text("".join(entries), "utf-8")
    (folder / "sources.list").write_text(f"{source}\n", "utf-8")
    (folder / "apt.conf").write_text(_configuration(folder, arch), "utf-8")
    given = {**environment, "APT_CONFIG": str(folder / "apt.conf"), "LC_ALL": "C.UTF-8"}
    update = ["apt-get", "--quiet", "--error-on=any", "update"]
    processes.run(update, environment=given, timeout=UPDATED)
    said = processes.run(["apt", "list", "--upgradable"], environment=given)
    return [f"{one['name']} {one['old']} → {one['new']}" for one in LINE.finditer(said)]


def _configuration(folder: Path, arch: str) -> str:
    """Write apt.conf(5): every folder is ours, and no user is switched to."""
    said = {
        "Dir::State::lists": f"{folder}/lists",
        "Dir::State::status": f"{folder}/status",
        "Dir::Cache": f"{folder}/cache",
        "Dir::Etc::sourcelist": f"{folder}/sources.list",
        "Dir::Etc::sourceparts": f"{folder}/parts",
        "Dir::Etc::preferencesparts": f"{folder}/parts",
        "APT::Architecture": arch,
        "APT::Architectures": arch,
        "APT::Sandbox::User": "",
        "Acquire::Languages": "none",
        "Debug::NoLocking": "true",
    }
    return "".join(f'{key} "{value}";\n' for key, value in said.items())
