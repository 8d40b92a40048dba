"""Images really built, pushed, started and asked: a bench in a world of its own."""

import dataclasses
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest

from rehearsal.gateway.journal import read
from rehearsal.world.services import Endpoints, Services
from scripts.core import lockfile
from scripts.core.errors import CheckError, ReleaseError
from scripts.release.context import Context
from tests.conftest import Bench
from tests.support.project import PYPROJECT, Project
from tests.support.releases import Releases

PORTS = {"api": 5001, "web": 3000}
PLATFORMS = ("linux/amd64", "linux/arm64")
# The first process of a container gets only the signals that it handles: Python handles SIGINT.
SERVER = '''\
"""Answers on /health and /version, as well or as badly as its environment says."""

import json
import os
import re
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

VERSION = os.environ.get("SAY_VERSION") or next(Path("/").glob("*.whl")).name.split("-")[1]
HEALTH = int(os.environ.get("SAY_HEALTH", "200"))
DELAY = float(os.environ.get("SAY_AFTER", "0"))


class Answers(BaseHTTPRequestHandler):
    def do_GET(self):
        time.sleep(DELAY)
        self.send_response(HEALTH if self.path == "/health" else 200)
        self.end_headers()
        self.wfile.write(json.dumps({"version": VERSION}).encode())


print("the model is", "here" if HEALTH == 200 else "missing", flush=True)
if HEALTH != 200:
    print("and what follows says nothing of it\\n" * 50, flush=True)
HTTPServer(("", int(os.environ["PORT"])), Answers).serve_forever()
'''
DOCKERFILE = """\
FROM scratch AS dist
FROM python:3.13-slim
COPY --from=dist /*.whl /
COPY serve.py /
ENV PORT={port} {environment}
USER 10001:10001
STOPSIGNAL SIGINT
HEALTHCHECK --interval=1s --timeout=30s --start-period=10s --start-interval=1s --retries=2 \\
  CMD ["python3", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:{port}/health')"]
CMD ["python3", "-c", "{command}"]
"""
SERVES = "exec(open('/serve.py').read())"
IMAGE = """
[[tool.release.images]]
name = "{name}"
dockerfile = "Dockerfile.{name}"
repository = "mari/{prefix}{name}"
platforms = [{platforms}]
port = {port}
health = "/health"
version = "/version"
"""
COMPOSE = """\
# Start it: docker compose up
services:
  api:
    image: mari/api  # made from this checkout
    build: {context: ., dockerfile: Dockerfile.api}
    ports: ["5001:5001"]
    volumes: ["kept:/kept"]
  web:
    image: mari/web
    ports: ["${WEB_PORT:-3000}:3000"]
volumes:
  kept:
"""
ACCEPTANCE = """\
import os
from pathlib import Path
from urllib.request import urlopen
import sample_thing
for name in ("API_5001", "WEB_3000"):
    said = urlopen(os.environ[name] + "/version").read().decode()
    assert os.environ["EXPECTED_VERSION"] in said, said
Path(os.environ["ACCEPTANCE_OUTPUT"], "seen.txt").write_text(said)
"""


def dockerfile(name: str, command: str = SERVES, **environment: str) -> str:
    """Write the Dockerfile of a service that does well, unless told otherwise."""
    settings = " ".join(f"{key}={value}" for key, value in environment.items())
    return DOCKERFILE.format(port=PORTS[name], environment=settings, command=command)


def pyproject(platforms: tuple[str, ...], prefix: str) -> str:
    """Write a configuration of two images."""
    settings = '[tool.release]\ncompose = "compose.yaml"\nacceptance = "acceptance.py"'
    shown = ", ".join(f'"{one}"' for one in platforms)
    images = [
        IMAGE.format(name=name, prefix=prefix, port=port, platforms=shown)
        for name, port in PORTS.items()
    ]
    return PYPROJECT.replace("[tool.release]", settings) + "".join(images)


def files(platforms: tuple[str, ...] = PLATFORMS, prefix: str = "") -> dict[str, str]:
    """Give a project of which everything works; a prefix keeps its images apart from others'."""
    return {
        "pyproject.toml": pyproject(platforms, prefix),
        "compose.yaml": COMPOSE,
        "acceptance.py": ACCEPTANCE,
        "serve.py": SERVER,
        **{f"Dockerfile.{name}": dockerfile(name) for name in PORTS},
    }


