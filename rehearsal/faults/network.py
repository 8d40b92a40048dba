"""Faults below HTTP: all ways in which a job cannot reach a service.

The gateway always answers. So the struck job gets another address, at which the network itself
fails. All other jobs, and the second run, get the right address.
"""

import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from urllib.parse import urlsplit, urlunsplit

from rehearsal.faults import fault_matrix
from rehearsal.faults.fault_matrix import IMPATIENCE, Case, Matrix, Row
from rehearsal.runs.direct import Interference
from rehearsal.runs.job_processes import Leg

HOST = "127.0.0.1"
NOWHERE = "nowhere.invalid"
"""A name that no resolver knows (RFC 6761)."""
ADDRESSES: Mapping[str, tuple[str, ...]] = {
    "github": ("GITHUB_SERVER_URL", "GITHUB_API_URL"),
    "index": ("PACKAGE_INDEX_UPLOAD_URL", "PACKAGE_INDEX_URL"),
    "registry": ("IMAGE_REGISTRY",),
}
"""The variables that tell a job where a service is."""
Answer = Callable[[socket.socket], None]


def reset(connection: socket.socket) -> None:
    """End a connection as a firewall does, with a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def hang(_connection: socket.socket) -> None:
    """Accept a connection and send nothing while the fault lasts."""


def break_off(connection: socket.socket) -> None:
    """End a connection after its first bytes; with TLS, in the middle of the handshake."""
    connection.settimeout(IMPATIENCE)
    with suppress(OSError):
        connection.recv(1 << 16)
    connection.close()


@contextmanager
def refused() -> Iterator[str]:
    """Yield an address with a closed port."""
    with socket.socket() as held:
        held.bind((HOST, 0))
        yield f"{HOST}:{held.getsockname()[1]}"


@contextmanager
def unknown() -> Iterator[str]:
    """Yield an address with an unknown name."""
    yield f"{NOWHERE}:80"


@contextmanager
def answering(answer: Answer) -> Iterator[str]:
    """Yield an address that accepts connections and treats each like this."""
    held: list[socket.socket] = []
    with socket.create_server((HOST, 0)) as door:

        def serve() -> None:
            with suppress(OSError):  # the door is closed
                while True:
                    connection, _ = door.accept()
                    held.append(connection)
                    answer(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield f"{HOST}:{door.getsockname()[1]}"
        finally:
            door.shutdown(socket.SHUT_RDWR)
            thread.join(IMPATIENCE)
            for connection in held:
                connection.close()


TLS = "TLS broken off"
KINDS: Mapping[str, Callable[[], AbstractContextManager[str]]] = {
    "port refused": refused,
    "connection reset": partial(answering, reset),
    "connection hangs": partial(answering, hang),
    "name not found": unknown,
    TLS: partial(answering, break_off),
}
"""The fault of every connection of a job to one service."""


def elsewhere(variables: Mapping[str, str], service: str, place: str, kind: str) -> dict[str, str]:
    """Return the variables of a service's address, with another host and port in them."""
    moved = {}
    for name in ADDRESSES[service]:
        was = variables.get(name, "")
        scheme = "https" if kind == TLS else urlsplit(was).scheme
        path = urlsplit(was).path
        moved[name] = urlunsplit((scheme, place, path, "", "")) if "://" in was else place
    return moved


def cases(matrix: Matrix) -> Iterator[Case]:
    """Yield every kind of fault, for every service that a job writes to."""
    pairs = dict.fromkeys((one.job, one.entry.service) for one in matrix.clean.writes)
    for job, service in pairs:
        for kind in KINDS:
            if not (kind == TLS and service == "registry"):  # it is reached only without TLS
                name = f"{job}: {service}: {kind}"
                yield Case(name, partial(_perform, job=job, service=service, kind=kind))


def _perform(matrix: Matrix, row: Row, *, job: str, service: str, kind: str) -> None:
    checkpoint = matrix.clean.checkpoints[job]
    matrix.keeper.put_back(checkpoint.state)
    with KINDS[kind]() as place:

        def moved(leg: Leg, variables: Mapping[str, str]) -> Mapping[str, str]:
            return elsewhere(variables, service, place, kind) if leg.key == job else {}

        interference = Interference(environment=moved)
        first = matrix.direct(interference, checkpoint.begun, patience=IMPATIENCE)
    if first.results.get(job) == "success":
        row.problems.append("the fault did not hit a request")
    fault_matrix.finish(matrix, row, first)
