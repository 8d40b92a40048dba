"""The README's table of repositories that fit: each row is one that is taken over here."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.adopt.test_init import BOTH, FLOWS, PACKAGE, ROOT, SERVER, SYSTEM, Clone
from tests.adopt.test_shapes import BUILD, FILES, NAMED, SETUP

TABLE = (ROOT / "README.md").read_text("utf-8").partition("## Which repositories fit")[2]
ROWS = dict(re.findall(r"^\| ([^|-][^|]*) \| ([^|]*) \|$", TABLE.partition("\n## ")[0], re.M)[1:])
Files = dict[str, str]


def built(backend: str, table: str, **more: str) -> Files:
    requires = backend.partition(".")[0].replace("_", "-")
    return {**FILES, "pyproject.toml": BUILD.format(requires, backend) + table, **more}


DYNAMIC = '[project]\nname = "thing"\ndynamic = ["version"]\n'
POETRY = '[tool.poetry]\nname = "thing"\nversion = "1.2.0"\n'
RST = "Changes\n=======\n\n1.2.0\n-----\n\n- One.\n"
SCM = built("setuptools.build_meta", DYNAMIC + "[tool.setuptools_scm]\n")
DEV = {**FILES, "thing/__init__.py": '__version__ = "1.3.0.dev0"\n'}
FITTING: dict[str, tuple[Files, str]] = {
    "version in `[project]`": (PACKAGE, "v1.2.0"),
    "Poetry": (built("poetry.core.masonry.api", POETRY), "v1.2.0"),
    "hatch with a path, or Flit": (built("flit_core.buildapi", DYNAMIC), "v1.2.0"),
    "`setup.py` or `setup.cfg`": ({**FILES, "setup.py": SETUP.format("version='1.2.0'")}, "v1.2.0"),
    "hatch-vcs or setuptools-scm": (SCM, "v1.2.0"),
    "the next `.dev` on the branch": ({**built("flit_core.buildapi", DYNAMIC), **DEV}, "v1.2.0"),
    "tags `1.2.3`, `NAME-1.2.3` or `26.3`": (PACKAGE, "tidy-lines-1.1.0 tidy-lines-1.2.0"),
    "branch `master` or another name": (PACKAGE, "v1.2.0"),
    "changelog in Markdown": (PACKAGE, "v1.2.0"),
    "changelog in reStructuredText, of fragments, or none": (
        {path: text for path, text in PACKAGE.items() if path != "HISTORY.md"} | {"NEWS.rst": RST},
        "v1.2.0",
    ),
    "images alone": (SERVER, "v0.9.0"),
    "package and several images": (BOTH, "v1.2.0"),
    "workflow `release.yml` of its own": (BOTH, "v1.2.0"),
}
REFUSED = {
    "wheels for each platform": (built("maturin", NAMED), "wheels for each platform"),
    "several packages in folders": (
        {"a/pyproject.toml": built("hatchling.build", NAMED)["pyproject.toml"]},
        "packages are in a",
    ),
}
SHOWN: dict[str, Callable[[Clone], bool]] = {
    "tags `1.2.3`, `NAME-1.2.3` or `26.3`": lambda here: "tidy-lines-*" in release(here),
    "branch `master` or another name": lambda here: here.config.branch == "trunk",
    "the next `.dev` on the branch": lambda here: here.config.next_dev == "minor",
    "changelog in Markdown": lambda here: here.config.changelog == "HISTORY.md",
    "changelog in reStructuredText, of fragments, or none": (
        lambda here: not here.config.keeps_changelog
    ),
    "hatch-vcs or setuptools-scm": lambda here: here.config.from_tags,
    "images alone": lambda here: here.config.from_tags and not here.config.package,
    "package and several images": lambda here: len(here.config.images) == 3,
    "workflow `release.yml` of its own": (
        lambda here: here.text(f"{FLOWS}/release.yml") == BOTH[f"{FLOWS}/release.yml"]
    ),
}


def release(here: Clone) -> str:
    return here.text(f"{FLOWS}/release.yml")


def test_each_row_is_tried() -> None:
    assert ROWS.keys() == FITTING.keys() | REFUSED.keys()
    assert {row for row, how in ROWS.items() if how == "refused"} == REFUSED.keys()


@pytest.mark.parametrize("row", FITTING)
def test_it_fits(row: str, tmp_path: Path) -> None:
    files, tags = FITTING[row]
    here = Clone(tmp_path / "sample", files, "trunk", tags)
    here.init()
    done = here.release("check")
    assert done.returncode == 0, done.stderr
    assert SHOWN.get(row, lambda _: True)(here)


@pytest.mark.parametrize("row", REFUSED)
def test_it_is_refused(row: str, tmp_path: Path) -> None:
    files, why = REFUSED[row]
    here = Clone(tmp_path / "sample", files, "trunk", "")
    done = here.release("init", "--yes", "--system", SYSTEM)
    assert (done.returncode, here.changed()) == (2, set())
    assert why in done.stderr
