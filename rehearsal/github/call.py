"""One REST request: its parts checked on reading, its answer in GitHub's form."""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from aiohttp import web
from yarl import URL

from rehearsal.github.auth import Caller
from rehearsal.github.errors import ApiError, Json, not_found, unprocessable
from rehearsal.github.git import Git
from rehearsal.github.hub import Hub
from rehearsal.github.settings import GitHubSettings
from rehearsal.github.store import State

T = TypeVar("T")
PER_PAGE, MOST_PER_PAGE = 30, 100


@dataclass
class Call:
    """A request by a known caller, with its JSON body read."""

    hub: Hub
    request: web.Request
    caller: Caller
    fields: Json = field(default_factory=dict)

    @property
    def settings(self) -> GitHubSettings:
        """The repository's settings."""
        return self.hub.settings

    @property
    def state(self) -> State:
        """The state that is not in git."""
        return self.hub.state

    @property
    def git(self) -> Git:
        """The bare repository."""
        return self.hub.git

    def part(self, name: str) -> str:
        """Return a part of the path, decoded."""
        return self.request.match_info[name]

    def number(self, name: str) -> int:
        """Return a part of the path that is an id; raise 404 for any other text."""
        part = self.part(name)
        if not (part.isascii() and part.isdigit()):
            raise not_found()
        return int(part)

    def query(self, name: str, default: str = "") -> str:
        """Return a query parameter."""
        return self.request.query.get(name, default)

    def has(self, name: str) -> bool:
        """Return whether the body gives a field a value; null does not count."""
        return self.fields.get(name) is not None

    def text(self, name: str, default: str | None = None) -> str:
        """Return a string of the body; raise 422 if it is missing without a default."""
        if not self.has(name):
            if default is None:
                raise unprocessable(f'Invalid request.\n\n"{name}" wasn\'t supplied.')
            return default
        return self._typed(name, str, "a string")

    def flag(self, name: str, default: bool) -> bool:
        """Return a boolean of the body."""
        return self._typed(name, bool, "a boolean") if self.has(name) else default

    def _typed(self, name: str, kind: type[T], called: str) -> T:
        value = self.fields[name]
        if not isinstance(value, kind):
            said = json.dumps(value)
            raise unprocessable(
                f"Invalid request.\n\nFor 'properties/{name}', {said} is not {called}."
            )
        return value

    def bounds(self) -> tuple[int, int]:
        """Return how many items to skip and how many to return, from `page` and `per_page`."""
        page = max(positive(self.query("page"), 1), 1)
        size = min(max(positive(self.query("per_page"), PER_PAGE), 1), MOST_PER_PAGE)
        return (page - 1) * size, size

    def listing(self, items: Sequence[T], show: Callable[[T], Json]) -> web.Response:
        """Return one page of `items`."""
        skip, size = self.bounds()
        return self.page([show(item) for item in items[skip : skip + size]], len(items))

    def page(self, shown: Any, total: int) -> web.Response:
        """Return one page, already cut, of `total` items, with links to the others."""
        links = self._links(total)
        return reply(shown, headers={"Link": links} if links else None)

    def _links(self, total: int) -> str:
        skip, size = self.bounds()
        page, last = skip // size + 1, max(-(-total // size), 1)
        pages: dict[str, int] = {}
        if page > 1:
            pages |= {"prev": min(page - 1, last), "first": 1}
        if page < last:
            pages |= {"next": page + 1, "last": last}
        return ", ".join(
            f'<{self._page_url(number)}>; rel="{rel}"' for rel, number in pages.items()
        )

    def _page_url(self, page: int) -> str:
        origin = URL(self.settings.base_url)
        here = self.request.rel_url.update_query(page=str(page))
        return str(origin.join(here))


def positive(text: str, default: int) -> int:
    """Return the number in a query parameter, or the default where there is none."""
    return int(text) if text.isascii() and text.isdigit() else default


def reply(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """Return a JSON answer."""
    text = json.dumps(body, separators=(",", ":"))
    return web.Response(
        text=text, status=status, headers=headers, content_type="application/json", charset="utf-8"
    )


def nothing() -> web.Response:
    """Return the 204 after a deletion."""
    return web.Response(status=204)


def read_fields(raw: bytes) -> Json:
    """Return a request body's JSON object; raise 400 for anything else."""
    if not raw.strip():
        return {}
    try:
        fields = json.loads(raw)
    except ValueError:
        raise ApiError(400, "Problems parsing JSON") from None
    if not isinstance(fields, dict):
        raise ApiError(400, "Body should be a JSON object")
    return fields


Handler = Callable[[Call], Awaitable[web.StreamResponse]]


READ_BY = {
    "": "metadata",
    "rules": "metadata",
    "rulesets": "metadata",
    "environments": "actions",
    "issues": "issues",
    "labels": "issues",
    "pulls": "pull_requests",
}
"""The permission to read such a path of a private repository; for all others `contents`."""


@dataclass(frozen=True)
class Endpoint:
    """A method and path below the repository, its permission, and its handler."""

    method: str
    path: str
    needs: str | None
    handler: Handler

    @property
    def read_by(self) -> str:
        """Return the permission without which a private repository does not show it."""
        return READ_BY.get(self.path.strip("/").partition("/")[0], "contents")


class Endpoints:
    """The endpoints of one module, declared above their handlers."""

    def __init__(self) -> None:
        self.all: list[Endpoint] = []

    def on(self, method: str, path: str, needs: str | None = None) -> Callable[[Handler], Handler]:
        """Declare the decorated handler; `needs` is `permission:level`, None for anybody."""

        def declare(handler: Handler) -> Handler:
            self.all.append(Endpoint(method, path, needs, handler))
            return handler

        return declare
