"""Write the requests of every service to the journal, and inject faults into them."""

import asyncio
import socket
import struct
import time
from collections.abc import Callable
from contextlib import suppress

from aiohttp import StreamReader, web
from aiohttp.base_protocol import BaseProtocol
from aiohttp.typedefs import Handler, Middleware

from rehearsal.gateway.journal import Entry, Journal
from rehearsal.gateway.request_faults import Fault, Faults

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
STRUCK = web.RequestKey("struck", Fault)
REMEDY = web.RequestKey("remedy", str)
"""The remedy that a service gives with its refusal."""

IsWrite = Callable[[web.Request], bool]


def changes_something(request: web.Request) -> bool:
    """Tell whether a request asks for a change, by its method alone."""
    return request.method not in SAFE_METHODS


def attach(
    app: web.Application,
    service: str,
    journal: Journal,
    faults: Faults,
    is_write: IsWrite = changes_something,
) -> None:
    """Put journal and faults in front of a service's application, before it has started."""
    app.middlewares.insert(0, journaled(service, journal, faults, is_write))
    app.on_response_prepare.append(_lose_answer)


async def _lose_answer(request: web.Request, _response: web.StreamResponse) -> None:
    # A streaming handler has begun to answer: it continues without a reader.
    struck = request.get(STRUCK)
    if struck is not None and struck.action == "drop-after":
        hang_up(request)


def journaled(
    service: str, journal: Journal, faults: Faults, is_write: IsWrite = changes_something
) -> Middleware:
    """Make the middleware of one service; `attach` installs it.

    `truncate` halves an answer that the handler returns whole or the proxy passes on; of a file it
    sends only the headers.
    """

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        began, clock = time.time(), time.monotonic()
        struck = faults.strike(service, request.method, request.path)
        status = 0
        try:
            response = await _answer(request, handler, struck)
            status = 0 if _lost(request) else response.status
            return response
        except web.HTTPException as error:
            status = error.status
            raise
        finally:
            journal.add(
                Entry(
                    service=service,
                    method=request.method,
                    path=request.path,
                    status=status,
                    write=is_write(request),
                    time=round(began, 3),
                    duration=round(time.monotonic() - clock, 3),
                    fault=struck.action if struck else "",
                    remedy=request.get(REMEDY, ""),
                    sent=request.content.total_bytes,
                )
            )

    return middleware


async def _answer(
    request: web.Request,
    handler: Handler,
    struck: Fault | None,
) -> web.StreamResponse:
    if struck is None:
        return await handler(request)
    request[STRUCK] = struck
    if struck.action in ("status", "lag"):
        return web.Response(status=struck.code, headers=struck.headers, text="a planted fault\n")
    if struck.action in ("drop-before", "reset"):
        return (reset if struck.action == "reset" else hang_up)(request)
    if struck.action == "drop-after":
        return await _drop_after(request, handler)
    if struck.action == "delay":
        await _late(request, struck.seconds)
    response = await handler(request)
    if struck.action == "truncate" and not response.prepared:
        return await _send_half(request, response)
    return response


async def _late(request: web.Request, seconds: float) -> None:
    """Read the whole request, and delay it: it takes effect even if its client has gone."""
    body = await request._payload.read()
    await asyncio.sleep(seconds)
    # aiohttp gives a handler no body of a client that has gone, and has no call for it: hence the
    # private name, before `content` is asked for, which remembers what it gave.
    loop = asyncio.get_running_loop()
    payload = StreamReader(BaseProtocol(loop), 2**16, loop=loop)
    payload.feed_data(body)
    payload.feed_eof()
    request._payload = payload


async def _drop_after(request: web.Request, handler: Handler) -> web.StreamResponse:
    with suppress(ConnectionError):  # the errors of a streaming handler after its client has gone
        await handler(request)
    return hang_up(request)


def hang_up(request: web.Request) -> web.StreamResponse:
    """End the connection at once; the returned answer can no longer be sent."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def reset(request: web.Request) -> web.StreamResponse:
    """End the connection with a reset; data in transit is lost."""
    if request.transport is not None:
        connection = request.transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return hang_up(request)


def _lost(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


async def _send_half(request: web.Request, whole: web.StreamResponse) -> web.StreamResponse:
    body = whole.body if isinstance(whole, web.Response) else None
    content = bytes(body) if isinstance(body, bytes | bytearray) else b""
    half = web.StreamResponse(status=whole.status, headers=whole.headers)
    half.content_length = len(content) or 1
    await half.prepare(request)
    await half.write(content[: len(content) // 2])
    return hang_up(request)
