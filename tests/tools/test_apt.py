"""apt itself, on an archive of two files: what it would upgrade in an image."""

import os
import shutil
from pathlib import Path

import pytest

from scripts.core.errors import ServiceError
from scripts.core.sbom import Package
from scripts.tools import apt

needs_apt = pytest.mark.skipif(not shutil.which("apt"), reason="this machine has no apt")
ENVIRONMENT = {"PATH": os.environ["PATH"], "HOME": os.devnull}
SSL = Package("deb", "libssl3t64", "3.5.1-1", "openssl", "arm64")
INSTALLED = [
    SSL,
    Package("deb", "zlib1g", "1:1.3.1-1", "zlib", "arm64"),
    Package("deb", "tzdata", "2026a-1", "", "all"),
    Package("pypi", "jinja2", "3.1.2"),
]
ENTRY = "Package: {}\nArchitecture: {}\nVersion: {}\nFilename: ./x.deb\nSize: 1\nSHA256: {}\n\n"


@pytest.fixture
def source(tmp_path: Path) -> str:
    """An archive with a newer openssl, the same zlib, and an older tzdata."""
    archive = tmp_path / "archive"
    archive.mkdir()
    there = [("libssl3t64", "arm64", "3.5.1-1+deb13u1"), ("zlib1g", "arm64", "1:1.3.1-1")]
    there += [("tzdata", "all", "2025a-1"), ("other", "arm64", "9")]
    text = "".join(ENTRY.format(*one, "0" * 64) for one in there)
    (archive / "Packages").write_text(text)
    return f"deb [trusted=yes] file:{archive} ./"


@needs_apt
def test_what_the_archive_would_upgrade_is_listed(source: str, tmp_path: Path) -> None:
    found = apt.upgradable(INSTALLED, source, tmp_path / "state", ENVIRONMENT)
    assert found == ["libssl3t64 3.5.1-1 → 3.5.1-1+deb13u1"]
    newer = [Package("deb", "libssl3t64", "3.5.1-1+deb13u1", "openssl", "arm64")]
    assert apt.upgradable(newer, source, tmp_path / "again", ENVIRONMENT) == []


@needs_apt
def test_an_archive_that_cannot_be_read_is_no_silence(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="apt-get"):
        apt.upgradable(
            INSTALLED, f"deb [trusted=yes] file:{tmp_path}/no ./", tmp_path / "state", ENVIRONMENT
        )


def test_a_machine_without_apt_is_seen(tmp_path: Path) -> None:
    assert not apt.available({"PATH": str(tmp_path)})
