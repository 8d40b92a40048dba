"""Run services as processes: start them, wait for them, and end them, even from another command.

A service leads its own session, so that Ctrl-C on the command that started it does not reach it. A
later command finds it by a file in its folder (`process.json`): the process id with the time the
process started, because ids are used again, and a mark in the environment that its descendants
inherit wherever they wander.
"""

import json
import os
import secrets
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from scripts.core.errors import ServiceError

MARK = "REHEARSAL_SERVICE"
POLL = 0.03  # seconds between two checks of a state

# The services that this command started itself, and must wait for when they end.
_children: dict[int, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True)
class Service:
    """A service by its folder, which holds its `log` and `process.json`."""

    folder: Path

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name

    @property
    def log(self) -> Path:
        """Where its output goes."""
        return self.folder / "log"

    @property
    def state(self) -> Path:
        """The data to find its processes."""
        return self.folder / "process.json"


def start(
    folder: Path, argv: Sequence[str], env: Mapping[str, str], cwd: Path | None = None
) -> Service:
    """Start a service in `folder`. Raises ServiceError if its program is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    service, mark = Service(folder), secrets.token_hex(16)
    # The mark is on disk before the process starts: a command that dies in between leaves no
    # process that cannot be found.
    service.state.write_text(json.dumps({"mark": mark, "pid": 0, "started": 0}))
    with service.log.open("ab") as log:
        try:
            process = subprocess.Popen(
                argv,
                cwd=cwd or folder,
                env={**env, MARK: mark},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            service.state.unlink()
            raise ServiceError(f"{argv[0]} cannot be started: {error}", "install it") from error
    _children[process.pid] = process
    state = {"mark": mark, "pid": process.pid, "started": _started(process.pid) or 0}
    service.state.write_text(json.dumps(state))
    return service


def wait_ready(service: Service, ready: Callable[[], bool], seconds: float) -> None:
    """Return as soon as `ready()` holds.

    Raises ServiceError, with the log's end, if the process ends before or `seconds` pass.
    """
    deadline = time.monotonic() + seconds
    while not ready():
        if leader(service) is None:
            raise ServiceError(f"{service.name} ended: {tail(service.log)}", f"see {service.log}")
        if time.monotonic() > deadline:
            cause = f"{service.name} is not ready after {seconds:g} s: {tail(service.log)}"
            raise ServiceError(cause, f"see {service.log}")
        time.sleep(POLL)


def stop(service: Service, seconds: float = 10) -> None:
    """End a service and all its descendants, first with SIGTERM; a stopped one is ignored."""
    if not service.state.exists():
        return
    pid = leader(service)
    if pid is not None:
        _signal(pid, signal.SIGTERM)
        _wait(lambda: leader(service) is None, seconds)
    deadline = time.monotonic() + seconds
    while left := members(service):
        for one in left:
            _signal(one, signal.SIGKILL)
        if time.monotonic() > deadline:
            raise ServiceError(
                f"{service.name}: processes {left} do not end", "kill these processes by hand"
            )
        time.sleep(POLL)
    child = _children.pop(json.loads(service.state.read_text())["pid"], None)
    if child is not None:
        child.wait(seconds)
    service.state.unlink()


def leader(service: Service) -> int | None:
    """Return the service's first process, None if it has ended."""
    state = json.loads(service.state.read_text())
    pid = int(state["pid"])
    if pid == 0:
        return None
    if pid in _children:
        _children[pid].poll()
    return pid if _started(pid) == state["started"] else None


def members(service: Service) -> list[int]:
    """List every living process of the service: those with its mark, and their descendants."""
    mark = f"{MARK}={json.loads(service.state.read_text())['mark']}".encode()
    pids = [int(one.name) for one in Path("/proc").iterdir() if one.name.isdigit()]
    parents = {pid: parent for pid in pids if (parent := _parent(pid)) is not None}
    found = {pid for pid in parents if mark in _environment(pid)}
    grown = True
    while grown:
        children = {pid for pid, parent in parents.items() if parent in found} - found
        found |= children
        grown = bool(children)
    return sorted(found)


def tail(path: Path, lines: int = 5) -> str:
    """Return the last lines of a log, or a note that it is empty."""
    if not path.exists():
        return "(no log)"
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:]) or "(empty log)"


def _wait(state: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not state():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL)
    return True


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _stat(pid: int) -> list[str] | None:
    """Return the fields of /proc/PID/stat from the state on (proc(5)), None without a process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text[text.rindex(")") + 2 :].split()
    return None if fields[0] in "ZX" else fields


def _parent(pid: int) -> int | None:
    fields = _stat(pid)
    return int(fields[1]) if fields else None


def _started(pid: int) -> int | None:
    fields = _stat(pid)
    return int(fields[19]) if fields else None


def _environment(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:  # ended in between, or another user's
        return []


def is_alive(pid: int) -> bool:
    """Say whether a process exists and has not ended (a zombie has)."""
    return _stat(pid) is not None
