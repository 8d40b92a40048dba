"""A BuildKit builder of the world's own, and the folder of Docker settings that knows it."""

import json
import subprocess
from pathlib import Path

from rehearsal.world import processes, provision, sockets
from rehearsal.world.provision import Tools
from scripts.core.errors import ServiceError

READY = 90  # seconds
DOCKER_HUB = "docker.io"


def write_docker_config(folder: Path, plugins: dict[str, Path]) -> Path:
    """Make a DOCKER_CONFIG folder with only links to the client's plugins."""
    (folder / "cli-plugins").mkdir(parents=True, exist_ok=True)
    for name, path in plugins.items():
        link = folder / "cli-plugins" / name
        link.unlink(missing_ok=True)
        link.symlink_to(path)
    (folder / "config.json").write_text("{}")
    return folder


def start(folder: Path, runtime: Path, config: str, tools: Tools) -> str:
    """Start buildkitd with its data in `folder` and its socket in `runtime`; return its address."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = folder / "buildkitd.toml"
    settings.write_text(config)
    where = runtime / "buildkitd.sock"
    argv = [tools.path("buildkitd"), "--config", str(settings), "--root", str(folder / "data")]
    argv += ["--addr", f"unix://{where}", "--oci-worker=true", "--containerd-worker=false"]
    argv += ["--oci-worker-binary", tools.path("runc")]
    env = {"PATH": tools.search_path(), "HOME": str(folder), "TMPDIR": "/tmp"}  # noqa: S108
    env |= {"OTEL_TRACES_EXPORTER": "none", "SSL_CERT_FILE": provision.ca_bundle()}
    service = processes.start(folder, argv, env)
    processes.wait_ready(service, lambda: sockets.accepts(where), READY)
    return f"unix://{where}"


def configuration(registry: str, mirrored: bool) -> str:
    """Write buildkitd's settings: `registry` by plain HTTP, and Docker Hub's images from it."""
    text = f'[registry."{registry}"]\nhttp = true\n'
    return text + f'[registry."{DOCKER_HUB}"]\nmirrors = ["{registry}"]\n' if mirrored else text


def register(name: str, address: str, docker_config: Path, tools: Tools) -> None:
    """Make buildx know a running buildkitd under a name."""
    _buildx(docker_config, tools, "create", "--name", name, "--driver", "remote", address)


def create_on_engine(
    name: str, docker_host: str, docker_config: Path, settings: Path, tools: Tools
) -> None:
    """Make a builder in a container of an engine that can pull BuildKit's image."""
    options = ["--driver", "docker-container", "--driver-opt", "network=host"]
    options += ["--buildkitd-config", str(settings), "--bootstrap"]
    _buildx(docker_config, tools, "create", "--name", name, *options, docker_host=docker_host)


def remove_from_engine(name: str, docker_host: str, docker_config: Path, tools: Tools) -> None:
    """Remove what `create_on_engine` made, its container and volume."""
    _buildx(docker_config, tools, "rm", "--force", name, docker_host=docker_host)


def _buildx(docker_config: Path, tools: Tools, *arguments: str, docker_host: str = "") -> None:
    env = {"PATH": tools.search_path(), "HOME": str(docker_config)}
    env |= {"DOCKER_CONFIG": str(docker_config)} | (
        {"DOCKER_HOST": docker_host} if docker_host else {}
    )
    command = [tools.path("docker"), "buildx", *arguments]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        cause = f"docker buildx {arguments[0]}: {done.stderr.strip()}"
        raise ServiceError(cause, f"see {docker_config}: {json.dumps(list(arguments))}")
