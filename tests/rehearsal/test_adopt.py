"""docs/adopt.md followed literally by two projects of other shapes, each then really released."""

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path

import pytest

from rehearsal.faults.fault_matrix import environment
from rehearsal.progress import Progress
from rehearsal.runs import direct, maintainer, new_run
from rehearsal.runs.direct import DirectRun
from rehearsal.verdict import verdict
from rehearsal.verdict.verdict import Row
from rehearsal.world import example_project, git_repo, world
from rehearsal.world.world import World

pytestmark = pytest.mark.world

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "adopt.md").read_text("utf-8")
COPY, MAKEFILE = (
    re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)[0] for kind in ("bash", "make")
)
PACKAGE, IMAGE = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)

TIDY = {
    "pyproject.toml": """\
[build-system]
requires = ["setuptools==80.9.0"]
build-backend = "setuptools.build_meta"

[project]
name = "tidy-lines"
version = "1.3.0.dev0"
description = "Lines, tidied."
readme = "README.rst"
requires-python = ">=3.11"

[tool.setuptools.packages.find]
where = ["src"]

"""
    + PACKAGE.replace("[tool.release]\n", '[tool.release]\nnext-dev = "minor"\n'),
    "README.rst": "Tidy lines\n==========\n\nLines, tidied.\n",
    "HISTORY.md": """\
History
=======

Unreleased
----------

- Tabs are lines too.

v1.2.0 (2025-03-01)
-------------------

- Everything.
""",
    "src/tidy_lines/__init__.py": '"""Lines, tidied."""\n',
    "src/tidy_lines/tabs.py": '"""Tabs are lines too."""\n',
}
SERVER = {
    "pyproject.toml": IMAGE,
    "CHANGELOG.md": """\
# Changes

## Unreleased

- It serves.

## v0.9.0 (2025-03-01)

- It starts.
""",
    "Dockerfile": "FROM scratch\nARG TARGETARCH\nCOPY platform.${TARGETARCH} /platform\n",
    "platform.amd64": "amd64\n",
    "platform.arm64": "arm64\n",
}


def adopt(folder: Path, files: dict[str, str]) -> None:
    """Make the project, and do what the page says."""
    system = folder.with_name(f"{folder.name}-system")
    git_repo.git(folder.parent, "clone", "--quiet", "--depth=1", f"file://{ROOT}", str(system))
    for path, text in {**files, "Makefile": MAKEFILE}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, "utf-8")
    subprocess.run(
        ["bash", "-euc", COPY],
        cwd=folder, check=True, env={"SYSTEM": str(system), "PATH": os.environ["PATH"]},
    )  # fmt: skip
    git_repo.git(folder, "init", "--quiet", "--initial-branch=main")
    git_repo.git(folder, "add", "--all", ".")
    git_repo.git(folder, "commit", "--quiet", "--message", "A project", **example_project.WHO)


@contextmanager
def released(folder: Path, files: dict[str, str], wanted: str) -> Iterator[tuple[World, DirectRun]]:
    """Release the project in a world of its own."""
    project = folder / "project"
    adopt(project, files)
    with Progress(StringIO(), live=False) as progress:
        here = world.up(folder / "world", project, progress, version=wanted)
        try:
            event = maintainer.press_button(here)
            done = direct.run(new_run.setting(here, event.sha), event, environment=environment(30))
            yield here, done
        finally:
            world.down(folder / "world")


def told(run: DirectRun) -> str:
    """Everything that the run's summaries say."""
    return "".join(path.read_text("utf-8") for path in (run.folder / "summaries").iterdir()).lower()


def rows(here: World, tag: str) -> list[Row]:
    return list(verdict.released(here, tag, verdict.Snapshot({})))


def why(run: DirectRun) -> str:
    return "\n".join((run.folder / "logs" / f"{name}.log").read_text() for name in run.failed)


def test_a_package_in_src_with_its_own_changelog_and_no_image(tmp_path: Path) -> None:
    with released(tmp_path, TIDY, "minor") as (here, run):
        assert run.ok, why(run)
        found = rows(here, "v1.3.0")
        assert found
        assert [row for row in found if not row.ok] == []
        assert not [row for row in found if "image" in row.surface]
        assert "tidy_lines-1.3.0-py3-none-any.whl" in told(run)
        assert "image" not in told(run)
        assert git_repo.git(here.bare, "show", "main:HISTORY.md").startswith(
            "History\n=======\n\nUnrel"
        )
        assert 'version = "1.4.0.dev0"' in git_repo.git(here.bare, "show", "main:pyproject.toml")


def test_an_image_and_no_package(tmp_path: Path) -> None:
    with released(tmp_path, SERVER, "0.10.0") as (here, run):
        assert run.ok, why(run)
        found = rows(here, "v0.10.0")
        assert [row for row in found if not row.ok] == []
        assert not [row for row in found if "package" in row.surface or "whl" in row.expected]
        assert "example/small_server:v0.10.0" in told(run)
        assert [
            word for word in ("package", "wheel", "pip install", "dist") if word in told(run)
        ] == []
