"""The journal of a world: one JSON object a line for every request that any of its services got.

It holds the path without its query string and no header, so that no secret can reach it.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Entry:
    """One request and its result.

    `time` is its arrival in seconds since the epoch, `duration` in seconds. `status` is the status
    of the answer, 0 without an answer. `write` says whether the request asks for a change. `fault`
    is the action of its fault, empty without one. `remedy` says what to do after a refusal. `sent`
    is the number of bytes of its body.
    """

    service: str
    method: str
    path: str
    status: int
    write: bool
    time: float
    duration: float
    fault: str = ""
    remedy: str = ""
    sent: int = 0


class Journal:
    """Appends entries to a file. Each is a single write, so that several writers do not mix."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def add(self, entry: Entry) -> None:
        """Append one entry."""
        line = json.dumps(asdict(entry), separators=(",", ":")) + "\n"
        os.write(self._file, line.encode())

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


def size(path: Path) -> int:
    """Return the journal's length in bytes; 0 if it does not exist."""
    return path.stat().st_size if path.exists() else 0


def read(path: Path, offset: int = 0) -> Iterator[Entry]:
    """Yield the entries after `offset` bytes, without a line that is still being written."""
    if not path.exists():
        return
    with path.open("rb") as file:
        file.seek(offset)
        for line in file:
            if line.endswith(b"\n"):
                yield Entry(**json.loads(line))


def api_requests(path: Path, offset: int = 0) -> int:
    """Count the requests after `offset` bytes that GitHub counts: those to its API."""
    return sum(one.path.startswith("/api/") for one in read(path, offset))


def sent(path: Path, offset: int = 0) -> int:
    """Count the bytes of the bodies of all write requests after `offset` bytes of the journal."""
    return sum(one.sent for one in read(path, offset) if one.write)


def refusals(path: Path, offset: int = 0) -> list[str]:
    """Return a sentence with a remedy for every kind of refusal after `offset` bytes."""
    said = (f"{one.method} {one.status}: {one.remedy}" for one in read(path, offset) if one.remedy)
    return list(dict.fromkeys(said))


def writes_by_service(path: Path, offset: int = 0) -> dict[str, int]:
    """Count each service's write requests after `offset` bytes: the file's size at some moment."""
    counts: dict[str, int] = {}
    for entry in read(path, offset):
        counts[entry.service] = counts.get(entry.service, 0) + entry.write
    return counts
