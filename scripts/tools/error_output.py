"""Errors and warnings: for a person on standard error, and as annotations on GitHub."""

import sys

from scripts.cli import terminal
from scripts.core.errors import ProblemsError, ReleaseError, TransientError
from scripts.tools.environment import Environment
from scripts.tools.workflow_files import WorkflowFiles


class ErrorOutput:
    """Prints errors, warnings, and the cause of a wait."""

    def __init__(self, environment: Environment, workflow: WorkflowFiles, *, as_json: bool) -> None:
        self._environment = environment
        self._workflow = workflow
        self._as_json = as_json
        self._waited: set[str] = set()

    def warn(self, error: ReleaseError) -> None:
        """Print a warning, and annotate its file and line on GitHub."""
        print(f"warning: {error}", file=sys.stderr)
        self._annotate(error, "warning")

    def waiting(self, error: TransientError) -> None:
        """Print the cause of a wait, once."""
        if error.cause not in self._waited:
            self._waited.add(error.cause)
            text = self._environment.clean(f"waiting, and asking again: {error.cause}")
            print(text, file=sys.stderr)

    def fail(self, error: ReleaseError) -> None:
        """Print an error for a person, and annotate its file and line on GitHub."""
        if terminal.coloured(sys.stderr, self._environment.get):
            terminal.complain(error)
        else:
            print(error, file=sys.stderr)
        for one in error.errors if isinstance(error, ProblemsError) else [error]:
            self._annotate(one, "error")
        if self._environment.on_actions:
            self._workflow.summary(f"### ❌ {error.cause}\n\n**What to do:** {error.remedy}")

    def _annotate(self, error: ReleaseError, kind: str) -> None:
        if self._environment.on_actions:
            # GitHub reads commands from both streams; with --json, standard output has only the
            # document.
            print(annotation(error, kind), file=sys.stderr if self._as_json else sys.stdout)


def annotation(error: ReleaseError, kind: str = "error") -> str:
    """Write an error or a warning as a workflow command (GitHub Docs, Workflow commands)."""
    properties = {"title": type(error).__name__}
    if error.place:
        properties |= {"file": error.place.path}
        properties |= {"line": str(error.place.line)} if error.place.line else {}
        properties |= {"col": str(error.place.column)} if error.place.column else {}
    fields = ",".join(f"{key}={_escape(value, ':,')}" for key, value in properties.items())
    return f"::{kind} {fields}::{_escape(f'{error.cause}{chr(10)}{error.remedy}')}"


def _escape(text: str, more: str = "") -> str:
    for character in "%\r\n" + more:
        text = text.replace(character, f"%{ord(character):02X}")
    return text
