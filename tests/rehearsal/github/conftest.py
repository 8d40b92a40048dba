"""The service, really served on a free port, with PyGithub and git as its clients."""

import asyncio
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import github
import github.Repository
import pytest
import requests
from aiohttp import web

from rehearsal.github.app import make_app
from rehearsal.github.settings import GitHubSettings, Token
from tests.rehearsal.github.openapi import DESCRIPTION, Description

WRITER = "writer"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of them talk to a service: they are not among the fast ones."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.service)


TOKENS = {
    "writer": Token("mari", {"contents": "write", "pull_requests": "write", "issues": "write"}),
    "workflow": Token("github-actions[bot]", {"contents": "write", "pull_requests": "write"}),
    "reader": Token("rhea", {"contents": "read"}),
    "admin": Token(
        "olga",
        {
            **dict.fromkeys(("contents", "pull_requests", "issues", "workflows"), "write"),
            "administration": "write",
        },
    ),
}
PERSON = ["-c", "user.name=Mari", "-c", "user.email=mari@users.noreply.github.com"]


def git(*args: str, cwd: Path, check: bool = True, **more: str) -> subprocess.CompletedProcess[str]:
    env = {
        "PATH": os.environ["PATH"],
        "HOME": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "LC_ALL": "C.UTF-8",
        **more,
    }
    return subprocess.run(
        ["git", *PERSON, *args], cwd=cwd, env=env, check=check, capture_output=True, text=True
    )


@dataclass
class Served:
    """The service at work."""

    settings: GitHubSettings
    stop: Callable[[], None]
    clients: list[github.Github] = field(default_factory=list)

    @property
    def base(self) -> str:
        return self.settings.base_url

    def repo(self, token: str = WRITER) -> github.Repository.Repository:
        client = github.Github(
            base_url=f"{self.base}/api/v3",
            auth=github.Auth.Token(token) if token else None,
            retry=None,
            seconds_between_requests=None,
            seconds_between_writes=None,
        )
        self.clients.append(client)
        return client.get_repo("mrilikecoding/StreamPoseML")

    def api(self, method: str, path: str, token: str = WRITER, **more: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return requests.request(
            method,
            self.settings.api(path),
            headers=headers | more.pop("headers", {}),
            timeout=60,
            **more,
        )

    def page(self, path: str = "", **more: Any) -> requests.Response:
        return requests.get(self.settings.html(path), timeout=60, **more)

    def remote(self, token: str = WRITER, suffix: str = ".git") -> str:
        user = f"x-access-token:{token}@" if token else ""
        return self.settings.html(suffix).replace("://", f"://{user}")


@dataclass
class World:
    """A seeded bare repository, a checkout, and a way to serve it."""

    folder: Path
    description: Description | None
    served: list[Served] = field(default_factory=list)

    @property
    def bare(self) -> Path:
        return self.folder / "seed.git"

    @property
    def checkout(self) -> Path:
        return self.folder / "checkout"

    def git(self, *args: str, check: bool = True, **env: str) -> subprocess.CompletedProcess[str]:
        return git(*args, cwd=self.checkout, check=check, **env)

    def sha(self, revision: str) -> str:
        return git("rev-parse", "--verify", revision, cwd=self.bare).stdout.strip()

    def commit(self, branch: str, files: Mapping[str, str | None], message: str = "Change") -> str:
        """Commit to a branch of the bare repository, behind the service's back."""
        if self.git("rev-parse", "-q", "--verify", f"origin/{branch}", check=False).returncode:
            self.git("checkout", "-q", "-B", branch, "origin/main")
        else:
            self.git("fetch", "-q")
            self.git("checkout", "-q", "-B", branch, f"origin/{branch}")
        for path, text in files.items():
            file = self.checkout / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.unlink() if text is None else file.write_text(text, encoding="utf-8")
        self.git("add", "--all")
        self.git("commit", "-qm", message)
        self.git("push", "-q", "origin", f"HEAD:refs/heads/{branch}")
        return self.sha(branch)

    def serve(self, **settings: Any) -> Served:
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        base_url = f"http://localhost:{listener.getsockname()[1]}"
        options = {"tokens": TOKENS, "owner": "mrilikecoding", "name": "StreamPoseML"} | settings
        made = GitHubSettings(
            folder=self.folder / "state", repository=self.bare, base_url=base_url, **options
        )
        made.folder.mkdir(exist_ok=True)
        served = Served(made, run(made, listener, self.description))
        self.served.append(served)
        return served


def run(
    settings: GitHubSettings, at: socket.socket, held: Description | None
) -> Callable[[], None]:
    """Serve in a thread of its own; return what stops it."""
    app = make_app(settings)
    if held is not None:
        app.middlewares.insert(0, held.middleware())
    loop, runner = asyncio.new_event_loop(), web.AppRunner(app, access_log=None, shutdown_timeout=1)

    async def start() -> None:
        await runner.setup()
        await web.SockSite(runner, at).start()

    loop.run_until_complete(start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def stop() -> None:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(90)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()

    return stop


@pytest.fixture(scope="session")
def seed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bare repository: three commits on main, a workflow file, the tag v0.2.3."""
    folder = tmp_path_factory.mktemp("seed")
    git("init", "-q", "--bare", "-b", "main", "seed.git", cwd=folder)
    git("clone", "-q", "seed.git", "checkout", cwd=folder)
    checkout = folder / "checkout"
    (checkout / ".github" / "workflows").mkdir(parents=True)
    (checkout / ".github" / "workflows" / "release.yml").write_text("on: push\n")
    (checkout / "docs").mkdir()
    (checkout / "docs" / "guide.md").write_text("# Guide\n")
    for number in (1, 2, 3):
        (checkout / "CHANGELOG.md").write_text(f"# Changelog\n\n- change {number}\n")
        git("add", "--all", cwd=checkout)
        date = f"2026-01-0{number}T12:00:00+02:00"
        dates = {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
        git("commit", "-qm", f"Change {number}\n\nWith a body.", cwd=checkout, **dates)
    git("tag", "-am", "Release 0.2.3", "v0.2.3", "HEAD~1", cwd=checkout)
    git("push", "-q", "origin", "HEAD:main", "v0.2.3", cwd=checkout)
    return folder


@pytest.fixture(scope="session")
def description() -> Description | None:
    return Description() if DESCRIPTION.exists() else None


@pytest.fixture
def world(seed: Path, tmp_path: Path, description: Description | None) -> Iterator[World]:
    shutil.copytree(seed, tmp_path, dirs_exist_ok=True)
    made = World(tmp_path, description)
    made.git("remote", "set-url", "origin", str(made.bare))
    if description is not None:
        description.problems.clear()
    yield made
    for served in made.served:
        for client in served.clients:
            client.close()
        served.stop()
    if description is not None:
        assert not description.problems


@pytest.fixture
def hub(world: World) -> Served:
    """The service with its usual settings."""
    return world.serve()
