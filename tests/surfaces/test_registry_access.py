"""What a registry's token says of itself; the asking is shown with the doctor."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from scripts.core.errors import ServiceError, TransientError
from scripts.surfaces.registry_access import grants_push, may_push, tags
from tests.support.serving import serving

Told = tuple[str, dict[str, Any]]


def token(*accesses: object) -> dict[str, str]:
    payload = base64.urlsafe_b64encode(json.dumps({"access": accesses}).encode()).decode()
    return {"token": f"head.{payload.rstrip('=')}.signature"}


@pytest.mark.parametrize(
    ("answer", "granted"),
    [
        (token({"name": "mari/api", "actions": ["pull", "push"]}), True),
        (
            token({"name": "mari/api", "actions": ["pull"]}, {"name": "x", "actions": ["push"]}),
            True,
        ),
        (token({"name": "mari/api", "actions": ["pull"]}), False),
        (token(), False),
        # What cannot be read is trusted until it is used.
        ({"token": "opaque"}, True),
        ({"access_token": "a.b.c"}, True),
        ({"token": f"head.{base64.urlsafe_b64encode(b'[]').decode()}.x"}, True),
        ({}, False),
        ({"token": ""}, False),
    ],
)
def test_what_a_token_grants(answer: dict[str, str], granted: bool) -> None:
    assert grants_push(answer) is granted


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Told]:
    """A registry that answers to `/v2/` as it is told."""
    told: dict[str, Any] = {}

    async def answer(_: web.Request) -> web.Response:
        return web.Response(**told)

    def make(_: str) -> web.Application:
        app = web.Application()
        app.router.add_get("/v2/", answer)
        app.router.add_get("/v2/mari/api/tags/list", answer)
        return app

    with serving("registry", tmp_path, make) as served:
        yield served.url.removeprefix("http://"), told


def test_a_registry_that_asks_for_nothing_takes_everything(registry: Told) -> None:
    host, told = registry
    assert told == {}
    assert may_push(f"{host}/mari/api", "mari", "x")


@pytest.mark.parametrize(("status", "kind"), [(503, TransientError), (404, ServiceError)])
def test_a_registry_in_trouble(registry: Told, status: int, kind: type[Exception]) -> None:
    host, told = registry
    told |= {"status": status}
    with pytest.raises(kind):
        may_push(f"{host}/mari/api", "mari", "x")


def test_a_registry_with_another_kind_of_password(registry: Told) -> None:
    """Some ask for Basic authentication and give no token: then the password itself is tried."""
    host, told = registry
    told |= {"status": 401, "headers": {"WWW-Authenticate": 'Basic realm="x"'}}
    assert not may_push(f"{host}/mari/api", "mari", "x")


@pytest.fixture
def listing(tmp_path: Path) -> Iterator[tuple[str, list[str]]]:
    """A registry that gives two tags at a time to whoever has its token; and what it was asked."""
    asked: list[str] = []

    async def page(request: web.Request) -> web.Response:
        asked.append(request.path_qs)
        if request.headers.get("Authorization") != "Bearer anybody":
            realm = f'Bearer realm="http://{request.host}/token",service="s"'
            return web.Response(status=401, headers={"WWW-Authenticate": realm})
        last = request.query.get("last", "")
        names = [one for one in ("a", "b", "v1", "v2", "v3") if one > last]
        more = f"</v2/mari/api/tags/list?last={names[1]}&n=2>; rel=next" if len(names) > 2 else ""
        headers = {"Link": more} if more else {}
        return web.json_response({"name": "mari/api", "tags": names[:2]}, headers=headers)

    async def token(request: web.Request) -> web.Response:
        asked.append(f"{request.path} {request.query['scope']}")
        return web.json_response({"token": "anybody"})

    def make(_: str) -> web.Application:
        app = web.Application()
        app.router.add_get("/v2/mari/api/tags/list", page)
        app.router.add_get("/token", token)
        return app

    with serving("registry", tmp_path, make) as served:
        yield served.url.removeprefix("http://"), asked


def test_tags_are_listed_page_by_page_without_a_login(listing: tuple[str, list[str]]) -> None:
    host, asked = listing
    assert tags(f"{host}/mari/api") == ["a", "b", "v1", "v2", "v3"]
    assert sum("/token" in one for one in asked) == 1
    assert "/token repository:mari/api:pull" in asked


def test_a_repository_that_does_not_exist_has_no_tags(listing: tuple[str, list[str]]) -> None:
    assert tags(f"{listing[0]}/mari/web") == []


@pytest.mark.parametrize(
    ("more", "kind"),
    [
        ({"status": 401, "headers": {"WWW-Authenticate": 'Basic realm="x"'}}, ServiceError),
        ({"status": 503}, TransientError),
        ({"text": "hello"}, TransientError),
    ],
)
def test_a_registry_that_does_not_list_its_tags(
    registry: Told, more: dict[str, Any], kind: type[Exception]
) -> None:
    host, told = registry
    told |= more
    with pytest.raises(kind):
        tags(f"{host}/mari/api")
