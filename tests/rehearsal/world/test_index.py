from pathlib import Path

import pytest
from pypi_simple import PYPI_SIMPLE_ENDPOINT

from rehearsal.world import index


@pytest.fixture
def home(tmp_path: Path, emptied: pytest.MonkeyPatch) -> Path:
    emptied.setattr("rehearsal.world.provision.home_folder", lambda: tmp_path)
    return tmp_path


def test_the_machines_index_comes_from_the_environment(
    home: Path, emptied: pytest.MonkeyPatch
) -> None:
    assert home
    emptied.setenv("PIP_INDEX_URL", "https://mirror.invalid/simple")
    assert index.machine_index() == "https://mirror.invalid/simple/"


def test_the_machines_index_comes_from_pips_configuration(home: Path) -> None:
    (home / ".config" / "pip").mkdir(parents=True)
    file = home / ".config" / "pip" / "pip.conf"
    file.write_text("[global]\nindex-url = https://u:50%25@mirror.invalid/simple/\n")
    assert index.machine_index() == "https://u:50%25@mirror.invalid/simple/"


def test_the_machines_index_is_otherwise_the_public_one(home: Path) -> None:
    assert home
    assert index.machine_index() == PYPI_SIMPLE_ENDPOINT


@pytest.mark.parametrize(
    ("url", "needed"), [("https://u:p@x.invalid/", True), ("https://x.invalid/", False)]
)
def test_an_index_with_a_password_is_known(url: str, needed: bool) -> None:
    assert index.needs_password(url) is needed
