"""The event that started a workflow: its payload, as GitHub wrote it."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.core.errors import UsageError
from scripts.core.planning import COMMIT

REMEDY = "set GITHUB_EVENT_PATH to the file that GitHub wrote for the event, or do not set it"


@dataclass(frozen=True)
class Event:
    """The pull request of a run; all fields are empty without one."""

    pull_request: int | None
    """Its number."""
    labels: tuple[str, ...]
    base: str | None
    """The commit that it would be merged into."""


def read(path: str | None) -> Event:
    """Read the payload. Raises UsageError if the file does not hold an event."""
    found = _pull_request(path)
    labels, base = found.get("labels"), found.get("base")
    listed = labels if isinstance(labels, list) else []
    commit = base.get("sha") if isinstance(base, dict) else None
    if commit is not None and not re.fullmatch(COMMIT, str(commit)):
        raise UsageError(f"the event's pull request has the base {commit!r}", REMEDY)
    names = tuple(str(label.get("name")) for label in listed if isinstance(label, dict))
    return Event(found.get("number"), names, commit)


def _pull_request(path: str | None) -> dict[str, Any]:
    try:
        event = json.loads(Path(path).read_bytes()) if path else {}
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"GITHUB_EVENT_PATH names {path}: {error}", REMEDY) from error
    if not isinstance(event, dict):
        raise UsageError(f"GITHUB_EVENT_PATH names {path}, which does not hold an event", REMEDY)
    found = event.get("pull_request")
    return found if isinstance(found, dict) else {}
