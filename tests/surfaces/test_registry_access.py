"""What a registry's token says of itself; the asking is shown with the doctor."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from scripts.core.errors import ServiceError, TransientError
from scripts.surfaces.registry_access import grants_push, may_push
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
