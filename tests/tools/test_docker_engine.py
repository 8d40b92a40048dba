"""The images of a compose file, started beside whatever else runs, and taken away again."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from rehearsal.gateway.journal import read
from scripts.core.errors import CheckError, ServiceError, TransientError
from scripts.tools.docker_engine import Engine, free_ports
from tests.support.proving import Proving, proving, surroundings

pytestmark = pytest.mark.world
SERVES = "python3 -m http.server --directory /etc"
COMPOSE = """\
services:
  page:
    image: {image}
    command: [python3, -m, http.server, --directory, /etc, "8000"]
    ports: ["8000:8000", "127.0.0.1:{port}:8001"]
    volumes: ["kept:/kept"]
    stop_signal: SIGINT
    healthcheck:
      test: [CMD, python3, -c, "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000')"]
      interval: 1s
  worker:
    image: {image}
    command: {worker}
    stop_signal: SIGINT
volumes:
  kept:
"""
SLEEPS = '[python3, -c, "import time; time.sleep(600)"]'


@pytest.fixture
def bench(template: Path, tmp_path: Path, pytestconfig: pytest.Config) -> Iterator[Proving]:
    with proving(template, tmp_path, surroundings(pytestconfig)) as made:
        yield made


def engine(bench: Proving, **more: str) -> Engine:
    context = bench.context(**more)
    return Engine(context.environment.inherited(), context.fresh, context.environment.patience)


def compose(bench: Proving, worker: str = SLEEPS) -> Path:
    image = f"{bench.around.endpoints.registry}/library/python:3.13-slim"
    path = bench.folder / "compose.yaml"
    path.write_text(COMPOSE.format(image=image, worker=worker, port=8001))
    return path


def test_two_at_once_answer_on_ports_of_their_own(bench: Proving) -> None:
    file = compose(bench)
    with engine(bench).started(file) as one, engine(bench).started(file) as two:
        assert set(one.urls) == set(two.urls) == {("page", 8000), ("page", 8001)}
        urls = [*one.urls.values(), *two.urls.values()]
        assert len(set(urls)) == 4
        assert all(re.fullmatch(r"http://127\.0\.0\.1:\d+", url) for url in urls)
        for services in (one, two):
            assert "debian" in services.get("page", 8000, "/os-release").text
            assert services.variables()["PAGE_8000"] == services.urls["page", 8000]
    with pytest.raises(requests.ConnectionError):
        requests.get(one.urls["page", 8000], timeout=5)
    assert bench.around.left() == []


def test_everything_is_taken_down_when_the_block_is_interrupted(bench: Proving) -> None:
    there: list[str] = []

    def interrupted() -> None:
        with engine(bench).started(compose(bench)):
            there.extend(bench.around.left())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert len(there) == 4, "two containers, a network, a volume"
    assert bench.around.left() == []


def test_a_service_that_ends_is_refused_with_its_log_and_taken_down(bench: Proving) -> None:
    ends = "[python3, -c, \"raise SystemExit('nothing to do here')\"]"
    with (
        pytest.raises(CheckError, match="nothing to do here"),
        engine(bench).started(compose(bench, ends)),
    ):
        pytest.fail("started")
    assert bench.around.left() == []


def test_an_answer_that_does_not_come_is_asked_for_again(bench: Proving) -> None:
    with (
        engine(bench).started(compose(bench)) as services,
        pytest.raises(TransientError, match="page does not answer on /health"),
    ):
        services.get("page", 8001, "/health")


def test_an_image_that_is_not_there_is_named(bench: Proving) -> None:
    file = compose(bench)
    file.write_text(file.read_text().replace(":3.13-slim", ":no-such-tag", 1))
    with (
        pytest.raises(ServiceError, match=r"cannot be pulled[\s\S]*no-such-tag"),
        engine(bench).started(file),
    ):
        pytest.fail("started")


def test_no_engine_is_said(bench: Proving) -> None:
    with pytest.raises(ServiceError, match="no Docker engine answers"):
        engine(bench, DOCKER_HOST=f"unix://{bench.folder}/none.sock")


def test_a_service_without_ports_gets_none() -> None:
    text = free_ports({"page": [8000], "worker": []})
    assert text.endswith("  worker: {}\n")


def test_a_pull_that_fails_in_passing_is_tried_again(bench: Proving) -> None:
    faults = bench.around.endpoints.faults
    rule = {"service": "registry", "path": "/manifests/", "occurrence": 1, "action": "drop-before"}
    faults.write_text(json.dumps([rule]))
    try:
        with engine(bench).started(compose(bench)) as services:
            assert "debian" in services.get("page", 8000, "/os-release").text
    finally:
        faults.unlink()
    struck = [one for one in read(bench.around.endpoints.journal) if one.fault]
    assert len(struck) == 1
