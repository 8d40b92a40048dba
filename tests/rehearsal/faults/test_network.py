"""What a client meets at each of the wrong addresses, and which cases there are."""

import socket
import ssl
from types import SimpleNamespace
from typing import cast

import pytest
import requests

from rehearsal.faults import network
from rehearsal.faults.fault_matrix import Matrix
from rehearsal.faults.writes import writes
from tests.rehearsal.faults.test_fault_matrix import ENTRIES, PARTS

SECONDS = 0.5


@pytest.mark.parametrize(
    ("kind", "scheme", "said"),
    [
        ("port refused", "http", "Connection refused"),
        ("connection reset", "http", "Connection reset by peer|Connection aborted"),
        ("connection hangs", "http", "Read timed out"),
        ("name not found", "http", "Name or service not known|Failed to resolve|resolution"),
        ("TLS broken off", "https", "SSL|EOF"),
    ],
)
def test_each_kind_is_what_it_says(kind: str, scheme: str, said: str) -> None:
    session = requests.Session()
    session.trust_env = False
    with (
        network.KINDS[kind]() as place,
        pytest.raises(requests.exceptions.RequestException, match=said),
    ):
        session.get(f"{scheme}://{place}/x", timeout=SECONDS)


def test_a_handshake_is_broken_off_in_its_middle() -> None:
    with network.KINDS["TLS broken off"]() as place:
        host, _, port = place.partition(":")
        raw = socket.create_connection((host, int(port)), SECONDS * 10)
        with pytest.raises((ssl.SSLError, ConnectionError)), raw:
            ssl.create_default_context().wrap_socket(raw, server_hostname=host)


def test_only_host_and_port_of_an_address_change() -> None:
    variables = {"GITHUB_SERVER_URL": "http://a:1", "GITHUB_API_URL": "http://a:1/api/v3"}
    assert network.elsewhere(variables, "github", "b:2", "port refused") == {
        "GITHUB_SERVER_URL": "http://b:2", "GITHUB_API_URL": "http://b:2/api/v3",
    }  # fmt: skip
    tls = network.elsewhere(variables, "github", "b:2", network.TLS)
    assert tls["GITHUB_API_URL"] == "https://b:2/api/v3"
    registry = network.elsewhere({"IMAGE_REGISTRY": "a:1"}, "registry", "b:2", "port refused")
    assert registry == {"IMAGE_REGISTRY": "b:2"}


def test_every_job_that_writes_to_a_service_is_cut_off_from_it() -> None:
    found = SimpleNamespace(clean=SimpleNamespace(writes=writes(ENTRIES, PARTS)))
    names = [case.name for case in network.cases(cast("Matrix", found))]
    assert "prepare: github: port refused" in names
    assert "promote: github: TLS broken off" in names
    assert "images: registry: name not found" in names
    assert "images: registry: TLS broken off" not in names
    assert len(names) == len(set(names)) == 5 + 4 + 5
