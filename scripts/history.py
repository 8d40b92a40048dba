"""The clone's history, as the changelog's draft and check need it."""

from scripts.context import Context
from scripts.core import version
from scripts.core.commits import Commit
from scripts.core.errors import UsageError

SHALLOW = "fetch the whole history: `git fetch --unshallow --tags`, or `fetch-depth: 0`"


def last_tag(context: Context) -> str | None:
    """Give the tag of the highest version that this commit contains; none if there is none."""
    _refuse_shallow(context)
    merged = context.git.run("tag", "--merged", "HEAD", "--list", "v*").splitlines()
    versions = {found: tag for tag in merged if (found := version.from_tag(tag))}
    return versions[max(versions)] if versions else None


def since(context: Context, start: str | None) -> list[Commit]:
    """List the commits after `start`, oldest first: of a merge only the merge itself.

    So a pull request is one entry, however many commits it had.
    """
    _refuse_shallow(context)
    span = f"{start}..HEAD" if start else "HEAD"
    form = "--format=%H%x1f%an%x1f%B"
    text = context.git.run("log", "-z", "--reverse", "--first-parent", form, span)
    return [_commit(record) for record in text.split("\0") if record]


def changed_files(context: Context, base: str) -> list[str]:
    """List the files that differ between HEAD and where it left `base`; a moved one is two."""
    _refuse_shallow(context)
    text = context.git.run("diff", "--name-only", "--no-renames", "-z", f"{base}...HEAD")
    return [path for path in text.split("\0") if path]


def _commit(record: str) -> Commit:
    sha, author, message = record.split("\x1f", 2)
    return Commit(sha, author, message)


def _refuse_shallow(context: Context) -> None:
    if context.git.run("rev-parse", "--is-shallow-repository") == "true":
        raise UsageError("this clone is shallow: older commits and tags are not here", SHALLOW)
