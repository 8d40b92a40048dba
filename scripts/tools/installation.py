"""Install the released package in a clean environment, as a user does."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from scripts.core.errors import CheckError, ConflictError, ServiceError, TransientError
from scripts.core.lockfile import Lock
from scripts.tools import processes

# uv's messages if the index, or a cache of it, does not show the version yet.
NOT_SHOWN = ("there is no version of", "not found in the package registry")
ASK = "import importlib.metadata as m, sys; print(m.version(sys.argv[-1]))"
Ask = Callable[[Callable[[], None]], None]
REMEDY = "correct the package, and run the release again with the same version"


@dataclass(frozen=True)
class Installation:
    """A separate virtual environment."""

    environment: Mapping[str, str]
    """The environment variables of its programs."""
    folder: Path

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    def run(self, *arguments: str, **environment: str) -> str:
        """Run its interpreter outside the checkout, so that it finds only installed packages."""
        return processes.run(
            [str(self.python), "-I", *arguments],
            cwd=self.folder,
            environment={**self.environment, **environment},
        )

    def install(self, *arguments: str) -> None:
        """Install with uv."""
        self._uv("pip", "install", f"--python={self.python}", *arguments)

    def create(self) -> None:
        """Make the empty environment."""
        self._uv("venv", "--quiet", "--", str(self.folder))

    def _uv(self, *arguments: str) -> None:
        # uv is in the folder of this Python, which PATH does not always contain.
        path = f"{Path(sys.executable).parent}:{self.environment.get('PATH', '')}"
        environment = {**self.environment, "PATH": path}
        processes.run(["uv", *arguments], cwd=self.folder.parent, environment=environment)


def install_published(
    installation: Installation, lock: Lock, simple_url: str, ask: Ask, folder: Path
) -> None:
    """Install from the index by name, only if the file has the hash in the lock.

    Cool-downs that a user may have set against fresh uploads do not apply to one's own release.
    `ask` repeats what failed in passing; `folder` is an empty one.
    """
    plan = lock.plan
    hashes = " ".join(f"--hash=sha256:{dist.sha256}" for dist in lock.dists)
    wanted = folder / "requirements.txt"
    wanted.write_text(f"{plan.project}=={plan.version} {hashes}\n", "utf-8")
    index = [f"--default-index={simple_url}", f"--refresh-package={plan.project}"]

    def install() -> None:
        try:
            # Otherwise uv would silently build the sdist if the wheel's hash differs.
            wheel = f"--only-binary={plan.project}"
            exactly = ("--require-hashes", "--no-deps", f"--requirements={wanted}")
            installation.install(*index, wheel, *exactly)
        except ServiceError as error:
            if any(sign in error.cause for sign in NOT_SHOWN):
                raise TransientError(error.cause, "check the index, and run this again") from error
            if "hash mismatch" in error.cause.lower():
                raise ConflictError(
                    f"the file on the index differs from the lock: {error.cause}",
                    "yank this version at the index, and release the next one",
                ) from error
            raise

    ask(install)
    installation.install(*index, "--", f"{plan.project}=={plan.version}")


def check(installation: Installation, project: str, version: str, modules: tuple[str, ...]) -> None:
    """Import the installed package, and check its version."""
    found = installation.run("-c", ASK, "--", project).strip()
    if found != version:
        raise CheckError(
            f"the installed {project} says version {found}, expected {version}", REMEDY
        )
    for module in modules:
        try:
            installation.run("-c", f"import {module}")
        except ServiceError as error:
            raise CheckError(
                f"the installed package cannot be imported: {error.cause}",
                REMEDY,
            ) from error
