"""Which tests run in one process: those of a file, and files that share what is slow to start."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import GROUPS, group

ROOT = Path(__file__).parents[1]
CONFTEST = """
from tests.conftest import pytest_collection_modifyitems, pytest_xdist_make_scheduler
"""
TEST = """
import os


def test_this(pytestconfig):
    with (pytestconfig.rootpath / "ran").open("a") as file:
        file.write(f"{os.getpid()} {__name__}\\n")


test_that = test_this
"""
SHARING = [file for file, name in GROUPS.items() if name == "proving"]


@pytest.mark.parametrize("file", GROUPS)
def test_the_file_is_there(file: str) -> None:
    assert (ROOT / file).is_file()


def test_a_file_that_shares_nothing_is_a_group() -> None:
    assert group("tests/stages/test_some.py::test_this[tests::that]") == "tests/stages/test_some.py"


def test_xdist_gives_a_group_to_one_process_and_begins_with_the_first(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "conftest.py").write_text(CONFTEST)
    others = [f"tests/a_test_{number}.py" for number in range(4)]
    for file in (*SHARING, *others):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(TEST)
    command = [sys.executable, "-m", "pytest", "-q", "--import-mode=importlib", *SHARING, *others]
    command += ["--numprocesses=2", "--dist=loadscope", "--no-loadscope-reorder"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout
    ran = [line.split() for line in (tmp_path / "ran").read_text().splitlines()]
    assert len(ran) == 2 * len([*SHARING, *others])
    names = {Path(file).stem for file in SHARING}
    assert len({pid for pid, name in ran if name.rpartition(".")[2] in names}) == 1
    assert len({pid for pid, _ in ran}) == 2
