"""Whose a connection is, is found out from the system, however busy the process is."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rehearsal.gateway.peer import job_of

BUSY = """\
import os, socket, sys, threading
def churn():
    while True:
        held = [os.open("/dev/null", os.O_RDONLY) for _ in range(50)]
        for one in held:
            os.close(one)
connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
threading.Thread(target=churn, daemon=True).start()
connection.recv(1)
os._exit(0)
"""


@contextmanager
def connected(program: str) -> Iterator[socket.socket]:
    """Give the connection of a job of this very process, which runs a program."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        environment = {"PATH": os.defpath, "GITHUB_WORKFLOW": "W", "GITHUB_JOB": "a"}
        port = str(door.getsockname()[1])
        with subprocess.Popen([sys.executable, "-c", program, port], env=environment) as client:
            connection, _ = door.accept()
            with connection:
                yield connection
            client.wait()


def asked(connection: socket.socket) -> str:
    return job_of(connection.getpeername(), connection.getsockname(), os.getpid())


def test_a_busy_process_is_found_every_time() -> None:
    with connected(BUSY) as connection:
        assert {asked(connection) for _ in range(200)} == {"W/a"}


def test_a_connection_that_was_closed_before_from_the_same_port_does_not_count() -> None:
    """Its entry stays in the system's list for a minute, and has no process."""
    with socket.create_server(("127.0.0.1", 0)) as other, socket.socket() as first:
        first.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        first.bind(("127.0.0.1", 0))
        port = first.getsockname()[1]
        first.connect(other.getsockname())
        accepted, _ = other.accept()
        first.shutdown(socket.SHUT_WR)
        assert accepted.recv(1) == b""
        accepted.close()
        assert first.recv(1) == b""
    again = (
        "import socket, sys\n"
        "s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)\n"
        f"s.bind(('127.0.0.1', {port})); s.connect(('127.0.0.1', int(sys.argv[1]))); s.recv(1)\n"
    )
    with connected(again) as connection:
        assert connection.getpeername()[1] == port
        assert {asked(connection) for _ in range(20)} == {"W/a"}


def test_who_is_no_child_of_the_runner_has_no_job() -> None:
    with connected(BUSY) as connection:
        assert job_of(connection.getpeername(), connection.getsockname(), 1 << 22) == ""
