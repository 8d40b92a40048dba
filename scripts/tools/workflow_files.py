"""The files in which a step leaves its outputs and its summary (GitHub Docs, Workflow commands)."""

import os
from pathlib import Path

from scripts.core.errors import UsageError
from scripts.tools.environment import Environment


class WorkflowFiles:
    """Writes outputs and the summary; on a laptop, which has no such files, it writes nothing."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    def output(self, **values: str) -> None:
        """Set outputs of the step. A random delimiter keeps a value from ending itself."""
        mark = os.urandom(16).hex()
        text = "".join(f"{key}<<{mark}\n{value}\n{mark}\n" for key, value in values.items())
        self._append("GITHUB_OUTPUT", text)

    def summary(self, markdown: str) -> None:
        """Add to the job's summary page."""
        self._append("GITHUB_STEP_SUMMARY", markdown + "\n")

    def _append(self, name: str, text: str) -> None:
        path = self._environment.get(name)
        if not path:
            return
        try:
            with Path(path).open("a", encoding="utf-8", errors="replace") as file:
                file.write(self._environment.clean(text))
        except (OSError, ValueError) as error:
            raise UsageError(
                f"{name} names {path}, which cannot be written: {error}",
                "set it to a file that this user can write, or do not set it",
            ) from error
