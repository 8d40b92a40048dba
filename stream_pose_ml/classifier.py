"""Labels for a stream of frames, one frame at a time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from stream_pose_ml.errors import FrameError, ModelError
from stream_pose_ml.features import NAMES, Features, frame_features, window_features
from stream_pose_ml.models import Model
from stream_pose_ml.sequences import Recording, windows


@dataclass(frozen=True)
class Prediction:
    """A label, its probability, and the probability of every label."""

    label: str
    probability: float
    probabilities: dict[str, float]


Answer: TypeAlias = Prediction | FrameError | ModelError | None
"""The answer to a frame: a label, its own error, or None until the window is full."""


class StreamClassifier:
    """Push a frame, get a label once a window is full.

    The cost of a frame is constant: its features are computed once, kept in a ring of the window's
    length, and summed with each frame.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        # Written twice, one window apart, so that the last window always lies in one piece.
        self._ring: Features = np.zeros((2 * model.window, len(NAMES)))
        self._count = 0

    @property
    def waiting(self) -> int:
        """Frames still to come before the first label."""
        return max(self.model.window - self._count, 0)

    def reset(self) -> None:
        """Forget all frames."""
        self._count = 0

    def push(self, frame: ArrayLike) -> Prediction | None:
        """Take one frame `(33, 3)`; None while the window is filling.

        Raises FrameError for a bad frame, which is then not taken: the stream can go on. Raises
        ModelError where the model fails on the window.
        """
        (answer,) = push_together([(self, frame)])
        if isinstance(answer, FrameError | ModelError):
            raise answer
        return answer

    def take(self, features: Features) -> Features | None:
        """Take one frame's features; the window, until the next frame, once it is full."""
        length = self.model.window
        slot = self._count % length
        self._ring[slot] = self._ring[slot + length] = features
        self._count += 1
        return None if self._count < length else self._ring[slot + 1 : slot + 1 + length]


def push_together(pushes: Sequence[tuple[StreamClassifier, ArrayLike]]) -> list[Answer]:
    """Push one frame into each of several classifiers of one model; return an answer for each.

    The calls of numpy and of the model cost more than their computation, so a hundred frames
    together take little longer than one. An error is the answer to its own frame only. Each
    classifier may occur only once.
    """
    rows = _rows([frame for _, frame in pushes])
    answers: list[Answer] = [row if isinstance(row, FrameError) else None for row in rows]
    full: dict[int, Features] = {}
    for index, ((classifier, _), row) in enumerate(zip(pushes, rows, strict=True)):
        if isinstance(row, FrameError):
            continue
        window = classifier.take(row)
        if window is not None:
            full[index] = window
    if full:
        samples = window_features(np.stack(list(full.values())))
        for index, judged in zip(full, _judged(pushes[0][0].model, samples), strict=True):
            answers[index] = judged
    return answers


def _rows(frames: Sequence[ArrayLike]) -> list[Features | FrameError]:
    """The features of each frame; where one of them is bad, one by one."""
    if len(frames) == 1:
        return [_row(frames[0])]
    try:
        return list(frame_features(np.stack(list(map(np.asarray, frames)))))
    except (FrameError, ValueError):
        return [_row(frame) for frame in frames]


def _row(frame: ArrayLike) -> Features | FrameError:
    try:
        rows = frame_features(frame)
    except FrameError as error:
        return error
    return rows[0] if len(rows) == 1 else FrameError(f"expected one frame, found {len(rows)}")


def _judged(model: Model, samples: Features) -> list[Prediction | ModelError]:
    """A prediction for each sample; one that the model fails on does not spoil the others."""
    try:
        rows = model.estimator.predict_proba(samples)
    except Exception as error:  # anybody's estimator may raise any error
        if len(samples) == 1:
            failed = ModelError(f"the model fails on this window: {type(error).__name__}: {error}")
            failed.__cause__ = error
            return [failed]
        return [one for sample in samples for one in _judged(model, sample[np.newaxis])]
    labels = model.labels
    return [_prediction(labels, row) for row in rows]


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
