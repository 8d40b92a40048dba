"""The rule that a token without the permission `workflows` cannot add workflow files."""

from rehearsal.github.hub import Hub

FOLDER = ".github/workflows"


async def touches_workflows(hub: Hub, commit: str) -> bool:
    """Return whether a commit has workflow files that the default branch has not so."""
    default = await hub.git.revision(f"refs/heads/{hub.settings.default_branch}")
    if default is None:
        return False
    changes = await hub.git.text(
        *("diff-tree", "-r", "--name-only", "--no-renames", "--diff-filter=AMT"),
        *(default, commit, "--", FOLDER),
    )
    return bool(changes)
