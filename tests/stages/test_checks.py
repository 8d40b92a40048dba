"""The project's own checks: silence passes, and a failure shows both of its outputs."""

import pytest

from scripts.core.errors import CheckError
from scripts.release.context import Context
from scripts.stages import checks, plan, prepare
from tests.conftest import Bench
from tests.support.project import PYPROJECT

MAKEFILE = """\
check:
\t@{command}
"""


def prepared(bench: Bench, command: str, setup: str = "") -> Context:
    """Commit a Makefile with this check, and run the jobs that come before `checks`."""
    table = PYPROJECT.replace("[tool.release]", f"[tool.release]\n{setup}")
    bench.project.commit({"Makefile": MAKEFILE.format(command=command), "pyproject.toml": table})
    context = bench.context()
    return bench.run_jobs(context, plan=plan.run, prepare=prepare.run)


def test_a_check_that_prints_nothing_passes(bench: Bench) -> None:
    (outcome,) = checks.run(prepared(bench, "true")).outcomes
    assert outcome.detail == "passed, and printed nothing"


def test_the_last_line_of_a_check_is_its_result(bench: Bench) -> None:
    (outcome,) = checks.run(prepared(bench, "echo 3 passed")).outcomes
    assert outcome.detail == "3 passed"


def test_a_failed_check_shows_the_last_lines_of_both_outputs(bench: Bench) -> None:
    """pytest explains a failure on its standard output, make on its standard error."""
    command = "seq 1 100; echo No module named socketio; seq 1 100 >&2; exit 1"
    with pytest.raises(CheckError) as caught:
        checks.run(prepared(bench, command))
    assert "No module named socketio" in caught.value.cause
    assert "Error 1" in caught.value.cause
    assert "run `make check`" in caught.value.remedy


def test_what_the_setup_installs_is_on_the_path_of_the_checks(bench: Bench) -> None:
    """It gets a virtual environment: the Python of a runner accepts no packages."""
    linter = 'cd "$VIRTUAL_ENV/bin" && echo "python -c \'import sys; print(sys.prefix)\'" > lint'
    setup = f"setup = ['sh', '-c', '''{linter}; chmod +x lint''']"
    context = prepared(bench, "lint", setup)
    (outcome,) = checks.run(context).outcomes
    assert outcome.detail == str(context.scratch / "environment")


def test_a_failed_setup_is_named(bench: Bench) -> None:
    setup = 'setup = ["sh", "-c", "echo no such extra; exit 3"]'
    with pytest.raises(CheckError) as caught:
        checks.run(prepared(bench, "true", setup))
    assert "the set-up of the checks fails" in caught.value.cause
    assert "no such extra" in caught.value.cause
    assert "run `sh -c" in caught.value.remedy
