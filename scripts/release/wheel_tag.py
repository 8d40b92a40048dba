"""The Python tag of the wheel that a build backend makes of pure Python (PEP 425)."""

from collections.abc import Mapping
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from scripts.core.planning import PYTHON_2_AND_3, PYTHON_3
from scripts.release.version_source import inside

BY_REQUIREMENT = ("hatchling.", "flit_core.", "poetry.core.", "pdm.backend")
"""Backends that look at `requires-python`; the others make wheels for Python 3 alone."""


def python_tag(pyproject: Mapping[str, Any]) -> str:
    """Return `py2.py3` for a wheel that is for Python 2 as well, else `py3`.

    Without `requires-python`, these backends assume that both are meant.
    """
    backend = str(inside(pyproject, "build-system").get("build-backend", ""))
    if not backend.startswith(BY_REQUIREMENT):
        return PYTHON_3
    poetry = inside(pyproject, "tool", "poetry", "dependencies").get("python", "")
    stated = inside(pyproject, "project").get("requires-python", poetry)
    return PYTHON_2_AND_3 if _admits_python_2(str(stated)) else PYTHON_3


def _admits_python_2(requirement: str) -> bool:
    """Tell whether a specifier or Poetry's own constraint allows Python 2.7."""
    try:
        return "2.7" in SpecifierSet(requirement)
    except InvalidSpecifier:  # Poetry's `^3.9`, `~2.7 || ^3.6`
        return requirement == "*" or "2." in requirement
