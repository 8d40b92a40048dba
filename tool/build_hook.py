"""What the package requires: the lines of `requirements/release.in`."""

from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

REQUIREMENTS = Path(__file__).parents[1] / "requirements" / "release.in"


class Requirements(MetadataHookInterface):
    """Reads the dependencies from the file that the locks are compiled from."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add them to the metadata of the project."""
        lines = (line.partition("#")[0].strip() for line in REQUIREMENTS.read_text().splitlines())
        metadata["dependencies"] = [line for line in lines if line]
