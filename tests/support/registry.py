"""The CNCF registry behind Docker Hub's tokens, and images small enough to write by hand."""

import base64
import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests
from aiohttp import web

from rehearsal.gateway.server import GatewayConfig, registry_door
from rehearsal.world import processes, provision
from rehearsal.world.registry import start
from tests.support.serving import Served, serving

USER, TOKEN = "mari", "registry-token-3b81"
INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"


@dataclass(frozen=True)
class SmallRegistry:
    """A registry whose content can be put aside and brought back, since it caches nothing."""

    folder: Path
    served: Served
    docker_config: Path

    @property
    def host(self) -> str:
        """As references begin: `localhost:PORT`."""
        return self.served.url.removeprefix("http://")

    @property
    def storage(self) -> Path:
        return self.folder / "service" / "storage"

    def save(self, folder: Path) -> None:
        """Keep a copy of all that is there."""
        shutil.copytree(self.storage, folder)

    def restore(self, folder: Path) -> None:
        """Go back to a kept copy."""
        shutil.rmtree(self.storage, ignore_errors=True)
        shutil.copytree(folder, self.storage)

    def push(self, repository: str, labels: Mapping[str, str], architecture: str) -> str:
        """Push an image of one layer without a name; give its digest."""
        layer = f"{labels} {architecture}".encode()
        config = {
            "os": "linux",
            "architecture": architecture,
            "config": {"Labels": dict(labels)},
            "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
        }
        content = json.dumps(config).encode()
        for blob in (layer, content):
            self._blob(repository, blob)
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": _descriptor(CONFIG, content),
            "layers": [_descriptor(LAYER, layer)],
        }
        return self.put(repository, json.dumps(manifest).encode(), MANIFEST)

    def put(self, repository: str, manifest: bytes, kind: str, name: str = "") -> str:
        """Put a manifest under a name, or its digest."""
        url = f"{self._url(repository)}/manifests/{name or _digest(manifest)}"
        self._ask("PUT", url, repository, data=manifest, headers={"Content-Type": kind})
        return _digest(manifest)

    def digest(self, repository: str, name: str) -> str | None:
        """Give what a name stands for, as any client is told."""
        url = f"{self._url(repository)}/manifests/{name}"
        answer = self._ask("HEAD", url, repository, headers={"Accept": f"{INDEX}, {MANIFEST}"})
        return answer.headers["Docker-Content-Digest"] if answer.ok else None

    def point(self, repository: str, name: str, digest: str) -> None:
        """Put the bytes of a digest under a name, as somebody with a token may."""
        url = f"{self._url(repository)}/manifests/{digest}"
        answer = self._ask("GET", url, repository, headers={"Accept": f"{INDEX}, {MANIFEST}"})
        self.put(repository, answer.content, answer.headers["Content-Type"], name)

    def remove(self, repository: str, digest: str) -> None:
        """Take a manifest away; every name of it goes with it."""
        kind, _, number = digest.partition(":")
        root = self.storage / "docker" / "registry" / "v2" / "repositories"
        shutil.rmtree(root / repository / "_manifests" / "revisions" / kind / number)

    def writes(self) -> int:
        """How many requests changed something, or tried; asking for a token is none."""
        return sum(one.write and one.path != "/token" for one in self.served.journal())

    def _blob(self, repository: str, content: bytes) -> None:
        began = self._ask("POST", f"{self._url(repository)}/blobs/uploads/", repository)
        where = began.headers["Location"]
        where = where if where.startswith("http") else self.served.url + where
        self._ask("PUT", where, repository, params={"digest": _digest(content)}, data=content)

    def _url(self, repository: str) -> str:
        return f"{self.served.url}/v2/{repository}"

    def _ask(
        self,
        method: str,
        url: str,
        repository: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        data: bytes | None = None,
    ) -> requests.Response:
        scope = {"scope": f"repository:{repository}:pull,push"}
        given = requests.get(
            f"{self.served.url}/token", params=scope, auth=(USER, TOKEN), timeout=60
        )
        bearer = {"Authorization": f"Bearer {given.json()['token']}"}
        answer = requests.request(
            method, url, headers={**bearer, **(headers or {})}, params=params, data=data, timeout=60
        )
        assert answer.ok or method == "HEAD", f"{method} {url}: {answer.status_code} {answer.text}"
        return answer


@contextmanager
def registry(folder: Path, **hub: object) -> Iterator[SmallRegistry]:
    """Serve a registry, and write the configuration of a client that has logged in.

    `hub` are its rules (HubRules); without them tags move, as many tests need.
    """
    tools = provision.ensure(["registry", "docker", "docker-buildx"], lambda _line: None)
    socket = folder / "s"
    start(folder / "service", socket, tools)

    def make(_url: str) -> web.Application:
        config = GatewayConfig(
            *("", "", ""),
            registry=str(socket),
            registry_username=USER,
            registry_token=TOKEN,
            registry_namespaces=("mari",),
            hub={"immutable": "", **hub},
        )
        return registry_door(config)

    try:
        with serving("registry", folder / "door", make) as served:
            made = SmallRegistry(folder, served, folder / "docker")
            _log_in(made, tools.path("docker-buildx"))
            yield made
    finally:
        processes.stop(processes.Service(folder / "service"))


def _log_in(made: SmallRegistry, buildx: str) -> None:
    plugins = made.docker_config / "cli-plugins"
    plugins.mkdir(parents=True)
    (plugins / "docker-buildx").symlink_to(buildx)
    auth = base64.b64encode(f"{USER}:{TOKEN}".encode()).decode()
    text = json.dumps({"auths": {made.host: {"auth": auth}}})
    (made.docker_config / "config.json").write_text(text)


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _descriptor(kind: str, content: bytes) -> dict[str, object]:
    return {"mediaType": kind, "digest": _digest(content), "size": len(content)}
