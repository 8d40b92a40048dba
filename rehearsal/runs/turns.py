"""Who is in a concurrency group: one at work, and who waits, in a file that all runs share.

The standard library is all it needs: a job's own step uses it as well.
"""

import fcntl
import hashlib
import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from scripts.core.errors import UsageError

POLL = 0.05
MOST = 100
"""The number of runs that may wait in a group with `queue: max`."""
FOLDER = "groups"
"""Below the folder that a world's runs lie in."""


class CancelledError(UsageError):
    """A later run took this run's place in the queue."""


@dataclass(frozen=True)
class Group:
    """A group by its name, in any case."""

    name: str
    cancels: bool = False
    queue: str = "single"


@dataclass(frozen=True)
class Place:
    """A run in a group, or one job of it, and the process that performs it."""

    run: int
    pid: int
    job: str = ""

    @property
    def alive(self) -> bool:
        """Say whether that process is still there."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        return True


class Queue:
    """The file of one group: the running one, and those that wait, in order."""

    def __init__(self, folder: Path, group: Group) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._group = group
        name = hashlib.sha256(group.name.casefold().encode()).hexdigest()[:16]
        self._file = folder / f"{name}.json"

    def enter(self, mine: Place) -> Place | None:
        """Take a place; return the first run of the group, or None."""
        with self._places() as places:
            ahead = places[0] if places else None
            if ahead and self._group.queue != "max":
                del places[1:]  # a later one replaces the waiting one
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
        """Return the place up."""
        with self._places() as places:
            if mine in places:
                places.remove(mine)

    @contextmanager
    def _places(self) -> Iterator[list[Place]]:
        """Lock the file, yield its list, and write the list back."""
        with self._file.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            text = self._file.read_text() if self._file.exists() else "[]"
            places = [place for one in json.loads(text) if (place := Place(**one)).alive]
            yield places
            self._file.write_text(json.dumps([asdict(one) for one in places]))
