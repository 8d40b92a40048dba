"""The world's remote: a bare repository made from this checkout's HEAD."""

import base64
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class SeedError(Exception):
    """git could not make or read the remote."""


def bare(checkout: Path, target: Path, branch: str = "main") -> str:
    """Make the bare repository `target` whose `branch` is the checkout's HEAD; return the commit.

    The tags that the checkout has come along. Uncommitted changes do not: GitHub would not see
    them either. Raises `SeedError`.
    """
    git(target.parent, "init", "--quiet", "--bare", f"--initial-branch={branch}", str(target))
    git(
        target, "fetch", "--quiet", "--no-tags", "--update-shallow", str(checkout.resolve()),
        f"+HEAD:refs/heads/{branch}", "+refs/tags/*:refs/tags/*",
    )  # fmt: skip
    for name, value in {
        "http.receivepack": "true",
        "uploadpack.allowAnySHA1InWant": "true",  # as GitHub: a run fetches its own commit
        "gc.auto": "0",
    }.items():
        git(target, "config", name, value)
    return git(target, "rev-parse", f"refs/heads/{branch}")


def tree(source: Path, commit: str, target: Path) -> None:
    """Check a commit of the bare repository out into the empty folder `target`."""
    git(target.parent, "clone", "--quiet", "--no-checkout", "--shared", str(source), str(target))
    git(target, "checkout", "--quiet", "--detach", commit)


def unpack(checkout: Path, folder: Path, *paths: str) -> None:
    """Write the files of the checkout's HEAD into `folder`: all of them, or these paths.

    Raises `SeedError`.
    """
    command = ["git", "-C", str(checkout), "archive", "HEAD", *paths]
    archive = subprocess.run(command, capture_output=True, check=False)
    if archive.returncode:
        raise SeedError(f"git archive failed: {archive.stderr.decode().strip()}")
    # Not by tarfile: Debian's Python 3.11.2 has no safe way to extract everything.
    subprocess.run(["tar", "-x", "-C", str(folder)], input=archive.stdout, check=True)


def changes(checkout: Path) -> list[str]:
    """Return the tracked files of the checkout that differ from its HEAD: they stay behind."""
    return git(checkout, "diff", "--name-only", "HEAD").splitlines()


def commit_facts(repository: Path, commit: str) -> Mapping[str, Any]:
    """Return a commit as GitHub's push event shows it."""
    form = "%H%x00%T%x00%cI%x00%an%x00%ae%x00%cn%x00%ce%x00%B"
    fields = git(repository, "show", "--no-patch", f"--format={form}", commit).split("\0")
    sha, tree_id, when, author, author_mail, committer, committer_mail, message = fields
    return {
        "id": sha,
        "tree_id": tree_id,
        "distinct": True,
        "message": message.strip(),
        "timestamp": when,
        "author": {"name": author, "email": author_mail},
        "committer": {"name": committer, "email": committer_mail},
    }


def git(folder: Path, *arguments: str, **environment: str) -> str:
    """Run git in a folder and return its output; raise `SeedError` with git's message."""
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["git", *arguments],
        cwd=folder, capture_output=True, text=True, check=False,
        env={**_ENVIRONMENT, **environment},
    )  # fmt: skip
    if done.returncode:
        raise SeedError(f"git {arguments[0]} in {folder} failed: {done.stderr.strip()}")
    return done.stdout.strip()


def credentials(server: str, user: str, token: str) -> dict[str, str]:
    """Pass a token to git in its environment, since everybody can read arguments."""
    pair = base64.b64encode(f"{user}:{token}".encode()).decode()
    return {
        "GIT_CONFIG_COUNT": "2",  # every call here has the first one
        "GIT_CONFIG_KEY_1": f"http.{server}/.extraHeader",
        "GIT_CONFIG_VALUE_1": f"Authorization: Basic {pair}",
    }


_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
    # the checkout may belong to another user
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "safe.directory",
    "GIT_CONFIG_VALUE_0": "*",
}
