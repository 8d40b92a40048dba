"""Drafts of real histories beside git-cliff's: `python -m benchmarks.drafts FOLDER=START …`.

A folder is a repository, START a tag or a commit to begin at, or `all`. What counts as noise is a
list of this file's own, so that the draft is not judged by what it is made with.
"""

import json
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from typing import NamedTuple

from benchmarks.draft import CLIFF, OURS, environment, run
from benchmarks.local_release import VENV, git

REPEATS = 7
NOISE = re.compile(
    r"bump \S+ from|pre-commit\.ci|autoupdate|changelog|\btypos?\b|readme|docstring|\bwip\b|fixup"
    r"|^(?:version|release version|release|prepare\b.*release) v?\d|^bump (?:to |version)"
    r"|^(?:update|add|fix) (?:tests?|docs)\b|^(?:tests?|docs?|lint\w*|cleanup|formatting|\.+)$"
    r"|flake8|pep8|linting",
    re.IGNORECASE,
)
BOT = re.compile(
    r"\[bot\\?\]|dependabot|renovate|pre-commit-ci|github-actions|copilot", re.IGNORECASE
)
PYPROJECT = """\
[project]
name = "x"
version = "1"

[tool.release]
changelog = "DRAFT.md"

[tool.release.package]
modules = ["x"]
"""
COLUMNS = (
    *("repository", "commits", "entries", "noise", "bots", "with PR"),
    *("git-cliff's", "noise", "by pull request", "noise", "ms", "MB", "git-cliff's ms", "MB"),
)


class Line(NamedTuple):
    """One line of a draft, without its links."""

    group: str
    text: str
    people: str
    sha: str
    number: str | None


def main(arguments: Sequence[str]) -> int:
    """Print a row for each history."""
    rows = [list(COLUMNS), ["---"] * len(COLUMNS)]
    for argument in arguments:
        source, _, start = argument.rpartition("=")
        with tempfile.TemporaryDirectory() as folder:
            rows.append(row(made(Path(folder), Path(source)), Path(source).parent.name, start))
    print("\n".join(f"| {' | '.join(one)} |" for one in rows))
    return 0


def made(folder: Path, source: Path) -> Path:
    """Clone a repository without its files, and configure a draft there."""
    clone = folder / "clone"
    git("clone", "--quiet", "--no-checkout", "--shared", str(source), str(clone))
    git("-C", str(clone), "remote", "set-url", "origin", "https://github.com/owner/name")
    (clone / "pyproject.toml").write_text(PYPROJECT)
    (clone / "DRAFT.md").write_text("# Changelog\n\n## [Unreleased]\n")
    (folder / "home").mkdir()
    return clone


def row(clone: Path, name: str, start: str) -> list[str]:
    """Draft one history with both, and compare."""
    if start == "all":
        start = git("-C", str(clone), "rev-list", "--max-parents=0", "HEAD").split()[-1]
    ours = [sys.executable, "-m", "scripts", "changelog", "draft", "--since", start]
    theirs = [str(VENV / "git-cliff"), f"{start}..HEAD"]
    found = lines(output([*ours, "--json"], clone, ours=True))
    cliff = [one[2:] for one in output(theirs, clone, ours=False).splitlines() if one[:2] == "- "]
    pulls = titles(clone, start)
    groups = Counter(one.group for one in found)
    print(name, dict(groups), file=sys.stderr, flush=True)
    return [
        name,
        str(len(git("-C", str(clone), "rev-list", f"{start}..HEAD").split())),
        str(len(found)),
        noise([one.text for one in found]),
        str(sum(bool(BOT.search(one.people)) for one in found)),
        linked(found, clone, start),
        str(len(cliff)),
        noise([one.partition("- ")[2] or one for one in cliff]),
        str(len(pulls)),
        noise(pulls),
        *measured(OURS, ours, clone),
        *measured(CLIFF, theirs, clone),
    ]


def noise(texts: Sequence[str]) -> str:
    """Say how much of it is noise."""
    return share(sum(bool(NOISE.search(one)) for one in texts), len(texts))


def titles(clone: Path, start: str) -> list[str]:
    """Give the titles of the merged pull requests, which is what release-drafter lists.

    It groups them by label alone, so that without labels they are one list.
    """
    log = git("-C", str(clone), "log", "-z", "--format=%B", f"{start}..HEAD").split("\0")
    merged = [re.match(r"Merge pull request #\d+ from \S+\s+(\S.*)", one) for one in log]
    squashed = [re.match(r"(?!Merge branch)(.*) \(#\d+\)\n", one) for one in log]
    return [found[1] for found in (*merged, *squashed) if found]


def output(command: list[str], clone: Path, *, ours: bool) -> str:
    """Run a program and give what it prints."""
    return subprocess.run(
        command,
        cwd=clone,
        env=environment(clone.parent, ours=ours),
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def lines(document: str) -> list[Line]:
    """Take the entries of a draft's document apart."""
    form = re.compile(r"(?P<text>.*) \(\[(?:#\d+|[0-9a-f]{10})\]\([^)]*\)(?:, (?P<people>.*))?\)")
    found = [(one, form.fullmatch(one["text"])) for one in json.loads(document)["entries"]]
    return [
        Line(one["group"], said["text"], said["people"] or "", one["sha"], one["number"])
        for one, said in found
        if said
    ]


def linked(found: Sequence[Line], clone: Path, start: str) -> str:
    """Say how many entries are linked to the pull request that brought them, if one did.

    Which have one is asked of git: the commits of every merge whose message ends in a number.
    """
    form = re.compile(r"Merge pull request #\d+ |(?!Merge branch).* \(#\d+\)$")
    brought = set[str]()
    for line in git("-C", str(clone), "log", "--format=%H %P\t%s", f"{start}..HEAD").splitlines():
        shas, _, subject = line.partition("\t")
        sha, *parents = shas.split()
        if form.match(subject):
            span = [f"^{parents[0]}", *parents[1:]] if parents[1:] else ["--no-walk", sha]
            brought |= {sha, *git("-C", str(clone), "rev-list", *span).split()}
    have = [one for one in found if one.number or one.sha in brought]
    return share(sum(one.number is not None for one in have), len(have))


def share(part: int, whole: int) -> str:
    """Write a part of a whole as a percentage."""
    return f"{100 * part / whole:.0f}% of {whole}" if whole else "none"


def measured(name: str, command: list[str], clone: Path) -> list[str]:
    """Give the processor time in ms, the least of a few, and the most memory in MB."""
    known = environment(clone.parent, ours=name == OURS)
    least, most = float("inf"), 0
    for _ in range(REPEATS):
        before = getrusage(RUSAGE_CHILDREN)
        subprocess.run(command, cwd=clone, env=known, check=True, capture_output=True)
        after = getrusage(RUSAGE_CHILDREN)
        took = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        least, most = min(least, took), max(most, run(command, clone, known))
    return [f"{least * 1000:.0f}", f"{most / 1024:.0f}"]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
