"""What a person sees while things take their time: one line each, with its seconds.

On a terminal the lines of whatever is under way are kept at the bottom and updated in place.
Elsewhere each thing gets a line when it starts and one when it ends, and every half a minute a sign
of life.
"""

import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TextIO

from scripts.cli import terminal

HEARTBEAT = 30.0
"""Seconds after which a line without news shows that work goes on."""
_TICK = 0.5
_MARKS = {"success": "ok", "failure": "FAILED", "cancelled": "stopped"}


@dataclass
class _Task:
    started: float
    shown: float
    detail: str = ""


class Progress:
    """Lines for tasks that run side by side. Use it as a context manager: it ticks in a thread."""

    def __init__(
        self,
        stream: TextIO | None = None,
        *,
        live: bool | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream, self._clock = stream or sys.stdout, clock
        self._live = terminal.watched(self._stream, os.environ) if live is None else live
        self._tasks: dict[str, _Task] = {}
        self._drawn = 0
        self._lock = threading.RLock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="progress", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopped.set()
        self._thread.join()
        with self._lock:
            self._erase()
            self._stream.flush()

    def start(self, name: str, detail: str = "") -> None:
        """Begin a task; its seconds count from here."""
        with self._lock:
            now = self._clock()
            self._tasks[name] = _Task(now, now, detail)
            if not self._live:
                self._write(f"  start   {name}")
            self.tick()

    def detail(self, name: str, text: str) -> None:
        """Say what a task is doing now, in a few words."""
        with self._lock:
            if name in self._tasks:
                self._tasks[name].detail = " ".join(text.split())

    def finish(self, name: str, result: str = "success") -> float:
        """End a task with success, failure or cancelled; return its seconds."""
        with self._lock:
            task = self._tasks.pop(name, None)
            seconds = self._clock() - task.started if task else 0.0
            self._above([f"  {_MARKS.get(result, result):<7} {name:<40} {seconds:7.1f} s"])
            return seconds

    def say(self, *lines: str) -> None:
        """Write lines that stay."""
        with self._lock:
            self._above(lines)

    @contextmanager
    def step(self, name: str) -> Iterator[Callable[[str], None]]:
        """Run a block as a task; yields the function that sets its detail."""
        self.start(name)
        try:
            yield lambda text: self.detail(name, text)
        except KeyboardInterrupt:
            self.finish(name, "cancelled")
            raise
        except BaseException:
            self.finish(name, "failure")
            raise
        self.finish(name)

    def tick(self) -> None:
        """Bring the lines up to date."""
        with self._lock:
            if self._live:
                self._erase()
                self._draw()
            else:
                self._beat()

    def _run(self) -> None:
        while not self._stopped.wait(_TICK):
            self.tick()

    def _beat(self) -> None:
        now = self._clock()
        for name, task in self._tasks.items():
            if now - task.shown >= HEARTBEAT:
                task.shown = now
                self._write(f"  ...     {name:<40} {now - task.started:7.1f} s  {task.detail}")

    def _above(self, lines: Sequence[str]) -> None:
        self._erase()
        for line in lines:
            self._write(line)
        self._draw()

    def _draw(self) -> None:
        if not self._live or not self._tasks:
            return
        width = shutil.get_terminal_size().columns
        now = self._clock()
        for name, task in self._tasks.items():
            text = f"  >       {name:<40} {now - task.started:7.1f} s  {task.detail}"
            self._write(text[: width - 1])
        self._drawn = len(self._tasks)

    def _erase(self) -> None:
        if self._drawn:
            self._stream.write(f"\x1b[{self._drawn}F\x1b[J")
            self._drawn = 0

    def _write(self, line: str) -> None:
        self._stream.write(f"{line}\n")
        self._stream.flush()
