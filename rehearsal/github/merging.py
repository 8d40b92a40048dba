"""Merging branches in a bare repository, by git's plumbing alone."""

from rehearsal.github.commits import Commit, Person, read_commits
from rehearsal.github.diffs import EMPTY_TREE
from rehearsal.github.git import Git, GitError
from rehearsal.github.writing import web_person, write_commit

SCRATCH = Person("scratch", "scratch@localhost", "1970-01-01T00:00:00Z")


async def merged_tree(git: Git, ours: str, theirs: str) -> str | None:
    """Return the tree of both commits merged, or None if they conflict."""
    try:
        out = await git.text("merge-tree", "--write-tree", "--no-messages", ours, theirs)
    except GitError as error:
        if error.code == 1:
            return None
        raise
    return out.splitlines()[0]


async def merge(
    git: Git, base: str, head: str, people: tuple[Person, Person], message: str
) -> str | None:
    """Return a merge commit of `head` into `base`, or None if they conflict."""
    tree = await merged_tree(git, base, head)
    return tree and await write_commit(git, tree, [base, head], people, message)


async def squash(
    git: Git, base: str, head: str, people: tuple[Person, Person], message: str
) -> str | None:
    """Return one commit on `base` with all that `head` brings, or None if they conflict."""
    tree = await merged_tree(git, base, head)
    return tree and await write_commit(git, tree, [base], people, message)


async def rebase(git: Git, base: str, head: str) -> str | None:
    """Return the last of `head`'s commits made again on `base`, or None if one conflicts.

    As on GitHub, every commit is new, even if none had to move. Merges become plain commits, and a
    commit whose change is already in `base` is dropped.
    """
    only = ("--reverse", "--topo-order", "--no-merges", f"{base}..{head}")
    top = base
    for commit in await read_commits(git, *only):
        tree = await picked_tree(git, top, commit)
        if tree is None:
            return None
        if tree != await git.text("rev-parse", f"{top}^{{tree}}"):
            people = (commit.author, web_person())
            top = await write_commit(git, tree, [top], people, commit.message)
    return top


async def picked_tree(git: Git, top: str, commit: Commit) -> str | None:
    """Return the tree of `top` with one commit's change, or None if it conflicts.

    The merge must use the commit's parent as the common ancestor. So both sides are temporary
    commits on a commit with the parent's tree.
    """
    before = f"{commit.parents[0]}^{{tree}}" if commit.parents else EMPTY_TREE
    ancestor = await scratch(git, await git.text("rev-parse", before))
    ours = await scratch(git, await git.text("rev-parse", f"{top}^{{tree}}"), ancestor)
    return await merged_tree(git, ours, await scratch(git, commit.tree, ancestor))


async def scratch(git: Git, tree: str, *parents: str) -> str:
    """Return a commit of a tree that is for merging only."""
    return await write_commit(git, tree, parents, (SCRATCH, SCRATCH), "scratch")
