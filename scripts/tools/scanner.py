"""osv-scanner: found on the PATH in the pinned version, or built from `osv_scanner/go.mod`."""

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scripts.core.errors import ServiceError
from scripts.tools import processes

PROGRAM = "osv-scanner"
MODULE = Path(__file__).with_name("osv_scanner")
PACKAGE = "github.com/google/osv-scanner/v2/cmd/osv-scanner"
PIN = re.compile(r"^\s*github\.com/google/osv-scanner/v2 v(\S+)", re.MULTILINE)
BUILT = 1200  # seconds
SCANNED = 600  # seconds
ANSWERED = (0, 1)
"""Its exit codes if it has an answer: without and with matches. Nothing is decided by them."""


def pinned() -> str:
    """Give the version that go.mod pins."""
    found = PIN.search((MODULE / "go.mod").read_text("utf-8"))
    return found[1] if found else ""


class Scanner:
    """The scanner; `environment` is all that it and its build see, `folder` is empty."""

    def __init__(self, environment: Mapping[str, str], folder: Path) -> None:
        self._environment, self._folder = environment, folder
        self.version = pinned()
        self._program = self._installed() or self._built()

    def _installed(self) -> str | None:
        found = shutil.which(PROGRAM, path=self._environment.get("PATH", ""))
        if found is None:
            return None
        said = processes.run([found, "--version"], environment=self._environment)
        return found if f"{PROGRAM} version: {self.version}\n" in said else None

    def _built(self) -> str:
        """Build it; Go compares what it downloads with go.sum."""
        target = self._folder / "bin" / PROGRAM
        own = {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly -trimpath -buildvcs=false"}
        caches = {name: str(self._folder / name.lower()) for name in ("GOCACHE", "GOMODCACHE")}
        environment = {**self._environment, **own, **caches, "GOTOOLCHAIN": "auto"}
        command = ["go", "build", "-modcacherw", "-o", str(target), PACKAGE]
        processes.run(command, cwd=MODULE, environment=environment, timeout=BUILT)
        return str(target)

    def scan(self, question: Mapping[str, Any], database: Path) -> dict[str, Any]:
        """Match packages with the advisories below `database`, without any network.

        Raises ServiceError if it has no answer, whatever its exit code.
        """
        asked = self._folder / "packages.json"
        asked.write_text(json.dumps(question), "utf-8")
        command = [self._program, "scan", "source", "--offline", "--format=json"]
        command += [f"--local-db-path={database}", f"--lockfile={PROGRAM}:{asked}"]
        said = processes.run(
            command, environment=self._environment, timeout=SCANNED, answers=ANSWERED
        )
        try:
            answer = json.loads(said)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            cause = f"the answer of {PROGRAM} is not a JSON object: {said[:200]!r}"
            raise ServiceError(cause, "run this job again, and report it if it stays")
        return answer
