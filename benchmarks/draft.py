"""A changelog from the history, beside git-cliff, commitizen and python-semantic-release.

Full: each makes all of it from every commit. Since the last tag: ours beside what the others make
all of again, which is what is promised, and, for comparison, beside what they have for it:
git-cliff's `--unreleased` (a compiled program, ahead of any Python's start) and commitizen's
`--incremental`. Memory is the most that a contender's process, or one it started, had at a time.
"""

import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks import history
from benchmarks.harness import Act, Claim, Contender, ahead, conclude, side_by_side, table
from benchmarks.local_release import ROOT, VENV, git

OURS, CLIFF, CZ, PSR = "this project", "git-cliff", "commitizen", "python-semantic-release"
OWN_WAY = {CLIFF: "--unreleased", CZ: "--incremental"}
SIZES = {1_000: 5, 10_000: 3, 100_000: 1}
"""Commits: repetitions."""


def main(arguments: Sequence[str] = ()) -> int:
    """Measure the sizes given, or all of them."""
    sizes = {int(size): SIZES[int(size)] for size in arguments} or SIZES
    measured, claims = {}, list[Claim]()
    for size, repeats in sizes.items():
        with tempfile.TemporaryDirectory() as folder:
            clone = Path(folder) / "clone"
            history.make(Path(folder) / "origin", size)
            git("clone", "--quiet", str(Path(folder) / "origin"), str(clone))
            git("-C", str(clone), "remote", "set-url", "origin", "https://github.com/owner/name")
            (Path(folder) / "home").mkdir()
            root = git("-C", str(clone), "rev-list", "--max-parents=0", "HEAD").strip()
            for kind, commands in {"full": full(root), "since the last tag": recent(root)}.items():
                peaks: dict[str, int] = {}
                series = side_by_side(
                    {name: drafting(name, c, clone, peaks) for name, c in commands.items()}, repeats
                )
                title = f"{size:,} commits, {kind}"
                print(table(f"draft, {title}", series, OURS))
                print("".join(f"  {n}: {kb / 1024:,.0f} MB" for n, kb in peaks.items()), flush=True)
                measured[title] = series
                others = [name for name in series if name in (CLIFF, CZ, PSR)]
                claims += [ahead(f"{n}, {title}", series[OURS], series[n]) for n in others]
                claims += [
                    Claim(f"memory of {n}, {title}", peaks[n] / peaks[OURS], 1, at_most=False)
                    for n in others
                ]
    return conclude("draft", measured, claims)


def full(root: str) -> dict[str, list[str]]:
    """Make the whole changelog. Ours has no other way than to draft since the first commit."""
    return {
        OURS: [sys.executable, "-m", "scripts", "changelog", "draft", "--since", root],
        CLIFF: [str(VENV / "git-cliff"), "--output", "out.md"],
        CZ: [str(VENV / "cz"), "changelog", "--file-name", "out.md"],
        PSR: [str(VENV / "semantic-release"), "changelog"],
    }


def recent(root: str) -> dict[str, list[str]]:
    """Draft what is new; the others make all of it again, and then in their own way for this."""
    ours = [sys.executable, "-m", "scripts", "changelog", "draft"]
    return full(root) | {
        OURS: ours,
        f"{CLIFF} {OWN_WAY[CLIFF]}": [
            str(VENV / "git-cliff"), OWN_WAY[CLIFF], "--output", "out.md"
        ],
        f"{CZ} {OWN_WAY[CZ]}": [
            str(VENV / "cz"), "changelog", OWN_WAY[CZ], "--file-name", "CHANGELOG.md"
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
    nothing = os.open(os.devnull, os.O_RDWR)
    pid = os.posix_spawn(
        "/usr/bin/env",
        ["env", "-C", str(folder), *command],
        dict(environment),
        file_actions=[(os.POSIX_SPAWN_DUP2, nothing, one) for one in (0, 1, 2)],
    )
    _, status, usage = os.wait4(pid, 0)
    os.close(nothing)
    if status:
        raise RuntimeError(f"{command} failed in {folder}: {status}")
    return usage.ru_maxrss


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
