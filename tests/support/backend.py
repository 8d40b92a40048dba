"""A build backend without requirements (PEP 517, in-tree): builds what the folder holds."""

import gzip
import hashlib
import io
import os
import tarfile
import time
import tomllib
import zipfile
from pathlib import Path

WHEN = int(os.environ.get("SOURCE_DATE_EPOCH", "1700000000"))


def _project() -> dict[str, str]:
    table: dict[str, str] = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))["project"]
    # Of a dynamic version it is told as setuptools-scm is.
    table.setdefault("version", os.environ.get("SETUPTOOLS_SCM_PRETEND_VERSION", ""))
    return table


def _metadata() -> bytes:
    project = _project()
    version = "9.9.9" if Path("other-version").exists() else project["version"]
    lines = [
        "Metadata-Version: 2.1",
        f"Name: {project['name']}",
        f"Version: {version}",
        "Summary: A thing.",
        "Description-Content-Type: text/markdown",
        "",
        "A thing.",
    ]
    return "\n".join(lines).encode() + b"\n"


def _files() -> list[Path]:
    inside = (path for path in Path("sample_thing").rglob("*") if path.is_file())
    left_out = Path("left-out")
    skipped = left_out.read_text().split() if left_out.exists() else []
    return sorted(p for p in inside if "__pycache__" not in p.parts and str(p) not in skipped)


def build_wheel(folder: str, *_: object) -> str:
    project = _project()
    stem = f"{project['name']}-{project['version']}"
    name, info = f"{stem}-py3-none-any.whl", f"{stem}.dist-info"
    contents = {str(path): path.read_bytes() for path in _files()}
    contents[f"{info}/METADATA"] = _metadata()
    contents[f"{info}/WHEEL"] = (
        b"Wheel-Version: 1.0\nGenerator: backend\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    )
    record = "".join(
        f"{path},sha256={hashlib.sha256(content).hexdigest()},{len(content)}\n"
        for path, content in contents.items()
    )
    contents[f"{info}/RECORD"] = record.encode()
    with zipfile.ZipFile(Path(folder) / name, "w") as archive:
        for path, content in contents.items():
            archive.writestr(zipfile.ZipInfo(path, time.gmtime(WHEN)[:6]), content)
    return name


def build_sdist(folder: str, *_: object) -> str:
    project = _project()
    stem = f"{project['name']}-{project['version']}"
    contents = {str(path): path.read_bytes() for path in [*_files(), Path("pyproject.toml")]}
    contents["backend.py"] = Path("backend.py").read_bytes()
    contents["PKG-INFO"] = _metadata()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for path, content in contents.items():
            member = tarfile.TarInfo(f"{stem}/{path}")
            member.size, member.mtime = len(content), WHEN
            tar.addfile(member, io.BytesIO(content))
    target = Path(folder) / f"{stem}.tar.gz"
    target.write_bytes(gzip.compress(packed.getvalue(), mtime=WHEN))
    return target.name
