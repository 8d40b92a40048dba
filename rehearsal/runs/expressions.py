"""The part of GitHub's expressions that the workflows use: names, texts, comparisons, && and ||.

The rules: GitHub Docs, "Contexts" and "Evaluate expressions". A missing value is an empty text.
"""

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from rehearsal.runs.workflow import UnclearError

_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}", re.DOTALL)
_TOKEN = re.compile(r"\s*('(?:[^']|'')*'|&&|\|\||==|!=|!|[()]|[A-Za-z_][\w-]*(?:\.[\w-]+)*|[\d.]+)")
_LITERALS = {"true": True, "false": False, "null": None}
_FALSE: tuple[Any, ...] = (None, False, "", 0)


def filled(text: Any, context: Mapping[str, Any]) -> str:
    """Return a value of a workflow file with every `${{ … }}` in it worked out in `context`.

    Raises `UnclearError` for an expression with more than is known here.
    """
    if not isinstance(text, str):
        return _spelled(text)
    return _EXPRESSION.sub(lambda found: _spelled(evaluated(found[1], context)), text)


def filled_all(values: Mapping[str, Any] | None, context: Mapping[str, Any]) -> dict[str, str]:
    """Do so for every value of a mapping, such as `env` or `with`."""
    return {key: filled(value, context) for key, value in (values or {}).items()}


def holds(condition: str, context: Mapping[str, Any]) -> bool:
    """Say whether a step's condition holds; without one it does. Raises `UnclearError`."""
    text = _EXPRESSION.sub(r"\1", condition).strip()
    return not text or evaluated(text, context) not in _FALSE


def evaluated(text: str, context: Mapping[str, Any]) -> Any:
    """Return the value of an expression. Raises `UnclearError`."""
    tokens, at = [], 0
    while at < len(text.rstrip()):
        found = _TOKEN.match(text, at)
        if not found:
            raise UnclearError(f"cannot work out `${{{{ {text} }}}}`")
        tokens.append(found[1])
        at = found.end()
    reader = _Reader(text, tokens, context)
    value = reader.either()
    if reader.tokens:
        raise reader.unclear()
    return value


class _Reader:
    """Reads an expression's tokens from the front."""

    def __init__(self, text: str, tokens: list[str], context: Mapping[str, Any]) -> None:
        self.text, self.tokens, self._context = text, tokens, context

    def unclear(self) -> UnclearError:
        return UnclearError(f"cannot work out `${{{{ {self.text} }}}}`")

    def either(self) -> Any:
        value = self._both()
        while self._takes("||"):
            other = self._both()
            value = other if value in _FALSE else value
        return value

    def _both(self) -> Any:
        value = self._compared()
        while self._takes("&&"):
            other = self._compared()
            value = value if value in _FALSE else other
        return value

    def _compared(self) -> Any:
        value = self._single()
        for sign in ("==", "!="):
            if self._takes(sign):
                return _equal(value, self._single()) == (sign == "==")
        return value

    def _single(self) -> Any:
        if self._takes("!"):
            return self._single() in _FALSE
        if self._takes("("):
            value = self.either()
            self._must(")")
            return value
        token = self.tokens.pop(0) if self.tokens else ""
        if token.startswith("'"):
            return token[1:-1].replace("''", "'")
        if self._takes("("):
            return self._called(token)
        if token[:1].isdecimal():
            return float(token)
        if not re.match(r"[A-Za-z_]", token):
            raise self.unclear()
        return _LITERALS[token] if token in _LITERALS else self._look_up(token)

    def _called(self, name: str) -> str:
        if name.lower() != "tojson":
            raise self.unclear()
        value = self.either()
        self._must(")")
        return json.dumps(value, indent=2)

    def _look_up(self, path: str) -> Any:
        found: Any = self._context
        for part in path.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
        return found

    def _takes(self, token: str) -> bool:
        if self.tokens[:1] == [token]:
            self.tokens.pop(0)
            return True
        return False

    def _must(self, token: str) -> None:
        if not self._takes(token):
            raise self.unclear()


def _equal(one: Any, other: Any) -> bool:
    """Compare as GitHub does: ignore the case of texts, and compare different types as numbers."""
    if isinstance(one, str) and isinstance(other, str):
        return one.casefold() == other.casefold()
    return _number(one) == _number(other)


def _number(value: Any) -> float:
    if value in _FALSE:
        return 0.0
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan


def _spelled(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
