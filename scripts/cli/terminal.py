"""Output for a person at a terminal: colour, drawn tables, and the current step.

`watched` tells whether a person sees the terminal. For a pipe or a log this module is not used, and
does not import rich.
"""

import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TextIO

from scripts.core.errors import ReleaseError

if TYPE_CHECKING:
    from rich.live import Live
    from rich.spinner import Spinner

DELAY = 2.0
"""Seconds after which the terminal shows the current step."""


def watched(stream: TextIO, get: Callable[[str], str | None]) -> bool:
    """Tell whether a person watches this stream: it is neither a pipe nor a log.

    `get` reads a variable of the environment. A continuous integration may give its logs a
    terminal, and sets `CI` (GitHub Docs, Variables).
    """
    on_actions = get("GITHUB_ACTIONS") == "true"
    logged = on_actions or get("CI") or get("TERM") == "dumb"
    return stream.isatty() and not logged


def coloured(stream: TextIO, get: Callable[[str], str | None]) -> bool:
    """Say whether colour is wanted there (no-color.org: any value but an empty one is a no)."""
    return watched(stream, get) and not get("NO_COLOR")


def draw(markdown: str) -> None:
    """Draw a report on standard output: its tables as tables, its headings as headings."""
    from rich.console import Console  # noqa: PLC0415
    from rich.markdown import Markdown  # noqa: PLC0415

    # Show addresses, so that a person can copy them: not every terminal follows a link.
    Console().print(Markdown(markdown, hyperlinks=False))


def complain(error: ReleaseError) -> None:
    """Write an error to standard error with its remedy highlighted."""
    from rich.console import Console  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    text = Text(str(error), style="red")
    text.highlight_regex(r"(?m)^  remedy:.*$", "bold green")
    # Lines stay unwrapped, so that a person can copy a command.
    Console(stderr=True).print(text, soft_wrap=True)


class Progress:
    """Shows the current step on standard error after DELAY seconds."""

    def __init__(self, work: str, *, shown: bool) -> None:
        """Watch `work`; with `shown` false, print nothing."""
        self._work, self._step = work, ""
        self._lock = threading.Lock()
        self._live: Live | None = None
        self._timer = threading.Timer(DELAY, self._begin) if shown else None

    def __enter__(self) -> "Progress":
        """Start the timer."""
        if self._timer:
            self._timer.daemon = True
            self._timer.start()
        return self

    def __exit__(self, *_: Any) -> None:
        """Clear the line."""
        self.stop()

    def step(self, text: str) -> None:
        """Set the current step."""
        with self._lock:
            self._step = text
            if self._live:
                self._live.update(self._line())

    def stop(self) -> None:
        """Clear the line and show no more lines, since the result follows."""
        with self._lock:
            if self._timer:
                self._timer.cancel()
            self._timer, live, self._live = None, self._live, None
        if live:
            live.stop()

    def _begin(self) -> None:
        from rich.console import Console  # noqa: PLC0415
        from rich.live import Live  # noqa: PLC0415

        # Other output goes above the line, unless it goes into a pipe.
        both = sys.stdout.isatty()
        with self._lock:
            if self._timer is None:
                return
            console = Console(stderr=True)
            live = Live(self._line(), console=console, transient=True, redirect_stdout=both)
            self._live = live
            live.start(refresh=True)

    def _line(self) -> "Spinner":
        from rich.spinner import Spinner  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        # A step's name is text, not markup.
        return Spinner("dots", Text(": ".join(part for part in (self._work, self._step) if part)))
