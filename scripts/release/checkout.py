"""Check out the release commit into a separate folder beside the tools that build it."""

import shutil
from pathlib import Path

from scripts.release import release_commit
from scripts.release.context import Context


def checkout(context: Context) -> Path:
    """Check out the release commit under `release/source`; the clone itself stays as it is.

    The tools are those of the workflow's own commit: so a release that a defect of the tools
    stopped is finished by fixed tools.
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
