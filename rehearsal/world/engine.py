"""The world's own Docker engine, independent of the machine's engine.

It has its own data, sockets and bridge, and does not change the machine's packet filter:
docker-proxy serves published ports, and containers of one network reach each other over its bridge.
They cannot reach the outside, and a release does not need that.
"""

import ipaddress
import json
import os
import secrets
import subprocess
from contextlib import closing, suppress
from pathlib import Path

import docker
import requests
from docker.errors import DockerException

from rehearsal import COMMAND
from rehearsal.world import processes, provision, sockets
from rehearsal.world.provision import Tools
from scripts.core.errors import ServiceError

READY = 90  # seconds


def start(folder: Path, runtime: Path, tools: Tools) -> str:
    """Start an engine with its data in `folder` and its sockets in `runtime`; return DOCKER_HOST.

    Sockets lie apart because the system allows their paths 107 bytes only.
    """
    address = f"unix://{runtime}/docker.sock"
    folder.mkdir(parents=True, exist_ok=True)
    bridge = f"rh{secrets.token_hex(4)}"
    (folder / "bridge").write_text(bridge)
    with provision.locked(provision.cache_folder() / "network.lock"):
        network = _free_network()
        _add_bridge(bridge, network, tools)
    config = runtime / "dockerd.json"
    config.write_text(json.dumps(_configuration(folder, runtime, bridge, network, address)))
    argv = [tools.path("dockerd"), "--config-file", str(config)]
    service = processes.start(folder, argv, {"PATH": tools.search_path(), "HOME": str(folder)})
    processes.wait_ready(service, lambda: answers(runtime / "docker.sock"), READY)
    return address


def stop(folder: Path, runtime: Path) -> None:
    """Remove the engine's containers and networks, end it, and take away its bridge and mounts."""
    service = processes.Service(folder)
    if service.state.exists() and processes.leader(service) is not None:
        _empty(f"unix://{runtime}/docker.sock")
    processes.stop(service, seconds=15)
    bridge = folder / "bridge"
    if bridge.exists():
        _ip("link", "delete", bridge.read_text(), check=False)
        bridge.unlink()


def answers(where: Path) -> bool:
    """Tell whether an engine answers on a socket."""
    if not sockets.accepts(where):
        return False
    with sockets.session(where) as session, suppress(requests.RequestException):
        return session.get(f"{sockets.ORIGIN}/_ping", timeout=5).ok
    return False


def _configuration(
    folder: Path, runtime: Path, bridge: str, network: ipaddress.IPv4Network, address: str
) -> dict[str, object]:
    lower, upper = network.subnets()
    return {
        "data-root": str(folder / "data"),
        "exec-root": str(runtime / "exec"),
        "pidfile": str(runtime / "docker.pid"),
        "hosts": [address],
        "bridge": bridge,
        "fixed-cidr": str(lower),
        "default-address-pools": [{"base": str(upper), "size": 24}],
        "iptables": False,
        "ip-masq": False,
        "ip-forward": False,
        "shutdown-timeout": 5,
        "log-level": "warn",
    }


def _free_network() -> ipaddress.IPv4Network:
    """Choose a /16 below 10.0.0.0/8 that no route of the machine touches."""
    taken = [ipaddress.ip_network(one) for one in _routes()]
    for second in range(200, 255):
        network = ipaddress.IPv4Network(f"10.{second}.0.0/16")
        if not any(network.overlaps(one) for one in taken):
            return network
    raise ServiceError(
        "every network from 10.200.0.0/16 on is in use",
        f"end other worlds: {COMMAND} down",
    )


def _routes() -> list[str]:
    routes = json.loads(_ip("-json", "-4", "route", "show", "table", "all") or "[]")
    return [one["dst"] for one in routes if one["dst"] != "default"]


def _add_bridge(name: str, network: ipaddress.IPv4Network, tools: Tools) -> None:
    tools.path("ip")
    # dockerd takes over a bridge that exists, with the address that it has.
    _ip("link", "add", "name", name, "type", "bridge")
    _ip("address", "add", f"{network[1]}/17", "dev", name)
    _ip("link", "set", name, "up")


def _ip(*arguments: str, check: bool = True) -> str:
    command = ["ip", *arguments]
    env = {"PATH": provision.system_path()}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if check and done.returncode:
        remedy = "run as root, or start the machine's own Docker engine"
        raise ServiceError(f"{' '.join(command)}: {done.stderr.strip()}", remedy)
    return done.stdout


def _empty(address: str) -> None:
    # A container that cannot be removed is killed with the engine directly afterwards.
    with (
        suppress(DockerException, requests.RequestException),
        closing(docker.DockerClient(base_url=address, timeout=30)) as client,
    ):
        for container in client.containers.list(all=True):
            container.remove(force=True)
        client.networks.prune()


def unmount_below(*folders: Path) -> None:
    """Unmount everything that is still mounted below the folders, innermost first."""
    mounts = [_mount_point(line) for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    for point in reversed(mounts):
        if any(Path(point).is_relative_to(folder) for folder in folders):
            env = {"PATH": provision.system_path()}
            subprocess.run(["umount", "--lazy", point], env=env, check=True, capture_output=True)


def _mount_point(line: str) -> str:
    # proc(5): space, tab, newline and backslash are octal escapes there.
    return line.split(" ")[4].encode().decode("unicode_escape")


def is_root() -> bool:
    """Tell whether this user can run an engine and a builder."""
    return os.getuid() == 0
