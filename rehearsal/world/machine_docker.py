"""The machine's own Docker."""

import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from rehearsal.world import provision
from scripts.core.errors import ServiceError

PLUGINS = ("docker-buildx", "docker-compose")


@dataclass(frozen=True)
class MachineDocker:
    """A working engine, its address, and the client's plugins by name."""

    docker_host: str
    plugins: dict[str, Path] = field(default_factory=dict)


def find_docker() -> MachineDocker | None:
    """Ask `docker info`: a client without an engine does not count."""
    if provision.which("docker") is None:
        return None
    info = _docker("info", "--format", "{{json .}}")
    if info is None or json.loads(info).get("ServerErrors") or not json.loads(info).get("ID"):
        return None
    address = _docker("context", "inspect", "--format", "{{.Endpoints.docker.Host}}")
    known = json.loads(info).get("ClientInfo", {}).get("Plugins") or []
    plugins = {f"docker-{one['Name']}": Path(one["Path"]) for one in known if not one.get("Err")}
    wanted = {name: path for name, path in plugins.items() if name in PLUGINS}
    return MachineDocker(address or "unix:///var/run/docker.sock", wanted)


def remove_images(docker_host: str, registry: str) -> None:
    """Take the names below a world's registry out of the machine's own engine.

    An image that has another name stays, under that one. Raises ServiceError if a container holds
    the only name of one: the engine then keeps it.
    """
    if names := _names_below(docker_host, registry):
        # With the last tag of a repository its digests go, and are not found when it is their turn.
        _docker("--host", docker_host, "rmi", *names, seconds=300)
    if left := _names_below(docker_host, registry):
        cause = f"containers still use {', '.join(left)}"
        raise ServiceError(cause, "remove the containers, then end the world again")


def _names_below(docker_host: str, registry: str) -> list[str]:
    form = "{{.Repository}}:{{.Tag}} {{.Repository}}@{{.Digest}}"
    listed = _docker("--host", docker_host, "images", "--digests", "--format", form) or ""
    known = [name for name in listed.split() if not name.endswith("<none>")]
    return [name for name in known if name.startswith(f"{registry}/")]


def _docker(*arguments: str, seconds: float = 20) -> str | None:
    env = provision.machine_environment()
    command = ["docker", *arguments]
    try:
        done = subprocess.run(
            command, env=env, capture_output=True, text=True, check=False, timeout=seconds
        )
    except subprocess.TimeoutExpired:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
