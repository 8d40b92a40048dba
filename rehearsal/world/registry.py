"""The CNCF registry of a world, behind a Unix socket. The gateway checks the access."""

import json
from pathlib import Path

from rehearsal.world import processes, sockets
from rehearsal.world.provision import Tools

READY = 90  # seconds


def start(folder: Path, where: Path, tools: Tools) -> None:
    """Start the registry with its storage in `folder`, listening on the socket `where`."""
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "config.yaml"
    config.write_text(json.dumps(configuration(folder / "storage", where)))  # JSON is YAML
    argv = [tools.path("registry"), "serve", str(config)]
    env = {"PATH": tools.search_path(), "HOME": str(folder), "OTEL_TRACES_EXPORTER": "none"}
    service = processes.start(folder, argv, env)
    processes.wait_ready(service, lambda: sockets.accepts(where), READY)


def configuration(storage: Path, where: Path) -> dict[str, object]:
    """Return the registry's settings. Addresses in its answers are relative: the gateway's hold."""
    return {
        "version": 0.1,
        "log": {"level": "warn", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(storage)}, "delete": {"enabled": True}},
        "http": {"net": "unix", "addr": str(where), "relativeurls": True},
    }
