"""The services of a world, which start and end together.

Every service is a separate process with a folder below `services/` of the world's folder.
`services.json` has all that is necessary to end them. It is written before the first start, so that
any later command can end them.
"""

import dataclasses
import json
import secrets
import shutil
import sys
import tempfile
import tomllib
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from rehearsal import COMMAND
from rehearsal.gateway.server import HOST, GatewayConfig
from rehearsal.index import state
from rehearsal.index.state import Publisher
from rehearsal.world import (
    base_images,
    builder,
    engine,
    index,
    machine_docker,
    processes,
    provision,
    registry,
)
from rehearsal.world.provision import Progress, Tools
from scripts.core.errors import ServiceError
from scripts.release import version_source
from scripts.tools.environment import host_of

GATEWAY_READY = 90  # seconds


@dataclass(frozen=True)
class Endpoints:
    """The addresses of everything, and the credentials.

    `registry` is a host with its port, as image references begin; `index_simple` and
    `index_upload` are addresses. `tools` is the folder of programs that jobs need in their PATH
    besides the system's; `index_token` is its owner's, for what no job may do. `docker_config`
    holds the client's plugins and the builder, and no login:
    a job gets a copy of it, to log in there. `ca_bundle` is what TLS clients must trust, empty if
    unknown. `hub_mirror` is the registry that has stand-ins of Docker Hub's images, empty without.
    """

    docker_host: str
    docker_config: Path
    builder: str
    registry: str
    registry_username: str
    registry_token: str = field(repr=False)
    index_simple: str
    index_upload: str
    index_token: str = field(repr=False)
    tools: Path
    journal: Path
    faults: Path
    github: str = ""
    ca_bundle: str = ""
    hub_mirror: str = ""

    def save(self, path: Path) -> None:
        """Write the endpoints, secrets included, for their owner's eyes only."""
        path.touch(mode=0o600)
        path.write_text(json.dumps(dataclasses.asdict(self), default=str, indent=2))

    @classmethod
    def load(cls, path: Path) -> "Endpoints":
        """Read what `save` wrote."""
        raw = json.loads(path.read_text())
        paths = {name: Path(raw[name]) for name in ("docker_config", "tools", "journal", "faults")}
        return cls(**{**raw, **paths})


@dataclass(frozen=True)
class _State:
    """The facts for `down`: the folder of sockets, and the builder on another engine."""

    runtime: Path
    builder: str
    docker_host: str = ""

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(dataclasses.asdict(self), default=str))

    @classmethod
    def load(cls, path: Path) -> "_State":
        raw = json.loads(path.read_text())
        return cls(**{**raw, "runtime": Path(raw["runtime"])})


