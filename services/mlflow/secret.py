"""The secret that writing to the tracking server and registry needs."""

import secrets
from pathlib import Path


def ensure(path: Path) -> None:
    """Make the secret at the first start, in a file that only this user can read; print it once.

    Raises ValueError for an empty file.
    """
    try:
        path.touch(0o600, exist_ok=False)
    except FileExistsError:
        read(path)
        return
    secret = secrets.token_urlsafe(32)
    path.write_text(f"{secret}\n", "utf-8")
    print(f"registry: writing needs this secret, shown this once: {secret}", flush=True)
    print(f"registry: it is kept in {path}", flush=True)


def read(path: Path) -> str:
    """The secret. Raises ValueError for a file without one."""
    if secret := path.read_text("utf-8").strip():
        return secret
    raise ValueError(f"{path}: expected the secret for writing, found an empty file: remove it")
