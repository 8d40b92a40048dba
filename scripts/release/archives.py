"""Compare two archives of the same name, member by member."""

import hashlib
import stat
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

Described = dict[str, dict[str, str]]
"""A member's path to what is stored of it."""


def differences(one: Path, other: Path) -> Iterator[str]:
    """Name each member that differs, and in what: `PATH: time 1 is 2`."""
    first, second = members(one), members(other)
    for path in sorted(first.keys() | second.keys()):
        if path not in second or path not in first:
            yield f"{path}: only in {one if path in first else other}"
            continue
        for what, value in first[path].items():
            if second[path][what] != value:
                yield f"{path}: {what} {value} is {second[path][what]}"
    if list(first) != list(second) and first.keys() == second.keys():
        yield "the order of the members"


def members(archive: Path) -> Described:
    """Describe every member of a wheel or an sdist, in its order."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            return {one.filename: _zipped(wheel, one) for one in wheel.infolist()}
    with tarfile.open(archive) as sdist:
        return {one.name: _packed(sdist, one) for one in sdist.getmembers()}


def _zipped(wheel: zipfile.ZipFile, one: zipfile.ZipInfo) -> dict[str, str]:
    return {
        "content": _digest(wheel.read(one)),
        "time": "-".join(map(str, one.date_time)),
        "mode": stat.filemode(one.external_attr >> 16),
    }


def _packed(sdist: tarfile.TarFile, one: tarfile.TarInfo) -> dict[str, str]:
    file = sdist.extractfile(one) if one.isfile() else None
    return {
        "content": _digest(file.read() if file else one.linkname.encode()),
        "time": str(one.mtime),
        "mode": stat.filemode(one.mode),
        "owner": f"{one.uname or one.uid}:{one.gname or one.gid}",
    }


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]
