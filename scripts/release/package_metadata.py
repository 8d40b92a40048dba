"""Read the metadata of a wheel and an sdist."""

import tarfile
import zipfile
from pathlib import Path

from packaging.metadata import InvalidMetadata, Metadata

from scripts.core.errors import CheckError
from scripts.core.planning import normalised


def metadata(wheel: Path, sdist: Path) -> dict[str, tuple[str, str]]:
    """Read the project and the version in the wheel and the sdist."""
    with zipfile.ZipFile(wheel) as archive:
        info = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        texts = {wheel.name: archive.read(info)}
    with tarfile.open(sdist) as tar:
        member = tar.extractfile(f"{sdist.name.removesuffix('.tar.gz')}/PKG-INFO")
        texts[sdist.name] = member.read() if member else b""
    return {name: _identity(name, text) for name, text in texts.items()}


def _identity(name: str, text: bytes) -> tuple[str, str]:
    found = Metadata.from_email(text, validate=False)
    try:
        return normalised(found.name), str(found.version)
    except InvalidMetadata as error:
        remedy = "correct [project], or the build configuration"
        raise CheckError(f"the metadata in {name} is wrong: {error}", remedy) from error
