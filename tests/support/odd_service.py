"""A service that answers every question with the same words, as a captive portal does."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from tests.support.serving import serving

JSON, HTML = "application/json", "text/html"
ODD: tuple[tuple[str, bytes], ...] = (
    (HTML, b"<html><body>Please log in</body></html>"),
    (JSON, b"<html><body>Please log in</body></html>"),
    (JSON, b""),
    (JSON, b"\xff\xfe"),
    (JSON, b"null"),
    (JSON, b"7"),
    (JSON, b'"text"'),
    (JSON, b"{}"),
    (JSON, b"[]"),
    (JSON, b"[1]"),
    (JSON, b"[{}]"),
    (JSON, b"[null]"),
    (JSON, b'[{"tag_name": 5, "name": [], "draft": "no", "id": {}}]'),
    (JSON, b'{"tag_name": 5, "full_name": 7, "name": [], "id": "x", "protected": "maybe"}'),
    (JSON, b'{"message": "text", "errors": 7}'),
    (JSON, b"[" * 20_000),
)
"""Kinds and bodies that no API answers a question with."""


@dataclass
class OddService:
    """What it answers, for every path or for one."""

    url: str = ""
    kind: str = HTML
    body: bytes = b""
    status: int = 200
    moved: dict[str, str] = field(default_factory=dict)
    """Paths that are answered with 301, and where they lead."""
    paths: dict[str, bytes] = field(default_factory=dict)
    """Bodies, in JSON, of single paths."""

    def app(self, url: str) -> web.Application:
        self.url = url
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        return app

    async def _answer(self, request: web.Request) -> web.Response:
        if to := self.moved.get(request.path):
            return web.Response(status=301, headers={"Location": self.url + to})
        if request.path in self.paths:
            return web.Response(body=self.paths[request.path], content_type=JSON)
        return web.Response(body=self.body, content_type=self.kind, status=self.status)


@contextmanager
def odd_service(folder: Path) -> Iterator[OddService]:
    """Serve one until the end of the block."""
    service = OddService()
    with serving("odd", folder, service.app):
        yield service
