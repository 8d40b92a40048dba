"""Run the tests on planted faults, in copies of the tree: the checkout is only read."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.mutation.mutants import Mutant, source

FAST = "not world and not rehearsal and not service"
KILLED, LATE, SURVIVED = "killed", "killed by time", "survived"
PASSED = (0, 5)  # pytest's exit codes: all passed; nothing was selected
# The tests of a file, where they are not called as it is.
OWN = {
    "scripts/core/changelog/groups.py": "tests/core/test_changelog.py",
    "scripts/core/changelog/cutting.py": "tests/core/test_changelog.py",
    "scripts/core/changelog/sections.py": "tests/core/test_changelog.py",
    "scripts/core/changelog/problems.py": "tests/core/test_changelog.py",
    "scripts/core/entries.py": "tests/core/test_commits.py",
    "scripts/release/attempt.py": "tests/stages/test_plan.py",
    "scripts/surfaces/announced.py": "tests/stages/test_announce.py",
    "scripts/surfaces/changelog_draft.py": "tests/stages/test_changelog.py",
}
SLACK, TIMES = 20, 5  # the limit of a run: seconds, and times what it takes without a fault


class BaselineError(Exception):
    """The tests fail without any fault, so they could not tell one."""


def steps(root: Path, path: str) -> list[tuple[str, ...]]:
    """Give the runs that judge a file, the likeliest to notice first: paths of tests.

    The file's own tests, then the fast ones of its folder, then of what uses it.
    """
    folder = path.split("/")[1]
    own = OWN.get(path, f"tests/{folder}/test_{Path(path).stem}.py")
    users = [] if folder == "core" else ["tests/stages"]
    return [(one,) for one in [own, f"tests/{folder}", *users] if (root / one).exists()]


@dataclass
class Copy:
    """A copy of the tree that faults are planted in."""

    root: Path
    seed: int = 0
    python: str = sys.executable

    @classmethod
    def made(cls, origin: Path, folder: Path, seed: int = 0) -> "Copy":
        """Copy what git knows, or would add, of a checkout."""
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=origin, check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip
        for name in filter(None, listed.split("\0")):
            if (origin / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(origin / name, folder / name, follow_symlinks=False)
        return cls(folder, seed)

    def check(self, runs: Sequence[tuple[str, ...]]) -> dict[tuple[str, ...], float]:
        """Run the tests without a fault, and give each run's limit in seconds.

        Raises BaselineError if one fails.
        """
        limits = {}
        for tests in runs:
            began = time.monotonic()
            code, said = self._pytest(tests, 3600)
            if code not in PASSED:
                raise BaselineError(f"{' '.join(tests)} fails without a fault:\n{said}")
            limits[tests] = SLACK + TIMES * (time.monotonic() - began)
        return limits

    def judge(self, mutant: Mutant, limits: dict[tuple[str, ...], float]) -> str:
        """Plant a fault, run the tests until one fails, and take the fault away."""
        file = self.root / mutant.path
        text = file.read_text("utf-8")
        try:
            self._write(file, source(text, mutant.number))
            for tests, limit in limits.items():
                code, _ = self._pytest(tests, limit)
                if code is None:
                    return LATE
                if code not in PASSED:
                    return KILLED
            return SURVIVED
        finally:
            self._write(file, text)

    def _write(self, file: Path, text: str) -> None:
        file.write_text(text, "utf-8")
        # A compiled file is taken for the new text's if size and second are the same.
        for compiled in _compiled(file):
            compiled.unlink()

    def _pytest(self, tests: tuple[str, ...], limit: float) -> tuple[int | None, str]:
        """Give pytest's exit code, or None if the limit passed, and what it printed."""
        folder = self.root.parent / f"{self.root.name}-tmp"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        command = [self.python, "-m", "pytest", "-qx", "--tb=short", "-p", "no:cacheprovider"]
        command += [f"--hypothesis-seed={self.seed}", f"--basetemp={folder / 'base'}", "-m", FAST]
        program = subprocess.Popen(
            [*command, *tests], cwd=self.root, env={**os.environ, "TMPDIR": str(folder)},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
            start_new_session=True,
        )  # fmt: skip
        try:
            said, _ = program.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            return None, ""
        finally:
            _end(program)
        return program.returncode, said


def _compiled(file: Path) -> Iterator[Path]:
    return (file.parent / "__pycache__").glob(f"{file.stem}.*.pyc")


def _end(program: subprocess.Popen[str]) -> None:
    """End a run with all that it started."""
    try:
        os.killpg(program.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    program.wait()
