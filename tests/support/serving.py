"""Applications really served on a free port, with the rehearsal's journal and faults in front."""

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from rehearsal.gateway.journal import Entry, Journal, read
from rehearsal.gateway.journaling import attach
from rehearsal.gateway.request_faults import Faults

MakeApp = Callable[[str], web.Application]


@dataclass
class Served:
    """A service that answers at `url`."""

    name: str
    url: str
    folder: Path

    def fault(self, **rule: Any) -> None:
        """Plan one more fault: the keys of rehearsal.gateway.request_faults."""
        path = self.folder / "faults.json"
        rules = json.loads(path.read_text()) if path.exists() else []
        draft = path.with_suffix(".part")
        draft.write_text(json.dumps([*rules, {"service": self.name, **rule}]))
        draft.replace(path)

    def journal(self) -> list[Entry]:
        return list(read(self.folder / "journal.jsonl"))

    def writes(self) -> list[str]:
        """Every request that asked for a change, as `METHOD path status`."""
        return [f"{one.method} {one.path} {one.status}" for one in self.journal() if one.write]


def _is_write(request: web.Request) -> bool:
    return request.method not in ("GET", "HEAD") and not request.path.endswith("/git-upload-pack")


@contextmanager
def serving(name: str, folder: Path, make: MakeApp) -> Iterator[Served]:
    """Serve in a thread of its own until the end of the block."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    folder.mkdir(parents=True, exist_ok=True)
    served = Served(name, f"http://localhost:{listener.getsockname()[1]}", folder)
    journal = Journal(folder / "journal.jsonl")
    app = make(served.url)
    attach(app, name, journal, Faults(folder / "faults.json"), _is_write)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
    loop = asyncio.new_event_loop()

    async def start() -> None:
        await runner.setup()
        await web.SockSite(runner, listener).start()

    loop.run_until_complete(start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield served
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(90)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
        journal.close()
