import asyncio
import json
import os
import resource
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web

from rehearsal.gateway.journal import (
    Entry,
    Journal,
    api_requests,
    read,
    refusals,
    sent,
    writes_by_service,
)
from rehearsal.gateway.request_faults import Faults, parse
from rehearsal.gateway.server import CHUNK, HOST, GatewayConfig, index_app, listener
from scripts.core.errors import UsageError

pytestmark = pytest.mark.asyncio


@dataclass
class Behind:
    """A service behind the gateway, and what it has been asked."""

    asked: list[tuple[str, str, bytes]]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.path == "/large":
            return await self.answer_large(request)
        if "simple/" in request.path:
            return web.Response(status=404)
        self.asked.append((request.method, request.raw_path, await request.read()))
        outside = request.headers.get("X-Outside-Url", "")
        return web.json_response({"outside": outside, "text": "x" * 1000})

    async def answer_large(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        async for chunk in request.content.iter_chunked(CHUNK):
            await response.write(chunk)
        return response


@dataclass
class Gate:
    url: str
    faults: Path
    journal: Path
    behind: Behind
    client: aiohttp.ClientSession

    def plant(self, *rules: dict[str, object]) -> None:
        draft = self.faults.with_suffix(".part")
        draft.write_text(json.dumps(rules))
        draft.replace(self.faults)

    def entries(self) -> list[Entry]:
        return list(read(self.journal))


@asynccontextmanager
async def served(
    app: web.Application, site: Callable[[web.AppRunner], web.BaseSite]
) -> AsyncIterator[None]:
    runner = web.AppRunner(app, read_bufsize=4 * CHUNK, shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    try:
        await site(runner).start()
        yield
    finally:
        await runner.cleanup()


@pytest_asyncio.fixture
async def gate(tmp_path: Path) -> AsyncIterator[Gate]:
    with tempfile.TemporaryDirectory() as short:
        behind, socket = Behind([]), str(Path(short) / "s")
        app = web.Application(client_max_size=1 << 30)
        app.router.add_route("*", "/{path:.*}", behind.answer)
        config = GatewayConfig(
            journal=str(tmp_path / "journal.jsonl"),
            faults=str(tmp_path / "faults.json"),
            ports="",
            index=socket,
            index_elsewhere="http://elsewhere.invalid/all/",
        )
        journal = Journal(Path(config.journal))
        door = index_app(config, journal, Faults(Path(config.faults)))
        port = listener()
        async with (
            served(app, lambda runner: web.UnixSite(runner, socket)),
            served(door, lambda runner: web.SockSite(runner, port)),
            aiohttp.ClientSession() as client,
        ):
            url = f"http://{HOST}:{port.getsockname()[1]}"
            yield Gate(url, Path(config.faults), Path(config.journal), behind, client)
        journal.close()


async def test_a_request_is_passed_on_and_written_down(gate: Gate) -> None:
    headers = {"Authorization": "Basic c2VjcmV0"}
    async with gate.client.post(
        f"{gate.url}/a%2Fb?token=secret", data=b"x", headers=headers
    ) as got:
        assert (await got.json())["outside"] == gate.url
    assert gate.behind.asked == [("POST", "/a%2Fb?token=secret", b"x")]
    (entry,) = gate.entries()
    assert (entry.service, entry.method, entry.path, entry.status) == ("index", "POST", "/a/b", 200)
    assert entry.write
    assert "secret" not in gate.journal.read_text()
    assert "c2VjcmV0" not in gate.journal.read_text()


async def test_requests_to_the_api_are_counted_and_refusals_said_once(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    remedy = "the job plan needs `contents: write`"
    for path, status, said in (
        ("/api/v3/repos/o/n/releases", 403, remedy),
        ("/api/v3/repos/o/n/releases", 403, remedy),
        ("/api/uploads/repos/o/n/releases/1/assets", 201, ""),
        ("/o/n.git/info/refs", 200, ""),
    ):
        journal.add(Entry("github", "POST", path, status, True, 1.0, 0.1, remedy=said))
    journal.close()
    assert api_requests(tmp_path / "journal") == 3
    assert refusals(tmp_path / "journal") == [f"POST 403: {remedy}"]


async def test_reads_are_no_writes(gate: Gate) -> None:
    for method in ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"):
        async with gate.client.request(method, f"{gate.url}/x"):
            pass
    async with gate.client.post(f"{gate.url}/+login"):
        pass
    assert writes_by_service(gate.journal) == {"index": 4}
    assert writes_by_service(gate.journal, gate.journal.stat().st_size) == {}


async def test_the_bytes_of_writes_are_counted(gate: Gate) -> None:
    for method, size in (("POST", 70_000), ("PUT", 5), ("GET", 9)):
        async with gate.client.request(method, f"{gate.url}/x", data=b"x" * size):
            pass
    assert sent(gate.journal) == 70_005


async def test_a_service_that_does_not_answer_gives_502(gate: Gate, tmp_path: Path) -> None:
    config = GatewayConfig(journal="", faults="", ports="", index=str(tmp_path / "none"))
    journal, port = Journal(tmp_path / "other"), listener()
    app = index_app(config, journal, Faults(tmp_path / "no-faults"))
    url = f"http://{HOST}:{port.getsockname()[1]}/x"
    async with (
        served(app, lambda runner: web.SockSite(runner, port)),
        gate.client.get(url) as got,
    ):
        assert got.status == 502
    journal.close()


async def test_clients_are_sent_elsewhere_for_other_projects(gate: Gate) -> None:
    for path, status, target in (
        ("/root/+simple/numpy/", 307, "http://elsewhere.invalid/all/numpy/"),
        ("/simple/numpy/", 404, None),
    ):
        async with gate.client.get(gate.url + path, allow_redirects=False) as got:
            assert (got.status, got.headers.get("Location")) == (status, target)


async def test_a_status_comes_instead_of_the_request(gate: Gate) -> None:
    gate.plant({"action": "status", "code": 429, "headers": {"Retry-After": "7"}})
    async with gate.client.put(f"{gate.url}/x", data=b"y" * 100_000) as got:
        assert (got.status, got.headers["Retry-After"]) == (429, "7")
    assert gate.behind.asked == []
    assert [(one.status, one.fault) for one in gate.entries()] == [(429, "status")]


async def test_a_reset_is_no_orderly_end(gate: Gate) -> None:
    gate.plant({"action": "reset", "method": "POST"})
    reader, writer = await asyncio.open_connection(HOST, int(gate.url.rpartition(":")[2]))
    writer.write(b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
    with pytest.raises(ConnectionResetError):
        await reader.read()
    writer.close()
    assert gate.behind.asked == []
    assert gate.entries()[-1].fault == "reset"


@pytest.mark.parametrize(("action", "arrived"), [("drop-before", 0), ("drop-after", 1)])
async def test_a_connection_is_dropped(gate: Gate, action: str, arrived: int) -> None:
    gate.plant({"action": action})
    with pytest.raises(aiohttp.ClientConnectionError):
        await gate.client.post(f"{gate.url}/x", data=b"y")
    assert len(gate.behind.asked) == arrived
    assert [(one.status, one.fault) for one in gate.entries()] == [(0, action)]


async def test_an_answer_is_cut_in_half(gate: Gate) -> None:
    async with gate.client.get(f"{gate.url}/x") as got:
        whole = await got.read()
    gate.plant({"action": "truncate"})
    got = await gate.client.get(f"{gate.url}/x")
    with pytest.raises(aiohttp.ClientPayloadError):
        await got.read()
    assert int(got.headers["Content-Length"]) == len(whole)
    assert got.content.total_bytes == len(whole) // 2


async def test_a_request_is_delayed(gate: Gate) -> None:
    gate.plant({"action": "delay", "seconds": 0.3})
    async with gate.client.get(f"{gate.url}/x") as got:
        assert got.status == 200
    assert gate.entries()[0].duration >= 0.3


async def test_a_delayed_request_takes_effect_though_nobody_waits(gate: Gate) -> None:
    gate.plant({"action": "delay", "method": "POST", "seconds": 0.4})
    brief = aiohttp.ClientTimeout(total=0.1)
    with pytest.raises(asyncio.TimeoutError):
        await gate.client.post(f"{gate.url}/late", data=b"body", timeout=brief)
    assert gate.behind.asked == []
    async with asyncio.timeout(10):
        while not gate.behind.asked:
            await asyncio.sleep(0.01)
    assert gate.behind.asked == [("POST", "/late", b"body")]


async def test_what_was_written_is_not_to_be_seen_while_it_lags(gate: Gate) -> None:
    gate.plant({"action": "lag", "service": "index", "path": "^/seen", "seconds": 0.5})

    async def status(path: str) -> int:
        async with gate.client.get(gate.url + path) as got:
            return got.status

    assert await status("/seen") == 200
    await gate.client.post(f"{gate.url}/upload", data=b"x")
    assert [await status("/seen"), await status("/other")] == [404, 200]
    async with asyncio.timeout(10):
        while await status("/seen") == 404:
            await asyncio.sleep(0.01)


async def test_rules_choose_by_service_method_path_and_occurrence(gate: Gate) -> None:
    gate.plant(
        {"action": "status", "service": "registry"},
        {"action": "status", "method": "PUT", "path": "^/v2/.*/manifests/", "occurrence": 2},
    )
    seen = []
    for method, path in [
        *(("PUT", "/v2/a/manifests/1"), ("GET", "/v2/a/manifests/1"), ("PUT", "/v2/a/blobs/1")),
        *(("PUT", "/v2/b/manifests/2"), ("PUT", "/v2/b/manifests/2")),
    ]:
        async with gate.client.request(method, gate.url + path) as got:
            seen.append(got.status)
    assert seen == [200, 200, 200, 503, 200]


async def test_rules_are_read_again_when_they_change(gate: Gate) -> None:
    async def status() -> int:
        async with gate.client.get(f"{gate.url}/x") as got:
            return got.status

    assert await status() == 200
    gate.plant({"action": "status", "code": 500})
    assert await status() == 500
    gate.plant({"action": "status", "code": 504})
    assert await status() == 504
    gate.faults.unlink()
    assert await status() == 200


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot read"),
        ('[{"service": "x"}]', "action"),
        ('[{"action": "explode"}]', "unknown action 'explode'"),
        ('[{"action": "status", "colour": 1}]', "unknown key colour"),
        ('[{"action": "status", "path": "("}]', "cannot read"),
    ],
)
async def test_what_is_no_rule_is_refused(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse(text)


async def test_large_bodies_pass_both_ways_without_being_held(gate: Gate) -> None:
    size, block = 300 << 20, os.urandom(1 << 20)

    async def body() -> AsyncIterator[bytes]:
        for _ in range(size >> 20):
            yield block
            await asyncio.sleep(0)

    before, began, got = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic(), 0
    async with gate.client.post(f"{gate.url}/large", data=body()) as answer:
        async for chunk in answer.content.iter_chunked(CHUNK):
            got += len(chunk)
    assert got == size
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10
    print(f"{(size >> 20) / (time.monotonic() - began):.0f} MB/s both ways, {grown} MB more memory")
    assert grown < 100
