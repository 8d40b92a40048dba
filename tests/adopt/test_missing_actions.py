"""An action at a commit that its repository does not have is refused."""

from pathlib import Path

import pytest

from tests.adopt.test_init import FLOWS, Clone, package
from tests.conftest import Bench


@pytest.fixture
def here(bench: Bench, tmp_path: Path) -> Clone:
    """A repository to adopt. Its system is the repository that the service for GitHub has."""
    folder = tmp_path / "adopter"
    folder.mkdir()
    clone = package(folder)
    clone.api = f"{bench.github.url}/api/v3"
    return clone


def system(bench: Bench, commit: str = "") -> str:
    return f"mari/sample_thing@{commit or bench.project.sha('main')}"


def test_init_refuses_it_and_writes_nothing(bench: Bench, here: Clone) -> None:
    done = here.release("init", "--yes", "--system", system(bench, "5" * 40))
    assert (done.returncode, here.changed()) == (2, set())
    assert f"mari/sample_thing has no commit {'5' * 40}" in done.stderr
    assert "remedy: name a commit that is public there" in done.stderr
    done = here.release("init", "--yes", "--system", system(bench))
    assert done.returncode == 0, done.stderr
    assert "not checked" not in done.stdout


def test_upgrade_refuses_it_and_writes_nothing(bench: Bench, here: Clone) -> None:
    assert here.release("init", "--yes", "--system", system(bench)).returncode == 0
    here.commit()
    done = here.release("upgrade", "--system", system(bench, "6" * 40))
    assert (done.returncode, here.changed()) == (2, set())
    assert f"mari/sample_thing has no commit {'6' * 40}" in done.stderr


def test_check_names_its_first_line_if_it_may_ask(bench: Bench, here: Clone) -> None:
    assert here.release("init", "--yes", "--system", system(bench)).returncode == 0
    here.commit()
    assert here.release("check", "--online").returncode == 0
    for file in (here.folder / FLOWS).glob("*.yml"):
        file.write_text(file.read_text().replace(f"@{bench.project.sha('main')}", f"@{'7' * 40}"))
    assert here.release("check").returncode == 0
    done = here.release("check", "--online")
    assert done.returncode == 2
    assert "mari/sample_thing has no commit 777777777777" in done.stderr
    assert f"{FLOWS}/audit.yml:" in done.stderr


def test_nobody_to_ask_is_said(here: Clone) -> None:
    here.api = "http://127.0.0.1:9"
    said = here.init()
    assert "not checked: GitHub cannot be asked whether the commit of the actions exists" in said
