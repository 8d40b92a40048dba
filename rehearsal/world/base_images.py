"""Base images for machines that cannot reach Docker Hub.

The Dockerfiles name `python:3.13-slim` or `nginx:1.29`. If those cannot be pulled, this makes
images of the same names from the distribution's packages, for both platforms and without running
their programs. It puts them into the world's registry, which serves as Docker Hub for the builder.
"""

import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from rehearsal.world import provision, sockets
from rehearsal.world.provision import Progress, Tools
from scripts.core.errors import ServiceError, UsageError

ARCHITECTURES = ("amd64", "arm64")
HUB = "https://registry-1.docker.io/v2/"
OCI = "application/vnd.oci.image"
EPOCH = "1735689600"  # 2025-01-01: a time for files that the packages give none
HOOK = Path(__file__).with_name("base_images_hook.sh")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"


@dataclass(frozen=True)
class Recipe:
    """The parts of a stand-in: a Debian release, its packages, and the started command."""

    kind: str
    suite: str
    packages: tuple[str, ...]
    command: tuple[str, ...]


COMMON = ("ca-certificates", "passwd")
PYTHON = (*COMMON, "python3", "python3-pip", "python3-venv", "libstdc++6", "libgomp1", "libexpat1")
NGINX = (*COMMON, "nginx", "curl")
PYTHON_SUITES = {"3.11": "bookworm", "3.13": "trixie"}


def recipe(image: str) -> Recipe:
    """Return the parts of a stand-in. Raises UsageError for an image that has none."""
    name, _, tag = image.partition(":")
    name = name.removeprefix("docker.io/").removeprefix("library/")
    version = re.match(r"\d+\.\d+", tag)
    if name == "nginx" and "@" not in tag:
        return Recipe("nginx", "trixie", NGINX, ("nginx", "-g", "daemon off;"))
    if name == "python" and "@" not in tag and version and version[0] in PYTHON_SUITES:
        return Recipe("python", PYTHON_SUITES[version[0]], PYTHON, ("python3",))
    raise UsageError(
        f"Docker Hub cannot be reached, and there is no stand-in for the base image {image}",
        f"use nginx or python:{' or '.join(PYTHON_SUITES)}, or let this machine reach docker.io",
    )


def named_in(dockerfiles: Iterable[Path]) -> list[str]:
    """List the images that Dockerfiles start from, without their own stages and `scratch`."""
    found: set[str] = set()
    for dockerfile in dockerfiles:
        found |= images_of(dockerfile.read_text())
    return sorted(found)


def images_of(text: str) -> set[str]:
    """Find the base images of one Dockerfile; ARGs before the first FROM have their defaults."""
    joined = re.sub(r"\\\s*\n", " ", text)
    before = re.split(r"^\s*FROM\s", joined, maxsplit=1, flags=re.IGNORECASE | re.MULTILINE)[0]
    defaults = dict(re.findall(r"^\s*ARG\s+(\w+)=\"?([^\s\"]*)", before, re.IGNORECASE | re.M))
    line = r"^\s*FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?"
    stages = {"scratch"}
    images = set()
    for image, stage in re.findall(line, joined, re.IGNORECASE | re.MULTILINE):
        named = re.sub(r"\$\{?(\w+)(?::-[^}]*)?\}?", lambda m: defaults.get(m[1], ""), image)
        if named.lower() not in stages:
            images.add(named)
        stages.add(stage.lower())
    return images


def hub_answers() -> bool:
    """Tell whether Docker Hub can be reached from here."""
    env = provision.ca_bundle()
    try:
        return requests.get(HUB, timeout=4, verify=env or True).status_code in (200, 401)
    except requests.RequestException:
        return False


def layers(images: Iterable[str], tools: Tools, progress: Progress) -> None:
    """Make the layers of every stand-in that this machine does not have yet."""
    recipes = dict.fromkeys(recipe(one) for one in images)
    work = [(one, arch) for one in recipes for arch in ARCHITECTURES]
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        for done in [pool.submit(_layer, one, arch, tools, progress) for one, arch in work]:
            done.result()


def _layer(made_of: Recipe, arch: str, tools: Tools, progress: Progress) -> Path:
    """Return the folder of a stand-in's only layer and its digests."""
    folder = provision.cache_folder() / "bases" / f"{made_of.kind}-{arch}-{_key(made_of, arch)}"
    with provision.locked(folder.with_suffix(".lock")):
        if not folder.exists():
            progress(f"making a stand-in for {made_of.kind}, {arch}")
            draft = folder.with_suffix(".part")
            shutil.rmtree(draft, ignore_errors=True)
            draft.mkdir()
            _bootstrap(made_of, arch, draft / "layer.tar", tools)
            _compress(draft)
            draft.replace(folder)
    return folder


def _key(made_of: Recipe, arch: str) -> str:
    bundle = provision.ca_bundle()
    parts = [repr(made_of).encode(), arch.encode(), HOOK.read_bytes()]
    parts.append(Path(bundle).read_bytes() if bundle else b"")
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def _bootstrap(made_of: Recipe, arch: str, target: Path, tools: Tools) -> None:
    command = [tools.path("mmdebstrap"), "--variant=extract", f"--arch={arch}", "--quiet"]
    # A pattern and a list of names in one --include would fail.
    command += ["--include=?essential", f"--include={','.join(made_of.packages)}"]
    command += [f"--dpkgopt=path-exclude=/usr/share/{one}/*" for one in ("doc", "man", "locale")]
    hook = f'sh {HOOK} "$1" {made_of.kind} {provision.ca_bundle() or "/dev/null"}'
    command += [f"--extract-hook={hook}", made_of.suite, str(target), debian_mirror()]
    env = {**provision.machine_environment(), "SOURCE_DATE_EPOCH": EPOCH}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        cause = f"mmdebstrap failed for {made_of.kind}, {arch}: {done.stderr.strip()[-800:]}"
        raise ServiceError(cause, "check the package mirror in the machine's apt sources")


