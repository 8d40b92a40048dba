"""The API under load: as many live streams as this machine holds, the load generator included.

A stream sends 30 frames per second, each when it is due and whatever became of the one before. A
number of streams is held when every frame is answered and the 99th percentile of the answers'
times, from when the frame was due, is under 100 ms. The number is found: doubled until it is not
held, then halved in between; what is found must hold a second time. The API is started as its image
starts it, on a free port of the loopback.
"""

import asyncio
import json
import os
import sys
from collections.abc import Callable

import uvloop
from websockets.client import ClientProtocol
from websockets.frames import Frame
from websockets.uri import parse_uri

from benchmarks.harness import Series, conclude
from stream_pose_ml import synthetic
from stream_pose_ml.sequences import frame_to_json
from tests.services.running import free_port, process

NAME = "stream_pose_ml.load"
FPS = 30
FILLING = 1.0
"""Seconds in which a window of 30 frames fills: its answers are cheap, and are not counted."""
SECONDS = 6.0
LIMIT = 0.1
LATE = 5.0
"""Seconds that answers are waited for after the last frame."""
FIRST = 16
STEP = 0.03
"""How exactly the number is found."""


class Stream(asyncio.Protocol):
    """One web socket: sends what it is given, and notes when each answer came."""

    def __init__(self, url: str) -> None:
        self._protocol = ClientProtocol(parse_uri(url), max_size=None)
        self._loop = asyncio.get_running_loop()
        self.ready: asyncio.Future[None] = self._loop.create_future()
        self.answered: list[float] = []

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Ask for the web socket."""
        self.transport = transport
        self._protocol.send_request(self._protocol.connect())
        self._flush()

    def data_received(self, data: bytes) -> None:
        """Take the greeting, then answers in the order of the frames."""
        self._protocol.receive_data(data)
        now = self._loop.time()
        for event in self._protocol.events_received():
            if not isinstance(event, Frame):
                continue
            if self.ready.done():
                self.answered.append(now)
            else:
                self.ready.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        """Nothing more is answered: what is missing then is counted."""
        if not self.ready.done():
            self.ready.set_exception(error or ConnectionError("the API closed the stream"))

    def send(self, frame: bytes) -> None:
        """Send one frame."""
        self._protocol.send_text(frame)
        self._flush()

    def _flush(self) -> None:
        self.transport.write(b"".join(self._protocol.data_to_send()))


def main() -> int:
    """Find the number, and print every try."""
    port = free_port()
    address = {"STREAM_POSE_ML_HOST": "127.0.0.1", "STREAM_POSE_ML_PORT": str(port)}
    one_thread = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "services.api"]
    measured: dict[int, Series] = {}
    with process(command, f"http://127.0.0.1:{port}/health", **address, **one_thread):
        held = found(lambda count: holds(f"ws://127.0.0.1:{port}/stream", count, measured))
    print(
        f"API: {held} streams of {FPS} frames per second with the 99th percentile under "
        f"{LIMIT * 1000:.0f} ms, on {os.cpu_count()} processors, load generator included"
    )
    conclude(NAME, {f"{held} streams held": {s.name: s for s in measured.values()}}, [])
    return 0 if held else 1


def found(holds: Callable[[int], bool]) -> int:
    """Give the greatest number that holds twice, to STEP of it."""
    low, high = 0, FIRST
    while holds(high):
        low, high = high, high * 2
    while high - low > max(low * STEP, 1):
        middle = (low + high) // 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    while low and not holds(low):
        low = int(low * (1 - STEP))
    return low


def holds(url: str, count: int, measured: dict[int, Series]) -> bool:
    """Load the API with that many streams for some seconds."""
    lines = synthetic.recording("squat", seed=1, frames=90).frames()
    frames = [json.dumps(frame_to_json(frame)).encode() for frame in lines]
    times, missing = uvloop.run(load(url, frames, count))
    measured[count] = Series(f"{count} streams", tuple(times))
    median, last = (times[int(len(times) * part)] for part in (0.5, 0.99))
    print(
        f"  {count:4} streams: median {median * 1000:6.1f} ms, 99th {last * 1000:7.1f} ms"
        + (f", {missing} frames not answered" if missing else ""),
        flush=True,
    )
    return not missing and last < LIMIT


async def load(url: str, frames: list[bytes], count: int) -> tuple[list[float], int]:
    """Give the sorted times of all answers, and how many are missing."""
    loop, place = asyncio.get_running_loop(), parse_uri(url)
    streams = []
    for _ in range(count):
        _, stream = await loop.create_connection(lambda: Stream(url), place.host, place.port)
        await asyncio.wait_for(stream.ready, LATE)
        streams.append(stream)
    begin = loop.time() + 0.2
    offsets = [number / count / FPS for number in range(count)]
    together = zip(streams, offsets, strict=True)
    parts = await asyncio.gather(*(play(one, frames, begin + offset) for one, offset in together))
    for stream in streams:
        stream.transport.abort()
    times = sorted(second for part in parts for second in part)
    return times, int((SECONDS - FILLING) * FPS) * count - len(times)


async def play(stream: Stream, frames: list[bytes], begin: float) -> list[float]:
    """Send every frame when it is due; give the times of the answers once the window was full."""
    loop = asyncio.get_running_loop()
    due = [begin + number / FPS for number in range(int(SECONDS * FPS))]
    for number, when in enumerate(due):
        await asyncio.sleep(when - loop.time())
        stream.send(frames[number % len(frames)])
    while len(stream.answered) < len(due) and loop.time() < due[-1] + LATE:
        await asyncio.sleep(0.05)
    counted = slice(int(FILLING * FPS), None)
    pairs = zip(stream.answered[counted], due[counted], strict=False)
    return [answered - when for answered, when in pairs]


if __name__ == "__main__":
    sys.exit(main())
