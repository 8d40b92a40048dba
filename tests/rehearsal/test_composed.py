"""StreamPoseML as `docker compose up` starts it from this checkout: in containers, all three."""

import json
import os
import re
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from rehearsal.world.services import Services
from tests.rehearsal.conftest import World

pytestmark = pytest.mark.world

ROOT = Path(__file__).parents[2]
PORTS = {"api": [5001], "web": [3000], "mlflow": [5002, 1234]}
SECONDS = 120
FREE = dict.fromkeys(("API_PORT", "WEB_PORT", "MLFLOW_PORT", "MODEL_PORT"), "0")


@dataclass(frozen=True)
class Composed:
    """The project's services in a world of their own."""

    world: World
    name: str

    def compose(self, *arguments: str) -> str:
        env = self.world.environment() | FREE
        file = ("--file", str(ROOT / "compose.yaml"))
        command = ("docker", "compose", "--project-name", self.name, *file, *arguments)
        done = subprocess.run(
            command, env=env, cwd=ROOT, text=True, capture_output=True, check=False, timeout=900
        )
        assert done.returncode == 0, done.stderr[-4000:]
        return done.stdout.strip()

    def url(self, name: str, port: int) -> str:
        return f"http://{self.compose('port', name, str(port))}"

    def places(self) -> dict[str, str]:
        """Where each is, as the acceptance reads it."""
        return {
            f"{name.upper()}_{port}": self.url(name, port)
            for name, ports in PORTS.items()
            for port in ports
        }

    def state(self, name: str) -> dict[str, Any]:
        number = self.compose("ps", "--all", "--quiet", name)
        shown = self.world.run("docker", "inspect", number)
        found: dict[str, Any] = json.loads(shown.stdout)[0]
        return found


@pytest.fixture(scope="module")
def composed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Composed]:
    """Built and started in a world that has this checkout's base images."""
    folder = tmp_path_factory.mktemp("composed") / "world"
    services = Services(folder, ROOT)
    world = World(folder, ROOT, services, services.up(lambda _line: None))
    made = Composed(world, "composed")
    try:
        made.compose("up", "--detach", "--build", "--wait", "--wait-timeout", "600")
        yield made
        made.compose("down", "--volumes", "--timeout", "5", "--rmi", "local")
    finally:
        services.down()


def wait_until(look: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not look():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_all_that_users_do_works(composed: Composed, tmp_path: Path) -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    given = {"EXPECTED_VERSION": version, "ACCEPTANCE_OUTPUT": str(tmp_path)}
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **given, **composed.places()}
    command = [sys.executable, str(ROOT / "services/acceptance.py")]
    done = subprocess.run(command, env=env, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "FAIL" not in done.stdout


@pytest.mark.parametrize("name", PORTS)
def test_each_runs_unprivileged_on_a_read_only_root_with_limits(
    composed: Composed, name: str
) -> None:
    state = composed.state(name)
    assert state["Config"]["User"] == "10001:10001"
    host = state["HostConfig"]
    assert host["ReadonlyRootfs"]
    assert host["CapDrop"] == ["ALL"]
    assert host["Memory"] > 0
    assert {one["HostIp"] for ports in host["PortBindings"].values() for one in ports} == {
        "127.0.0.1"
    }


def test_the_registry_dies_and_comes_back_with_its_data_while_the_api_serves(
    composed: Composed,
) -> None:
    api = composed.url("api", 5001)
    wait_until(lambda: requests.get(f"{api}/version", timeout=60).json()["registry"] == "connected")
    before = versions(composed)
    composed.compose("kill", "mlflow")
    wait_until(
        lambda: requests.get(f"{api}/version", timeout=60).json()["registry"].startswith("unavail")
    )
    with opened(composed.url("web", 3000) + "/api/stream") as stream:
        assert json.loads(stream.recv(60))["model"]["source"] == "registry"
    composed.compose("up", "--detach", "--wait", "--wait-timeout", "600", "mlflow")
    assert versions(composed) == before
    wait_until(lambda: requests.get(f"{api}/version", timeout=60).json()["registry"] == "connected")


def versions(composed: Composed) -> list[Any]:
    url = f"{composed.url('mlflow', 5002)}/api/2.0/mlflow/model-versions/search"
    answer = requests.get(url, {"filter": "name='stream_pose_ml'"}, timeout=30).json()
    found: list[Any] = answer["model_versions"]
    return found


def opened(url: str) -> ClientConnection:
    return connect(re.sub("^http", "ws", url))


@pytest.mark.parametrize("name", ["web", "api", "mlflow"])
def test_each_is_stopped_cleanly_within_its_grace_with_streams_open(
    composed: Composed, name: str
) -> None:
    composed.compose("up", "--detach", "--wait", "--wait-timeout", "600")
    places = (composed.url("api", 5001) + "/stream", composed.url("web", 3000) + "/api/stream")
    with ExitStack() as stack:
        streams = [stack.enter_context(opened(url)) for url in places]
        for stream in streams:
            stream.recv(60)
        composed.compose("stop", name)
        state = composed.state(name)["State"]
        # What is killed at the end of its grace ends with 137.
        assert (state["ExitCode"], state["OOMKilled"]) == (0, False)
        for stream in streams if name == "api" else ():
            with pytest.raises(ConnectionClosed) as end:
                stream.recv(60)
            assert end.value.rcvd is not None
            assert end.value.rcvd.code == 1001
            assert end.value.rcvd.reason == "the server is stopping: connect again"
