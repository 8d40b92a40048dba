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

from services.api.batches import Batches
from services.api.catalogue import Entry
from services.api.settings import Settings
from stream_pose_ml.classifier import Prediction, StreamClassifier
from stream_pose_ml.errors import FrameError, ModelError
from stream_pose_ml.sequences import frame_from_json

GOING_AWAY = 1001
NOT_TEXT = 1003
BAD_FRAME = 1007
POLICY = 1008
INTERNAL = 1011
TRY_LATER = 1013
REASON_BYTES = 123  # RFC 6455 §5.5: a control frame carries 125 bytes, the code takes two


class RefusedError(Exception):
    """The stream ends by the server's decision, with a close code and a reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class Streams:
    """All open streams: their number, and whether they must end."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._batches = Batches()
        self._open: dict[asyncio.Task[None], _Stream] = {}
        self._stopping = False

    def __len__(self) -> int:
        return len(self._open)

    async def serve(self, socket: WebSocket, entry: Entry) -> None:
        """Serve one stream to its end."""
        await socket.accept()
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a web socket is always served by a task
        try:
            self._admit()
            stream = self._open[task] = _Stream(socket, entry, self._settings, self._batches)
            await stream.run()
        except RefusedError as refused:
            await _close(socket, refused.code, str(refused))
        except WebSocketDisconnect:
            return
        finally:
            self._open.pop(task, None)

    async def drain(self) -> None:
        """Tell every stream that the server stops, and wait until they have ended or time is up."""
        self._stopping = True
        for stream in self._open.values():
            stream.stop()
        if self._open:
            await asyncio.wait(set(self._open), timeout=self._settings.drain_seconds)

    def _admit(self) -> None:
        if self._stopping:
            raise RefusedError(GOING_AWAY, "the server is stopping")
        if len(self._open) >= self._settings.streams:
            raise RefusedError(
                TRY_LATER, f"all {self._settings.streams} streams are taken: try later"
            )


class _Stream:
    def __init__(
        self, socket: WebSocket, entry: Entry, settings: Settings, batches: Batches
    ) -> None:
        self._socket = socket
        self._entry = entry
        self._settings = settings
        self._batches = batches
        self._classifier = StreamClassifier(entry.model)
        self._frames = 0
        self._due = time.monotonic()
        self._stopping = False
        # The task that waits for the next message, if there is one.
        self._silence: asyncio.Timeout | None = None

    async def run(self) -> None:
        await self._send({"type": "ready", "model": self._entry.describe()})
        while True:
            text = await self._receive()
            prediction = await self._classify(text)
            await self._send(_answer(self._frames, self._classifier.waiting, prediction))
            self._frames += 1
            await self._pace()

    def stop(self) -> None:
        """End the stream before its next message; one that was taken is still answered."""
        self._stopping = True
        if self._silence is not None:
            self._silence.reschedule(asyncio.get_running_loop().time())

    async def _receive(self) -> str:
        """Return the next text message; raise RefusedError if something ends the stream instead."""
        seconds = self._settings.idle_seconds
        try:
            if self._stopping:
                raise TimeoutError
            async with asyncio.timeout(seconds) as self._silence:
                message = await self._socket.receive()
        except TimeoutError as error:
            if self._stopping:
                cause = "the server is stopping: connect again"
                raise RefusedError(GOING_AWAY, cause) from error
            raise RefusedError(POLICY, f"no frame for {seconds:g} seconds") from error
        finally:
            self._silence = None
        return _text(message)

    async def _classify(self, text: str) -> Prediction | None:
        try:
            landmarks = frame_from_json(json.loads(text)).landmarks
            return await self._batches.push(self._classifier, landmarks)
        except ModelError as error:
            raise RefusedError(INTERNAL, str(error)) from error
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
