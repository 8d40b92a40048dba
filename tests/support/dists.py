"""The smallest wheel and sdist that an index takes."""

import gzip
import io
import tarfile
import zipfile

METADATA = "Metadata-Version: 2.1\nName: {}\nVersion: {}\nSummary: A thing.\n"


def wheel(name: str, version: str, **files: str) -> bytes:
    info = f"{name}-{version}.dist-info"
    contents = {
        f"{name}/__init__.py": "",
        f"{info}/METADATA": METADATA.format(name, version),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": "",
        **files,
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path, content in contents.items():
            archive.writestr(zipfile.ZipInfo(path), content)
    return packed.getvalue()


def sdist(name: str, version: str) -> bytes:
    packed = io.BytesIO()
    content = METADATA.format(name, version).encode()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for path in ("PKG-INFO", "pyproject.toml"):
            member = tarfile.TarInfo(f"{name}-{version}/{path}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return gzip.compress(packed.getvalue(), mtime=0)
