"""Who may come in to the API, how much they may say, and how long they may take."""

import contextlib
import json
import os
import re
import socket
import ssl
import subprocess
import time

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.services.running import ROOT, free_port, nginx, process, running_api, running_page
from tests.services.test_api import FRAMES, end_of, receive, socket_of, still_serves

MIB = 2**20
STRANGER = "http://stranger.example"


OPENING = "\r\n".join(
    [
        *("GET /stream HTTP/1.1", "Host: localhost", "Connection: Upgrade", "Upgrade: websocket"),
        *("Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==", "", ""),
    ]
)


def opened(url):
    host, port = url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=60)


def endless(plain, head, chunk, most=112 * MIB):
    """Send a head and then the same again and again; what was taken, and what was answered."""
    plain.sendall(head)
    taken = 0
    with contextlib.suppress(ConnectionError):
        while taken < most:
            taken += plain.send(chunk)
    with contextlib.suppress(ConnectionError):
        return taken, plain.recv(1000)
    return taken, b""


def said(process):
    return os.pread(process.log.fileno(), 2**24, 0).decode()


@pytest.fixture(scope="module")
def impatient():
    settings = {"head_seconds": 0.5, "body_seconds": 0.5}
    with running_api(**settings) as found:
        yield found


@pytest.mark.parametrize(
    ("head", "chunk"),
    [
        (b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-Endless: ", b"a" * MIB),
        (b"GET /health HTTP/1.1\r\nHost: localhost\r\n", b"A: b\r\n" * 100_000),
        (b"GET /", b"a" * MIB),
        (b"GET /stream?", b"a=b&" * 100_000),
        (b"A" * 1000, b"A" * MIB),
    ],
    ids=["one header", "many headers", "path", "query", "method"],
)
def test_an_endless_head_is_ended_early_and_nobody_waits(api, head, chunk):
    with opened(api) as plain:
        taken, answer = endless(plain, head, chunk)
    assert taken < 16 * MIB, "it was read on"  # what lies in the system's pipes
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400"), answer
    still_serves(api)


def test_a_head_within_the_bounds_is_served(api):
    answer = httpx.get(f"{api}/health?{'a' * 4000}", headers={"X-Long": "b" * 4000})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "beginning",
    [
        b"",
        b"GET /health HTTP/1.1\r\n",
        b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\nGET /hea",
    ],
    ids=["nothing", "part of a head", "a request", "a request and part of another"],
)
def test_a_connection_that_says_nothing_more_is_ended(impatient, beginning):
    url, _ = impatient
    with opened(url) as plain:
        plain.sendall(beginning)
        began = time.monotonic()
        plain.settimeout(9)
        while plain.recv(1000):
            pass
        assert time.monotonic() - began < 8


def test_a_head_that_comes_drop_by_drop_is_ended(impatient):
    url, _ = impatient
    with opened(url) as plain:
        plain.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: ")
        began = time.monotonic()
        plain.settimeout(0.05)
        while time.monotonic() - began < 8:
            with contextlib.suppress(TimeoutError):
                try:
                    plain.sendall(b"a")
                    if plain.recv(1000) == b"":
                        break
                except ConnectionError:
                    break
        assert time.monotonic() - began < 8


def test_a_body_that_does_not_come_is_waited_for_only_so_long(impatient):
    url, _ = impatient
    with opened(url) as plain:
        head = b"POST /classify HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"
        plain.sendall(head)
        assert plain.recv(1000).startswith(b"HTTP/1.1 408")


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({}, True),
        ({"Origin": "SAME"}, True),
        ({"Origin": STRANGER}, False),
        ({"Origin": "null"}, False),
        ({"Origin": "http://localhost:1"}, False),
        ({"Host": "stranger.example", "Origin": STRANGER}, False),
        ({"Host": "stranger.example"}, False),
        ({"Host": "page.example", "Origin": "https://page.example"}, True),
        ({"Host": "page.example:8443", "Origin": "https://page.example:8443"}, True),
        ({"Origin": "https://other.example"}, True),
        ({"Origin": "http://other.example"}, False),
        ({"Host": "[::1]:5001"}, True),
        ({"Host": "api:5001"}, True),
        ({"Host": "127.0.0.1.stranger.example"}, False),
        ({"Host": ""}, False),
    ],
    ids=str,
)
def test_only_the_own_page_and_what_is_configured_may_ask(configured, headers, allowed):
    headers = {name: configured if it == "SAME" else it for name, it in headers.items()}
    status = 200 if allowed else 403
    assert httpx.get(f"{configured}/health", headers=headers).status_code == status
    assert handshake(configured, headers) == (101 if allowed else 403)


@pytest.fixture(scope="module")
def configured():
    settings = {"allowed_hosts": "localhost,api,page.example"}
    with running_api(**settings, allowed_origins="https://other.example") as (url, _):
        yield url


