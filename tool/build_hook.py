"""What the package requires: the lines of `requirements/release.in`, and of `rehearse.in`."""

from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

HERE = Path(__file__).parent
REQUIREMENTS = HERE.parent / "requirements" / "release.in"
REHEARSE = HERE / "rehearse.in"


class Requirements(MetadataHookInterface):
    """Reads the dependencies from the files that the locks are compiled from."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add them to the metadata of the project."""
        metadata["dependencies"] = _lines(REQUIREMENTS)
        metadata["optional-dependencies"] = {"rehearse": _lines(REHEARSE)}


def _lines(file: Path) -> list[str]:
    lines = (line.partition("#")[0].strip() for line in file.read_text().splitlines())
    return [line for line in lines if line]
