"""Stand-in for docker/login-action: credentials for this job only.

A runner is deleted after its job, with the credentials. All jobs of a rehearsal share one machine,
so each job gets its own configuration folder.
"""

import os
import shutil
import subprocess
from pathlib import Path

from rehearsal.actions.toolkit import StandInError, export, given, refuse, run, temporary

PUBLIC = ("", "docker.io", "index.docker.io", "registry-1.docker.io")


def main() -> None:
    """Log in at the registry; the password goes through standard input."""
    refuse("ecr", "scope", "registry-auth")
    registry = given("registry")
    if registry in PUBLIC:
        raise StandInError(
            "the input registry is empty: a rehearsal never logs in to the public registry"
        )
    if not _local(registry):
        print(f"{registry}: a rehearsal does not log in there; its images go to the world's own")
        return
    if not (given("username") and given("password")):
        raise StandInError(
            "Username and password required: give both, or skip the login without credentials"
        )
    folder = _own_folder()
    done = subprocess.run(
        ["docker", "login", "--username", given("username"), "--password-stdin", registry],
        input=given("password"), capture_output=True, text=True, check=False,
        env={**os.environ, "DOCKER_CONFIG": str(folder)},
    )  # fmt: skip
    if done.returncode:
        raise StandInError(f"docker login at {registry} failed: {done.stderr.strip()}")
    export("DOCKER_CONFIG", folder)
    print(f"logged in at {registry} for this job")


def _local(registry: str) -> bool:
    return registry.partition(":")[0] in ("localhost", "127.0.0.1")


def _own_folder() -> Path:
    """Return the job's configuration folder: the one it already has, or a copy of the world's."""
    current = Path(os.environ["DOCKER_CONFIG"])
    folder = temporary() / "docker-config"
    if current != folder:
        shutil.copytree(current, folder, symlinks=True, dirs_exist_ok=True)
        folder.chmod(0o700)
    return folder


if __name__ == "__main__":
    run(main)
