"""The clone to adopt: whether it may be changed, and its facts from git."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from scripts.adopt import templates
from scripts.adopt.templates import FOLDER, Stamp
from scripts.core.errors import Place, ServiceError, UsageError
from scripts.surfaces.git_remote import Git

SHOWN = 3
FORK = "name it all the same: --fork, or run this in a clone of the original"


def refuse_unfit(git: Git, root: Path, project: Mapping[str, object], *, fork: bool) -> None:
    """Reject a folder that is not a clone, or a clone that is changed, shallow, or a fork.

    Raises UsageError.
    """
    refuse_changed(git, root)
    if git.run("rev-parse", "--is-shallow-repository") == "true":
        cause = "the clone is shallow, and the form of the tags comes from the whole history"
        raise UsageError(cause, "bring the rest: git fetch --unshallow --tags")
    if not fork and (original := original_of(git, project)):
        cause = f"this is a fork of {original}: its releases would not be the project's"
        raise UsageError(cause, FORK)


def refuse_changed(git: Git, root: Path) -> None:
    """Refuse what git could not bring back. Raises UsageError."""
    if not (root / ".git").exists():
        cause = f"{root} is not a git repository"
        raise UsageError(cause, "run this at the top of a clone, or make one: git init")
    if changed := git.run("status", "--porcelain").splitlines():
        more = f" and {len(changed) - SHOWN} more" if len(changed) > SHOWN else ""
        named = ", ".join(line[3:] for line in changed[:SHOWN])
        raise UsageError(f"not committed: {named}{more}", "commit it, or `git stash` it, first")
    try:
        git.run("rev-parse", "--verify", "--quiet", "HEAD")
    except ServiceError as error:
        raise UsageError("the repository has no commit", "commit the project first") from error


def original_of(git: Git, project: Mapping[str, object]) -> str | None:
    """Return the original of a fork: its remote `upstream`, or the address of `[project.urls]`.

    None if neither names another repository.
    """
    remotes = {name: git.run("remote", "get-url", "--", name) for name in git.run("remote").split()}
    if "upstream" in remotes:
        return remotes["upstream"]
    origin = _owner_and_name(remotes.get("origin", ""))
    urls = project.get("urls")
    for url in urls.values() if isinstance(urls, dict) else ():
        named = _owner_and_name(str(url)) if "github.com" in str(url) else ""
        same = named.partition("/")[2] == origin.partition("/")[2]
        if same and named and named != origin:
            return str(url)
    return None


def _owner_and_name(url: str) -> str:
    found = re.search(r"[/:]([\w.-]+/[\w.-]+?)(?:\.git)?/?$", url)
    return found[1].lower() if found else ""


def default_branch(git: Git) -> str:
    """Return the remote's default branch, or else the current branch."""
    for ref in ("refs/remotes/origin/HEAD", "HEAD"):
        try:
            named = git.run("symbolic-ref", "--quiet", "--", ref)
        except ServiceError:
            continue
        return re.sub(r"^refs/(heads|remotes/origin)/", "", named)
    raise UsageError(
        "no branch is checked out", "git switch to the branch that releases start from"
    )


def owner(git: Git) -> tuple[str, str]:
    """Return owner and name of the remote `origin`; two empty texts without one."""
    try:
        found = _owner_and_name(git.run("remote", "get-url", "origin"))
    except ServiceError:
        return "", ""
    return found.partition("/")[0], found.partition("/")[2]


def generated(root: Path) -> Iterator[tuple[str, str, Stamp]]:
    """Yield every workflow that this system generated: its path, its text, its stamp."""
    for file in sorted((root / FOLDER).glob("*.y*ml")):
        text = read(root, f"{FOLDER}/{file.name}")
        if stamp := templates.read_stamp(text):
            yield f"{FOLDER}/{file.name}", text, stamp


def read(root: Path, path: str) -> str:
    """Read a text with its own line endings. Raises UsageError if it is not UTF-8."""
    try:
        return (root / path).read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8", "save the file as UTF-8", Place(path)) from error
