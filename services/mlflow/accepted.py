"""Serve only registered models that the registration wrote, and that contain no code.

MLflow loads a model by running the code that it names: a module, a folder `code`, a script, a
pickle. This service does not use that. It reads a version's description, which must equal the one
that `services.mlflow.register` makes MLflow write, and the estimator in skops' format, which runs
no code.
"""

import re
import reprlib
from collections.abc import Iterator, Mapping
from typing import Any

from stream_pose_ml.errors import ModelError

DESCRIPTION = "MLmodel"
ESTIMATOR = "model.skops"
OURS = re.compile(r"mlflow-artifacts:/+[^/]+/.*[^/]", re.ASCII)
"""Artifacts of the tracking server itself; with a host after two slashes they are another's."""
FILES = {
    **dict.fromkeys((ESTIMATOR, "input_example.json", "serving_input_example.json"), 64 * 2**20),
    **dict.fromkeys((DESCRIPTION, "conda.yaml", "python_env.yaml", "requirements.txt"), 2**16),
    "registered_model_meta": 2**16,
}
"""What MLflow writes for such a model, each with the most bytes that it may have."""
FLAVORS: dict[str, Any] = {
    "python_function": {
        "env": {"conda": "conda.yaml", "virtualenv": "python_env.yaml"},
        "loader_module": "mlflow.sklearn",
        "model_path": ESTIMATOR,
        "predict_fn": "predict",
    },
    "sklearn": {"pickled_model": ESTIMATOR, "serialization_format": "skops"},
}
FREE = {"python_version", "sklearn_version"}
REMEDY = 'register it with mlflow.sklearn.log_model(..., serialization_format="skops")'


def check_place(uri: str) -> None:
    """Raise ModelError where a model's files are not kept by the tracking server itself."""
    if not OURS.fullmatch(uri) or uri.startswith("mlflow-artifacts://"):
        raise ModelError(f"its files are at {reprlib.repr(uri)}, not in this registry: {REMEDY}")


def check_files(files: Mapping[str, int | None]) -> None:
    """Raise ModelError for a file that the registration does not write, or one that is too large.

    `files` maps each name to its bytes, None for a folder.
    """
    for name, size in files.items():
        if name not in FILES or size is None:
            raise ModelError(f"it holds {reprlib.repr(name)}, which is not served: {REMEDY}")
        if size > FILES[name]:
            raise ModelError(f"{name} has {size} bytes, more than {FILES[name]}")


def check_description(described: Any) -> None:
    """Raise ModelError where a description names another loader, format or environment."""
    flavors = described.get("flavors") if isinstance(described, dict) else None
    for difference in _differences(FLAVORS, flavors, "flavors"):
        raise ModelError(f"{DESCRIPTION}: {difference}: {REMEDY}")


def _differences(expected: Any, found: Any, place: str) -> Iterator[str]:
    """Yield the places where the found value differs; None counts as absent."""
    if not isinstance(expected, dict) or not isinstance(found, dict):
        if found != expected:
            yield f"{place} is {reprlib.repr(found)}, expected {reprlib.repr(expected)}"
        return
    for key in sorted(map(str, expected.keys() | found.keys() - FREE)):
        yield from _differences(expected.get(key), found.get(key), f"{place}.{key[:40]}")
