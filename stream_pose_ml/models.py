"""Models and their files.

A model is a scikit-learn estimator over the features of a window, with the window's length in
frames. A model for other features is rejected, since its answers would be wrong. The file has
skops' format, which, unlike a pickle, runs no code when it is read: types that are not
scikit-learn's own are rejected.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from stream_pose_ml.errors import ModelError
from stream_pose_ml.features import WINDOW_NAMES

BUNDLED = "bundled.skops"


class Estimator(Protocol):
    """The used part of a scikit-learn classifier."""

    classes_: Any

    def predict_proba(self, samples: NDArray[np.float64], /) -> NDArray[np.float64]:
        """Probabilities `(samples, classes)`, in the order of `classes_`."""
        ...


@dataclass(frozen=True)
class Model:
    """An estimator with the window it was trained on, in frames."""

    estimator: Estimator
    window: int

    @property
    def labels(self) -> list[str]:
        """The labels it knows, in the order of its probabilities."""
        return [str(label) for label in self.estimator.classes_]


def checked(estimator: Any, window: Any) -> Model:
    """A model whose estimator fits this package's features. Raises ModelError where it doesn't."""
    expected, found = len(WINDOW_NAMES), getattr(estimator, "n_features_in_", None)
    if not hasattr(estimator, "predict_proba"):
        raise ModelError(f"a {type(estimator).__name__} gives no probabilities")
    if found != expected:
        raise ModelError(
            f"the model was trained on {found} features, this package computes {expected}: "
            "train it again with this version"
        )
    if isinstance(window, bool) or not isinstance(window, int) or not 2 <= window <= 10_000:  # noqa: PLR2004
        raise ModelError(f"the model's window must be 2 to 10000 frames, found {window!r}")
    return Model(estimator, window)


def load_model(path: Path, trust: Sequence[str] = ()) -> Model:
    """Read a model's file.

    Raises ModelError with the reason if it cannot be used. `trust` names additional types, such as
    `sklearn.tree._tree.Tree` of a forest: use it only for files whose maker you know.
    """
    content = _trusted(path, trust)
    if not isinstance(content, dict) or {"estimator", "window"} - content.keys():
        raise ModelError(f"{path}: no model of this package: expected an estimator and its window")
    return checked(content["estimator"], content["window"])


def load_estimator(path: Path, window: int) -> Model:
    """Read a bare estimator, as MLflow keeps it, whose window is known from elsewhere.

    Raises ModelError saying why it can't be used.
    """
    return checked(_trusted(path), window)


def _trusted(path: Path, trust: Sequence[str] = ()) -> Any:
    sio = _skops()
    try:
        if unknown := set(sio.get_untrusted_types(file=path)) - set(trust):
            names = ", ".join(sorted(unknown))
            raise ModelError(f"{path}: holds types that are not trusted: {names}")
        return sio.load(path, trusted=list(trust))
    except ModelError:
        raise
    except Exception as error:  # a damaged file can fail in zip, JSON, numpy or skops
        raise ModelError(
            f"{path}: no usable model ({type(error).__name__}: {error}): "
            "make it again with `stream-pose-ml train`"
        ) from error


def save_model(model: Model, path: Path) -> None:
    """Write a model's file."""
    _skops().dump({"estimator": model.estimator, "window": model.window}, path)


def bundled_path() -> Path:
    """The file of the model that comes with the package."""
    return Path(str(files("stream_pose_ml") / BUNDLED))


def _skops() -> Any:
    try:
        import skops.io as sio  # type: ignore[import-untyped]  # noqa: PLC0415 - slow, and optional
    except ImportError as error:
        raise ModelError(
            'models need scikit-learn and skops: pip install "stream_pose_ml[learn]"'
        ) from error
    return sio
