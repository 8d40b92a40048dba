"""What the rehearsal's tests share: one world for all that only use it."""

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from rehearsal.world.services import Endpoints, Services

DOCKERFILE = """\
FROM --platform=$BUILDPLATFORM python:3.13-slim AS build
RUN python3 -c "import sys; open('/made', 'w').write(sys.version)"
FROM python:3.13-slim
COPY --from=build /made /srv/index.html
CMD ["python3", "-m", "http.server", "--directory", "/srv", "8000"]
"""

PYPROJECT = """\
[project]
name = "rehearsed_thing"
version = "1.0"
[[tool.release.images]]
repository = "somebody/thing"
"""


def make_repository(folder: Path) -> Path:
    folder.mkdir()
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / "pyproject.toml").write_text(PYPROJECT)
    return folder


@dataclass(frozen=True)
class World:
    """A world that is up, and commands as jobs would run them: in an emptied environment."""

    folder: Path
    repository: Path
    services: Services
    endpoints: Endpoints

    def environment(self, docker_config: Path | None = None) -> dict[str, str]:
        return {
            "PATH": f"{self.endpoints.tools}:/usr/local/bin:/usr/bin:/usr/sbin:/bin:/sbin",
            "HOME": str(self.folder),
            "DOCKER_HOST": self.endpoints.docker_host,
            "DOCKER_CONFIG": str(docker_config or self.endpoints.docker_config),
            "BUILDX_CONFIG": str(self.endpoints.docker_config / "buildx"),
            "BUILDX_BUILDER": self.endpoints.builder,
            "SOURCE_DATE_EPOCH": "1767225600",
            "UV_SYSTEM_CERTS": "1",
            "SSL_CERT_FILE": self.endpoints.ca_bundle,
            "REQUESTS_CA_BUNDLE": self.endpoints.ca_bundle,
        }

    def run(
        self,
        *command: str | Path,
        env: Mapping[str, str] | None = None,
        stdin: str = "",
    ) -> subprocess.CompletedProcess[str]:
        words: Sequence[str] = [str(one) for one in command]
        return subprocess.run(
            words,
            env=env or self.environment(),
            input=stdin,
            text=True,
            capture_output=True,
            check=False,
            cwd=self.repository,
            timeout=300,
        )


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    base = tmp_path_factory.mktemp("world")
    repository = make_repository(base / "repository")
    services = Services(base / "world", repository)
    endpoints = services.up(lambda _line: None)
    try:
        yield World(base / "world", repository, services, endpoints)
    finally:
        services.down()


@pytest.fixture
def emptied(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Empty the environment, as `env -i` does."""
    for name in list(os.environ):
        monkeypatch.delenv(name)
    return monkeypatch
