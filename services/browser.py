"""Open a page in headless Chromium as a person would, and print its content.

`python services/browser.py URL --until EXPRESSION [--measure EXPRESSION] [--screenshot FILE]` waits
until the JavaScript expression is true in the page, then prints one line of JSON: the seconds that
took, what `--measure` is then, and every error that the page wrote to its console. Exit codes: 0
the expression became true, 1 it did not, 3 no Chromium is installed.
"""

import argparse
import base64
import contextlib
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless",
    "--no-sandbox",  # containers and root have none
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--remote-debugging-port=0",
)
START_SECONDS = 60.0
NOT_INSTALLED = 3
CHANGED = "ERR_NETWORK_CHANGED"
"""Chromium ends its requests so when a network of the machine comes or goes, as Docker's do."""
LOADS = 5


class Tab:
    """One page, driven over Chromium's DevTools protocol."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._ids = itertools.count(1)
        self._session: str | None = None
        self.errors: list[str] = []
        self.requests: list[str] = []
        self._loads = 0

    def open(self, url: str, *, size: tuple[int, int], dark: bool, script: str = "") -> None:
        """Load a page and listen to its console; `script` runs in it before its own."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        width, height = size
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", **metrics)
        if script:
            self.call("Page.addScriptToEvaluateOnNewDocument", source=script)
        for _ in range(LOADS):
            self._load(url)
            if not any(CHANGED in error for error in self.errors):
                return

    def _load(self, url: str) -> None:
        self.errors.clear()
        self.requests.clear()
        loads, deadline = self._loads, time.monotonic() + START_SECONDS
        self.call("Page.navigate", url=url)
        while self._loads == loads and time.monotonic() < deadline:
            self.evaluate("null")  # which handles the events that have come
            time.sleep(0.01)

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression; None where it throws, as on a page half loaded."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        return None if "exceptionDetails" in found else found["result"].get("value")

    def screenshot(self, path: Path) -> None:
        """Write a screenshot as PNG."""
        data = self.call("Page.captureScreenshot", format="png")["data"]
        path.write_bytes(base64.b64decode(data))

    def call(self, method: str, **parameters: Any) -> Any:
        """Send a command and return its result; handle the events before it."""
        number = next(self._ids)
        command: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if self._session:
            command["sessionId"] = self._session
        self._socket.send(json.dumps(command))
        while True:
            message = json.loads(self._socket.recv(START_SECONDS))
            if message.get("id") == number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']['message']}")
                return message["result"]
            self._look_at(message)

    def _look_at(self, event: dict[str, Any]) -> None:
        method, given = event.get("method"), event.get("params", {})
        if method == "Runtime.exceptionThrown":
            details = given["exceptionDetails"]
            thrown = details.get("exception", {}).get("description", details["text"])
            self.errors.append(f"exception: {thrown}")
        elif method == "Page.loadEventFired":
            self._loads += 1
        elif method == "Network.requestWillBeSent":
            self.requests.append(given["request"]["url"])
        elif method == "Log.entryAdded" and given["entry"]["level"] == "error":
            self.errors.append(f"{given['entry']['text']} {given['entry'].get('url', '')}".strip())
        elif method == "Runtime.consoleAPICalled" and given["type"] in ("error", "assert"):
            self.errors.append(" ".join(str(one.get("value")) for one in given["args"]))


def installed() -> str | None:
    """The Chromium of this machine, or None."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


@contextlib.contextmanager
def browser(program: str, *flags: str) -> Iterator[Tab]:
    """Run a separate Chromium without the user's profile, and end it afterwards."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        command = [program, *FLAGS, *flags, f"--user-data-dir={folder}", "about:blank"]
        with subprocess.Popen(
            command,
            # It puts a socket into its own folder, which it does not remove, and the socket's path
            # may have no more than 107 characters (unix(7)): so here, by the shortest name.
            cwd=folder,
            env={**os.environ, "TMPDIR": "."},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            process_group=0,
        ) as process:
            try:
                address = _address(Path(folder) / "DevToolsActivePort", process)
                with connect(address, max_size=None, compression=None) as socket:
                    yield Tab(socket)
            finally:
                process.terminate()
                process.wait(START_SECONDS)
                _end_rest(process.pid)


def _end_rest(group: int) -> None:
    """End the processes that outlive the first by a moment: they still write to the profile."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def _address(file: Path, process: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"Chromium ended with code {process.returncode}")
        lines = file.read_text().splitlines() if file.exists() else []
        if len(lines) > 1:
            return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
        time.sleep(0.05)
    raise RuntimeError(f"Chromium did not start within {START_SECONDS:g} seconds")


def look(tab: Tab, options: argparse.Namespace) -> dict[str, Any]:
    """Wait for the expression, stay, measure, take the picture."""
    tab.open(options.url, size=options.size, dark=options.dark)
    started = time.monotonic()
    passed = False
    while not passed and time.monotonic() - started < options.seconds:
        passed = bool(tab.evaluate(options.until))
        time.sleep(0.1)
    seconds = time.monotonic() - started
    time.sleep(options.stay)
    measured = tab.evaluate(options.measure) if options.measure else None
    if options.screenshot:
        tab.screenshot(options.screenshot)
    return {"passed": passed, "seconds": seconds, "measured": measured, "errors": tab.errors}


def main(arguments: list[str]) -> int:
    """Look at one page."""
    parser = argparse.ArgumentParser(prog="browser.py", description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--until", required=True, metavar="EXPRESSION")
    parser.add_argument("--measure", metavar="EXPRESSION")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long to wait")
    parser.add_argument("--stay", type=float, default=0.0, help="seconds before measuring")
    parser.add_argument("--screenshot", type=Path)
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--size", type=_size, default=(1280, 860), metavar="WIDTHxHEIGHT")
    options = parser.parse_args(arguments)
    program = installed()
    if program is None:
        print("no Chromium is installed here", file=sys.stderr)
        return NOT_INSTALLED
    with browser(program) as tab:
        report = look(tab, options)
    print(json.dumps(report))
    return 0 if report["passed"] else 1


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    return int(width), int(height)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
