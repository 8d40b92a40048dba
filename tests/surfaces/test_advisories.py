"""The database of advisories: whole, not empty, not of tomorrow, or the scan stops."""

import hashlib
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rehearsal.world.advisories import Advisory, write
from scripts.core.errors import ServiceError, TransientError
from scripts.surfaces import advisories

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
ONE = Advisory("DEBIAN-CVE-1", "Debian:13", "zlib", aliases=("CVE-1",))


def fetched(folder: Path, address: str = "", now: datetime = NOW) -> advisories.Database:
    address = address or (folder / "there").as_uri()
    return advisories.fetch(address, ["Debian"], folder / "here", now, 2.0)


def test_it_is_copied_and_described(tmp_path: Path) -> None:
    write(tmp_path / "there", {"Debian": [ONE]})
    found = fetched(tmp_path)
    content = (tmp_path / "here" / "Debian" / "all.zip").read_bytes()
    assert found.digests == {"Debian": hashlib.sha256(content).hexdigest()}
    assert found.newest == "2026-01-05T00:00:00"
    assert (found.knows("CVE-1"), found.knows("CVE-2")) == (True, False)


def test_a_missing_one_is_named(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match=r"has no .*Debian/all\.zip") as raised:
        fetched(tmp_path)
    assert "VULNERABILITY_DATABASE_URL" in raised.value.remedy


def test_a_server_that_does_not_answer_is_asked_again(tmp_path: Path) -> None:
    with pytest.raises(TransientError, match="did not answer"):
        fetched(tmp_path, "http://127.0.0.1:1")


@pytest.mark.parametrize("keep", [0, 30, -1])
def test_a_damaged_one_is_refused(tmp_path: Path, keep: int) -> None:
    write(tmp_path / "there", {"Debian": [ONE]})
    path = tmp_path / "there" / "Debian" / "all.zip"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ServiceError, match="damaged"):
        fetched(tmp_path)


def test_one_altered_byte_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "there", {"Debian": [ONE]})
    path = tmp_path / "there" / "Debian" / "all.zip"
    path.write_bytes(path.read_bytes().replace(b'"introduced"', b'"introducEd"', 1))
    with pytest.raises(ServiceError, match="damaged"):
        fetched(tmp_path)


def test_an_empty_one_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "there", {"Debian": []})
    with pytest.raises(ServiceError, match="empty"):
        fetched(tmp_path)
    with zipfile.ZipFile(tmp_path / "there" / "Debian" / "all.zip", "w") as archive:
        archive.writestr("x.json", "{}")
    with pytest.raises(ServiceError, match="empty"):
        fetched(tmp_path)


def test_one_of_tomorrow_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "there", {"Debian": [ONE]})
    same = datetime(2026, 1, 5, tzinfo=UTC)
    assert fetched(tmp_path, now=same).newest
    with pytest.raises(ServiceError, match="later than now"):
        fetched(tmp_path, now=same - timedelta(hours=2))
