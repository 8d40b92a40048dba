"""A release in the clone alone, beside commitizen and python-semantic-release doing the same.

Facts from git and files, version, changelog, lock file, commit, tag; nothing is pushed.
Each of the three gets its cheapest way: commitizen and python-semantic-release add to the changelog
instead of making all of it again, and no tool builds. python-semantic-release does not know the
lock file, so it has less to do.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
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

OURS, CZ, PSR = "this project", "commitizen", "python-semantic-release"
SIZES = {1_000: (5, 5), 10_000: (5, 20), 100_000: (3, 100)}
"""Commits: repetitions, and how many times as long python-semantic-release must take."""
VENV = ROOT / ".venv-bench" / "bin"


def main(arguments: Sequence[str] = ()) -> int:
    """Measure the sizes given, or all of them."""
    sizes = {int(size): SIZES[int(size)] for size in arguments} or SIZES
    measured: dict[str, dict[str, Series]] = {}
    claims: list[Claim] = []
    for size, (repeats, times) in sizes.items():
        with tempfile.TemporaryDirectory() as folder:
            series = measure(Path(folder), size, repeats)
        title = f"{size:,} commits"
        print(table(f"local release, {title}", series, OURS), flush=True)
        measured[title] = series
        claims.append(ahead(f"{CZ}, {title}", series[OURS], series[CZ]))
        claims.append(ahead(f"{PSR}, {title}", series[OURS], series[PSR], times))
    return conclude("local_release", measured, claims)


def measure(folder: Path, size: int, repeats: int) -> dict[str, Series]:
    """Make the repository, and let the three release from clones of it."""
    origin = folder / "owner" / "name"
    origin.parent.mkdir()
    current = history.make(origin, size)
    wanted = history.following(current)
    (folder / "home").mkdir()
    commands = {
        OURS: [sys.executable, "-m", "benchmarks.our_release", wanted],
        CZ: [str(VENV / "cz"), "bump", "--yes", "--no-verify", wanted],
        PSR: [
            str(VENV / "semantic-release"), "version", "--patch", "--no-push", "--no-vcs-release",
            "--skip-build",
        ],
    }  # fmt: skip
    return side_by_side(
        {name: releasing(folder, command, wanted) for name, command in commands.items()}, repeats
    )


def releasing(folder: Path, command: list[str], wanted: str) -> Contender:
    """Make a fresh clone each time; afterwards see that the release before is really there."""
    clone = folder / Path(command[0]).name

    def prepare() -> Act:
        if clone.exists():
            prove(clone, wanted)
            shutil.rmtree(clone)
        git("clone", "--quiet", str(folder / "owner" / "name"), str(clone))
        # python-semantic-release takes no other address, and asks it nothing.
        git("-C", str(clone), "remote", "set-url", "origin", "https://github.com/owner/name")
        git("-C", str(clone), "config", "user.name", "A Person")
        git("-C", str(clone), "config", "user.email", "person@example.org")
        return lambda: run(command, clone, environment(folder, ours=command[0] == sys.executable))

    return prepare


def prove(clone: Path, wanted: str) -> None:
    """Fail unless branch, tag, version, changelog and checkout are those of the release."""
    head = git("-C", str(clone), "rev-parse", "HEAD", f"v{wanted}^{{commit}}").split()
    if len(set(head)) != 1 or git("-C", str(clone), "status", "--porcelain"):
        raise RuntimeError(f"{clone.name}: the tag is not at the head of a clean checkout")
    project = tomllib.loads((clone / "pyproject.toml").read_text("utf-8"))["project"]
    if project["version"] != wanted:
        raise RuntimeError(f"{clone.name}: pyproject.toml says {project['version']}")
    if wanted not in (clone / "CHANGELOG.md").read_text("utf-8"):
        raise RuntimeError(f"{clone.name}: the changelog does not have {wanted}")


def environment(folder: Path, *, ours: bool) -> dict[str, str]:
    """Give all three the same small environment; only ours is told where its remote is."""
    remote = {"GITHUB_SERVER_URL": f"file://{folder}", "GITHUB_REPOSITORY": "owner/name"}
    return {
        "PATH": f"{VENV}:{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}",
        "HOME": str(folder / "home"),
        "LANG": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        **({**remote, "PYTHONPATH": str(ROOT)} if ours else {}),
    }


def run(command: list[str], folder: Path, environment: dict[str, str]) -> None:
    """Run one tool; show what it said if it fails."""
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{command} failed:\n{done.stdout}\n{done.stderr}")


def git(*arguments: str) -> str:
    """Run git, and give what it printed."""
    return subprocess.run(["git", *arguments], check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
