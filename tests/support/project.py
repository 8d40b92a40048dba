"""A small project to release, in a bare repository and a clone of it."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

PYPROJECT = """\
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "sample_thing"  # with a comment
version = "0.2.3"

[tool.release]
version-files = [{ path = "CITATION.cff", line = "version: {version}" }]

[tool.release.package]
modules = ["sample_thing"]
"""
CHANGELOG = """\
# Changelog

## [Unreleased]

### Added

- A thing.

## [0.2.3] - 2025-08-20

### Fixed

- Another thing.
"""
UV_LOCK = """\
version = 1

[[package]]
name = "numpy"
version = "0.2.3"

[[package]]
name = "sample-thing"
version = "0.2.2"
source = { editable = "." }
"""
BACKEND = Path(__file__).with_name("backend.py").read_text("utf-8")
FILES = {
    "pyproject.toml": PYPROJECT,
    "CHANGELOG.md": CHANGELOG,
    "CITATION.cff": "cff-version: 1.2.0\nversion: 0.2.3\n",
    "uv.lock": UV_LOCK,
    "backend.py": BACKEND,
    "sample_thing/__init__.py": '"""A thing."""\n',
    "sample_thing/data.txt": "data\n",
    "run.sh": "#!/bin/sh\n",
    ".github/workflows/release.yml": """\
jobs:
  publish:
    environment: pypi
    permissions: {id-token: write}
""",
}
CLEAN = {
    "PATH": os.environ["PATH"],
    "HOME": os.devnull,
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C.UTF-8",
}
PERSON = ("-c", "user.name=Mari", "-c", "user.email=mari@users.noreply.github.com")


def git(*arguments: str, cwd: Path, check: bool = True, **environment: str) -> str:
    done = subprocess.run(
        ["git", *PERSON, *arguments],
        cwd=cwd,
        env={**CLEAN, **environment},
        check=False,
        capture_output=True,
    )
    assert not (check and done.returncode), done.stderr.decode()
    return done.stdout.decode("utf-8", "surrogateescape").removesuffix("\n")


class Project:
    """The bare repository, and the clone in which a release runs."""

    def __init__(self, folder: Path) -> None:
        self.bare = folder / "mari" / "sample_thing.git"
        self.clone = folder / "clone"

    @classmethod
    def made(cls, folder: Path) -> "Project":
        """Make it: one commit on main, tagged v0.2.3."""
        project = cls(folder)
        project.bare.parent.mkdir()
        git("init", "-q", "--template=", "--bare", "-b", "main", str(project.bare), cwd=folder)
        for key in ("uploadpack.allowAnySHA1InWant", "http.receivepack"):
            git("config", key, "true", cwd=project.bare)
        git("clone", "-q", "--template=", str(project.bare), str(project.clone), cwd=folder)
        project.commit(FILES, executable="run.sh")
        project.git("tag", "-am", "0.2.3", "v0.2.3")
        project.git("push", "-q", "origin", "v0.2.3")
        return project

    def git(self, *arguments: str, check: bool = True, **environment: str) -> str:
        """Run git in the clone."""
        return git(*arguments, cwd=self.clone, check=check, **environment)

    def commit(
        self,
        files: Mapping[str, str | bytes | None],
        branch: str = "main",
        executable: str = "",
    ) -> str:
        """Commit to a branch and push it; no content deletes the file."""
        for path, content in files.items():
            file = self.clone / path
            file.parent.mkdir(parents=True, exist_ok=True)
            if content is None:
                file.unlink()
            else:
                file.write_bytes(content.encode() if isinstance(content, str) else content)
        if executable:
            (self.clone / executable).chmod(0o755)
        self.git("add", "--all", "--", *files)
        date = "2026-01-02T03:04:05+00:00"
        self.git("commit", "-qm", "Change", GIT_AUTHOR_DATE=date, GIT_COMMITTER_DATE=date)
        self.git("push", "-q", "origin", f"HEAD:refs/heads/{branch}")
        return self.git("rev-parse", "HEAD")

    def refs(self) -> dict[str, str]:
        """Every reference of the bare repository, as it stands there."""
        lines = git("for-each-ref", "--format=%(refname) %(objectname)", cwd=self.bare)
        return dict(line.split(" ") for line in lines.splitlines())

    def sha(self, revision: str) -> str:
        """Give the commit of a revision of the bare repository."""
        return git("rev-parse", "--verify", f"{revision}^{{commit}}", cwd=self.bare)

    def show(self, commit: str, path: str) -> bytes:
        """Give a file's bytes at a commit of the bare repository."""
        text = git("cat-file", "blob", f"{commit}:{path}", cwd=self.bare)
        whole = subprocess.run(
            ["git", "cat-file", "blob", f"{commit}:{path}"],
            cwd=self.bare,
            env=CLEAN,
            check=True,
            capture_output=True,
        ).stdout
        assert whole.decode("utf-8", "surrogateescape").removesuffix("\n") == text
        return whole
