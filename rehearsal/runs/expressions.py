"""The part of GitHub's expressions that the workflows use: names, their JSON, one comparison.

The rules: GitHub Docs, "Contexts" and "Expressions". What is absent is an empty text.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from rehearsal.runs.workflow import UnclearError

_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}", re.DOTALL)
_TO_JSON = re.compile(r"toJson\((.*)\)", re.IGNORECASE)
_COMPARED = re.compile(r"(?P<name>[\w.-]+) *(?P<how>==|!=) *'(?P<text>[^']*)'")
_PATH = re.compile(r"[A-Za-z_][\w-]*(\.[\w-]+)*")


def filled(text: Any, context: Mapping[str, Any]) -> str:
    """Return a value of a workflow file with every `${{ a.b }}` in it looked up in `context`.

    Raises `UnclearError` for an expression that is more than a name, or `toJson` of one.
    """
    if not isinstance(text, str):
        return _spelled(text)
    return _EXPRESSION.sub(lambda found: _spelled(_look_up(found[1], context)), text)


def filled_all(values: Mapping[str, Any] | None, context: Mapping[str, Any]) -> dict[str, str]:
    """Do so for every value of a mapping, such as `env` or `with`."""
    return {key: filled(value, context) for key, value in (values or {}).items()}


def holds(condition: str, context: Mapping[str, Any]) -> bool:
    """Say whether a step's condition holds: none, or a name compared with a text.

    Raises `UnclearError` for any other.
    """
    text = _EXPRESSION.sub(r"\1", condition).strip()
    found = _COMPARED.fullmatch(text)
    if text and not found:
        raise UnclearError(f"cannot tell whether a step should run: `if: {text}`")
    return not found or (
        (_spelled(_look_up(found["name"], context)) == found["text"]) == (found["how"] == "==")
    )


def _look_up(path: str, context: Mapping[str, Any]) -> Any:
    if whole := _TO_JSON.fullmatch(path):
        return json.dumps(_look_up(whole[1], context), indent=2)
    if not _PATH.fullmatch(path):
        raise UnclearError(f"cannot work out `${{{{ {path} }}}}`")
    found: Any = context
    for part in path.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _spelled(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
