"""The output of a verb: text, reports and progress, or the findings for one JSON document."""

import sys
from typing import Any

from scripts.cli import terminal
from scripts.cli.terminal import Progress
from scripts.tools.environment import Environment


class Console:
    """Standard output, and the line of progress."""

    def __init__(self, environment: Environment, *, as_json: bool) -> None:
        self._environment = environment
        self._as_json = as_json
        self._progress: Progress | None = None
        self.found: dict[str, Any] = {}
        """The verb's findings, for the document of `--json`."""

    def say(self, text: str, /, **found: Any) -> None:
        """Print a text unchanged, for a person or another program, unless `--json` was given."""
        self.found |= found
        self._stop()
        if text and not self._as_json:
            print(text)

    def show(self, markdown: str, /, **found: Any) -> None:
        """Show a report: drawn at a terminal, as Markdown in a log, as `found` with `--json`."""
        if self._as_json or not terminal.coloured(sys.stdout, self._environment.get):
            self.say(markdown, **found)
        else:
            self._stop()
            terminal.draw(self._environment.clean(markdown))

    def step(self, text: str) -> None:
        """Name the current step, for a person who waits."""
        if self._progress:
            self._progress.step(text)

    def progress(self, work: str) -> Progress:
        """Show the current step at a terminal while the work takes long."""
        watched = terminal.watched(sys.stderr, self._environment.get)
        self._progress = Progress(work, shown=watched)
        return self._progress

    def _stop(self) -> None:
        if self._progress:
            self._progress.stop()
