"""Other programs: their output byte for byte, their failures in two kinds."""

import sys
from pathlib import Path

import pytest

from scripts.core.errors import ServiceError, TransientError
from scripts.tools import processes


def python(code: str, **more: object) -> str:
    return processes.run([sys.executable, "-c", code], environment={}, **more)  # type: ignore[arg-type]


def test_output_is_given_byte_for_byte() -> None:
    code = r"import sys; sys.stdout.buffer.write(b'\xef\xbb\xbfa\r\nb\xff')"
    assert python(code).encode("utf-8", "surrogateescape") == b"\xef\xbb\xbfa\r\nb\xff"


def test_input_is_given_byte_for_byte() -> None:
    code = "import sys; data = sys.stdin.buffer.read(); print(data.hex())"
    text = b"a\r\n\xff".decode("utf-8", "surrogateescape")
    assert python(code, text=text).strip() == "610d0aff"


def test_the_environment_is_what_is_given() -> None:
    code = "import os; print({k for k in os.environ if not k.startswith('LC_')})"
    assert python(code).strip() == "set()"


def test_the_folder_is_the_given_one(tmp_path: Path) -> None:
    assert python("import os; print(os.getcwd())", cwd=tmp_path).strip() == str(tmp_path)


def failure(out: str, err: str) -> ServiceError:
    code = "import sys; a, b = sys.stdin.read().split('~'); print(a); print(b, file=sys.stderr)"
    with pytest.raises(ServiceError) as raised:
        python(f"{code}; sys.exit(1)", text=f"{out}~{err}")
    return raised.value


def test_a_failure_shows_both_streams() -> None:
    found = failure("what the test said", "make: *** Error 1")
    assert "what the test said" in found.cause
    assert "make: *** Error 1" in found.cause


def test_a_failure_shows_the_last_lines_of_many() -> None:
    found = failure("\n".join(f"line {i}." for i in range(100)), "the end")
    assert "line 99." in found.cause
    assert "line 1." not in found.cause


@pytest.mark.parametrize(
    "said",
    [
        "fatal: unable to access 'http://x/': The requested URL returned error: 503",
        "fatal: unable to access 'http://x/': Failed to connect: Connection refused",
        "fatal: unable to access 'http://x/': Could not resolve host: x",
        "fatal: unable to access 'http://x/': Operation too slow. Less than 1 bytes/sec",
        "fatal: the remote end hung up unexpectedly",
        "ERROR HTTPError: 502 Bad Gateway from http://x/",
        "ERROR HTTPError: 429 Too Many Requests from http://x/",
        "requests.exceptions.ConnectionError: ('Connection aborted.', RemoteDisconnected('x'))",
        "ERROR: unexpected status from GET request to http://x/v2/: 503 Service Unavailable",
        'ERROR: failed to do request: Head "http://x/v2/": EOF',
        'ERROR: failed to do request: Head "http://x": read: connection reset by peer',
        "fatal: unable to access 'https://x/': Failed to connect to x port 443: Couldn't "
        "connect to server",
        "fatal: unable to access 'https://x/': SSL connection timeout",
        "fatal: unable to access 'https://x/': GnuTLS recv error (-54): Error in the pull",
        "fatal: unable to access 'https://x/': OpenSSL SSL_read: SSL_ERROR_SYSCALL, errno 104",
        "fatal: unable to access 'https://x/': TLS connect error: error:0A000126",
        "error: RPC failed; curl 92 HTTP/2 stream 5 was not closed cleanly: CANCEL (err 8)",
        "error: RPC failed; curl 56 Recv failure: Connection was reset",
        "error: RPC failed; curl 18 transfer closed with outstanding read data remaining",
        "ERROR ReadTimeout: HTTPSConnectionPool(host='x', port=443): Read timed out.",
        "requests.exceptions.ConnectTimeout: HTTPSConnectionPool(host='x', port=443)",
        'ERROR: failed to do request: Head "https://x/v2/": dial tcp: lookup x: no such host',
        'ERROR: Head "https://x/v2/": dial tcp: lookup x on 127.0.0.53:53: server misbehaving',
        "ERROR: lookup x: Temporary failure in name resolution",
        'ERROR: failed to do request: Get "https://x/v2/": context deadline exceeded',
        'Error: Get "https://x/v2/": net/http: request canceled while waiting for connection '
        "(Client.Timeout exceeded while awaiting headers)",
        "ERROR: toomanyrequests: Rate exceeded",
        "ERROR: Get https://x/v2/: dial tcp 10.0.0.1:443: connect: network is unreachable",
        "ERROR: write tcp: connect: no route to host",
        "error: Failed to fetch: `https://x/simple/a/`\n  Caused by: operation timed out",
        "error: Request failed after 3 retries\n  Caused by: error sending request for url (https://x)",
        "ERROR: stream error: stream ID 1; INTERNAL_ERROR; received from peer",
    ],
)
def test_what_passes_by_itself_is_transient(said: str) -> None:
    assert isinstance(failure("", said), TransientError)


@pytest.mark.parametrize(
    "said",
    [
        "fatal: unable to access 'http://x/': The requested URL returned error: 403",
        "fatal: Authentication failed for 'http://x/'",
        "ERROR HTTPError: 400 Bad Request from http://x/",
        "ERROR HTTPError: 403 Forbidden from http://x/",
        "ERROR: unexpected status from HEAD request to http://x/v2/a/manifests/1: 401 Unauthorized",
        "ERROR: unexpected status from HEAD request to http://x:5000/v2/a: 403 Forbidden",
        "! [remote rejected] main -> main (protected branch hook declined)",
        "ERROR: localhost:1/a:v1: not found",
        "fatal: unable to access 'https://x/': SSL certificate problem: self-signed certificate",
        "ERROR: tls: failed to verify certificate: x509: certificate signed by unknown authority",
        "TimeoutError of the project's own test: assert elapsed < timeout",
        "ERROR: toomanyrequests: You have reached your unauthenticated pull rate limit.",
    ],
)
def test_an_answer_is_not_transient(said: str) -> None:
    assert not isinstance(failure("", said), TransientError)


def test_a_program_that_takes_too_long_is_stopped() -> None:
    with pytest.raises(TransientError, match="did not end within"):
        python("import threading; threading.Event().wait()", timeout=0.5)


def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(ServiceError, match="no-such-program is not installed"):
        processes.run(["no-such-program"], environment={})


def test_arguments_beyond_the_first_are_not_shown() -> None:
    """They may be long, and say nothing that the last lines do not."""
    with pytest.raises(ServiceError) as raised:
        processes.run([sys.executable, "-c", "raise SystemExit(1)", "private"], environment={})
    assert "private" not in raised.value.cause
