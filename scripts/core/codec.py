"""Values to JSON and back, every field checked on reading."""

import dataclasses
import json
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

from scripts.core.errors import UsageError

T = TypeVar("T")
REMEDY = "use the file that the release wrote, unchanged"
LATER = types.MappingProxyType({"later": True})
"""The metadata of a field that older files lack: its default is not written."""


def encode(value: Any) -> str:
    """Write a dataclass as JSON: keys in order, two spaces, one line feed at the end."""
    return json.dumps(_encode(value), indent=2, sort_keys=True) + "\n"


def _encode(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_encode(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _encode(item) for key, item in value.items()}
    if not dataclasses.is_dataclass(value):
        return value
    fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    for field in _later(value):
        if fields[field.name] == field.default:
            del fields[field.name]
    return _encode(fields)


def _later(kind: Any) -> list[dataclasses.Field[Any]]:
    return [field for field in dataclasses.fields(kind) if field.metadata == LATER]


def decode(kind: type[T], text: str | bytes, name: str) -> T:
    """Read a dataclass of `kind` from JSON.

    Raises `UsageError`, naming the field, if one is unknown, absent or of another type.
    """
    return typing.cast(T, _decode(kind, parsed(text, name), name))


def parsed(text: str | bytes, name: str) -> Any:
    """Read JSON without checking its fields. Raises UsageError if it is not JSON."""
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_refused)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{name} is not JSON: {error}", REMEDY) from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key appears twice")
    return found


def _refused(constant: str) -> Any:
    raise ValueError(f"{constant} is not a number")


def _decode(kind: Any, data: Any, path: str) -> Any:
    if dataclasses.is_dataclass(kind):
        return _decode_fields(kind, data, path)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is tuple:
        items = _expect(list, data, path)
        return tuple(_decode(arguments[0], item, f"{path}[{i}]") for i, item in enumerate(items))
    if origin is dict:
        pairs = _expect(dict, data, path)
        return {key: _decode(arguments[1], item, f"{path}.{key}") for key, item in pairs.items()}
    if origin is types.UnionType:
        return None if data is None else _decode(arguments[0], data, path)
    return _expect(kind, data, path)


def _decode_fields(kind: Any, data: Any, path: str) -> Any:
    values = _expect(dict, data, path)
    hints = typing.get_type_hints(kind)
    absent = {field.name for field in _later(kind)} - set(values)
    if wrong := set(values) ^ (set(hints) - absent):
        raise UsageError(f"{path}: unknown or absent: {', '.join(sorted(wrong))}", REMEDY)
    return kind(**{key: _decode(hints[key], values[key], f"{path}.{key}") for key in values})


def _expect(kind: Any, data: Any, path: str) -> Any:
    # To Python a bool is an int; to JSON it is not.
    if not isinstance(data, kind) or (kind is int and isinstance(data, bool)):
        raise UsageError(f"{path}: expected {kind.__name__}, found {data!r}", REMEDY)
    return data
