"""Pull requests are read in pages, from GitHub as the rehearsal has it, and whatever it answers."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from scripts.core.entries import Pull
from scripts.core.errors import ServiceError
from scripts.surfaces.pull_requests import AT_ONCE, PAGES, PullRequests
from tests.conftest import REPOSITORY, WRITER, Bench
from tests.support.serving import Served, serving

Answer = Callable[[int], web.Response]


@contextmanager
def answering(folder: Path, answer: Answer) -> Iterator[Served]:
    """Serve `answer` of each page's number."""

    async def handle(request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Bearer t"
        assert request.query["per_page"] == str(AT_ONCE)
        return answer(int(request.query["page"]))

    def make(_: str) -> web.Application:
        app = web.Application()
        app.router.add_get("/repos/o/n/pulls", handle)
        return app

    with serving("api", folder, make) as served:
        yield served


def listed(number: int, **more: Any) -> dict[str, Any]:
    return {
        "number": number,
        "title": f"Title {number}",
        "user": {"login": "ann", "type": "User"},
        "labels": [{"name": "bug"}],
        "merged_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
        "merge_commit_sha": f"{number:040x}",
        **more,
    }


def test_the_rehearsals_github_is_read(bench: Bench) -> None:
    bench.project.commit({"x": "y"}, branch="topic")
    forge = bench.context().forge
    forge.open_pull_request("topic", "main", "Add a thing", "")
    (pull,) = forge.repository.get_pulls()
    merged = pull.merge(merge_method="squash")
    api = PullRequests(f"{bench.github.url}/api/v3", REPOSITORY, WRITER, 5)
    api.ask(["#1"], 0)
    found = Pull(str(pull.number), "Add a thing", "github-actions[bot]", bot=True, labels=())
    assert api.found == {f"#{pull.number}": found, merged.sha: found}


@pytest.mark.parametrize(
    ("wanted", "since", "pages"),
    [(["#100"], 0, 1), (["#101"], 0, 2), (["#x"], 0, 3), (["#x"], 2**31, 1)],
)
def test_no_more_pages_are_read_than_needed(
    tmp_path: Path, wanted: list[str], since: int, pages: int
) -> None:
    numbers = range(1, 2 * AT_ONCE + 2)
    chunks = [numbers[at : at + AT_ONCE] for at in range(0, len(numbers), AT_ONCE)]

    def answer(page: int) -> web.Response:
        return web.json_response([listed(number) for number in chunks[page - 1]])

    with answering(tmp_path, answer) as served:
        api = PullRequests(served.url, "o/n", "t", 5)
        api.ask(wanted, since)
        assert len(served.journal()) == pages
    assert api.found["#1"] == Pull("1", "Title 1", "ann", bot=False, labels=("bug",))


def test_there_is_an_end(tmp_path: Path) -> None:
    with answering(tmp_path, lambda _: web.json_response([listed(1)] * AT_ONCE)) as served:
        with pytest.raises(ServiceError, match="only the last 2000"):
            PullRequests(served.url, "o/n", "t", 5).ask(["#x"], 0)
        assert len(served.journal()) == PAGES


@pytest.mark.parametrize(
    "odd",
    [
        {"merged_at": None},
        {"number": "x"},
        {"labels": None},
        {"labels": [1]},
        {"user": "x"},
    ],
)
def test_what_has_another_shape_is_left_out(tmp_path: Path, odd: dict[str, Any]) -> None:
    page = [listed(1) | odd, listed(2, user=None), listed(3, user={"login": "a](http://x)"})]
    with answering(tmp_path, lambda _: web.json_response(page)) as served:
        api = PullRequests(served.url, "o/n", "t", 5)
        api.ask([], 0)
    assert {key: pull.login for key, pull in api.found.items() if "#" in key} == {
        "#2": "",
        "#3": "",
    }


@pytest.mark.parametrize(
    "answer",
    [
        web.Response(text="<html>Log in</html>", content_type="text/html"),
        web.Response(status=404),
        web.Response(status=502),
        web.json_response({"message": "x"}),
        web.json_response([1]),
    ],
    ids=lambda one: f"{one.status}-{one.text}"[:20],
)
def test_another_answer_is_a_failing_service(tmp_path: Path, answer: web.Response) -> None:
    def again(_: int) -> web.Response:
        return web.Response(
            status=answer.status, body=answer.body, content_type=answer.content_type
        )

    with answering(tmp_path, again) as served, pytest.raises(ServiceError, match="GitHub's API"):
        PullRequests(served.url, "o/n", "t", 5).ask([], 0)


@pytest.mark.parametrize("token", ["secret\n", "secret\N{SNOWMAN}", "secret\0"])
def test_a_token_that_cannot_be_sent_is_not_shown(token: str) -> None:
    with pytest.raises(ServiceError) as raised:
        PullRequests("http://127.0.0.1:9", "o/n", token, 1).ask([], 0)
    assert not re.search("secret", str(raised.value))
