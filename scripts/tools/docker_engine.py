"""The images, started together as their users start them."""

import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import requests
from docker.errors import DockerException

from scripts.core.errors import CheckError, ServiceError, TransientError
from scripts.release.context import Context
from scripts.tools import processes

ARCHITECTURES = {"x86_64": "linux/amd64", "aarch64": "linux/arm64"}
STARTED = 300  # seconds for every service to become healthy
SHOWN = (
    200  # lines of each service's log: a question a second for its health must not hide the rest
)
ANSWERED = 10  # seconds for one answer of a healthy service


@dataclass(frozen=True)
class Services:
    """The started services: where each container port is to be reached."""

    urls: dict[tuple[str, int], str]
    """Service and container port to a base URL."""
    log: Callable[[str], str]
    """Gives the last lines of a service's log."""

    def variables(self) -> dict[str, str]:
        """Give the addresses as environment variables: `API_5001=http://127.0.0.1:49153`."""
        return {
            f"{name.upper().replace('-', '_')}_{port}": url
            for (name, port), url in self.urls.items()
        }

    def get(self, name: str, port: int, path: str) -> requests.Response:
        """Ask a service; an answer of any status is one.

        Raises `TransientError` if it does not answer: it may still be starting.
        """
        url = self.urls[name, port] + path
        try:
            return requests.get(url, timeout=ANSWERED)
        except requests.RequestException as error:
            raise TransientError(f"{name} does not answer on {path}: {error}", REMEDY) from error


REMEDY = "read the service's log above, fix the image, and run the release again"


class Engine:
    """The runner's Docker engine: the docker SDK to look, compose to start."""

    def __init__(self, context: Context) -> None:
        self._context = context
        try:
            host = context.runner.get("DOCKER_HOST")
            self._client = docker.DockerClient(base_url=host) if host else docker.from_env()
            self.platform = ARCHITECTURES.get(self._client.info()["Architecture"], "unknown")
        except DockerException as error:
            raise ServiceError(
                f"no Docker engine answers: {error}", "start one, or set DOCKER_HOST"
            ) from error

    def image(self, reference: str) -> dict[str, Any]:
        """Pull an image, and give what the engine knows of it."""
        try:
            attributes: dict[str, Any] = self._client.images.pull(reference).attrs
        except DockerException as error:
            raise CheckError(f"{reference} cannot be pulled: {error}", REMEDY) from error
        return attributes

    @contextmanager
    def started(self, compose_file: Path) -> Iterator[Services]:
        """Start everything of a compose file on free ports, and take all of it away again."""
        project = f"release-{secrets.token_hex(4)}"
        run = Compose(self._context, project, compose_file)
        try:
            yield run.up()
        finally:
            run.down()


class Compose:
    """One compose project that can be there beside any other: its ports are chosen free."""

    def __init__(self, context: Context, project: str, file: Path) -> None:
        self._environment = context.runner.inherited()
        self._base = ["docker", "compose", f"--project-name={project}", f"--file={file}"]
        self._ports = self._published()
        # A folder of its own: another project that starts meanwhile must not replace it.
        override = context.fresh(project) / "ports.yaml"
        override.write_text(free_ports(self._ports), "utf-8")
        self._base += [f"--file={override}"]

    def up(self) -> Services:
        """Start, wait until every health check passes, and find the ports."""
        try:
            self._run("up", "--detach", "--wait", f"--wait-timeout={STARTED}")
        except ServiceError as error:
            raise CheckError(f"{error.cause}\n{self.log()}", REMEDY) from error
        return Services(
            {
                (name, port): f"http://{self._run('port', '--', name, str(port)).strip()}"
                for name, ports in self._ports.items()
                for port in ports
            },
            self.log,
        )

    def log(self, *names: str) -> str:
        """Give the last lines of these services' logs, or of all."""
        return self._run("logs", "--no-color", f"--tail={SHOWN}", "--", *names)

    def down(self) -> None:
        """Take away containers, networks and volumes."""
        self._run("down", "--volumes", "--remove-orphans", "--timeout", "10")

    def _published(self) -> dict[str, list[int]]:
        services = json.loads(self._run("config", "--format", "json"))["services"]
        return {
            name: [port["target"] for port in service.get("ports", [])]
            for name, service in services.items()
        }

    def _run(self, *arguments: str) -> str:
        return processes.run(
            [*self._base, *arguments], environment=self._environment, timeout=STARTED + 600
        )


def free_ports(ports: dict[str, list[int]]) -> str:
    """Write a compose file that publishes the same ports on free ones of the loopback."""
    lines = ["services:"]
    # Compose takes no empty list there; what publishes nothing needs no other ports.
    for name, targets in ports.items():
        lines += [f"  {name}:", "    ports: !override"] if targets else [f"  {name}: {{}}"]
        lines += [f"      - {{target: {target}, host_ip: 127.0.0.1}}" for target in targets]
    return "\n".join(lines) + "\n"
