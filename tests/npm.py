"""What npm installs for tests."""

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from rehearsal.world.provision import cache_folder, locked


def packages(folder: Path) -> Path:
    """Return what a folder's package-lock.json pins, installed once for each content of it."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed on this machine")
    files = [folder / name for name in ("package.json", "package-lock.json")]
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    target = cache_folder() / "npm" / digest[:16]
    target.parent.mkdir(parents=True, exist_ok=True)
    with locked(target.with_suffix(".lock")):
        if not target.exists():
            _install(npm, files, target)
    return target


def _install(npm: str, files: list[Path], target: Path) -> None:
    """Let npm do it in another folder: what is there is whole."""
    with tempfile.TemporaryDirectory(dir=target.parent) as begun:
        for file in files:
            shutil.copy(file, begun)
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(command, cwd=begun, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        (Path(begun) / "node_modules").rename(target)
