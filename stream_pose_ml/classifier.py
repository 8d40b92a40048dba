"""Labels for a stream of frames, one frame at a time."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from stream_pose_ml.features import NAMES, Features, frame_features, window_features
from stream_pose_ml.models import Model
from stream_pose_ml.sequences import Recording, windows


@dataclass(frozen=True)
class Prediction:
    """A label, its probability, and the probability of every label."""

    label: str
    probability: float
    probabilities: dict[str, float]


class StreamClassifier:
    """Push a frame, get a label once a window is full.

    The cost of a frame is fixed: its features are computed once, kept in a ring as long as the
    window, and summed up anew with each frame.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self._labels = model.labels
        # Written twice, one window apart, so that the last window always lies in one piece.
        self._ring: Features = np.zeros((2 * model.window, len(NAMES)))
        self._count = 0

    @property
    def waiting(self) -> int:
        """Frames still to come before the first label."""
        return max(self._model.window - self._count, 0)

    def reset(self) -> None:
        """Forget all frames."""
        self._count = 0

    def push(self, frame: ArrayLike) -> Prediction | None:
        """Take one frame `(33, 3)`; None while the window is filling.

        Raises FrameError for a bad frame, which is then not taken: the stream can go on.
        """
        features = frame_features(frame)[0]
        length = self._model.window
        slot = self._count % length
        self._ring[slot] = self._ring[slot + length] = features
        self._count += 1
        if self._count < length:
            return None
        return self._predict(self._ring[slot + 1 : slot + 1 + length])

    def _predict(self, window: Features) -> Prediction:
        row = self._model.estimator.predict_proba(window_features(window)[np.newaxis])[0]
        return _prediction(self._labels, row)


def classify(model: Model, recording: Recording) -> list[Prediction]:
    """A prediction for every frame from the first full window on, as the stream would give them."""
    windowed = windows(frame_features(recording.landmarks), model.window)
    if not len(windowed):
        return []
    rows = model.estimator.predict_proba(window_features(windowed))
    return [_prediction(model.labels, row) for row in rows]


def overall(predictions: list[Prediction]) -> Prediction | None:
    """The recording's label: the highest mean probability; None without predictions."""
    if not predictions:
        return None
    labels = list(predictions[0].probabilities)
    rows = np.array([list(item.probabilities.values()) for item in predictions])
    return _prediction(labels, rows.mean(axis=0))


def stream(model: Model, recording: Recording) -> Iterator[Prediction | None]:
    """Push a recording's frames one by one."""
    classifier = StreamClassifier(model)
    for frame in recording.landmarks:
        yield classifier.push(frame)


def _prediction(labels: list[str], row: Features) -> Prediction:
    best = int(np.argmax(row))
    return Prediction(
        labels[best],
        float(row[best]),
        {label: float(p) for label, p in zip(labels, row, strict=True)},
    )
