"""Nothing is left open that Python warns of, in runs that go well and in runs that fail."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Bench

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("line", "variable", "code"),
    [
        ("plan 0.2.4 --dry-run", "NO_COLOR=1", 0),
        ("doctor", "NO_COLOR=1", 0),
        ("notes 0.2.4", "NO_COLOR=1", 0),
        ("changelog draft", "NO_COLOR=1", 0),
        ("audit 0.2.3", "NO_COLOR=1", 1),
        ("plan 0.2.4", "GITHUB_API_URL=http://localhost:9", 4),
        ("plan 0.2.4", "PACKAGE_INDEX_URL=http://localhost:9", 4),
        ("plan 0.2.4", "GITHUB_TOKEN=x\\n", 2),
    ],
)
def test_python_has_nothing_to_warn_of(bench: Bench, line: str, variable: str, code: int) -> None:
    name, _, value = variable.partition("=")
    environment = bench.environment() | {
        "PYTHONPATH": str(ROOT),
        "RELEASE_DEADLINE": "0.5",
        name: value.replace("\\n", "\n"),
    }
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "always", "-m", "scripts", *line.split()],
        cwd=bench.project.clone,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert "Warning" not in done.stderr
    assert "Traceback" not in done.stderr
