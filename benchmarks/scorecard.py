"""The scorecard on a loaded machine: how often equal releases differ, and others do not.

Two real services and two real environments are measured as the job `scorecard` does it, while as
many processes as there are cores do other work. One service works 30 % longer for an answer. Its
environment has 50 MB and three packages more.
"""

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import requests

from benchmarks.harness import Claim, conclude
from scripts.core import scorecard
from scripts.core.scorecard import Measured
from scripts.tools import measuring
from scripts.tools.installation import Installation

RUNS = 20
WORK, SLOWER = 30_000, 1.3  # numbers to add for an answer; how many times as long it takes
LARGER, MORE = 50_000_000, 3  # bytes; packages
MODULES = ("asyncio", "email.message", "http.client", "json")
BUSY = "while True: sum(range(10_000))"
SERVER = """
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

class Answers(BaseHTTPRequestHandler):
    def do_GET(self):
        sum(range(int(sys.argv[1])))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *arguments):
        pass

server = HTTPServer(("127.0.0.1", 0), Answers)
print(server.server_port, flush=True)
server.serve_forever()
"""


@dataclass(frozen=True)
class Side:
    """A release: its service, and an environment with its package."""

    url: str
    consumer: Installation


def main() -> int:
    """Compare equal releases, then a slower and larger one, 20 times each."""
    began, work = time.monotonic(), slower()
    with load(), sides(work) as (last, same, other):
        false = [sorted(differing([last, same])) for _ in range(RUNS)]
        found = [differing([last, other]) for _ in range(RUNS)]
    named = {what: sum(what in one for one in found) for what in ("p50", *COUNTED)}
    wrong = [one for one in false if one]
    print(f"{RUNS} runs of equal releases: {len(wrong)} differ {wrong or ''}")
    print(f"{RUNS} runs beside a slower and larger one: {named} found")
    print(f"{os.cpu_count()} processors, {platform.machine()}, {time.monotonic() - began:.0f} s")
    claims = [
        Claim("false differences", len(wrong), 1, at_most=True),
        Claim("slower services found", named["p50"], RUNS - 2, at_most=False),
        *(Claim(f"{what} found", named[what], RUNS - 1, at_most=False) for what in COUNTED),
    ]
    return conclude("scorecard", {}, claims)


def differing(compared: Sequence[Side]) -> set[str]:
    """Name what differs in one run, with a second pass if the first finds something."""
    first = list(measured(compared, 0))
    second = list(measured(compared, 1)) if scorecard.suspected(first) else None
    return {row.name for row in scorecard.rows(first, second) if row.changed}


COUNTED = ("packages installed", "install size")


def measured(compared: Sequence[Side], turn: int) -> Iterator[Measured]:
    """Measure both in turn."""
    counted = [measuring.installed(side.consumer) for side in compared]
    for name, unit, at in ((COUNTED[0], "", 0), (COUNTED[1], "MB", 1)):
        yield scorecard.counted(name, unit, [one[at] for one in counted])
    yield from scorecard.paired(measuring.in_turn(compared, imported, turn), {})
    found = measuring.latencies([partial(requests.get, one.url, timeout=10) for one in compared])
    named = [{f"p{p}": values for p, values in one.items()} for one in found]
    yield from scorecard.paired(named, {})


def imported(side: Side) -> measuring.Values:
    """Import modules in a new process."""
    took, memory = measuring.imported(side.consumer, MODULES)
    return {"import": took, "import, memory": memory}


@contextmanager
def sides(work: int) -> Iterator[list[Side]]:
    """Serve three releases: two equal ones, and a slower and larger one."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        made = [
            Side(stack.enter_context(serving(each)), installed(folder / str(number)))
            for number, each in enumerate((WORK, WORK, work))
        ]
        enlarge(made[-1].consumer)
        yield made


def installed(folder: Path) -> Installation:
    """Make an environment."""
    consumer = Installation(dict(os.environ), folder)
    consumer.create()
    return consumer


def enlarge(consumer: Installation) -> None:
    """Add packages, as an installer records them, and a large file."""
    place = Path(
        consumer.run("-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    )
    for number in range(MORE):
        metadata = place / f"more_{number}-1.dist-info" / "METADATA"
        metadata.parent.mkdir()
        metadata.write_text(f"Metadata-Version: 2.1\nName: more_{number}\nVersion: 1\n")
    (place / "large.bin").write_bytes(bytes(LARGER))


@contextmanager
def load() -> Iterator[None]:
    """Keep every core busy."""
    with ExitStack() as stack:
        for _ in range(os.cpu_count() or 1):
            busy = stack.enter_context(subprocess.Popen([sys.executable, "-c", BUSY]))
            stack.callback(busy.kill)
        yield


@contextmanager
def serving(work: int) -> Iterator[str]:
    """Serve answers that take so much work, from a process of its own; give the address."""
    command = [sys.executable, "-c", SERVER, str(work)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        port = process.stdout.readline().strip() if process.stdout else ""
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def slower() -> int:
    """Find the work of a service whose answers take 30 % longer as a whole."""
    with serving(WORK) as once, serving(2 * WORK) as twice:
        ask = [partial(requests.get, url, timeout=10) for url in (once, twice)]
        one, two = (statistics.median(found[50]) for found in measuring.latencies(ask))
    return round(WORK * (1 + (SLOWER - 1) * one / (two - one)))


if __name__ == "__main__":
    sys.exit(main())
