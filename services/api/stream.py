"""One live stream: a frame in, a label out, over a web socket.

The server greets with `ready` (labels, window, model). Each text message is a frame as JSON; each
is answered by one message: `waiting` with the frames still to come, or `label`. When the server
closes it says why in the close reason. The next frame is read only when the answer to the last one
was taken: a client that sends faster than it reads, or than the rate limit, is slowed down by TCP.
"""

import asyncio
import json
import time
from typing import Any

from fastapi import WebSocket, WebSocketDisconnect

from services.api.catalogue import Entry
from services.api.settings import Settings
from stream_pose_ml.classifier import Prediction, StreamClassifier
from stream_pose_ml.errors import FrameError
from stream_pose_ml.sequences import frame_from_json

GOING_AWAY = 1001
NOT_TEXT = 1003
BAD_FRAME = 1007
POLICY = 1008
TRY_LATER = 1013
REASON_BYTES = 123  # RFC 6455 §5.5: a control frame carries 125 bytes, the code takes two


class RefusedError(Exception):
    """The stream ends by the server's decision, with a close code and a reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class Streams:
    """All open streams: how many there are, and whether they are to end."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._open: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()

    def __len__(self) -> int:
        return len(self._open)

    async def serve(self, socket: WebSocket, entry: Entry) -> None:
        """Serve one stream to its end."""
        await socket.accept()
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a web socket is always served by a task
        try:
            self._admit()
            self._open.add(task)
            await _Stream(socket, entry, self._settings, self._stopping).run()
        except RefusedError as refused:
            await _close(socket, refused.code, str(refused))
        except WebSocketDisconnect:
            return
        finally:
            self._open.discard(task)

    async def drain(self) -> None:
        """Tell every stream that the server stops, and wait until they have ended or time is up."""
        self._stopping.set()
        if self._open:
            await asyncio.wait(set(self._open), timeout=self._settings.drain_seconds)

    def _admit(self) -> None:
        if self._stopping.is_set():
            raise RefusedError(GOING_AWAY, "the server is stopping")
        if len(self._open) >= self._settings.streams:
            raise RefusedError(
                TRY_LATER, f"all {self._settings.streams} streams are taken: try later"
            )


class _Stream:
    def __init__(
        self, socket: WebSocket, entry: Entry, settings: Settings, stopping: asyncio.Event
    ) -> None:
        self._socket = socket
        self._entry = entry
        self._settings = settings
        self._stopping = stopping
        self._classifier = StreamClassifier(entry.model)
        self._frames = 0
        self._due = time.monotonic()

    async def run(self) -> None:
        await self._send({"type": "ready", "model": self._entry.describe()})
        while True:
            text = await self._receive()
            prediction = self._classify(text)
            await self._send(_answer(self._frames, self._classifier.waiting, prediction))
            self._frames += 1
            await self._pace()

    async def _receive(self) -> str:
        """The next text message; whatever ends the stream instead is raised as RefusedError."""
        message = asyncio.ensure_future(self._socket.receive())
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait(
                {message, stopping},
                timeout=self._settings.idle_seconds,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if message.done():
                return _text(message.result())
            if stopping.done():
                raise RefusedError(GOING_AWAY, "the server is stopping: connect again")
            raise RefusedError(POLICY, f"no frame for {self._settings.idle_seconds:g} seconds")
        finally:
            message.cancel()
            stopping.cancel()

    def _classify(self, text: str) -> Prediction | None:
        try:
            return self._classifier.push(frame_from_json(json.loads(text)).landmarks)
        except (FrameError, ValueError, RecursionError) as error:
            # A single frame is number 0 to the package; here it has the stream's number.
            cause = str(error).removeprefix("frame 0: ")
            raise RefusedError(BAD_FRAME, f"frame {self._frames}: {cause}") from error

    async def _pace(self) -> None:
        """A second's frames may come at once; beyond that they are taken at the limit's rate."""
        now = time.monotonic()
        self._due = max(self._due + 1 / self._settings.frames_per_second, now - 1)
        if self._due > now:
            await asyncio.sleep(self._due - now)

    async def _send(self, value: dict[str, Any]) -> None:
        await self._socket.send_text(json.dumps(value, separators=(",", ":")))


def _text(message: Any) -> str:
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1006))
    text = message.get("text")
    if text is None:
        raise RefusedError(NOT_TEXT, "expected a frame as JSON text, found binary data")
    return str(text)


def _answer(frame: int, waiting: int, prediction: Prediction | None) -> dict[str, Any]:
    if prediction is None:
        return {"type": "waiting", "frame": frame, "waiting": waiting}
    return {
        "type": "label",
        "frame": frame,
        "label": prediction.label,
        "probability": round(prediction.probability, 4),
        "probabilities": {name: round(p, 4) for name, p in prediction.probabilities.items()},
    }


async def _close(socket: WebSocket, code: int, reason: str) -> None:
    short = reason.encode()[:REASON_BYTES].decode(errors="ignore")
    try:
        await socket.close(code, short)
    except (RuntimeError, WebSocketDisconnect):  # the client was faster: it is closed already
        return
