"""The GitHub service as an aiohttp application."""

import time
import uuid
from collections.abc import Awaitable, Callable

from aiohttp import hdrs, web

from rehearsal.gateway.journaling import REMEDY
from rehearsal.github import (
    assets,
    attestations,
    branches,
    commits,
    contents,
    git_http,
    issues,
    linked_pages,
    oidc,
    pages,
    pull_merge,
    pulls,
    releases,
    repos,
)
from rehearsal.github.artifacts import BLOBS, SERVICE, Artifacts
from rehearsal.github.auth import caller_of
from rehearsal.github.call import Call, Endpoint, read_fields, reply
from rehearsal.github.errors import ApiError, not_found
from rehearsal.github.hub import HUB, Hub
from rehearsal.github.settings import GitHubSettings
from rehearsal.signing.routes import Signing

READING = (hdrs.METH_GET, hdrs.METH_HEAD, hdrs.METH_OPTIONS)
API = "/api/v3/repos/{owner}/{name}"
UPLOADS = "/api/uploads/repos/{owner}/{name}"
HOUR, REQUESTS_AN_HOUR = 3600, 5000
OF_A_RUN = (f"{SERVICE}/", f"{BLOBS}/")
LARGEST_BODY = 64 * 1024**2

# In this order: a branch, path or commit may hold slashes, so the longer addresses come first.
MODULES = (
    *(assets, attestations, releases, pull_merge, pulls),
    *(commits, contents, branches, issues, repos),
)


def make_app(settings: GitHubSettings) -> web.Application:
    """Return the service; its state is read from `settings.folder`, or begun there."""
    app = web.Application(client_max_size=LARGEST_BODY, middlewares=[answer_errors])
    hub = app[HUB] = Hub(settings)
    app.on_response_prepare.append(add_headers)
    for module in MODULES:
        for endpoint in module.endpoints.all:
            add_endpoint(app, API, endpoint, locked)
    for endpoint in assets.uploads.all:
        add_endpoint(app, UPLOADS, endpoint, streaming)
    oidc.add_routes(app, hub)
    Signing(hub).add_routes(app)
    Artifacts(hub).add_routes(app)
    pages.add_routes(app, hub)
    linked_pages.add_routes(app, hub)
    git_http.add_routes(app, hub)
    return app


def is_write(request: web.BaseRequest) -> bool:
    """Return whether a request may change what is released; `git fetch` and artifacts do not."""
    if request.path.startswith(OF_A_RUN) or request.path.endswith("/git-upload-pack"):
        return False
    return request.method not in READING


Serve = Callable[[Endpoint, Call], Awaitable[web.StreamResponse]]


def add_endpoint(app: web.Application, root: str, endpoint: Endpoint, serve: Serve) -> None:
    """Route an endpoint's requests: known caller, this repository, permission, then its handler."""

    async def handle(request: web.Request) -> web.StreamResponse:
        hub = request.app[HUB]
        caller = caller_of(hub.settings, request)
        asked = f"{request.match_info['owner']}/{request.match_info['name']}"
        if asked.lower() != hub.settings.full_name.lower():
            raise not_found()
        if hub.settings.private:
            caller.require_sight("metadata")
        if endpoint.needs is None and hub.settings.private:
            caller.require_sight(endpoint.read_by)
        if endpoint.needs is not None:
            caller.require(endpoint.needs)
        return await serve(endpoint, Call(hub, request, caller))

    app.router.add_route(endpoint.method, root + endpoint.path, handle)
    if endpoint.method == hdrs.METH_GET:
        app.router.add_route(hdrs.METH_HEAD, root + endpoint.path, handle)


async def locked(endpoint: Endpoint, call: Call) -> web.StreamResponse:
    """Serve a request; one that writes is alone, and its change is on disk before its answer."""
    if endpoint.method in READING:
        return await endpoint.handler(call)
    call.fields = read_fields(await call.request.read())
    async with call.hub.lock:
        response = await endpoint.handler(call)
        call.hub.store.save()
        return response


async def streaming(endpoint: Endpoint, call: Call) -> web.StreamResponse:
    """Serve a request that reads its body and takes the lock itself."""
    return await endpoint.handler(call)


@web.middleware
async def answer_errors(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Turn errors into GitHub's JSON, below /api."""
    try:
        return await handler(request)
    except ApiError as error:
        request[REMEDY] = error.remedy
        return reply(error.body(), error.status, error.headers)
    except web.HTTPClientError as error:
        if not request.path.startswith("/api/"):
            raise
        # GitHub has no «method not allowed»: an unknown method is an unknown address.
        unknown = isinstance(error, web.HTTPMethodNotAllowed | web.HTTPNotFound)
        answer = not_found() if unknown else ApiError(error.status, error.reason)
        return reply(answer.body(), answer.status)


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Add GitHub's headers of every answer. The rate limit is reported but not enforced."""
    response.headers["X-GitHub-Request-Id"] = uuid.uuid4().hex.upper()
    if not request.path.startswith("/api/"):
        return
    reset = int(time.time()) // HOUR * HOUR + HOUR
    response.headers["X-RateLimit-Limit"] = str(REQUESTS_AN_HOUR)
    response.headers["X-RateLimit-Remaining"] = str(REQUESTS_AN_HOUR - 1)
    response.headers["X-RateLimit-Used"] = "1"
    response.headers["X-RateLimit-Reset"] = str(reset)
    response.headers["X-RateLimit-Resource"] = "core"
    response.headers["X-GitHub-Media-Type"] = "github.v3; format=json"
