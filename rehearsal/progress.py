"""Show a person the progress of long tasks: one line each, with its seconds.

On a terminal, rich shows the running tasks at the bottom, and updates their lines. Elsewhere each
task prints a line when it starts, one when it ends, and one every half a minute.
"""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self, TextIO

from rich.console import Console
from rich.live import Live
from rich.text import Text

from scripts.cli import terminal

HEARTBEAT = 30.0
"""Seconds without news after which a line shows that work continues."""
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
        watched = terminal.watched(self._stream, os.environ.get) if live is None else live
        self._tasks: dict[str, _Task] = {}
        self._live = self._shown() if watched else None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="progress", daemon=True)

    def _shown(self) -> Live:
        return Live(
            console=Console(file=self._stream, force_terminal=True, highlight=False),
            get_renderable=self._under_way,
            refresh_per_second=1 / _TICK,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        else:
            self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        if self._live:
            self._live.stop()
        else:
            self._stopped.set()
            self._thread.join()
        self._stream.flush()

    def start(self, name: str, detail: str = "") -> None:
        """Begin a task; its seconds count from here."""
        now = self._clock()
        self._tasks[name] = _Task(now, now, detail)
        if not self._live:
            self._write(f"  start   {name}")
        self.tick()

    def detail(self, name: str, text: str) -> None:
        """Set a task's current step, in a few words."""
        if task := self._tasks.get(name):
            task.detail = " ".join(text.split())

    def finish(self, name: str, result: str = "success") -> float:
        """End a task with success, failure or cancelled; return its seconds."""
        task = self._tasks.pop(name, None)
        seconds = self._clock() - task.started if task else 0.0
        self._write(f"  {_MARKS.get(result, result):<7} {name:<40} {seconds:7.1f} s")
        return seconds

    def say(self, *lines: str) -> None:
        """Write lines that stay."""
        for line in lines:
            self._write(line)

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
        """Update the lines."""
        if self._live:
            self._live.refresh()
        else:
            self._beat()

    def _run(self) -> None:
        while not self._stopped.wait(_TICK):
            self.tick()

    def _beat(self) -> None:
        now = self._clock()
        for name, task in list(self._tasks.items()):
            if now - task.shown >= HEARTBEAT:
                task.shown = now
                self._write(f"  ...     {name:<40} {now - task.started:7.1f} s  {task.detail}")

    def _under_way(self) -> Text:
        now = self._clock()
        lines = (
            f"  >       {name:<40} {now - task.started:7.1f} s  {task.detail}"
            for name, task in list(self._tasks.items())
        )
        return Text("\n".join(lines), no_wrap=True, overflow="crop")

    def _write(self, line: str) -> None:
        """Write a permanent line, in one call, since several jobs may end at the same time."""
        if self._live:
            self._live.console.print(Text(line), soft_wrap=True)
        else:
            self._stream.write(f"{line}\n")
            self._stream.flush()
