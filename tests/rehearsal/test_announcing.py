"""A release with a title that is announced to a webhook, and whose announcement gets killed.

One world of the small example: four releases of it, and a chat that is a server of this test.
"""

import base64
import dataclasses
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import requests

from rehearsal.progress import Progress
from rehearsal.runs import direct, maintainer, new_run
from rehearsal.runs.direct import DirectRun, Interference
from rehearsal.world import example_project, git_repo, world
from rehearsal.world.world import WORKFLOW, World

pytestmark = [pytest.mark.rehearsal, pytest.mark.long]

ROOT = Path(__file__).parents[2]
TITLE = "Poses at a glance"
TABLE = """
[tool.release.announce]
comments = true

[[tool.release.announce.webhooks]]
name = "team-chat"
kind = "slack"
"""


class Chat(ThreadingHTTPServer):
    """Takes messages; answers one as soon as it may."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.messages: list[str] = []
        self.received, self.may_answer, self.answered = (threading.Event() for _ in range(3))
        self.may_answer.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/hooks/known-to-nobody"


class Handler(BaseHTTPRequestHandler):
    server: Chat

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.messages.append(json.loads(body)["text"])
        self.server.received.set()
        self.server.may_answer.wait(60)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
        self.server.answered.set()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving() -> Iterator[Chat]:
    with Chat() as chat:
        thread = threading.Thread(target=chat.serve_forever)
        thread.start()
        try:
            yield chat
        finally:
            chat.may_answer.set()
            chat.shutdown()
            thread.join()


@dataclasses.dataclass
class Project:
    world: World
    chat: Chat

    def release(self, version: str, interference: Interference, title: str = "") -> DirectRun:
        here = dataclasses.replace(self.world, version=version)
        event = maintainer.dispatch(here, WORKFLOW, {"version": version, "title": title})
        setting = new_run.setting(here, event.sha)
        secrets = {**setting.secrets, "ANNOUNCE_SECRETS": f"team-chat={self.chat.url}"}
        return direct.run(dataclasses.replace(setting, secrets=secrets), event, interference)

    def ask(self, path: str, method: str = "GET", **given: Any) -> Any:
        url = f"{self.world.api}/repos/{self.world.repository}/{path}"
        token = {"Authorization": f"Bearer {self.world.token}"}
        answer = requests.request(method, url, headers=token, timeout=30, **given)
        answer.raise_for_status()
        return answer.json()

    def fix(self, what: str) -> None:
        """Push an entry under Fixed to main, as a maintainer's merge does."""
        text = git_repo.git(self.world.bare, "show", "refs/heads/main:CHANGELOG.md")
        head = "## [Unreleased]\n"
        text = text.replace(head, f"{head}\n### Fixed\n\n- {what}\n", 1) + "\n"
        content = base64.b64encode(text.encode()).decode()
        sha = self.ask("contents/CHANGELOG.md")["sha"]
        body = {"message": f"Fix {what}", "content": content, "sha": sha}
        self.ask("contents/CHANGELOG.md", "PUT", json=body)

    def announced(self) -> list[str]:
        found = git_repo.git(self.world.bare, "for-each-ref", "--format=%(refname)")
        return [ref for ref in found.splitlines() if ref.startswith("refs/announced/")]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    folder = tmp_path_factory.mktemp("announcing")
    example_project.make(ROOT, folder / "project")
    for path, edit in {
        "pyproject.toml": lambda text: text + TABLE,
        "CHANGELOG.md": lambda text: text.replace("worth a release.", "worth a release (#1)."),
    }.items():
        file = folder / "project" / path
        file.write_text(edit(file.read_text("utf-8")), "utf-8")
    who = example_project.WHO
    git_repo.git(folder / "project", "commit", "--quiet", "-am", "Announce releases", **who)
    with Progress(StringIO(), live=False) as progress, serving() as chat:
        try:
            yield Project(
                world.up(folder / "world", folder / "project", progress, version="0.2.4"), chat
            )
        finally:
            world.down(folder / "world")


def test_a_run_killed_before_the_answer_sends_no_second_message(project: Project) -> None:
    project.ask("issues", "POST", json={"title": "Please show poses at a glance"})
    project.chat.may_answer.clear()
    killed = Interference(kill="announce", moment=project.chat.received.is_set)
    done = project.release("0.2.4", killed, TITLE)
    assert done.failed == ["announce"]
    assert project.announced() == ["refs/announced/v0.2.4/team-chat/claimed"]

    project.chat.may_answer.set()
    again = project.release("0.2.4", Interference(), TITLE)
    assert again.ok, again.failed
    assert "maybe sent" in again.summary("report")
    assert len(project.chat.messages) == 1
    (comment,) = project.ask("issues/1/comments")
    assert "Released in [v0.2.4]" in comment["body"]


def test_the_title_is_in_the_release_its_tag_its_commit_its_notes_and_the_message(
    project: Project,
) -> None:
    (release,) = project.ask("releases")
    assert release["name"] == f"v0.2.4 - {TITLE}"
    show = ("show", "--no-patch", "--format=%B")
    assert TITLE in git_repo.git(project.world.bare, "cat-file", "tag", "v0.2.4")
    assert TITLE in git_repo.git(project.world.bare, *show, "v0.2.4^{commit}")
    assert TITLE in project.chat.messages[0]
    assert "v0.2.4" in project.chat.messages[0]


def test_a_run_killed_after_the_answer_sends_no_second_message(project: Project) -> None:
    project.chat.messages.clear()
    project.chat.received.clear()
    project.chat.answered.clear()
    project.fix("something")
    killed = Interference(kill="announce", moment=project.chat.answered.is_set)
    project.release("0.2.5", killed)
    again = project.release("0.2.5", Interference())
    assert again.ok, again.failed
    assert len(project.chat.messages) == 1
    assert "announcement to team-chat: " in again.summary("report")