class Services:
    """The services of the world in `folder`, for releases of the repository in `repository`."""

    def __init__(
        self,
        folder: Path,
        repository: Path,
        github: dict[str, Any] | None = None,
        publisher: Publisher | None = None,
    ) -> None:
        """Take the GitHub service's settings as a mapping: GitHubSettings without `base_url`.

        `publisher` is registered at the index for the repository's package.
        """
        self._folder, self.publisher = folder.resolve(), publisher
        self._repository = repository
        self._github = github or {}

    @property
    def endpoints_file(self) -> Path:
        """The file with the endpoints of a world that is up."""
        return self._folder / "endpoints.json"

    def up(self, progress: Progress = print) -> Endpoints:
        """Start everything; after a failure, end all that has started."""
        if (self._folder / "services.json").exists():
            raise ServiceError(f"a world is up in {self._folder}", f"end it: {COMMAND} down")
        docker = machine_docker.find_docker()
        images = self._stand_ins()
        tools = provision.ensure(_needs(docker, images), progress)
        base_images.layers(images, tools, progress)
        up = _State(_runtime_folder(), f"rehearsal-{secrets.token_hex(4)}")
        if docker and not images:
            up = dataclasses.replace(up, docker_host=docker.docker_host)
        self._folder.mkdir(parents=True, exist_ok=True)
        up.save(self._folder / "services.json")
        try:
            endpoints = _Start(self, up, tools, docker, images).run(progress)
            endpoints.save(self.endpoints_file)
            return endpoints
        except BaseException:
            self.down()
            raise

    def down(self) -> None:
        """End everything that runs."""
        file = self._folder / "services.json"
        if not file.exists():
            return
        state = _State.load(file)
        services = self._folder / "services"
        with ThreadPoolExecutor() as pool:
            work = [pool.submit(self._give_back, state)]
            work += [pool.submit(engine.stop, services / "engine", state.runtime)]
            work += [
                pool.submit(processes.stop, processes.Service(services / name))
                for name in ("gateway", "registry", "index", "builder")
            ]
        _first_failure(work)
        engine.unmount_below(self._folder, state.runtime)
        shutil.rmtree(state.runtime, ignore_errors=True)
        self.endpoints_file.unlink(missing_ok=True)
        file.unlink()

    def _give_back(self, state: _State) -> None:
        """Remove the world's images from the machine's own Docker."""
        if not self.endpoints_file.exists():
            return
        known = Endpoints.load(self.endpoints_file)
        if state.docker_host:
            tools = Tools(known.tools)
            builder.remove_from_engine(state.builder, state.docker_host, known.docker_config, tools)
        if not (self._folder / "services" / "engine").exists():
            machine_docker.remove_images(known.docker_host, known.registry)

    def _stand_ins(self) -> list[str]:
        images = base_images.named_in(sorted(self._repository.glob("Dockerfile*")))
        return [] if not images or base_images.hub_answers() else images

    @property
    def folder(self) -> Path:
        """The world's folder."""
        return self._folder

    @property
    def github(self) -> dict[str, Any]:
        """The GitHub service's settings, empty without one."""
        return self._github

    def project(self) -> dict[str, Any]:
        """Return the repository's `pyproject.toml`, empty if it has none."""
        file = self._repository / "pyproject.toml"
        return tomllib.loads(file.read_text()) if file.exists() else {}