def debian_mirror() -> str:
    """Return the mirror of Debian that this machine's apt uses."""
    sources = sorted(Path("/etc/apt/sources.list.d").glob("*.sources"))
    for source in sources:
        for block in source.read_text().split("\n\n"):
            fields = dict(re.findall(r"^(\w[\w-]*):\s*(.*)$", block, re.MULTILINE))
            if "main" in fields.get("Components", "").split() and "debian" in fields.get(
                "URIs", ""
            ):
                return str(fields["URIs"].split()[0])
    lists = [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*.list"))]
    for one in lists:
        text = one.read_text() if one.exists() else ""
        found = re.search(r"^deb\s+(?:\[[^]]*\]\s+)?(\S*debian\S*)\s.*\bmain\b", text, re.MULTILINE)
        if found:
            return found[1]
    raise ServiceError("apt's sources do not list a Debian mirror", "add one, or reach docker.io")


def _compress(folder: Path) -> None:
    """Replace `layer.tar` by `layer.tar.gz`, and write down the digests of both."""
    tar, packed = folder / "layer.tar", folder / "layer.tar.gz"
    plain = hashlib.sha256()
    with (
        tar.open("rb") as source,
        packed.open("wb") as target,
        gzip.GzipFile("", "wb", 3, target, mtime=0) as stream,
    ):
        while chunk := source.read(1 << 20):
            plain.update(chunk)
            stream.write(chunk)
    with packed.open("rb") as source:
        digest = hashlib.file_digest(source, "sha256").hexdigest()
    tar.unlink()
    facts = {"diff": f"sha256:{plain.hexdigest()}", "digest": f"sha256:{digest}"}
    (folder / "digests.json").write_text(json.dumps(facts))


def push(images: Iterable[str], where: Path, tools: Tools, progress: Progress) -> None:
    """Push the stand-ins under their images' names to the registry behind a socket."""
    with sockets.session(where) as session:
        for image in images:
            made_of = recipe(image)
            name, _, tag = image.removeprefix("docker.io/").removeprefix("library/").partition(":")
            registry = _Repository(session, f"library/{name}")
            entries = []
            for arch in ARCHITECTURES:
                folder = _layer(made_of, arch, tools, progress)
                entries.append(_platform(registry, made_of, arch, folder))
            index = {"schemaVersion": 2, "mediaType": f"{OCI}.index.v1+json", "manifests": entries}
            registry.put_manifest(tag or "latest", index)


def _platform(registry: "_Repository", made_of: Recipe, arch: str, folder: Path) -> dict[str, Any]:
    facts = json.loads((folder / "digests.json").read_text())
    packed = folder / "layer.tar.gz"
    registry.put_blob(packed.read_bytes(), facts["digest"])
    config = json.dumps(_configuration(made_of, arch, facts["diff"])).encode()
    digest = f"sha256:{hashlib.sha256(config).hexdigest()}"
    registry.put_blob(config, digest)
    layer = {
        "mediaType": f"{OCI}.layer.v1.tar+gzip",
        "digest": facts["digest"],
        "size": packed.stat().st_size,
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{OCI}.manifest.v1+json",
        "config": {
            "mediaType": f"{OCI}.config.v1+json",
            "digest": digest,
            "size": len(config),
        },
        "layers": [layer],
    }
    entry = registry.put_manifest("", manifest)
    return {**entry, "platform": {"architecture": arch, "os": "linux"}}


def _configuration(made_of: Recipe, arch: str, diff: str) -> dict[str, Any]:
    trust = [f"{name}={CERTIFICATES}" for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")]
    return {
        "architecture": arch,
        "os": "linux",
        "config": {
            "Env": [f"PATH={PATH}", "LANG=C.UTF-8", *trust, "UV_SYSTEM_CERTS=1"],
            "Cmd": list(made_of.command),
        },
        "rootfs": {"type": "layers", "diff_ids": [diff]},
    }


class _Repository:
    """One repository of a registry that asks for no credentials."""

    def __init__(self, session: requests.Session, name: str) -> None:
        self._session, self._base = session, f"{sockets.ORIGIN}/v2/{name}"

    def put_blob(self, content: bytes, digest: str) -> None:
        if self._session.head(f"{self._base}/blobs/{digest}", timeout=60).ok:
            return
        begun = self._check(self._session.post(f"{self._base}/blobs/uploads/", timeout=60))
        place = begun.headers["Location"]
        url = place if place.startswith("http") else sockets.ORIGIN + place
        self._check(
            self._session.put(
                url + ("&" if "?" in url else "?") + f"digest={digest}",
                data=content,
                headers={"Content-Type": "application/octet-stream"},
                timeout=300,
            )
        )

    def put_manifest(self, tag: str, manifest: dict[str, Any]) -> dict[str, Any]:
        content = json.dumps(manifest).encode()
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        kind = manifest["mediaType"]
        url = f"{self._base}/manifests/{tag or digest}"
        self._check(
            self._session.put(url, data=content, headers={"Content-Type": kind}, timeout=60)
        )
        return {"mediaType": kind, "digest": digest, "size": len(content)}

    def _check(self, answer: requests.Response) -> requests.Response:
        if not answer.ok:
            cause = f"the registry refused a base image: {answer.status_code} {answer.text[:300]}"
            raise ServiceError(cause, "see the log of the service `registry`")
        return answer
