"""Making a model from labelled recordings, and finding out how good it is."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]
from sklearn.model_selection import (  # type: ignore[import-untyped]
    StratifiedGroupKFold,
    cross_val_predict,
)
from sklearn.pipeline import make_pipeline  # type: ignore[import-untyped]
from sklearn.preprocessing import StandardScaler  # type: ignore[import-untyped]

from stream_pose_ml.errors import ModelError
from stream_pose_ml.features import frame_features, window_features
from stream_pose_ml.models import Model, checked
from stream_pose_ml.sequences import Recording, windows

WINDOW = 30


@dataclass(frozen=True)
class Samples:
    """Windows of recordings: features, label, and which recording each window is from."""

    features: NDArray[np.float64]
    labels: NDArray[np.str_]
    groups: NDArray[np.int_]


@dataclass(frozen=True)
class Evaluation:
    """A confusion matrix: actual labels in rows, predicted ones in columns, in their order."""

    labels: list[str]
    confusion: NDArray[np.int_]

    @property
    def accuracy(self) -> float:
        """The share of windows that got their label."""
        return float(np.trace(self.confusion) / self.confusion.sum())


def samples(recordings: list[Recording], window: int = WINDOW, stride: int = 5) -> Samples:
    """Every `stride`-th window of each recording.

    Raises ModelError where a recording has no label, or fewer than two labels have windows.
    """
    features, labels, groups = [], [], []
    for number, recording in enumerate(recordings):
        if recording.label is None:
            raise ModelError(f"recording {number} has no label: write one into its header")
        cut = window_features(windows(frame_features(recording.landmarks), window, stride))
        features.append(cut)
        labels.extend([recording.label] * len(cut))
        groups.extend([number] * len(cut))
    if len(set(labels)) < 2:  # noqa: PLR2004
        raise ModelError(
            f"found {len(set(labels))} labels with a window of {window} frames: two are needed"
        )
    return Samples(np.concatenate(features), np.array(labels), np.array(groups))


def default_estimator() -> Any:
    """Scaled logistic regression: small, quick, and its probabilities mean something."""
    return make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=2000))


def train(data: Samples, window: int = WINDOW, estimator: Any = None) -> Model:
    """Fit an estimator (by default `default_estimator()`) to the samples."""
    fitted = default_estimator() if estimator is None else estimator
    fitted.fit(data.features, data.labels)
    return checked(fitted, window)


def cross_validate(data: Samples, folds: int = 5, estimator: Any = None) -> Evaluation:
    """Predict each window by a model that saw no window of the same recording.

    Raises ModelError where a label has fewer recordings than folds.
    """
    for label in np.unique(data.labels):
        found = len(np.unique(data.groups[data.labels == label]))
        if found < folds:
            raise ModelError(
                f"{label}: {found} recordings for {folds} folds: record more, or fold less"
            )
    predicted = cross_val_predict(
        default_estimator() if estimator is None else estimator,
        data.features,
        data.labels,
        groups=data.groups,
        cv=StratifiedGroupKFold(folds),
    )
    return _evaluation(data.labels, predicted, sorted(set(data.labels.tolist())))


def evaluate(model: Model, data: Samples) -> Evaluation:
    """The model's answers to samples that were not in its training."""
    rows = model.estimator.predict_proba(data.features)
    predicted = np.array(model.labels)[rows.argmax(axis=1)]
    return _evaluation(data.labels, predicted, sorted({*model.labels, *data.labels.tolist()}))


def _evaluation(truth: NDArray[Any], predicted: NDArray[Any], labels: list[str]) -> Evaluation:
    place = {label: index for index, label in enumerate(labels)}
    confusion = np.zeros((len(labels), len(labels)), dtype=np.int_)
    for was, said in zip(truth.tolist(), predicted.tolist(), strict=True):
        confusion[place[was], place[said]] += 1
    return Evaluation(labels, confusion)
