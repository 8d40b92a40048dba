"""The package's speed.

Features of a 10,000-frame recording, all at once against a loop over frames in plain numpy; and one
`StreamClassifier.push` against the 33 ms that a frame at 30 frames per second leaves.
"""

import math
import sys
from itertools import count

import numpy as np

from benchmarks.harness import (
    Claim,
    Series,
    ahead,
    conclude,
    side_by_side,
    table,
    unprepared,
)
from stream_pose_ml import features, models, synthetic
from stream_pose_ml.classifier import StreamClassifier
from stream_pose_ml.landmarks import INDEX

FRAMES, REPEATS, TIMES = 10_000, 5, 30
PUSHES = 3_000
FRAME_SECONDS = 1 / 30
AT_ONCE, LOOP = "all at once", "frame by frame"


def main() -> int:
    """Measure, print and judge."""
    series = _features()
    print(table(f"features of {FRAMES:,} frames", series, AT_ONCE))
    pushes = _pushes()
    median, last = pushes.median, sorted(pushes.seconds)[int(PUSHES * 0.99)]
    print(f"one push: median {median * 1000:.2f} ms, 99th percentile {last * 1000:.2f} ms")
    claims = [
        ahead("features at once, ahead of a loop", series[AT_ONCE], series[LOOP], TIMES),
        Claim("median push in a frame's time", median / FRAME_SECONDS, 1, at_most=True),
        Claim("99th percentile push in a frame's time", last / FRAME_SECONDS, 1, at_most=True),
    ]
    measured = {"features": series, "one push": {pushes.name: pushes}}
    return conclude("stream_pose_ml.package", measured, claims)


def _features() -> dict[str, Series]:
    frames = synthetic.recording("squat", seed=1, frames=FRAMES).landmarks.astype(np.float64)
    np.testing.assert_allclose(_loop(frames[:20]), features.frame_features(frames[:20]), atol=1e-3)
    contenders = {
        AT_ONCE: unprepared(lambda: features.frame_features(frames)),
        LOOP: unprepared(lambda: _loop(frames)),
    }
    return side_by_side(contenders, REPEATS)


def _pushes() -> Series:
    """Push into a window that is full: before, a push costs less."""
    classifier = StreamClassifier(models.load_model(models.bundled_path()))
    frames = synthetic.recording("step", seed=2, frames=PUSHES).landmarks
    for frame in frames[:100]:
        classifier.push(frame)
    numbers = count()
    push = unprepared(lambda: classifier.push(frames[next(numbers) % PUSHES]))
    return side_by_side({"push": push}, PUSHES)["push"]


def _loop(frames: np.ndarray) -> np.ndarray:
    return np.array([_one(frame) for frame in frames])


def _one(frame: np.ndarray) -> list[float]:
    """The same features of one frame, as one would write them first."""
    hips = (frame[INDEX["left_hip"]] + frame[INDEX["right_hip"]]) / 2
    shoulders = (frame[INDEX["left_shoulder"]] + frame[INDEX["right_shoulder"]]) / 2
    torso = np.linalg.norm(shoulders - hips)
    row = []
    for name in features.NAMES:
        kind, _, rest = name.partition(" ")
        if kind == "angle":
            row.append(_angle(frame, rest))
        else:
            first, _, last = rest.partition(" to ")
            row.append(float(np.linalg.norm(frame[INDEX[first]] - frame[INDEX[last]]) / torso))
    return row


def _angle(frame: np.ndarray, vertex: str) -> float:
    side, _, joint = vertex.partition("_")
    first, last = {
        "elbow": ("shoulder", "wrist"),
        "shoulder": ("elbow", "hip"),
        "hip": ("shoulder", "knee"),
        "knee": ("hip", "ankle"),
        "ankle": ("knee", "foot_index"),
    }[joint]
    one = frame[INDEX[f"{side}_{first}"]] - frame[INDEX[vertex]]
    other = frame[INDEX[f"{side}_{last}"]] - frame[INDEX[vertex]]
    cosine = np.dot(one, other) / (np.linalg.norm(one) * np.linalg.norm(other))
    return math.degrees(math.acos(min(max(cosine, -1.0), 1.0)))


if __name__ == "__main__":
    sys.exit(main())
