"""A server as a child process, with all that it starts itself."""

import contextlib
import os
import signal
import subprocess

STOP_SECONDS = 8.0


class EndedError(Exception):
    """A server ended by itself."""


class Process:
    """A named command that is started, looked after and stopped."""

    def __init__(self, name: str, command: list[str], environment: dict[str, str]) -> None:
        self._name = name
        self._command = command
        self._environment = environment
        self._running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it in its own process group, so that its workers can be stopped with it."""
        self._running = subprocess.Popen(
            self._command, env=self._environment, start_new_session=True
        )

    def check(self) -> None:
        """Raises EndedError when it has ended by itself."""
        if self._running is not None and self._running.poll() is not None:
            raise EndedError(f"the {self._name} ended with code {self._running.returncode}")

    def stop(self) -> None:
        """End it and its workers: asked first, then made to."""
        if self._running is None:
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):  # all ended: nothing to signal
                os.killpg(self._running.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._running.wait(STOP_SECONDS)
                break
        self._running = None
