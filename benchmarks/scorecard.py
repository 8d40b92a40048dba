"""The scorecard on a loaded machine: how often equal services differ, and slower ones do not.

Two real services are asked as the job `scorecard` asks them, while as many processes as there are
cores do other work. The services wait a moment before they answer, one of them longer.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import sleep

import requests

from benchmarks.harness import Claim, conclude
from scripts.core import scorecard
from scripts.core.scorecard import Measured
from scripts.tools import measuring

RUNS = 20
WAIT, SLOWER = 0.002, 1.3  # seconds; how many times as long
BUSY = "while True: sum(range(10_000))"


def main() -> int:
    """Compare equal services, then one that is 30 % slower, 20 times each."""
    with load(), serving(WAIT) as last, serving(WAIT) as same, serving(WAIT * SLOWER) as slow:
        false = sum(differs(last, same) for _ in range(RUNS))
        found = sum(differs(last, slow) for _ in range(RUNS))
    print(f"{RUNS} runs of equal services: {false} differ")
    print(f"{RUNS} runs beside a service that is 30 % slower: {found} differ")
    claims = [
        Claim("false differences", false, 1, at_most=True),
        Claim("slower services found", found, RUNS - 2, at_most=False),
    ]
    return conclude("scorecard", {}, claims)


def differs(last: str, this: str) -> bool:
    """Judge one run by its median latency, with a second pass if the first finds something."""
    first = list(measured(last, this))
    second = list(measured(last, this)) if scorecard.suspected(first) else None
    return any(row.changed for row in scorecard.rows(first, second) if row.name == "p50")


def measured(last: str, this: str) -> Iterator[Measured]:
    """Ask both in turn."""
    found = measuring.latencies([partial(requests.get, url, timeout=10) for url in (last, this)])
    yield from scorecard.paired(
        [{f"p{p}": values for p, values in one.items()} for one in found], {}
    )


@contextmanager
def load() -> Iterator[None]:
    """Keep every core busy."""
    with ExitStack() as stack:
        for _ in range(os.cpu_count() or 1):
            busy = stack.enter_context(subprocess.Popen([sys.executable, "-c", BUSY]))
            stack.callback(busy.kill)
        yield


@contextmanager
def serving(wait: float) -> Iterator[str]:
    """Serve answers that take so many seconds; give the address."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            sleep(wait)
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


if __name__ == "__main__":
    sys.exit(main())