def handshake(url, headers):
    """The status that opening a stream is answered with."""
    given = {"Host": url.removeprefix("http://"), **headers}
    lines = [f"{name}: {value}" for name, value in given.items()]
    lines += ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"]
    lines += ["Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg=="]
    with opened(url) as plain:
        plain.sendall("\r\n".join(["GET /stream HTTP/1.1", *lines, "", ""]).encode())
        return int(plain.recv(1000).split()[1])


def test_a_foreign_page_can_not_take_the_places(one_place):
    url, _ = one_place
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(InvalidStatus):
            stranger = connect(socket_of(url), additional_headers={"Origin": STRANGER})
            receive(stack.enter_context(stranger))
        with connect(socket_of(url), additional_headers={"Origin": url}) as own:
            assert receive(own)["type"] == "ready"


@pytest.mark.parametrize(
    "frame",
    [
        b"\x81\x82\0\0\0\0\xff\xfe",  # a text that is not UTF-8
        b"\x01\x81\0\0\0\0\xff\x80\x81\0\0\0\0\xfe",  # the same in two parts
        b"\x83\x80\0\0\0\0",  # an opcode that is not defined
        b"\x81\x02ab",  # not masked
        b"\x88\x81\0\0\0\0a",  # a close code of one byte
        b"\x88\x84\0\0\0\0\x03\xe8\xff\xfe",  # a close reason that is not UTF-8
    ],
    ids=["no UTF-8", "no UTF-8 in parts", "opcode", "mask", "close code", "close reason"],
)
def test_a_bad_frame_leaves_no_traceback_in_the_log(one_place, frame):
    url, process = one_place
    with opened(url) as plain:
        plain.sendall(OPENING.encode())
        assert plain.recv(1000).startswith(b"HTTP/1.1 101")
        plain.sendall(frame)
        with contextlib.suppress(ConnectionError):
            while plain.recv(1000):
                pass
    deadline = time.monotonic() + 60
    with httpx.Client() as asking:
        while asking.get(f"{url}/health").json()["streams"]:
            assert time.monotonic() < deadline, "its place stays taken"
    assert "Traceback" not in said(process), said(process)
    with connect(socket_of(url)) as own:
        receive(own)
        own.send(json.dumps(FRAMES[0]))
        assert receive(own)["type"] == "waiting"


@pytest.fixture(scope="module")
def one_place():
    with running_api(streams=1) as found:
        yield found


def test_a_text_that_is_not_utf_8_ends_its_stream_with_1007(api):
    with connect(socket_of(api)) as stream:
        receive(stream)
        stream.send(b"\xff\xfe", text=True)
        assert end_of(stream)[0] == 1007


def test_the_proxy_of_the_docs_gives_the_page_and_its_stream_over_tls(configured, tmp_path):
    """As docs/streampose.md says it, with ports and places of this test."""
    (tmp_path / "page").mkdir()
    tmp_path.chmod(0o755)
    with (
        running_page(tmp_path / "page", configured) as (page, _),
        running_proxy(tmp_path, page) as url,
    ):
        tls = ssl.create_default_context(cafile=str(tmp_path / "pose.pem"))
        assert httpx.get(url, verify=tls).status_code == 401
        answer = httpx.get(url, verify=tls, auth=("anna", "open"))
        assert "<html" in answer.text
        place = url.replace("https", "wss").replace("://", "://anna:open@") + "/api/stream"
        headers = {"Origin": url}
        with connect(place, ssl=tls, additional_headers=headers) as stream:
            assert receive(stream)["type"] == "ready"
        with pytest.raises(InvalidStatus, match="403"):
            connect(place, ssl=tls, additional_headers={"Origin": STRANGER}).__enter__()


@contextlib.contextmanager
def running_proxy(folder, page):
    port, plain = free_port(), free_port()
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"]
    made += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    made += ["-keyout", folder / "pose.key", "-out", folder / "pose.pem"]
    subprocess.run(made, check=True, capture_output=True)
    (folder / "pose.htpasswd").write_text("anna:{PLAIN}open\n")
    (block,) = re.findall(r"```nginx\n(.*?)```", (ROOT / "docs/streampose.md").read_text(), re.S)
    for old, new in {
        "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        "pose.example.org": "localhost",
        "/etc/ssl": str(folder),
        "/etc/nginx": str(folder),
        "http://127.0.0.1:3000": page,
    }.items():
        assert old in block
        block = block.replace(old, new)
    ready = f"server {{ listen 127.0.0.1:{plain}; return 200; }}"
    places = "".join(
        f"{name}_temp_path {folder}/{name}; "
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    text = (
        f"pid {folder}/proxy.pid; events {{}} http {{ access_log off; {places} {block} {ready} }}"
    )
    (folder / "proxy.conf").write_text(text)
    command = [nginx(), "-e", "stderr", "-c", folder / "proxy.conf", "-g"]
    with process([*command, "daemon off; user root;"], f"http://127.0.0.1:{plain}"):
        yield f"https://localhost:{port}"
