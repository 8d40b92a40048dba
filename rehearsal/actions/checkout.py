"""Stand-in for actions/checkout: a real fetch from the run's server."""

import base64
import subprocess
import time
from pathlib import Path
from urllib.parse import urlsplit

from rehearsal.actions.toolkit import (
    StandInError,
    given,
    output,
    refuse,
    run,
    switch,
    temporary,
    variable,
    workspace,
)

TRIES, PAUSE = 3, 0.2
"""How often a fetch is tried, and the seconds in between."""


def main() -> None:
    """Fetch the requested reference into the workspace, and print it."""
    refuse("ssh-key", "submodules", "lfs", "sparse-checkout", "filter")
    if not given("token"):
        raise StandInError("Input required and not supplied: token. Leave it out for the job's own")
    repository = given("repository") or variable("GITHUB_REPOSITORY")
    folder = _folder()
    _git(folder, "init", "--quiet", "--initial-branch=main")
    server = variable("GITHUB_SERVER_URL").rstrip("/")
    _git(folder, "remote", "add", "origin", f"{server}/{repository}")
    credentials = _authorise(folder, server)
    kept = False
    try:
        _fetch(folder, given("ref"), _depth())
        kept = switch("persist-credentials")
    finally:
        if not kept:
            credentials.unlink()
            _git(folder, "config", "--local", "--unset", "include.path")
    output("ref", given("ref") or variable("GITHUB_REF"))
    output("commit", _git(folder, "rev-parse", "HEAD"))


def _folder() -> Path:
    folder = (workspace() / given("path")).resolve()
    if not folder.is_relative_to(workspace().resolve()):
        raise StandInError(f"the path {given('path')!r} lies outside the workspace")
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / ".git").exists():
        raise StandInError(
            f"{folder} is a checkout already, but each job starts with an empty folder"
        )
    return folder


def _depth() -> int:
    text = given("fetch-depth") or "1"
    if not text.isdecimal():
        raise StandInError(f"fetch-depth must be a number, not {text!r}")
    return int(text)


def _authorise(folder: Path, server: str) -> Path:
    """Keep the token in a separate file outside the checkout, as the real action does."""
    token = base64.b64encode(f"x-access-token:{given('token')}".encode()).decode()
    print(f"::add-mask::{token}", flush=True)
    parts = urlsplit(server)
    path = temporary() / f"git-credentials-{folder.name}.config"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(
        f'[http "{parts.scheme}://{parts.netloc}/"]\n\textraheader = AUTHORIZATION: basic {token}\n'
    )
    _git(folder, "config", "--local", "include.path", str(path))
    return path


def _fetch(folder: Path, ref: str, depth: int) -> None:
    """Fetch one commit or, with depth 0, all branches and tags, and check the commit out."""
    commit, local = _target(folder, ref)
    depths = [f"--depth={depth}"] if depth else []
    tags = "--tags" if switch("fetch-tags") else "--no-tags"
    if not depth:
        everything = ("+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*")
        _patiently(folder, "--prune", "origin", *everything)
    _patiently(folder, tags, *depths, "origin", f"+{commit}:{local}")
    if local.startswith("refs/tags/") and not ref:
        _compare(folder, local)
    if local.startswith("refs/remotes/origin/"):
        branch = local.removeprefix("refs/remotes/origin/")
        _git(folder, "checkout", "--quiet", "--force", "-B", branch, local)
        return
    _git(folder, "checkout", "--quiet", "--force", "--detach", local)


def _compare(folder: Path, tag: str) -> None:
    """Refuse the run's own tag if it has moved since the run began."""
    found, wanted = _git(folder, "rev-parse", f"{tag}^{{commit}}"), variable("GITHUB_SHA")
    if found != wanted:
        raise StandInError(
            f"{tag} names {found}, and the run is for {wanted}: the tag has moved since. Start a "
            f"new run for the tag"
        )


def _patiently(folder: Path, *arguments: str) -> None:
    """Fetch, three times if need be, as the real action does; it waits longer in between."""
    for left in reversed(range(TRIES)):
        try:
            _git(folder, "fetch", "--quiet", *arguments)
        except StandInError:
            if not left:
                raise
            time.sleep(PAUSE)
        else:
            return


def _target(folder: Path, ref: str) -> tuple[str, str]:
    """Return the reference to fetch, and its local reference.

    For the run's own branch, fetch the run's own commit, even if the branch has moved. For its own
    tag, fetch the tag object.
    """
    own = given("repository") in ("", variable("GITHUB_REPOSITORY"))
    if not ref and own:
        local = _local(variable("GITHUB_REF"))
        return (local if local.startswith("refs/tags/") else variable("GITHUB_SHA")), local
    if len(ref) == len("0" * 40) and all(letter in "0123456789abcdef" for letter in ref):
        return ref, "refs/rehearsal/commit"
    full = _full(folder, ref)
    return full, _local(full)


def _full(folder: Path, ref: str) -> str:
    """Return the full name of a branch or tag of the remote; a branch wins, as in the real one."""
    if ref.startswith("refs/"):
        return ref
    wanted = [f"refs/heads/{ref}", f"refs/tags/{ref}"] if ref else ["HEAD"]
    found = {line.split("\t")[1] for line in _git(folder, "ls-remote", "origin").splitlines()}
    for full in wanted:
        if full in found:
            return full
    raise StandInError(f"the remote has no branch or tag named {ref!r}")


def _local(full: str) -> str:
    if full.startswith("refs/heads/"):
        return full.replace("refs/heads/", "refs/remotes/origin/", 1)
    return full if full.startswith("refs/tags/") else "refs/rehearsal/commit"


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise StandInError(f"git {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout.strip()


if __name__ == "__main__":
    run(main)
