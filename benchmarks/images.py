"""A builder of the benchmark's own, and images built with it from a cold cache."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.harness import ROOT
from rehearsal.world import git_repo
from rehearsal.world.services import Endpoints, Services
from scripts.core.errors import CheckError

EVERY = 15.0
"""Seconds between two signs of life."""


@dataclass(frozen=True)
class Builder:
    """A world's builder, and the committed sources that it builds."""

    sources: Path
    endpoints: Endpoints
    docker_config: Path

    def seconds(self, what: str, targets: list[str], *settings: str) -> float:
        """Build targets of docker-bake.hcl, nothing cached, push them without a name; time it."""
        self._docker("buildx", "prune", "--all", "--force", told="emptying the cache")
        places = [
            f"--set={name}.output=type=image,name={self.endpoints.registry}/"
            f"{self.endpoints.registry_username}/{name},push=true,push-by-digest=true,"
            "name-canonical=true"
            for name in targets
        ]
        # A name by tag and one by digest exclude each other.
        bake = ["buildx", "bake", "--progress=plain", "--provenance=false", "--set=*.tags="]
        began = time.monotonic()
        self._docker(*bake, *places, *settings, *targets, told=what)
        took = time.monotonic() - began
        say(f"{what}: {took:.1f} s")
        return took

    def _docker(self, *arguments: str, told: str = "") -> None:
        """Run docker; where `told` names it, show now and then how far it is."""
        with tempfile.TemporaryFile() as log:
            began = time.monotonic()
            process = subprocess.Popen(
                ["docker", *arguments],
                cwd=self.sources,
                env=self._environment(),
                stdout=log,
                stderr=subprocess.STDOUT,
            )
            try:
                while True:
                    try:
                        process.wait(EVERY)
                        break
                    except subprocess.TimeoutExpired:
                        passed = time.monotonic() - began
                        say(f"{told}, {passed:.0f} s so far: {_last(log.fileno())}")
            finally:
                process.terminate()
                process.wait()
            if process.returncode:
                cause = f"docker {' '.join(arguments[:2])} failed:\n{_last(log.fileno(), 20)}"
                raise CheckError(cause, "fix what it names, and measure again")

    def _environment(self) -> dict[str, str]:
        where = self.endpoints
        return {
            "PATH": f"{where.tools}:{os.environ['PATH']}",
            "HOME": str(self.docker_config),
            "DOCKER_HOST": where.docker_host,
            "DOCKER_CONFIG": str(self.docker_config),
            "BUILDX_CONFIG": str(where.docker_config / "buildx"),
            "BUILDX_BUILDER": where.builder,
            "SOURCE_DATE_EPOCH": "1767225600",
            "SSL_CERT_FILE": where.ca_bundle,
        }


@contextmanager
def builder() -> Iterator[Builder]:
    """Bring up a world whose builder knows nothing yet; end it again."""
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        sources = exported(folder / "sources")
        services = Services(folder / "world", sources)
        say("bringing up a builder and a registry")
        endpoints = services.up(say)
        try:
            made = Builder(sources, endpoints, endpoints.docker_config)
            login = ["login", endpoints.registry, "--username", endpoints.registry_username]
            subprocess.run(
                ["docker", *login, "--password-stdin"],
                input=endpoints.registry_token.encode(),
                env=made._environment(),
                check=True,
                capture_output=True,
            )
            yield made
        finally:
            say("ending the builder and the registry")
            services.down()


def exported(folder: Path) -> Path:
    """Write what is committed into a folder, whatever is being edited in the checkout."""
    folder.mkdir(parents=True)
    git_repo.unpack(ROOT, folder)
    return folder


def say(line: str) -> None:
    """Show a line at once, apart from the figures."""
    print(f"  … {line}", file=sys.stderr, flush=True)


def _last(file: int, lines: int = 1) -> str:
    """Give the last lines of a log that another process is writing."""
    size = os.fstat(file).st_size
    text = os.pread(file, 20_000, max(size - 20_000, 0)).decode("utf-8", "replace")
    return "\n".join(text.strip().splitlines()[-lines:])[-100 * lines :]
