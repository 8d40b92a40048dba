"""Start the images together as users do."""

import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any, cast

import docker
import requests
from docker.errors import DockerException

from scripts.core.converge import Patience, patiently
from scripts.core.errors import CheckError, ServiceError, TransientError
from scripts.tools import processes

ARCHITECTURES = {"x86_64": "linux/amd64", "aarch64": "linux/arm64"}
STARTED = 300  # seconds for every service to become healthy
SHOWN = 200  # lines of each service's log: frequent health checks must not hide the rest
ANSWERED = 10  # seconds for one answer of a healthy service


@dataclass(frozen=True)
class Services:
    """The started services, with the address of each container port."""

    urls: dict[tuple[str, int], str]
    """Service and container port to a base URL."""
    log: Callable[[str], str]
    """Gives the last lines of a service's log."""
    memory: Callable[[str], int] = lambda _: 0
    """Gives the bytes of memory that a service uses; 0 where the engine cannot tell."""
    seconds: float = 0
    """How long they took to become healthy, without the pull."""

    def variables(self) -> dict[str, str]:
        """Return the addresses as environment variables: `API_5001=http://127.0.0.1:49153`."""
        return {
            f"{name.upper().replace('-', '_')}_{port}": url
            for (name, port), url in self.urls.items()
        }

    def get(self, name: str, port: int, path: str) -> requests.Response:
        """Send a request to a service; return an answer of any status.

        Raises `TransientError` if it does not answer: it may still be starting.
        """
        url = self.urls[name, port] + path
        try:
            return requests.get(url, timeout=ANSWERED)
        except requests.RequestException as error:
            raise TransientError(f"{name} does not answer on {path}: {error}", REMEDY) from error


REMEDY = "read the service's log above, fix the image, and run the release again"
NOT_PULLED = "check whether the registry has it, then run the release again with the same version"


class Engine:
    """The runner's Docker engine: the docker SDK reads, compose starts.

    `environment` is the whole environment of compose, `fresh` makes an empty folder by name, and
    `patience` a deadline for pulls.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        fresh: Callable[[str], Path],
        patience: Callable[[], Patience],
    ) -> None:
        self._environment, self._fresh, self._patience = environment, fresh, patience
        try:
            host = environment.get("DOCKER_HOST")
            self._client = docker.DockerClient(base_url=host) if host else docker.from_env()
            self.platform = ARCHITECTURES.get(self._client.info()["Architecture"], "unknown")
        except DockerException as error:
            raise ServiceError(
                f"no Docker engine answers: {error}", "start one, or set DOCKER_HOST"
            ) from error

    @contextmanager
    def started(self, compose_file: Path) -> Iterator[Services]:
        """Start all services of a compose file on free ports, and remove them again."""
        run = self._compose(compose_file)
        try:
            yield replace(run.up(), memory=partial(self._memory, run.project))
        finally:
            run.down()

    def pull(self, compose_file: Path) -> None:
        """Pull the images of a compose file, so that a start does not wait for them."""
        self._compose(compose_file).pull()

    def _compose(self, file: Path) -> "Compose":
        project = f"release-{secrets.token_hex(4)}"
        folder = self._fresh(project)
        return Compose(self._environment, folder, project, file, self._patience)

    def _memory(self, project: str, service: str) -> int:
        labels = [f"com.docker.compose.project={project}", f"com.docker.compose.service={service}"]
        try:
            found = self._client.containers.list(filters={"label": labels})
            stats = [cast("dict[str, Any]", one.stats(stream=False)) for one in found]
        except DockerException:
            return 0
        return sum(used_memory(one["memory_stats"]) for one in stats)


class Compose:
    """One compose project. It uses free ports, so others can run at the same time."""

    def __init__(
        self,
        environment: Mapping[str, str],
        folder: Path,
        project: str,
        file: Path,
        patience: Callable[[], Patience],
    ) -> None:
        self.project = project
        self._environment = environment
        self._patience = patience
        self._base = ["docker", "compose", f"--project-name={project}", f"--file={file}"]
        self._ports = self._published()
        # It has its own folder, which another project must not replace.
        override = folder / "ports.yaml"
        override.write_text(free_ports(self._ports), "utf-8")
        self._base += [f"--file={override}"]

    def up(self) -> Services:
        """Pull, start, wait until every health check passes, and find the ports."""
        self.pull()
        began = monotonic()
        try:
            self._run("up", "--pull=never", "--detach", "--wait", f"--wait-timeout={STARTED}")
        except ServiceError as error:
            raise CheckError(f"{error.cause}\n{self.log()}", REMEDY) from error
        took = monotonic() - began
        return Services(
            {
                (name, port): f"http://{self._run('port', '--', name, str(port)).strip()}"
                for name, ports in self._ports.items()
                for port in ports
            },
            self.log,
            seconds=took,
        )

    def log(self, *names: str) -> str:
        """Return the last lines of these services' logs, or of all."""
        return self._run("logs", "--no-color", f"--tail={SHOWN}", "--", *names)

    def pull(self) -> None:
        """Pull every image first, so that a failed pull does not look like a failed start."""
        pull = partial(self._run, "pull", "--quiet")
        try:
            patiently(pull, self._patience())
        except TransientError:
            raise
        except ServiceError as error:
            raise ServiceError(f"an image cannot be pulled: {error.cause}", NOT_PULLED) from error

    def down(self) -> None:
        """Remove containers, networks and volumes."""
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


def used_memory(stats: Mapping[str, Any]) -> int:
    """Give what `docker stats` shows: without files in memory that the kernel can drop."""
    inactive = stats.get("stats", {}).get("inactive_file", 0)
    return max(int(stats.get("usage", 0)) - int(inactive), 0)


def said_version(text: str) -> str | None:
    """Read `version` out of a service's JSON answer."""
    try:
        answer = json.loads(text)
    except ValueError:
        return None
    return answer.get("version") if isinstance(answer, dict) else None


def free_ports(ports: dict[str, list[int]]) -> str:
    """Write a compose file that publishes the same ports on free ones of the loopback."""
    lines = ["services:"]
    # Compose rejects an empty list; a service without ports needs no change.
    for name, targets in ports.items():
        lines += [f"  {name}:", "    ports: !override"] if targets else [f"  {name}: {{}}"]
        lines += [f"      - {{target: {target}, host_ip: 127.0.0.1}}" for target in targets]
    return "\n".join(lines) + "\n"
