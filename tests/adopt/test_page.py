"""docs/adopt.md, read by a program that types its one command in repositories of several shapes.

It types `init`, `check`, `plan patch` and `upgrade`. It leaves out:

- the questions at a terminal (`test_prompt.py` answers them),
- `plan` of images, which asks a registry, and the jobs of a release,
- the copy of sections 1 and 3: `tests/rehearsal/test_adopt.py` types that, and runs the jobs,
- section 4, which a person does at the services.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from rehearsal.world import git_repo
from tests.adopt.test_fits import FITTING
from tests.adopt.test_init import ROOT, Clone
from tests.conftest import Bench

pytestmark = pytest.mark.service

PAGE = (ROOT / "docs" / "adopt.md").read_text("utf-8")
COMMAND = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)[0].strip()
PLANNED = {
    "version in `[project]`": "1.2.1",
    "Poetry": "1.2.1",
    "`setup.py` or `setup.cfg`": "1.2.1",
    "hatch-vcs or setuptools-scm": "1.2.1",
    "the next `.dev` on the branch": "1.3.0",
    "changelog in reStructuredText, of fragments, or none": "1.2.1",
}
"""Shapes without an image, with the version that `plan patch` is to show."""
IMAGES = ("images alone", "package and several images")


class Reader:
    """Types the page's command, with OWNER/REPO@COMMIT filled in."""

    def __init__(self, folder: Path) -> None:
        self.settings = folder / "gitconfig"
        system = folder / "forge" / "somebody" / "system"
        git_repo.git(ROOT, "clone", "--quiet", "--depth=1", f"file://{ROOT}", str(system))
        place = f'[url "file://{folder}/forge/"]\n\tinsteadOf = https://github.com/\n'
        self.settings.write_text(place)
        commit = git_repo.git(system, "rev-parse", "HEAD")
        self.command = COMMAND.replace("OWNER/REPO@COMMIT", f"somebody/system@{commit}")

    def types(self, here: Clone, words: str, **environment: str) -> str:
        """Type the command with other words in place of `init`; return what it prints."""
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        known = {key: text for key, text in os.environ.items() if key != "PYTHONPATH"}
        known |= {"GITHUB_API_URL": here.api, "GIT_CONFIG_GLOBAL": str(self.settings)}
        done = subprocess.run(
            ["bash", "-c", re.sub(r"\binit$", words, self.command)],
            cwd=here.folder, capture_output=True, text=True, check=False,
            stdin=subprocess.DEVNULL, env={**known, **environment, "PATH": path},
        )  # fmt: skip
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Reader:
    return Reader(tmp_path_factory.mktemp("reader"))


def adopted(reader: Reader, folder: Path, row: str) -> Clone:
    files, tags = FITTING[row]
    here = Clone(folder / "adopter", files, "main", tags)
    reader.types(here, "init --yes")
    here.commit()
    assert "fine" in reader.types(here, "check")
    assert "as it was" in reader.types(here, "upgrade")
    assert not here.changed()
    return here


def test_the_page_says_what_is_typed() -> None:
    assert COMMAND.endswith(" release init")
    for verb in ("`check`", "`plan patch`", "`upgrade`"):
        assert verb in PAGE


@pytest.mark.parametrize("row", IMAGES)
def test_images_are_adopted(row: str, reader: Reader, tmp_path: Path) -> None:
    assert adopted(reader, tmp_path, row).config.images


@pytest.mark.parametrize("row", PLANNED)
def test_a_package_is_adopted_and_planned(row: str, reader: Reader, bench: Bench) -> None:
    here = adopted(reader, bench.folder, row)
    here.commit({"more.txt": "x"}, "Add more")
    git_repo.git(here.folder, "push", "--quiet", "--mirror", str(bench.project.bare))
    known = bench.environment(RELEASE_VERSION="")
    said = reader.types(here, "plan patch", **{**known, "HOME": os.environ["HOME"]})
    assert f"| version | {PLANNED[row]} |" in said
