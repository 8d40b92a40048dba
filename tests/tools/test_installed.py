"""A stage imports only packages that the installer puts into its environment."""

import ast
import re
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from scripts.cli.command_line import VERBS

ROOT = Path(__file__).parents[2]
INSTALLER = (ROOT / ".github/actions/setup/install.sh").read_text("utf-8")
# Modules that only a person's terminal needs: drawing, and completion of words.
AT_A_TERMINAL = {"scripts.cli.terminal", "scripts.cli.completion"}
# These have uv, twine or build do their work.
HEAVY = {"attest", "dists", "rebuild", "publish-package", "scorecard", "verify"}
# A module -> what it imports only when it uploads: a light stage does not.
TO_UPLOAD = {"scripts.surfaces.package_index": {"twine.utils"}}
FOR_PEOPLE = {"init", "upgrade", "doctor", "check", "notes", "completion", "ci-dists"}


def file_of(module: str) -> Path | None:
    path = ROOT / Path(*module.split("."))
    return next((p for p in (path.with_suffix(".py"), path / "__init__.py") if p.is_file()), None)


@cache
def imports(module: str) -> set[str]:
    """Return what a module imports, wherever in it: modules by their full names."""
    file, found = file_of(module), set[str]()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))) if file else ():
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {node.module, *(name for name in names if file_of(name))}
    return found - TO_UPLOAD.get(module, set())


def reached(*begin: str) -> set[str]:
    seen, left = set[str](), list(begin)
    while left:
        module = left.pop()
        if module not in seen and module not in AT_A_TERMINAL:
            seen.add(module)
            left += imports(module)
    return seen


def locked(name: str) -> set[str]:
    text = (ROOT / f"requirements/{name}.txt").read_text("utf-8")
    return set(re.findall(r"^([\w.-]+)==", text, re.MULTILINE))


@pytest.mark.parametrize("verb", sorted(set(VERBS) - HEAVY - FOR_PEOPLE))
def test_a_light_stage_has_all_that_it_imports(verb: str) -> None:
    stage = f"scripts.stages.{verb.replace('-', '_')}"
    tops = {one.split(".")[0] for one in reached("scripts.__main__", stage)}
    known = packages_distributions()
    needed = {d.lower().replace("_", "-").replace(".", "-") for t in tops for d in known.get(t, ())}
    needed -= {"convergent-release", "streamposeml"}
    assert needed <= locked("jobs"), needed - locked("jobs")


def test_the_installer_knows_the_heavy_stages() -> None:
    found = re.search(r'"" \| (.*)\) lock=requirements/release\.txt', INSTALLER)
    assert found
    assert set(found[1].split(" | ")) == HEAVY


def test_the_small_lock_is_a_part_of_the_whole() -> None:
    def pins(name: str) -> set[str]:
        text = (ROOT / f"requirements/{name}.txt").read_text("utf-8")
        return set(re.findall(r"^[\w.-]+==[^ ;\\]+", text, re.MULTILINE))

    assert pins("jobs") <= pins("release")
