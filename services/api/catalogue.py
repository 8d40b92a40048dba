"""The models of the API, and its default model."""

from dataclasses import dataclass

from stream_pose_ml.errors import ModelError
from stream_pose_ml.models import Model, bundled_path, load_model


@dataclass(frozen=True)
class Entry:
    """A model with where it came from: `bundled` with the package, or the `registry`."""

    source: str
    name: str
    version: str
    model: Model

    def describe(self) -> dict[str, object]:
        """What `/models` and `/version` say of it."""
        return {
            "source": self.source,
            "name": self.name,
            "version": self.version,
            "labels": self.model.labels,
            "window": self.model.window,
        }


class Catalogue:
    """The bundled model, and the registry's once it was fetched."""

    def __init__(self, version: str) -> None:
        self._entries = {
            "bundled": Entry("bundled", "stream_pose_ml", version, load_model(bundled_path()))
        }
        # The state of the registry, for /health and /version.
        self.registry = "not configured"

    def put(self, entry: Entry) -> None:
        """Take a model from the registry: streams that open from now on use it."""
        self._entries[entry.source] = entry

    @property
    def active(self) -> Entry:
        """The registry's model if there is one, else the bundled one."""
        return self._entries.get("registry", self._entries["bundled"])

    def entries(self) -> list[Entry]:
        """Every model that can be asked for."""
        return list(self._entries.values())

    def find(self, source: str | None) -> Entry:
        """The model of that source, or the active one. Raises ModelError for an unknown one."""
        if source is None:
            return self.active
        if source not in self._entries:
            raise ModelError(f"no model {source!r}; there are: {', '.join(self._entries)}")
        return self._entries[source]
