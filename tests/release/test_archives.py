"""Whatever differs between two archives is named, with its member."""

import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.release.archives import differences


def wheel(
    path: Path, text: str = "a", date: int = 2024, mode: int = 0o644, names: str = "ab"
) -> Path:
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as made:
        for name in names:
            info = zipfile.ZipInfo(name, (date, 1, 1, 0, 0, 0))
            info.external_attr = (0o100000 | mode) << 16
            made.writestr(info, text if name == "a" else "b")
    return path


def sdist(path: Path, text: str = "a", date: int = 1, mode: int = 0o644, names: str = "ab") -> Path:
    path.parent.mkdir()
    with tarfile.open(path, "w:gz") as made:
        for name in names:
            content = (text if name == "a" else "b").encode()
            info = tarfile.TarInfo(name)
            info.size, info.mtime, info.mode = len(content), date, mode
            made.addfile(info, io.BytesIO(content))
    return path


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({}, []),
        ({"text": "c"}, ["a: content"]),
        ({"date": 2025}, ["a: time", "b: time"]),
        ({"mode": 0o755}, ["a: mode", "b: mode"]),
        ({"names": "a"}, ["b: only in"]),
        ({"names": "ba"}, ["the order of the members"]),
    ],
    ids=str,
)
@pytest.mark.parametrize(("make", "name"), [(wheel, "x.whl"), (sdist, "x.tar.gz")])
def test_each_difference_is_named(
    make: Callable[..., Path],
    name: str,
    changed: dict[str, object],
    named: list[str],
    tmp_path: Path,
) -> None:
    one, other = make(tmp_path / "1" / name), make(tmp_path / "2" / name, **changed)
    found = list(differences(one, other))
    assert len(found) == len(named)
    assert all(text.startswith(start) for text, start in zip(found, named, strict=True))
