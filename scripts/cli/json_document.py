"""The JSON document that a verb prints with `--json`, after success or failure."""

import dataclasses
import json
from typing import Any

from scripts.core.errors import ProblemsError, ReleaseError
from scripts.core.results import Done

DEFECT = "read the traceback on standard error, and report it"


def write(verb: str, found: dict[str, Any], came_to: Done | BaseException) -> str:
    """Write the document: `verb`, `exit_code`, `errors`, `outcomes`, `facts`, and its findings.

    Every verb has the first five. `errors` is empty if and only if `exit_code` is 0.
    """
    done = Done.of(came_to)
    document = {
        "verb": verb,
        "exit_code": exit_code(came_to),
        "errors": [] if isinstance(came_to, Done) else errors(came_to),
        "outcomes": done.outcomes,
        "facts": dict(done.facts),
        **found,
    }
    return json.dumps(document, indent=2, default=_plain)


def exit_code(came_to: Done | BaseException) -> int:
    """Return the exit code of the process; Python's own for a defect is 1."""
    if isinstance(came_to, Done):
        return 0
    return came_to.exit_code if isinstance(came_to, ReleaseError) else 1


def errors(error: BaseException) -> list[dict[str, Any]]:
    """Return every problem with its kind, cause, remedy, and place if it has one."""
    if isinstance(error, ProblemsError):
        return [one for each in error.errors for one in errors(each)]
    kind = type(error).__name__
    if not isinstance(error, ReleaseError):
        return [_error(kind, str(error), DEFECT)]
    return [_error(kind, error.cause, error.remedy, error.place)]


def usage(verb: str | None, cause: str, remedy: str) -> str:
    """Write the document of an invalid command line."""
    found = {"verb": verb, "exit_code": 2, "errors": [_error("UsageError", cause, remedy)]}
    return json.dumps({**found, "outcomes": [], "facts": {}}, indent=2)


def _error(kind: str, cause: str, remedy: str, place: Any = None) -> dict[str, Any]:
    where = dataclasses.asdict(place) if place else None
    return {"kind": kind, "cause": cause, "remedy": remedy, "place": where}


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    return str(value)  # a version, a path
