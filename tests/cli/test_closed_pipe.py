"""A reader that goes away (`| head -1`) changes nothing: the verb ends as it would have ended."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Bench

ROOT = Path(__file__).parents[2]
LINES = {
    "--help": 0,
    "plan --help": 0,
    "completion bash": 0,
    "changelog draft": 0,
    "changelog draft --json": 0,
    "changelog check": 0,
    "notes 0.2.4": 0,
    "plan 0.2.4 --dry-run": 0,
    "plan 0.2.4 --dry-run --json": 0,
    "plan x --json": 2,
    "plan --x --json": 2,
    "doctor": 0,
    "audit 0.2.3": 1,
    "rollback 0.2.3 --dry-run": 2,
    "check": 2,
}


def ended(bench: Bench, line: str, **streams: int) -> tuple[int, str]:
    """Run a verb; give its exit code, and standard error if that is not given."""
    done = subprocess.run(
        [sys.executable, "-m", "scripts", *line.split()],
        cwd=bench.project.clone,
        env=bench.environment() | {"PYTHONPATH": str(ROOT), "RELEASE_DEADLINE": "0.5"},
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams},
        text=True,
        check=False,
    )
    return done.returncode, done.stderr or ""


@pytest.fixture
def closed() -> int:
    """The writing end of a pipe that nobody reads."""
    reader, writer = os.pipe()
    os.close(reader)
    return writer


@pytest.mark.parametrize(("line", "code"), LINES.items())
def test_nobody_reads_the_output(bench: Bench, closed: int, line: str, code: int) -> None:
    found, said = ended(bench, line, stdout=closed)
    assert found == code, said
    assert "BrokenPipe" not in said
    assert "Traceback" not in said
    assert "Exception ignored" not in said


@pytest.mark.parametrize("line", ["changelog draft", "audit 0.2.3", "plan x", "--x"])
def test_nobody_reads_the_errors_either(bench: Bench, closed: int, line: str) -> None:
    code, _ = ended(bench, line)
    assert ended(bench, line, stdout=closed, stderr=closed)[0] == code


def test_the_reader_leaves_after_a_line(bench: Bench) -> None:
    for n in range(30):
        bench.project.git("commit", "-q", "--allow-empty", "-m", f"Add {n} {'long ' * 900}")
    process = subprocess.Popen(
        [sys.executable, "-m", "scripts", "changelog", "draft"],
        cwd=bench.project.clone,
        env=bench.environment() | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout
    assert process.stderr
    process.stdout.readline()
    process.stdout.close()
    said = process.stderr.read().decode()
    assert process.wait(60) == 0, said
    assert "Traceback" not in said
    assert "Exception ignored" not in said


@pytest.mark.parametrize("line", ["--help", "completion bash", "changelog check"])
def test_a_full_disk_is_an_error(bench: Bench, line: str) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        code, said = ended(bench, line, stdout=full.fileno())
    assert code == 2
    assert said.splitlines()[-1].startswith("standard output: No space left on device")
    assert "Traceback" not in said
    assert "Exception ignored" not in said