class _Start:
    """One start: services without dependencies start at once, the rest as soon as possible."""

    def __init__(
        self,
        services: Services,
        state: _State,
        tools: Tools,
        docker: machine_docker.MachineDocker | None,
        images: list[str],
    ) -> None:
        self._services, self._state, self._tools = services, state, tools
        self._docker, self._images = docker, images
        self._folder = services.folder / "services"
        self._sockets = {name: state.runtime / f"{name}.sock" for name in ("registry", "index")}
        project = services.project()
        images_table = project.get("tool", {}).get("release", {}).get("images", [])
        paths = [str(one.get("repository", "")) for one in images_table]
        spaces = {one.removeprefix(f"{host_of(one)}/").partition("/")[0] for one in paths}
        self._namespaces = tuple(sorted(spaces - {""})) or ("rehearsal",)
        release = version_source.inside(project, "tool", "release")
        name = version_source.static(project, "name") or release.get("name")
        self._projects = [canonicalize_name(name)] if name else []

    def run(self, progress: Progress) -> Endpoints:
        with ThreadPoolExecutor() as pool:
            gateway = pool.submit(self._start_gateway)
            package_index = pool.submit(self._start_index)
            images = pool.submit(self._start_registry, progress)
            docker = pool.submit(self._start_engine)
            config = pool.submit(lambda: self._start_builder(gateway.result()[0]["registry"]))
        _first_failure([gateway, package_index, images, docker, config])
        ports, token = gateway.result()
        return self._endpoints(
            ports, token, package_index.result(), docker.result(), config.result()
        )

    def _front(self) -> dict[str, Any]:
        """Return what the gateway needs for the index's front."""
        return {
            "folder": str(self._services.folder / "index"),
            "root": index.INDEX,
            "user": index.USERNAME,
            "password": str(self._folder / "index" / "password"),
            "own": self._projects,
        }

    def _start_gateway(self) -> tuple[dict[str, int], str]:
        folder, token = self._folder / "gateway", secrets.token_urlsafe(24)
        folder.mkdir(parents=True, exist_ok=True)
        machines = index.machine_index()
        config = GatewayConfig(
            journal=str(self._services.folder / "journal.jsonl"),
            faults=str(self._services.folder / "faults.json"),
            ports=str(folder / "ports.json"),
            registry=str(self._sockets["registry"]),
            index=str(self._sockets["index"]),
            front=self._front(),
            index_elsewhere="" if index.needs_password(machines) else machines,
            registry_username=self._namespaces[0],
            registry_token=token,
            registry_namespaces=self._namespaces,
            github=self._services.github,
        )
        config.save(folder / "config.json")
        ports = folder / "ports.json"
        ports.unlink(missing_ok=True)
        program = [sys.executable, "-m", "rehearsal.gateway.server"]
        argv = [*program, "--config", str(folder / "config.json")]
        env = {"PATH": self._tools.search_path(), "HOME": str(folder), "PYTHONUNBUFFERED": "1"}
        service = processes.start(folder, argv, env, cwd=Path(__file__).parents[2])
        processes.wait_ready(service, ports.exists, GATEWAY_READY)
        return json.loads(ports.read_text()), token

    def _start_index(self) -> str:
        folder, where = self._folder / "index", self._sockets["index"]
        fresh = not (folder / "data").exists()
        index.start(folder, where, self._tools)
        password = folder / "password"
        if fresh:
            password.touch(mode=0o600)
            password.write_text(index.prepare(where, index.machine_index(), self._projects))
        project = self._projects[0] if self._projects else ""
        return state.begin(self._services.folder / "index", project, self._services.publisher)

    def _start_registry(self, progress: Progress) -> None:
        registry.start(self._folder / "registry", self._sockets["registry"], self._tools)
        base_images.push(self._images, self._sockets["registry"], self._tools, progress)

    def _start_engine(self) -> str:
        if self._docker:
            return self._docker.docker_host
        return engine.start(self._folder / "engine", self._state.runtime, self._tools)

    def _start_builder(self, port: int) -> Path:
        known = {name: self._tools.bin / name for name in machine_docker.PLUGINS}
        plugins = {**known, **(self._docker.plugins if self._docker else {})}
        docker_config = builder.write_docker_config(self._services.folder / "docker", plugins)
        settings = builder.configuration(f"localhost:{port}", mirrored=bool(self._images))
        folder, name = self._folder / "builder", self._state.builder
        if self._state.docker_host:
            folder.mkdir(parents=True, exist_ok=True)
            file = folder / "buildkitd.toml"
            file.write_text(settings)
            builder.create_on_engine(
                name, self._state.docker_host, docker_config, file, self._tools
            )
        else:
            address = builder.start(folder, self._state.runtime, settings, self._tools)
            builder.register(name, address, docker_config, self._tools)
        return docker_config

    def _endpoints(
        self, ports: dict[str, int], token: str, account: str, docker_host: str, config: Path
    ) -> Endpoints:
        simple = f"http://{HOST}:{ports['index']}/{index.INDEX}"
        return Endpoints(
            docker_host=docker_host,
            docker_config=config,
            builder=self._state.builder,
            registry=f"localhost:{ports['registry']}",
            registry_username=self._namespaces[0],
            registry_token=token,
            index_simple=f"{simple}/+simple/",
            index_upload=f"{simple}/",
            index_token=account,
            tools=self._tools.bin,
            journal=self._services.folder / "journal.jsonl",
            faults=self._services.folder / "faults.json",
            github=f"http://{HOST}:{ports['github']}" if "github" in ports else "",
            ca_bundle=provision.ca_bundle(),
            hub_mirror=f"localhost:{ports['registry']}" if self._images else "",
        )


def _needs(docker: machine_docker.MachineDocker | None, images: list[str]) -> list[str]:
    """List the programs that this machine's world needs beyond Python.

    actionlint is for the project's own checks, and the scanner for the job `scan`: each job has its
    own cache, in which every run would build them again.
    """
    needs = ["registry", "git", "docker", "actionlint", "osv-scanner"]
    needs += [name for name in machine_docker.PLUGINS if not (docker and name in docker.plugins)]
    needs += [] if docker else ["dockerd", "ip"]
    needs += [] if docker and not images else ["buildkitd", "runc"]
    return needs + (["mmdebstrap", "arch-test"] if images else [])


def _runtime_folder() -> Path:
    """Make a folder for sockets, whose paths must be short."""
    base = "/run" if engine.is_root() and Path("/run").is_dir() else None
    return Path(tempfile.mkdtemp(prefix="rehearsal-", dir=base))


def _first_failure(work: list[Future[Any]]) -> None:
    for one in work:
        one.result()
