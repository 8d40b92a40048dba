"""Docker Hub's rules beyond its tokens: limited pulls, tags that stay, no list of referrers.

The rules: Docker Docs, "Docker Hub pull usage and limits" and "Immutable tags on Docker Hub".
"""

import math
import re
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from rehearsal.gateway import peer
from rehearsal.gateway.journaling import REMEDY
from rehearsal.gateway.proxy import Proxy
from rehearsal.gateway.registry_auth import LOGGED_IN, READING, refusal

WINDOW = 6 * 3600
"""Seconds in which pulls are counted."""
ACCOUNT = "account"
MANIFEST = re.compile(r"/v2/(?P<repository>.+)/manifests/(?P<reference>[^/]+)")

KINDS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
"""What a tag can stand for. A registry does not find it for a client that accepts less."""


@dataclass(frozen=True)
class HubRules:
    """`strangers` is the number of pulls without a login for each job in six hours; 0 means
    that there is none.

    On GitHub each job has a runner with an address of its own. Processes of no job (the engine, the
    builder, the rehearsal itself) have no limit. `account` limits the account's pulls alike.
    `immutable` is a regular expression for the tags that are written once.
    """

    strangers: int = 100
    account: int = 0
    immutable: str = r"v\d.*"


@dataclass
class Pulls:
    """The pulls of each puller in the last six hours."""

    clock: Callable[[], float] = time.monotonic
    _known: dict[str, deque[float]] = field(default_factory=dict)

    def used(self, puller: str) -> int:
        """Return how many pulls a puller has made."""
        return len(self._recent(puller))

    def add(self, puller: str) -> None:
        """Count a pull."""
        self._recent(puller).append(self.clock())

    def wait(self, puller: str) -> int:
        """Return after how many seconds the puller's oldest pull does not count any more."""
        recent = self._recent(puller)
        return math.ceil(recent[0] + WINDOW - self.clock()) if recent else 0

    def _recent(self, puller: str) -> deque[float]:
        recent = self._known.setdefault(puller, deque())
        while recent and recent[0] <= self.clock() - WINDOW:
            recent.popleft()
        return recent


PULL = web.RequestKey("pull", tuple[Pulls, str, int])
"""The known pulls, who makes this one, and the limit."""


def guard(rules: HubRules, proxy: Proxy, pulls: Pulls | None = None) -> Middleware:
    """Make the middleware that applies the rules, behind the one that checks tokens."""
    counted = pulls or Pulls()

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if "/referrers/" in request.path:
            return refusal(404, "UNSUPPORTED", "The operation is unsupported.")
        asked = MANIFEST.fullmatch(request.path)
        if asked and request.method in READING:
            return await _pull(rules, counted, request, handler)
        if asked and await _is_taken(rules, proxy, request, asked["reference"]):
            return _immutable(request, asked["repository"], asked["reference"])
        return await handler(request)

    return middleware


async def _pull(
    rules: HubRules, pulls: Pulls, request: web.Request, handler: Handler
) -> web.StreamResponse:
    puller = ACCOUNT if request[LOGGED_IN] else _job(request)
    most = rules.account if puller == ACCOUNT else rules.strangers if puller else 0
    if most and request.method == "GET" and pulls.used(puller) >= most:
        return _too_many(request, most, pulls.wait(puller))
    request[PULL] = (pulls, puller, most)
    return await handler(request)


async def count(request: web.Request, response: web.StreamResponse) -> None:
    """Count a GET that found a manifest; a HEAD is free. Tell a limited puller what is left."""
    if PULL not in request:
        return
    pulls, puller, most = request[PULL]
    if request.method == "GET" and response.status == HTTPStatus.OK:
        pulls.add(puller)
    if most:
        left = max(most - pulls.used(puller), 0)
        response.headers["ratelimit-limit"] = f"{most};w={WINDOW}"
        response.headers["ratelimit-remaining"] = f"{left};w={WINDOW}"


def _job(request: web.Request) -> str:
    transport = request.transport
    if transport is None:  # it has hung up
        return ""
    ends = [transport.get_extra_info(end)[:2] for end in ("peername", "sockname")]
    return peer.claimed_job(ends[0], ends[1])


def _too_many(request: web.Request, most: int, wait: int) -> web.Response:
    who = "" if request[LOGGED_IN] else "unauthenticated "
    request[REMEDY] = f"{most} {who}pulls in 6 hours: log in, or pull less"
    answer = refusal(
        *(429, "TOOMANYREQUESTS"),
        f"You have reached your {who}pull rate limit. https://www.docker.com/increase-rate-limit",
    )
    answer.headers["Retry-After"] = str(wait)
    return answer


async def _is_taken(rules: HubRules, proxy: Proxy, request: web.Request, reference: str) -> bool:
    """Tell whether a request would write or delete a tag that is there and has to stay."""
    if not (rules.immutable and re.fullmatch(rules.immutable, reference)):
        return False
    headers = {"Accept": ", ".join(KINDS)}
    status, _ = await proxy.ask(request, "HEAD", request.path, headers=headers)
    return status == HTTPStatus.OK


def _immutable(request: web.Request, repository: str, tag: str) -> web.Response:
    request[REMEDY] = f"{repository}:{tag} is an immutable tag: push another tag"
    return refusal(403, "DENIED", f"the tag {tag} is immutable and cannot be overwritten")
