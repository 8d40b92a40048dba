"""Concurrency groups over runs: one runs, one waits, and a third cancels the one that waits.

The rules: GitHub Docs, "Control the concurrency of workflows and jobs". The runs of a world are
processes; a file for each group says whose turn it is. Groups of single jobs are not kept: act
knows none.
"""

import fcntl
import hashlib
import json
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

from rehearsal.runs.expressions import filled
from scripts.core.errors import UsageError

POLL = 0.05
MOST = 100
"""Runs that a group with `queue: max` lets wait."""


class CancelledError(UsageError):
    """A later run took this run's place in the queue."""


@dataclass(frozen=True)
class Group:
    """A group by its name, whatever its case."""

    name: str
    cancels: bool = False
    queue: str = "single"


@dataclass(frozen=True)
class Place:
    """A run in a group, and the process that performs it."""

    run: int
    pid: int

    @property
    def alive(self) -> bool:
        """Say whether that process is still there."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        return True


def of_run(tree: Path, workflow: str, context: Mapping[str, Any]) -> Group | None:
    """Return the group of a workflow's runs, None if it has none."""
    said = yaml.safe_load((tree / workflow).read_text(encoding="utf-8")).get("concurrency")
    if said is None:
        return None
    if isinstance(said, str):
        return Group(filled(said, context))
    cancels = filled(said.get("cancel-in-progress", False), context) == "true"
    return Group(filled(said["group"], context), cancels, said.get("queue", "single"))


@contextmanager
def turn(folder: Path, group: Group | None, run: int, say: Callable[..., None]) -> Iterator[None]:
    """Wait until it is this run's turn, and give the turn on at the end.

    Raises `CancelledError` if a later run takes its place while it waits.
    """
    if group is None:
        yield
        return
    queue = _Queue(folder, group)
    mine = Place(run, os.getpid())
    try:
        ahead = queue.enter(mine)
        if ahead:
            say(f"  run {run} waits for run {ahead.run}, which is in the group {group.name}")
        queue.wait(mine)
        yield
    finally:
        queue.leave(mine)


class _Queue:
    """The file of one group: who runs, and who waits, in their order."""

    def __init__(self, folder: Path, group: Group) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._group = group
        name = hashlib.sha256(group.name.casefold().encode()).hexdigest()[:16]
        self._file = folder / f"{name}.json"

    def enter(self, mine: Place) -> Place | None:
        """Take a place; return the run that is ahead of all, None if there is none."""
        with self._places() as places:
            ahead = places[0] if places else None
            if ahead and self._group.queue != "max":
                del places[1:]  # a later one takes the place of the one that waits
            if len(places) > MOST:
                raise CancelledError(
                    f"{MOST} runs wait in the group {self._group.name}", "start it again later"
                )
            places.append(mine)
        if ahead and self._group.cancels and ahead.pid != mine.pid:
            with suppress(ProcessLookupError):
                os.kill(ahead.pid, signal.SIGINT)
        return ahead

    def wait(self, mine: Place) -> None:
        """Wait until this one is first."""
        while True:
            with self._places() as places:
                if places[:1] == [mine]:
                    return
                if mine not in places:
                    raise CancelledError(
                        "Canceling since a higher priority waiting request for "
                        f"{self._group.name} exists",
                        "start it again once the other has run, if it is still wanted",
                    )
            time.sleep(POLL)

    def leave(self, mine: Place) -> None:
        """Give the place up."""
        with self._places() as places:
            if mine in places:
                places.remove(mine)

    @contextmanager
    def _places(self) -> Iterator[list[Place]]:
        """Hold the file; what is changed in the list is written back."""
        with self._file.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            text = self._file.read_text() if self._file.exists() else "[]"
            places = [place for one in json.loads(text) if (place := Place(**one)).alive]
            yield places
            self._file.write_text(json.dumps([asdict(one) for one in places]))
