"""Each place hears of a release once, whenever a run ends, and nothing there is ever red."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web

from rehearsal.github.settings import Token
from scripts.core.errors import ServiceError
from scripts.core.lockfile import Lock
from scripts.release.context import Context
from scripts.stages import announce, plan
from scripts.surfaces.git_remote import identity
from tests.conftest import TOKENS, WRITES, Bench
from tests.support.project import CHANGELOG, PYPROJECT
from tests.support.serving import serving

TABLE = """
[tool.release.announce]
webhooks = [{ name = "team", kind = "slack" }]
comments = true
discussion = "Announcements"
"""
TOLD = "announcement to team"
TELLER = "teller-token-7d21"
MAY = WRITES | {"issues": "write"}


@dataclass
class Chat:
    """A webhook, as Slack's: it keeps what it got."""

    messages: list[dict[str, str]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    tokens: list[str | None] = field(default_factory=list)
    status: int = 200
    hang_up: bool = False

    async def post(self, request: web.Request) -> web.Response:
        if self.status == 200:
            self.messages.append(await request.json())
            self.keys.append(request.headers["Idempotency-Key"])
            self.tokens.append(request.headers.get("Authorization"))
        if self.hang_up and request.transport:
            request.transport.abort()
        return web.Response(status=self.status, text="ok")

    def app(self, _url: str) -> web.Application:
        made = web.Application()
        made.router.add_post("/hook/its-secret", self.post)
        return made


@pytest.fixture
def chat() -> Chat:
    return Chat()


@pytest.fixture
def address(chat: Chat, tmp_path: Path) -> Iterator[str]:
    with ExitStack() as stack:
        served = stack.enter_context(serving("chat", tmp_path / "chat", chat.app))
        yield f"{served.url}/hook/its-secret"


def released(bench: Bench, address: str, table: str = TABLE) -> Context:
    """Make the context of the job, in a release whose tag and release are out."""
    log = CHANGELOG.replace("- A thing.", "- A thing (#1, #2, #99).")
    bench.project.commit({"pyproject.toml": PYPROJECT + table, "CHANGELOG.md": log})
    tokens = TOKENS | {TELLER: Token("github-actions[bot]", MAY)}
    bench.github = bench.serve_github(tokens=tokens)
    forge = bench.context(GITHUB_TOKEN=TELLER).forge
    forge.repository.create_issue("A thing, please")
    bench.project.commit({"a.txt": "a"}, branch="feature")
    forge.open_pull_request("feature", "main", "A thing", "It is here.")
    made = context_of(bench, address)
    plan.run(made)
    bench.hand_over(made)
    tagged = log.replace("## [Unreleased]", "## [Unreleased]\n\n## [0.2.4] - 2026-01-02")
    commit = bench.project.commit({"CHANGELOG.md": tagged})
    made = context_of(bench, address, commit)
    forge.repository.create_git_release(made.plan.tag, "x", "y", target_commitish=commit)
    return made


def context_of(bench: Bench, address: str, commit: str = "") -> Context:
    secret = f"other=x\nteam = {address}"
    made = bench.context(GITHUB_TOKEN=TELLER, ANNOUNCE_SECRETS=secret)
    if commit:
        made.__dict__["lock"] = Lock(made.plan, commit, (), ())
    return made


def said(context: Context) -> dict[str, str]:
    return {one.title: one.detail for one in announce.run(context).outcomes}


def test_every_place_hears_of_it_once(bench: Bench, chat: Chat, address: str) -> None:
    context = released(bench, address)
    found = announce.run(context).outcomes
    assert [one.title for one in found if one.written] == [
        TOLD,
        "discussion in Announcements",
        "comment on #1",
        "comment on #2",
    ]
    where = f"{context.endpoints.page_url}/releases/tag/v0.2.4"
    assert chat.messages == [{"text": f"sample_thing 0.2.4 is released\n{where}"}]
    assert chat.keys == ["team-v0.2.4"]
    comments = context.forge.comments(2) or []
    assert [one.splitlines()[0] for one in comments] == [f"Released in [v0.2.4]({where})."]
    again = announce.run(context).outcomes
    assert not [one for one in again if one.written]
    assert (len(chat.messages), len(context.forge.comments(1) or [])) == (1, 1)
    assert said(context)["comment on #99"] == "that issue does not exist"


def test_a_run_killed_before_the_message_says_that_it_was_maybe_sent(
    bench: Bench, chat: Chat, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = released(bench, address)
    monkeypatch.setattr("scripts.surfaces.announced.Webhook._send", killed)
    with pytest.raises(KeyboardInterrupt):
        announce.run(context)
    monkeypatch.undo()
    assert said(context)[TOLD].startswith("maybe sent")
    assert chat.messages == []


def killed(_self: object) -> None:
    raise KeyboardInterrupt


def test_a_lost_answer_is_not_answered_by_a_second_message(
    bench: Bench, chat: Chat, address: str
) -> None:
    context = released(bench, address)
    chat.hang_up = True
    assert said(context)[TOLD].startswith("maybe sent")
    chat.hang_up = False
    assert said(context)[TOLD].startswith("maybe sent")
    assert len(chat.messages) == 1


def test_a_refused_message_is_tried_by_the_next_run_and_stops_nothing(
    bench: Bench, chat: Chat, address: str
) -> None:
    context = released(bench, address)
    chat.status = 404
    found = announce.run(context).outcomes[0]
    assert (found.skipped, found.written) == (True, False)
    assert "the webhook team answered 404" in found.detail
    assert "its-secret" not in found.detail
    chat.status = 200
    assert said(context)[TOLD] == "sent"
    assert len(chat.messages) == 1


def test_a_service_in_trouble_may_have_sent_the_message(
    bench: Bench, chat: Chat, address: str
) -> None:
    context = released(bench, address)
    chat.status = 503
    assert said(context)[TOLD].startswith("maybe sent")
    chat.status = 200
    assert said(context)[TOLD].startswith("maybe sent")
    assert chat.messages == []


def test_a_service_gets_its_token(bench: Bench, chat: Chat, address: str) -> None:
    announce.run(released(bench, f"{address} its-token"))
    assert chat.tokens == ["Bearer its-token"]


def test_a_webhook_without_its_secret_is_told_and_stops_nothing(bench: Bench) -> None:
    context = released(bench, "")
    assert "has no line `team=ADDRESS`" in said(context)[TOLD]


def test_nothing_is_announced_unless_the_table_says_so(
    bench: Bench, chat: Chat, address: str
) -> None:
    assert announce.run(released(bench, address, table="")).outcomes == ()
    assert chat.messages == []


def test_two_runs_at_once_send_one_message(bench: Bench, chat: Chat, address: str) -> None:
    """The claim is one reference, and only one of them can make it."""
    context = released(bench, address)
    name = "refs/announced/v0.2.4/team/claimed"
    context.git.note(name, context.lock.commit, identity(context.plan))
    with pytest.raises(ServiceError):
        context.git.note(name, context.lock.commit, identity(context.plan))
    assert chat.messages == []
