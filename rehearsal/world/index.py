"""The package index of a world: devpi, behind a Unix socket.

Uploads go to `root/release`. For every other project the gateway sends clients to the machine's own
index, which is many times faster than devpi's mirror of it. devpi mirrors that index only if it
needs a password, which clients would not have.
"""

import base64
import configparser
import importlib.metadata
import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from pypi_simple import PYPI_SIMPLE_ENDPOINT

from rehearsal.world import processes, provision, sockets
from rehearsal.world.provision import Tools
from scripts.core.errors import ServiceError

READY = 90  # seconds
INDEX = "root/release"
MIRROR = "root/mirror"
USERNAME = "release"
MIRRORING = {"type": "mirror", "mirror_no_project_list": True}  # the list is tens of megabytes


def start(folder: Path, where: Path, tools: Tools) -> None:
    """Start devpi with its data in `folder`, listening on the socket `where`."""
    data = folder / "data"
    if not data.exists():
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copytree(_initialised(tools), data)
    argv = [_program("devpi-server"), "--serverdir", str(data), "--unix-socket", str(where)]
    argv += ["--unix-socket-perms", "600", "--restrict-modify", "root", "--request-timeout", "30"]
    # devpi stretches its own random secret for seconds, which is for secrets that people make up.
    argv += ["--argon2-memory-cost", "8", "--argon2-time-cost", "1", "--argon2-parallelism", "1"]
    service = processes.start(folder, argv, _environment(tools))
    processes.wait_ready(service, lambda: sockets.accepts(where), READY)


def _initialised(tools: Tools) -> Path:
    """Return an initialised data folder of devpi, made once: it takes longer than all else."""
    version = importlib.metadata.version("devpi-server")
    folder = provision.cache_folder() / "devpi" / version
    with provision.locked(folder.with_name(f"{version}.lock")):
        if not folder.exists():
            draft = folder.with_name(f"{version}.part")
            shutil.rmtree(draft, ignore_errors=True)
            command = [_program("devpi-init"), "--serverdir", str(draft), "--no-root-pypi"]
            done = subprocess.run(
                command, env=_environment(tools), capture_output=True, text=True, check=False
            )
            if done.returncode:
                raise ServiceError(f"devpi-init failed: {done.stderr[-500:]}", "make setup")
            draft.replace(folder)
    return folder


def _program(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def _environment(tools: Tools) -> dict[str, str]:
    bundle = provision.ca_bundle()
    trust = {"SSL_CERT_FILE": bundle, "REQUESTS_CA_BUNDLE": bundle} if bundle else {}
    proxies = {k: v for k, v in os.environ.items() if k.lower().endswith("_proxy")}
    return {"PATH": tools.search_path(), "HOME": str(provision.home_folder()), **trust, **proxies}


def machine_index() -> str:
    """Return the simple index that this machine's pip uses, by environment or configuration."""
    given = os.environ.get("PIP_INDEX_URL") or os.environ.get("UV_DEFAULT_INDEX") or _configured()
    return (given or PYPI_SIMPLE_ENDPOINT).rstrip("/") + "/"


def _configured() -> str:
    """Read `global.index-url` as pip would (`pip config`), without starting pip."""
    places = [Path("/etc/pip.conf"), *sorted(Path("/etc/xdg/pip").glob("pip.conf"))]
    home = provision.home_folder()
    places += [home / ".pip" / "pip.conf", home / ".config" / "pip" / "pip.conf"]
    places += [Path(sys.prefix) / "pip.conf", Path(os.environ.get("PIP_CONFIG_FILE", os.devnull))]
    parser = configparser.RawConfigParser()
    parser.read([one for one in places if one.is_file()])
    return parser.get("global", "index-url", fallback="")


def prepare(where: Path, machine: str, projects: Sequence[str]) -> str:
    """Create devpi's user and indexes through its API; return the user's password.

    `projects` are the world's own: they never come from the machine's index, so that every world
    starts the same.
    """
    api = _Api(where)
    api.login("root", "")
    root, password = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
    api.send("PATCH", "root", {"password": root})
    api.login("root", root)
    api.send("PUT", USERNAME, {"password": password})
    bases = [MIRROR] if needs_password(machine) else []
    if bases:
        api.send("PUT", MIRROR, {**MIRRORING, "mirror_url": machine})
    stage = {"type": "stage", "bases": bases, "volatile": False, "acl_upload": [USERNAME]}
    api.send("PUT", INDEX, {**stage, "acl_upload": ["root"]})
    for project in projects:
        api.own(project)
    api.send("PATCH", INDEX, stage)
    return password


def needs_password(url: str) -> bool:
    """Say whether an index is opened by a password in its address."""
    return urlsplit(url).password is not None


class _Api:
    """devpi's REST API."""

    def __init__(self, where: Path) -> None:
        self._session = sockets.session(where)
        self._session.headers["Accept"] = "application/json"

    def login(self, user: str, password: str) -> None:
        answer = self.send("POST", "+login", {"user": user, "password": password})
        token = base64.b64encode(f"{user}:{answer['result']['password']}".encode()).decode()
        self._session.headers["X-Devpi-Auth"] = token

    def own(self, project: str) -> None:
        """Register a project without any file: the index then never asks its bases for it."""
        form = {":action": "submit", "name": project, "version": "0", "metadata_version": "1.2"}
        self._check(self._session.post(f"{sockets.ORIGIN}/{INDEX}/", data=form, timeout=30))

    def send(self, method: str, path: str, body: dict[str, Any]) -> Any:
        url, data = f"{sockets.ORIGIN}/{path}", json.dumps(body)
        answer = self._session.request(method, url, data=data, timeout=30)
        self._check(answer)
        return answer.json()

    def _check(self, answer: requests.Response) -> None:
        if not answer.ok:
            request = answer.request
            cause = f"devpi refused {request.method} {request.path_url}: {answer.text[:300]}"
            raise ServiceError(cause, "see the log of the service `index`")