@dataclass(frozen=True)
class Surroundings:
    """The one world of a test session, and a client that has logged in to its registry."""

    folder: Path
    endpoints: Endpoints
    docker_config: Path

    def environment(self) -> dict[str, str]:
        """Give what a job gets to reach it."""
        where = self.endpoints
        return {
            "PATH": f"{where.tools}:{os.environ['PATH']}",
            "DOCKER_HOST": where.docker_host,
            "DOCKER_CONFIG": str(self.docker_config),
            "BUILDX_CONFIG": str(where.docker_config / "buildx"),
            "BUILDX_BUILDER": where.builder,
            "IMAGE_REGISTRY": where.registry,
            "SSL_CERT_FILE": where.ca_bundle,
            "REQUESTS_CA_BUNDLE": where.ca_bundle,
        }

    def run(self, *command: str, stdin: str = "", cwd: Path | None = None) -> str:
        """Run a program as a job would."""
        done = subprocess.run(
            command,
            env=self.environment() | {"HOME": str(self.folder)},
            cwd=cwd,
            input=stdin,
            text=True,
            capture_output=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def forget(self) -> None:
        """Empty the builder's cache, and see that it is empty."""
        self.run("docker", "buildx", "prune", "--all", "--force")
        assert self.cached() == "0B"

    def cached(self) -> str:
        """Say how much the builder keeps."""
        return self.run("docker", "buildx", "du").split()[-1]

    def left(self) -> list[str]:
        """Name what somebody left in the engine: containers, networks, volumes."""
        client = docker.DockerClient(base_url=self.endpoints.docker_host)
        try:
            own = [one.name for one in client.networks.list()]
            networks = [one for one in own if one not in ("bridge", "host", "none")]
            containers = [one.name for one in client.containers.list(all=True)]
            return [*containers, *networks, *(one.name for one in client.volumes.list())]
        finally:
            client.close()

    def writes(self) -> int:
        """Count the requests that changed the registry, or tried."""
        journal = read(self.endpoints.journal)
        return sum(one.write and one.service == "registry" for one in journal)


KEY = pytest.StashKey[Surroundings]()


def surroundings(config: pytest.Config) -> Surroundings:
    """Bring the world up when it is first asked for; it ends with the session."""
    if KEY not in config.stash:
        base = Path(tempfile.mkdtemp(prefix="proving-"))
        config.add_cleanup(lambda: shutil.rmtree(base))
        repository = base / "repository"
        repository.mkdir()
        for path, text in files().items():
            (repository / path).write_text(text)
        services = Services(base / "world", repository)
        config.add_cleanup(services.down)
        endpoints = services.up(lambda _line: None)
        login = shutil.copytree(endpoints.docker_config, base / "login", symlinks=True)
        made = Surroundings(base, endpoints, login)
        who = ("--username", endpoints.registry_username, "--password-stdin")
        words = ("docker", "login", endpoints.registry, *who)
        made.run(*words, stdin=endpoints.registry_token)
        config.stash[KEY] = made
    return config.stash[KEY]


@dataclass
class Proving(Releases):
    """A project with a package and two images, in that world."""

    world: Surroundings | None = None

    @property
    def around(self) -> Surroundings:
        assert self.world
        return self.world

    def environment(self, **more: str) -> dict[str, str]:
        # A build or a service on a busy machine takes longer than the bench's five seconds.
        patient = {"RELEASE_DEADLINE": "30"}
        return Bench.environment(self, **{**self.around.environment(), **patient, **more})

    def build(self) -> None:
        """Do the jobs of the images."""
        for image in self.context().plan.images:
            for platform in image.platforms:
                self.leg(image.name, platform)

    def leg(self, name: str, platform: str) -> Context:
        """Do one job of the matrix."""
        arch = platform.partition("/")[2]
        return self.step("image", f"{name}-{arch}", name=name, platform=platform)

    def staged(
        self, changed: Mapping[str, str] | None = None, platforms: tuple[str, ...] = PLATFORMS[:1]
    ) -> None:
        """Bring a release of 0.2.4 up to its draft, of these files in place of good ones."""
        self.project.commit({**files(platforms), **(changed or {})})
        self.release("0.2.4", until="stage")

    def verify(self, moment: str = "staged", platform: str = "linux/amd64", **more: str) -> Context:
        """Do the job that checks, at one of its moments."""
        return self.step("verify", moment=moment, platform=platform, **more)

    def refused(
        self, moment: str = "staged", kind: type[ReleaseError] = CheckError, **more: str
    ) -> ReleaseError:
        """Expect the check to fail; give its error."""
        with pytest.raises(kind) as raised:
            self.verify(moment, **more)
        return raised.value

    def relock(self, **changed: object) -> None:
        """Write another lock than the one that `stage` made."""
        context = self.context()
        path = context.inputs / "assets" / lockfile.NAME
        path.write_text(lockfile.write(dataclasses.replace(context.lock, **changed)))  # type: ignore[arg-type]

    def outcomes(self, job: str = "verify") -> Mapping[str, str]:
        """Give what a job's result says, by title."""
        (result,) = self.context().results(job)
        return {one.title: one.detail for one in result.outcomes}

    def skipped(self) -> list[str]:
        """Name the checks that were not made."""
        (result,) = self.context().results("verify")
        return [one.title for one in result.outcomes if one.skipped]


@contextmanager
def proving(source: Path, folder: Path, world: Surroundings) -> Iterator[Proving]:
    """Open a bench on a copy of a folder; whoever leaves something in the engine fails."""
    shutil.copytree(source, folder, dirs_exist_ok=True, symlinks=True)
    (folder / "home").mkdir(exist_ok=True)
    project = Project(folder)
    project.git("remote", "set-url", "origin", str(project.bare))
    with ExitStack() as stack:
        bench = Proving(folder, project, stack, world=world)
        try:
            yield bench
        finally:
            for context in bench.contexts:
                if "forge" in context.__dict__:
                    context.forge._github.close()
    assert world.left() == []
