"""What the machine itself has of Docker."""

import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from rehearsal import provision

PLUGINS = ("docker-buildx", "docker-compose")


@dataclass(frozen=True)
class MachineDocker:
    """A working engine, its address, and the client's plugins by name."""

    docker_host: str
    plugins: dict[str, Path] = field(default_factory=dict)


def find_docker() -> MachineDocker | None:
    """Ask `docker info`: a client alone is no engine."""
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


def _docker(*arguments: str) -> str | None:
    env = provision.machine_environment()
    try:
        done = subprocess.run(
            ["docker", *arguments], env=env, capture_output=True, text=True, check=False, timeout=20
        )
    except subprocess.TimeoutExpired:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
