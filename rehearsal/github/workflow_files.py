"""The rule that a token without the permission `workflows` cannot add workflow files."""

from rehearsal.github.hub import Hub

FOLDER = ".github/workflows"


async def brings_workflows(hub: Hub, commit: str) -> bool:
    """Return whether a commit has workflow files that stand so on no branch."""
    heads = (await hub.git.text("for-each-ref", "--format=%(refname)", "refs/heads")).split()
    known = {line for head in heads for line in await _files(hub, head)}
    return bool(heads) and any(line not in known for line in await _files(hub, commit))


async def _files(hub: Hub, revision: str) -> list[str]:
    return (await hub.git.text("ls-tree", "-r", revision, "--", f"{FOLDER}/")).splitlines()


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
