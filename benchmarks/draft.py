"""A changelog from the history, beside git-cliff, commitizen and python-semantic-release.

Full: each makes all of it from every commit. New ones, those since the last tag: ours beside what
the others took for all of it, which is what is promised, and, for comparison, beside what they
have for it: git-cliff's `--unreleased` (a compiled program, ahead of any Python's start) and
commitizen's `--incremental`. Memory is the most that a contender's process, or one it started, had
at a time.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from benchmarks import history
from benchmarks.harness import (
    ROOT,
    Act,
    Claim,
    Contender,
    Series,
    ahead,
    conclude,
    side_by_side,
    table,
)
from benchmarks.local_release import VENV, git

OURS, CLIFF, CZ, PSR = "this project", "git-cliff", "commitizen", "python-semantic-release"
OTHERS = (CLIFF, CZ, PSR)
SIZES = {1_000: 5, 10_000: 3, 100_000: 1}
"""Commits: repetitions."""


def main(arguments: Sequence[str] = ()) -> int:
    """Measure the sizes given, or all of them."""
    sizes = {int(size): SIZES[int(size)] for size in arguments} or SIZES
    measured: dict[str, dict[str, Series]] = {}
    claims: list[Claim] = []
    for size, repeats in sizes.items():
        with tempfile.TemporaryDirectory() as folder:
            clone = made(Path(folder), size)
            root = git("-C", str(clone), "rev-list", "--max-parents=0", "HEAD").strip()
            whole, peaks = measure(full(root), clone, repeats)
            new, less = measure(recent(), clone, repeats)
        # The others have no other way than all of it, or one that is theirs alone.
        new |= {name: whole[name] for name in OTHERS}
        for kind, series, most in (("full", whole, peaks), ("new ones", new, peaks | less)):
            title = f"{size:,} commits, {kind}"
            print(table(f"draft, {title}", series, OURS))
            print("".join(f"  {n}: {most[n] / 1024:,.0f} MB" for n in series), flush=True)
            measured[title] = series
            claims += promises(title, series, most)
    return conclude("draft", measured, claims)


def made(folder: Path, size: int) -> Path:
    """Make a clone of a repository of so many commits, and a home for the contenders."""
    clone = folder / "clone"
    history.make(folder / "origin", size)
    git("clone", "--quiet", str(folder / "origin"), str(clone))
    git("-C", str(clone), "remote", "set-url", "origin", "https://github.com/owner/name")
    (folder / "home").mkdir()
    return clone


def measure(
    commands: Mapping[str, list[str]], clone: Path, repeats: int
) -> tuple[dict[str, Series], dict[str, int]]:
    """Time the contenders in turns; with each one's greatest memory, in kB."""
    peaks: dict[str, int] = {}
    contenders = {name: drafting(name, c, clone, peaks) for name, c in commands.items()}
    return side_by_side(contenders, repeats), peaks


def promises(title: str, series: Mapping[str, Series], peaks: Mapping[str, int]) -> Iterator[Claim]:
    """Promise to be ahead of each, in time and in memory."""
    for name in OTHERS:
        yield ahead(f"{name}, {title}", series[OURS], series[name])
        ratio = peaks[name] / peaks[OURS]
        yield Claim(f"memory of {name}, {title}", ratio, 1, at_most=False)


def full(root: str) -> dict[str, list[str]]:
    """Make the whole changelog. Ours has no other way than to draft since the first commit."""
    return {
        OURS: [sys.executable, "-m", "scripts", "changelog", "draft", "--since", root],
        CLIFF: [str(VENV / "git-cliff"), "--output", "out.md"],
        CZ: [str(VENV / "cz"), "changelog", "--file-name", "out.md"],
        PSR: [str(VENV / "semantic-release"), "changelog"],
    }


def recent() -> dict[str, list[str]]:
    """Draft what is new: ours, and what two of the others have for it."""
    return {
        OURS: [sys.executable, "-m", "scripts", "changelog", "draft"],
        f"{CLIFF} --unreleased": [str(VENV / "git-cliff"), "--unreleased", "--output", "out.md"],
        f"{CZ} --incremental": [
            str(VENV / "cz"), "changelog", "--incremental", "--file-name", "CHANGELOG.md"
        ],
    }  # fmt: skip


def drafting(name: str, command: list[str], clone: Path, peaks: dict[str, int]) -> Contender:
    """Run one in a clean checkout, with its output thrown away; note its greatest memory."""

    def act() -> None:
        kilobytes = run(command, clone, environment(clone.parent, ours=name == OURS))
        peaks[name] = max(peaks.get(name, 0), kilobytes)

    def prepare() -> Act:
        git("-C", str(clone), "reset", "--quiet", "--hard")
        git("-C", str(clone), "clean", "--quiet", "-fd")
        return act

    return prepare


def environment(folder: Path, *, ours: bool) -> dict[str, str]:
    """Give all of them the same small environment."""
    path = {"PATH": f"{VENV}:{os.environ['PATH']}", "HOME": str(folder / "home")}
    more = {"PYTHONPATH": str(ROOT)} if ours else {}
    return {**path, "LANG": "C.UTF-8", "GIT_CONFIG_NOSYSTEM": "1", **more}


def run(command: list[str], folder: Path, environment: Mapping[str, str]) -> int:
    """Run a program; give the most memory that it or a child of it had, in kB."""
    starter = _starter()
    assert starter.stdin and starter.stdout  # noqa: S101, PT018 - for the type checker
    request = {"folder": str(folder), "command": command, "environment": dict(environment)}
    starter.stdin.write(json.dumps(request) + "\n")
    starter.stdin.flush()
    answer = json.loads(starter.stdout.readline())
    if answer["status"]:
        raise RuntimeError(f"{command} failed in {folder}: {answer['status']}")
    return int(answer["kilobytes"])


@lru_cache(maxsize=1)
def _starter() -> subprocess.Popen[str]:
    """Have the small process that starts the contenders; it ends with this one."""
    command = [sys.executable, "-I", "-S", str(Path(__file__).with_name("peak.py"))]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
