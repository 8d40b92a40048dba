"""Running git on the bare repository."""

import asyncio
import os
import re
from collections.abc import Mapping
from pathlib import Path

ZERO = "0" * 40
ABBREVIATED = re.compile(r"[0-9a-f]{7,40}")


class GitError(Exception):
    """A git command failed; the text is its message."""

    def __init__(self, code: int, said: str) -> None:
        super().__init__(said)
        self.code = code


def environment() -> dict[str, str]:
    """Return an environment without any git configuration of a user or the system.

    It switches git's check of ownership off, since another user may have made the world.
    """
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": os.devnull,
        "TZ": "UTC",
        "LC_ALL": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        **configuration({"safe.directory": "*"}),
    }


def configuration(values: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that give git these configuration values."""
    variables = {"GIT_CONFIG_COUNT": str(len(values))}
    for number, (key, value) in enumerate(values.items()):
        variables |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return variables


class Git:
    """The bare repository."""

    def __init__(self, repository: Path) -> None:
        self.repository = repository

    async def raw(
        self, *args: str, stdin: bytes = b"", env: Mapping[str, str] | None = None
    ) -> bytes:
        """Return the output of a git command; raise GitError if it fails."""
        process = await asyncio.create_subprocess_exec(
            *("git", "--git-dir", str(self.repository), *args),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=environment() | dict(env or {}),
        )
        out, said = await process.communicate(stdin)
        if process.returncode:
            raise GitError(process.returncode, said.decode(errors="replace").strip())
        return out

    async def text(
        self, *args: str, stdin: bytes = b"", env: Mapping[str, str] | None = None
    ) -> str:
        """Return the decoded output of a git command, without the last line break."""
        out = await self.raw(*args, stdin=stdin, env=env)
        return out.decode("utf-8", errors="replace").rstrip("\n")

    async def succeeds(self, *args: str) -> bool:
        """Return whether a git command ends with 0; 1 means no, anything else raises."""
        try:
            await self.raw(*args)
        except GitError as error:
            if error.code == 1:
                return False
            raise
        return True

    async def revision(self, expression: str) -> str | None:
        """Return the SHA that a revision expression names, or None."""
        try:
            return await self.text(
                "rev-parse", "--verify", "--quiet", "--end-of-options", expression
            )
        except GitError:
            return None

    async def ref(self, name: str) -> str | None:
        """Return the object of the full reference `name`; an annotated tag is not resolved."""
        if not await self.well_formed(name):
            return None
        return await self.revision(name)

    async def well_formed(self, name: str) -> bool:
        """Return whether `name` may be a reference's full name."""
        return name.startswith("refs/") and await self.succeeds("check-ref-format", name)

    async def commit(self, name: str) -> str | None:
        """Return the commit that a branch, tag, reference or SHA names, in GitHub's order."""
        for ref in (f"refs/heads/{name}", f"refs/tags/{name}", f"refs/{name}", name):
            sha = await self.ref(ref)
            if sha is not None:
                return await self.revision(f"{sha}^{{commit}}")
        if ABBREVIATED.fullmatch(name):
            return await self.revision(f"{name}^{{commit}}")
        return await self.revision("HEAD^{commit}") if name == "HEAD" else None

    async def update_ref(self, ref: str, new: str, old: str) -> None:
        """Move `ref` from `old` to `new` (ZERO: make it); raise GitError if it is elsewhere."""
        await self.raw("update-ref", ref, new, old)

    async def ancestor(self, old: str, new: str) -> bool:
        """Return whether `new` contains `old`."""
        return await self.succeeds("merge-base", "--is-ancestor", old, new)
