"""A bench for small workflows: a temporary repository, its remote, and act."""

import os
import sys
import textwrap
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

from rehearsal.progress import Progress
from rehearsal.runs import act, run
from rehearsal.world import git_repo

ROOT = Path(__file__).parents[2]
PINS = {
    "checkout": "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1",
    "upload": "actions/upload-artifact@043fb46d1a93c77aae656e7c1c64a875d1fc6a0a # v7.0.1",
    "download": "actions/download-artifact@3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c # v8.0.1",
    "login": "docker/login-action@dbcb813823bdd20940b903addbd779551569679f # v4.6.0",
    "python": "actions/setup-python@5fda3b95a4ea91299a34e894583c3862153e4b97 # v7.0.0",
    "attest": "actions/attest@1e69f48acb82d1966a394da916b4c1698aa569d6 # v4.2.2",
}


class Bench:
    """A temporary repository, its bare remote, and a way to run its workflow."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.source = folder / "source"
        self.remote = folder / "server" / "owner" / "project.git"
        self.screen = StringIO()
        self.source.mkdir()
        git_repo.git(self.source, "init", "--quiet", "--initial-branch=main")

    def write(self, path: str, text: str) -> None:
        """Put a file into the repository; @checkout@ and the like become pinned actions."""
        for name, uses in PINS.items():
            text = text.replace(f"@{name}@", uses)
        target = self.source / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(textwrap.dedent(text))

    def commit(self) -> str:
        """Commit everything and make the remote of it; return the commit."""
        git_repo.git(self.source, "add", "--all")
        who = ["-c", "user.name=A", "-c", "user.email=a@example.com"]
        git_repo.git(self.source, *who, "commit", "--quiet", "--allow-empty", "--message", "all")
        return git_repo.bare(self.source, self.remote)

    def setting(self, run_id: int = 1, **more: Any) -> act.Setting:
        """Say where the run is and what its jobs may know."""
        folder = self.folder / "runs" / str(run_id)
        (folder / "home").mkdir(parents=True)
        place = f'[url "file://{self.folder / "server"}/"]\n\tinsteadOf = http://localhost:1/\n'
        (folder / "home" / ".gitconfig").write_text(place)
        secrets = {"GITHUB_TOKEN": "t0ken", **more.pop("secrets", {})}
        return act.Setting(
            tree=folder / "tree",
            workflow=".github/workflows/release.yml",
            folder=folder,
            run_id=run_id,
            program=str(Path(sys.executable).with_name("act")),
            environment={
                "PATH": f"{Path(sys.executable).resolve().parent}:{os.defpath}",
                "HOME": str(folder / "home"),
                "XDG_CACHE_HOME": str(folder / "cache"),
                "REHEARSAL_RUN": str(folder),
                "REHEARSAL_ROOT": str(ROOT),
                "TERM": "dumb",
            },
            context={
                **more.pop("context", {}),
                "GITHUB_SERVER_URL": "http://localhost:1",
                "GITHUB_REPOSITORY": "owner/project.git",
            },
            secrets=secrets,
            **more,
        )

    def event(self, sha: str, **inputs: str) -> act.Event:
        """Press the button on main."""
        repository = {"full_name": "owner/project", "owner": {"login": "owner"}}
        workflow = ".github/workflows/release.yml"
        return act.dispatched("refs/heads/main", sha, inputs, repository, workflow)

    def tree(self, sha: str, setting: act.Setting) -> None:
        """Check the commit out where act reads its workflow from."""
        git_repo.tree(self.remote, sha, setting.tree)

    def run(
        self,
        workflow: str,
        *,
        inputs: Mapping[str, str] | None = None,
        event: act.Event | None = None,
        **more: Any,
    ) -> run.Run:
        """Write release.yml, commit, and run it."""
        self.write(".github/workflows/release.yml", workflow)
        sha = self.commit()
        setting = self.setting(len(list(self.folder.glob("runs/*"))) + 1, **more)
        self.tree(sha, setting)
        with Progress(self.screen, live=False) as progress:
            return run.run(setting, event or self.event(sha, **(inputs or {})), progress)
