"""Check out the release commit into a folder of its own; the tools stay in the clone."""

import shutil
from pathlib import Path

from scripts.release import release_commit
from scripts.release.context import Context


def checkout(context: Context) -> Path:
    """Check out the release commit under `release/source`; do not change the clone.

    The tools come from the workflow's own commit, so fixed tools can finish a release that their
    defect stopped.
    """
    return at(context, release_commit.ensure(context))


def at(context: Context, commit: str) -> Path:
    """Check out any commit of this clone there."""
    folder = context.root / "release" / "source"
    if folder.exists():
        shutil.rmtree(folder)
        context.git.run("worktree", "prune")
    context.git.run(
        *("worktree", "add", "--quiet", "--detach", "--force"),
        "--end-of-options",
        str(folder),
        commit,
    )
    return folder
