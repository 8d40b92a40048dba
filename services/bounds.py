"""Bounds on the size and the time of requests, for every port of ours.

If httptools is installed, uvicorn reads HTTP with it, and it keeps heads of any length. These
servers use h11 (`bounded`), which answers 400 to a head above its bound.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import h11
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_BYTES = 16 * 1024
"""Of the request line with its path, and all headers."""

Check = Callable[[bytes], str | None]
"""Returns the problem of a body, or None."""


class BoundedProtocol(H11Protocol):
    """HTTP by h11; it ends a connection whose next head does not arrive in time.

    uvicorn's own timeout starts only after an answer, and ends with the next byte.
    """

    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first head."""
        super().connection_made(transport)
        self._wait()

    def on_response_complete(self) -> None:
        """Start the timeout for the next head; it also covers the rest of an unread body."""
        super().on_response_complete()
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timeout."""
        super().connection_lost(exc)
        if self._late is not None:
            self._late.cancel()

    def _wait(self) -> None:
        if self._late is not None:
            self._late.cancel()
        self._late = self.loop.call_later(self.timeout_keep_alive, self._end)

    def _end(self) -> None:
        if self.conn.their_state is h11.IDLE or self.conn.our_state is h11.DONE:
            self.transport.abort()


def bounded(head_seconds: float) -> dict[str, Any]:
    """Options of uvicorn with which a head has bounds, in bytes and in seconds."""
    return {
        "http": BoundedProtocol,
        "h11_max_incomplete_event_size": HEAD_BYTES,
        "timeout_keep_alive": head_seconds,
    }


class BodyLimit:
    """Read a whole body before the application does; reject one that is too large, late or invalid.

    The answer is 413 above the limit, at once if the length is declared; 408 if the body is not
    complete after `seconds`; 422 with the problem that `check` finds.
    """

    def __init__(
        self, app: ASGIApp, limit: int, seconds: float, check: Check | None = None
    ) -> None:
        self._app = app
        self._limit = limit
        self._seconds = seconds
        self._check = check

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            body = await self._body(scope, receive)
            if self._check and (wrong := await asyncio.to_thread(self._check, body)):
                raise _RefusedError(422, wrong)
        except _RefusedError as refused:
            # The rest of the body is not read, so the connection can't be used again.
            closing = {"connection": "close"}
            answer = JSONResponse({"detail": str(refused)}, refused.status, headers=closing)
            await answer(scope, receive, send)
        else:
            await self._app(scope, _again(body, receive), send)

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        """Return the whole body, or its received part if the client has gone."""
        too_large = f"the body is larger than {self._limit} bytes: send less at once"
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if not length.isdigit() or int(length) > self._limit:
            raise _RefusedError(413, too_large)
        taken = bytearray()
        try:
            async with asyncio.timeout(self._seconds):
                while True:
                    message = await receive()
                    taken += message.get("body", b"")
                    if len(taken) > self._limit:
                        raise _RefusedError(413, too_large)
                    if not message.get("more_body", False):
                        return bytes(taken)
        except TimeoutError as error:
            late = f"the body was not complete after {self._seconds:g} seconds: send it again"
            raise _RefusedError(408, late) from error


class _RefusedError(Exception):
    """A rejected body, with the status of the answer."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def _again(body: bytes, receive: Receive) -> Receive:
    """Yield the body that was read, then the next message: that the client has gone."""
    kept: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return kept.pop() if kept else await receive()

    return again
