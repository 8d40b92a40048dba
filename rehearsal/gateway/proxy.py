"""A reverse proxy that streams bodies of any size and holds none in memory."""

from collections.abc import AsyncIterator, Callable
from http import HTTPStatus
from typing import Any

import aiohttp
from aiohttp import web
from multidict import CIMultiDict

from rehearsal.gateway.journaling import STRUCK, hang_up

CHUNK = 1 << 18

# Headers of one connection, which must not be passed on (RFC 9110, 7.6.1).
HOP_BY_HOP = {
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}


class Proxy:
    """Passes requests on to a service that listens on a Unix socket.

    `without` names request headers that the service must not see; `outside_header` names one that
    tells it the address that its clients use. `elsewhere` may name an address to which clients are
    redirected for content that the service does not have.
    """

    def __init__(
        self,
        socket: str,
        *,
        without: tuple[str, ...] = (),
        outside_header: str = "",
        elsewhere: Callable[[web.Request], str] = lambda _request: "",
    ) -> None:
        self._socket, self._elsewhere = socket, elsewhere
        self._without = HOP_BY_HOP | {name.lower() for name in without}
        self._outside_header = outside_header
        self._session: aiohttp.ClientSession | None = None

    async def run(self, _app: web.Application) -> AsyncIterator[None]:
        """Hold the connections while the application runs (for its `cleanup_ctx`)."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.UnixConnector(self._socket, limit=0),
            auto_decompress=False,
            read_bufsize=4 * CHUNK,
            timeout=aiohttp.ClientTimeout(total=None),
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("User-Agent", "Accept-Encoding", "Accept", "Content-Type"),
        )
        yield
        await self._session.close()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Pass one request on and stream its answer back."""
        if self._session is None:
            raise RuntimeError("the proxy is used before its application runs")
        try:
            async with self._session.request(
                request.method,
                f"http://{request.host}{request.raw_path}",
                headers=self._headers(request),
                data=request.content.iter_chunked(CHUNK) if request.can_read_body else None,
                allow_redirects=False,
            ) as answer:
                other = self._elsewhere(request) if answer.status == HTTPStatus.NOT_FOUND else ""
                if other:
                    raise web.HTTPTemporaryRedirect(other)
                return await _stream_back(request, answer)
        except aiohttp.ClientConnectionError as error:
            return web.Response(status=502, text=f"the service behind does not answer: {error}\n")

    async def ask(
        self, request: web.Request, method: str, path: str, **options: Any
    ) -> tuple[int, bytes]:
        """Ask the service something of one's own for `request`; return the status and the answer.

        `options` are those of an aiohttp request.
        """
        if self._session is None:
            raise RuntimeError("the proxy is used before its application runs")
        outside = {self._outside_header: f"{request.scheme}://{request.host}"}
        headers = {**(outside if self._outside_header else {}), **options.pop("headers", {})}
        url = f"http://{request.host}{path}"
        async with self._session.request(method, url, headers=headers, **options) as answer:
            return answer.status, await answer.read()

    def _headers(self, request: web.Request) -> CIMultiDict[str]:
        headers = CIMultiDict(
            (name, value)
            for name, value in request.headers.items()
            if name.lower() not in self._without
        )
        if self._outside_header:
            headers[self._outside_header] = f"{request.scheme}://{request.host}"
        return headers


async def _stream_back(request: web.Request, answer: aiohttp.ClientResponse) -> web.StreamResponse:
    struck = request.get(STRUCK)
    response = web.StreamResponse(
        status=answer.status,
        reason=answer.reason,
        headers=CIMultiDict(
            (name, value)
            for name, value in answer.headers.items()
            if name.lower() not in HOP_BY_HOP
        ),
    )
    await response.prepare(request)
    left = -1
    if struck is not None and struck.action == "truncate":
        left = int(answer.headers.get("Content-Length", 2)) // 2
    async for chunk in answer.content.iter_chunked(CHUNK):
        if 0 <= left <= len(chunk):
            await response.write(chunk[:left])
            return hang_up(request)
        left -= len(chunk) if left >= 0 else 0
        await response.write(chunk)
    await response.write_eof()
    return response
