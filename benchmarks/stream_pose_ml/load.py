"""The API under load: `python -m benchmarks.stream_pose_ml.load`.

As many concurrent streams of 30 frames per second as this machine holds with the 99th percentile of
the answers' times under 100 ms, the load generator on the same processors. Starts its own API on
a free port.
"""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
from websockets.asyncio.client import connect

from stream_pose_ml import synthetic
from stream_pose_ml.sequences import frame_to_json

SECONDS = 6.0
FPS = 30
LIMIT = 0.1
STEPS = (5, 10, 15, 20, 30, 40, 50, 60, 80, 100)
ROOT = Path(__file__).parents[2]


def main() -> int:
    """Raise the number of streams until the limit is passed; print each step."""
    frames = [
        json.dumps(frame_to_json(frame))
        for frame in synthetic.recording("squat", seed=1, frames=90).frames()
    ]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "STREAM_POSE_ML_PORT": str(port),
        "STREAM_POSE_ML_HOST": "127.0.0.1",
    }
    with subprocess.Popen([sys.executable, "-m", "services.api"], cwd=ROOT, env=environment) as api:
        try:
            _wait(f"http://127.0.0.1:{port}/health")
            held = _climb(f"ws://127.0.0.1:{port}/stream", frames)
        finally:
            api.terminate()
    print(
        f"API: {held} streams of {FPS} frames per second with the 99th percentile under "
        f"{LIMIT * 1000:.0f} ms, on {os.cpu_count()} processors, load generator included"
    )
    return 0 if held else 1


def _climb(url: str, frames: list[str]) -> int:
    held = 0
    for count in STEPS:
        times = sorted(asyncio.run(_load(url, frames, count)))
        last = times[int(len(times) * 0.99)]
        rate = len(times) / SECONDS / count
        print(
            f"  {count:3} streams: median {times[len(times) // 2] * 1000:5.1f} ms, "
            f"99th {last * 1000:6.1f} ms, {rate:.1f} frames/s each"
        )
        if last > LIMIT or rate < FPS * 0.95:
            break
        held = count
    return held


async def _load(url: str, frames: list[str], count: int) -> list[float]:
    parts = await asyncio.gather(*(_stream(url, frames, n / count / FPS) for n in range(count)))
    return [second for part in parts for second in part]


async def _stream(url: str, frames: list[str], offset: float) -> list[float]:
    times: list[float] = []
    async with connect(url, compression=None) as stream:
        await stream.recv()
        begin = time.perf_counter() + 0.2 + offset
        for number in range(int(SECONDS * FPS)):
            due = begin + number / FPS
            await asyncio.sleep(max(due - time.perf_counter(), 0))
            await stream.send(frames[number % len(frames)])
            await stream.recv()
            times.append(time.perf_counter() - due)
    return times


def _wait(url: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            httpx.get(url, timeout=5).raise_for_status()
        except httpx.HTTPError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


if __name__ == "__main__":
    sys.exit(main())
