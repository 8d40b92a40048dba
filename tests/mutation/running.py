"""Run the tests on planted faults, in copies of the tree: the checkout is only read."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from tests.mutation.mutants import Mutant, source
from tests.mutation.reach import Reached

FAST = "not world and not rehearsal and not service"
SERVICES = "not rehearsal"
KILLED, LATE, SURVIVED = "killed", "killed by time", "survived"
PASSED = (0, 5)  # pytest's exit codes: all passed; nothing was selected
RAN = (*PASSED, 1)  # some failed
FOLDERS = ("core", "surfaces", "stages", "release", "cli", "docs")
# These measure time: what else runs on the machine could fail them.
UNFIT = ("tests/core/test_worst.py",)
SLACK, TIMES = 30, 4  # the limit of a run: seconds, and times what it takes without a fault


class BaselineError(Exception):
    """The tests cannot be run."""


def files(root: Path) -> list[str]:
    """List the files of tests that judge."""
    found = [p.relative_to(root).as_posix() for p in root.glob("tests/*/test_*.py")]
    return sorted(one for one in found if one.split("/")[1] in FOLDERS and one not in UNFIT)


def chosen(reached: Mapping[str, Reached], mutant: Mutant) -> list[str]:
    """Give the tests that reach a fault, the likeliest to notice first, then the quickest.

    The tests of one file stay together, for they share fixtures. A fault outside of every function
    is judged by the tests that reach any function of its file.
    """
    wanted = f"{mutant.path}:{mutant.function}"

    def reaches(one: Reached) -> bool:
        called = one["functions"]
        if mutant.function:
            return wanted in called
        return any(name.startswith(wanted) for name in called)

    found = {name: one["seconds"] for name, one in reached.items() if reaches(one)}
    own = f"/test_{Path(mutant.path).stem}.py"
    by_file: dict[str, list[float]] = {}
    for name, seconds in found.items():
        by_file.setdefault(name.split("::")[0], []).append(seconds)

    def order(name: str) -> tuple[bool, float, str, float]:
        file = name.split("::", maxsplit=1)[0]
        return not file.endswith(own), fmean(by_file[file]), file, found[name]

    return sorted(found, key=order)


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
        if (origin / ".venv").exists():
            (folder / ".venv").symlink_to(origin / ".venv")
        return cls(folder, seed)

    def record(self, tests: Sequence[str], marks: str) -> dict[str, Reached]:
        """Run the tests without a fault, and give what each of them reaches.

        A test that fails without a fault could not notice one, and is left out. Raises
        BaselineError if pytest cannot run them.
        """
        file = self.root.parent / f"{self.root.name}-reached.json"
        code, said = self._pytest(["-m", marks, f"--record={file}", *tests], 3600)
        if code not in RAN:
            raise BaselineError(f"the tests cannot be run without a fault:\n{said}")
        if code not in PASSED:
            print(f"left out, because they fail without a fault:\n{said}", file=sys.stderr)
        found: dict[str, Reached] = json.loads(file.read_text("utf-8"))
        return found

    def judge(self, mutant: Mutant, reached: Mapping[str, Reached]) -> str:
        """Plant a fault, run the tests that reach it until one fails, and take the fault away."""
        file = self.root / mutant.path
        text = file.read_text("utf-8")
        names = chosen(reached, mutant)
        listed = self.root.parent / f"{self.root.name}-listed"
        listed.write_text("\n".join(names), "utf-8")
        paths = dict.fromkeys(name.split("::")[0] for name in names)
        limit = SLACK + TIMES * sum(reached[name]["seconds"] for name in names)
        try:
            self._write(file, source(text, mutant.number))
            paths = dict.fromkeys(name.split("::")[0] for name in names)
            code, _ = (
                self._pytest(["-x", f"--listed={listed}", *paths], limit) if names else (0, "")
            )
        finally:
            self._write(file, text)
        return LATE if code is None else SURVIVED if code in PASSED else KILLED

    def _write(self, file: Path, text: str) -> None:
        file.write_text(text, "utf-8")
        # A compiled file is taken for the new text's if size and second are the same.
        for compiled in _compiled(file):
            compiled.unlink()

    def _pytest(self, arguments: Sequence[str], limit: float) -> tuple[int | None, str]:
        """Give pytest's exit code, or None if the limit passed, and what it printed."""
        folder = self.root.parent / f"{self.root.name}-tmp"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        command = [self.python, "-m", "pytest", "-q", "--tb=short", "-p", "no:cacheprovider"]
        command += ["-p", "tests.mutation.reach", "--hypothesis-profile=mutants"]
        command += [f"--hypothesis-seed={self.seed}", f"--basetemp={folder / 'base'}"]
        program = subprocess.Popen(
            [*command, *arguments], cwd=self.root, env={**os.environ, "TMPDIR": str(folder)},
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
