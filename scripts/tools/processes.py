"""Start other programs with a list of arguments, never through a shell."""

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from scripts.core.errors import ServiceError, TransientError

LAST_LINES = 12
# What programs on the way to a service say when it was the connection that failed, or the service
# for a while: worth asking again. Everything else is an answer.
PASSING = (
    "could not resolve host",
    "no such host",
    "server misbehaving",
    "temporary failure in name resolution",
    "failed to connect to",
    "connection refused",
    "connection reset",
    "connection was reset",
    "connection timed out",
    "network is unreachable",
    "no route to host",
    "error sending request",
    "operation timed out",
    "read timed out",
    "readtimeout",
    "connecttimeout",
    "client.timeout exceeded",
    "context deadline exceeded",
    "ssl connection timeout",
    "gnutls recv error",
    "ssl_error_syscall",
    "tls connect error",
    "not closed cleanly",
    "outstanding read data remaining",
    "received from peer",
    "broken pipe",
    "use of closed network connection",
    "server closed idle connection",
    "unexpected eof",
    "empty reply from server",
    "early eof",
    "hung up unexpectedly",
    "i/o timeout",
    "operation too slow",
    "tls handshake timeout",
    "too many requests",
    "toomanyrequests",
    "remotedisconnected",
    "connectionerror",
    "bad gateway",
    "service unavailable",
    "internal server error",
    "gateway timeout",
    ": eof",
)
PULLS = "pull rate limit"
"""In Docker Hub's message when an account or an address has no pulls left."""
LATER = "wait up to six hours, or log in with an account that may pull more"
# Their messages with a status: `error: 503`, `unexpected status from GET request to …: 503 …`.
PASSING_STATUS = re.compile(r"(error|status\b[^\n]*):? (429|5\d\d)\b")


def run(
    arguments: list[str],
    *,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
    text: str | None = None,
    timeout: float = 900,
    echo: bool = False,
    answers: tuple[int, ...] = (0,),
) -> str:
    """Run a program and return its output; `environment` is its whole environment.

    With `echo`, both of its streams also go to standard output, also if it fails. It failed if its
    exit code is none of `answers`. Raises `TransientError` if its message says that a service
    failed for a short time, or after `timeout` seconds; else `ServiceError` with its last lines.
    """
    name = " ".join(arguments[:3])
    given = text.encode("utf-8", "surrogateescape") if text is not None else None
    try:
        done = subprocess.run(
            arguments, cwd=cwd, env=environment, input=given, capture_output=True,
            timeout=timeout, check=False,
        )  # fmt: skip
    except FileNotFoundError as error:
        cause = f"{arguments[0]} is not installed"
        raise ServiceError(cause, "install it, or run setup") from error
    except subprocess.TimeoutExpired as error:
        cause = f"`{name} …` did not end within {timeout:.0f} s"
        raise TransientError(cause, "check the service") from error
    # Decode here, since subprocess would turn CRLF into LF.
    output = done.stdout.decode("utf-8", "surrogateescape")
    errors = done.stderr.decode("utf-8", "replace")
    if echo:
        print(output + errors)
    if done.returncode not in answers:
        raise _failure(name, output, errors)
    return output


def _failure(name: str, output: str, errors: str) -> ServiceError:
    # Use the last lines of each: many programs explain an error on only one of them.
    ends = (text.strip().splitlines()[-LAST_LINES:] for text in (output, errors))
    last = "\n    ".join(line for end in ends for line in end)
    said = (output + errors).lower()
    if PULLS in said:  # it lasts longer than any run can wait
        return ServiceError(f"`{name} …` failed:\n    {last}", LATER)
    passing = any(sign in said for sign in PASSING) or PASSING_STATUS.search(said)
    kind = TransientError if passing else ServiceError
    return kind(f"`{name} …` failed:\n    {last}", "fix what it reports, and run this again")
