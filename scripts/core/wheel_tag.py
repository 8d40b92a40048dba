"""The Python tag of the wheel that a build backend makes of pure Python (PEP 425)."""

from collections.abc import Mapping
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet

PYTHON_3, BOTH = "py3", "py2.py3"
BY_REQUIREMENT = ("hatchling.", "flit_core.", "poetry.core.", "pdm.backend")
"""Backends that look at `requires-python`; the others make wheels for Python 3 alone."""


def python_tag(pyproject: Mapping[str, Any]) -> str:
    """Return `py2.py3` for a wheel that is for Python 2 as well, else `py3`.

    Without `requires-python`, these backends assume that both are meant.
    """
    backend = str(_table(pyproject, "build-system").get("build-backend", ""))
    if not backend.startswith(BY_REQUIREMENT):
        return PYTHON_3
    poetry = _table(pyproject, "tool", "poetry", "dependencies").get("python", "")
    stated = _table(pyproject, "project").get("requires-python", poetry)
    return BOTH if _admits_python_2(str(stated)) else PYTHON_3


def _admits_python_2(requirement: str) -> bool:
    """Tell whether a specifier or Poetry's own constraint allows Python 2.7."""
    try:
        return "2.7" in SpecifierSet(requirement)
    except InvalidSpecifier:  # Poetry's `^3.9`, `~2.7 || ^3.6`
        return requirement == "*" or "2." in requirement


def _table(data: Any, *keys: str) -> Mapping[str, Any]:
    for key in keys:
        data = data.get(key) if isinstance(data, Mapping) else None
    return data if isinstance(data, Mapping) else {}
