"""A new version's section, and a check before it, as commands beside those of the other tools.

Cut: each writes the section of the next version into the changelog of a long history. Ours and
keepachangelog take the text under Unreleased; git-cliff, commitizen and python-semantic-release
write it from the commits since the last tag. Check: ours reads the whole changelog and reports its
problems; keepachangelog has nothing like it but to read it and show a version; commitizen's
checks the messages that its changelog will be made from.

git-cliff is compiled and keepachangelog a single file: both have done it before a larger Python
program is up, so they stand here without a promise. Where the changelog is long, see `changelog`.
"""

import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks import history
from benchmarks.draft import CLIFF, CZ, OURS, PSR, drafting, made, measure
from benchmarks.harness import Claim, Series, ahead, conclude, table
from benchmarks.local_release import VENV

KEEP = "keepachangelog"
SIZES = {1_000: 7, 10_000: 5, 100_000: 3}
"""Commits: repetitions."""
BEHIND = {"cut": (CZ, PSR), "check": (CZ,)}


def main(arguments: Sequence[str] = ()) -> int:
    """Measure the sizes given, or all of them."""
    sizes = {int(size): SIZES[int(size)] for size in arguments} or SIZES
    measured: dict[str, dict[str, Series]] = {}
    claims: list[Claim] = []
    for size, repeats in sizes.items():
        last = history.version(size // history.PER_RELEASE)
        with tempfile.TemporaryDirectory() as folder:
            clone = made(Path(folder), size)
            prove(clone, cuts(last), history.following(last))
            for kind, commands in (("cut", cuts(last)), ("check", checks(last))):
                title = f"{kind}, {size:,} commits"
                measured[title], peaks = measure(commands, clone, repeats)
                print(table(title, measured[title], OURS))
                print("".join(f"  {n}: {kb / 1024:,.0f} MB" for n, kb in peaks.items()), flush=True)
                claims += promises(title, BEHIND[kind], measured[title])
    return conclude("cut", measured, claims)


def promises(title: str, names: Sequence[str], series: Mapping[str, Series]) -> list[Claim]:
    """Promise to be ahead of the tools named."""
    return [ahead(f"{name}, {title}", series[OURS], series[name]) for name in names]


def cuts(last: str) -> dict[str, list[str]]:
    """Write the next version's section, as each tool's documentation says."""
    wanted = history.following(last)
    return {
        OURS: [sys.executable, "-m", "benchmarks.our_cut", wanted, last],
        KEEP: [str(VENV / "keepachangelog"), "release", wanted],
        CLIFF: [
            str(VENV / "git-cliff"), "--unreleased", "--tag", f"v{wanted}",
            "--prepend", "CHANGELOG.md",
        ],
        CZ: [
            str(VENV / "cz"), "changelog", "--incremental", "--unreleased-version", f"v{wanted}",
            "--file-name", "CHANGELOG.md",
        ],
        PSR: [
            str(VENV / "semantic-release"), "version", "--patch", "--no-commit", "--no-tag",
            "--no-push", "--no-vcs-release", "--skip-build",
        ],
    }  # fmt: skip


def checks(last: str) -> dict[str, list[str]]:
    """Check what the next version's section will come from."""
    return {
        OURS: [sys.executable, "-m", "scripts", "changelog", "check"],
        KEEP: [str(VENV / "keepachangelog"), "show", last],
        CZ: [str(VENV / "cz"), "check", "--rev-range", f"v{last}..HEAD"],
    }


def prove(clone: Path, commands: Mapping[str, list[str]], wanted: str) -> None:
    """Let each cut once, untimed, and fail unless the section is there."""
    for name, command in commands.items():
        drafting(name, command, clone, {})()()
        lines = (clone / "CHANGELOG.md").read_text("utf-8").splitlines()
        if not any(line.startswith("## ") and wanted in line for line in lines):
            raise RuntimeError(f"{name} did not cut {wanted}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
