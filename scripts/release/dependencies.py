"""Find the locked dependencies that differ from the release before."""

import re
import tomllib
from collections.abc import Iterator

from scripts.core import sbom
from scripts.release.context import Context

PINNED = re.compile(r"^([A-Za-z0-9][\w.-]*)==([^\s;\\]+)", re.MULTILINE)
# uv's lock, and what pip-compile and `uv pip compile` write.
LOCK = re.compile(r"uv\.lock|(.*/)?requirements[^/]*\.txt|(.*/)?requirements/[^/]+\.txt")


def between(context: Context, before: str, now: str) -> Iterator[tuple[str, str, str, str]]:
    """Yield each lock file's changes: the file, the package, its version before and now."""
    there = {commit: _locks(context, commit) for commit in (before, now)}
    for path in sorted(there[before] | there[now]):
        old, new = (
            pins(path, context.read_at(commit, path)) if path in there[commit] else {}
            for commit in (before, now)
        )
        for change in sbom.changes(old, new):
            yield path, *change


def _locks(context: Context, commit: str) -> set[str]:
    paths = context.git.run("ls-tree", "-r", "--name-only", "-z", "--end-of-options", commit).split(
        "\0"
    )
    return {path for path in paths if LOCK.fullmatch(path)}


def pins(path: str, text: str) -> dict[str, str]:
    """Read a lock's packages and their versions; skip packages without a version."""
    if path.endswith("uv.lock"):
        found = tomllib.loads(text).get("package", ())
        return {one["name"]: one["version"] for one in found if "version" in one}
    return dict(PINNED.findall(text))
