"""The package's speed: `python -m benchmarks.stream_pose_ml.package`.

Features of a 10,000-frame recording, all at once against a loop over frames in plain numpy; and one
`StreamClassifier.push` against the 33 ms that a frame at 30 frames per second leaves.
"""

import math
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np

from stream_pose_ml import features, models, synthetic
from stream_pose_ml.classifier import StreamClassifier
from stream_pose_ml.landmarks import INDEX

FRAMES = 10_000
LEAST_RATIO = 30.0
FRAME_SECONDS = 1 / 30


def main() -> int:
    """Print both, exit 1 if one is missed."""
    return 0 if all([_features(), _push()]) else 1


def _features() -> bool:
    recording = synthetic.recording("squat", seed=1, frames=FRAMES)
    frames = recording.landmarks.astype(np.float64)
    np.testing.assert_allclose(_loop(frames[:20]), features.frame_features(frames[:20]), atol=1e-3)
    at_once = min(_seconds(lambda: features.frame_features(frames)) for _ in range(5))
    loop = min(_seconds(lambda: _loop(frames)) for _ in range(2))
    print(
        f"features of {FRAMES} frames: {at_once * 1000:.1f} ms at once, "
        f"{loop * 1000:.0f} ms frame by frame: {loop / at_once:.0f} x "
        f"(at least {LEAST_RATIO:.0f} x)"
    )
    return loop / at_once >= LEAST_RATIO


def _push() -> bool:
    classifier = StreamClassifier(models.load_model(models.bundled_path()))
    frames = synthetic.recording("step", seed=2, frames=3000).landmarks
    times = sorted(_seconds(lambda frame=frame: classifier.push(frame)) for frame in frames)
    median, last = statistics.median(times), times[int(len(times) * 0.99)]
    print(
        f"StreamClassifier.push: median {median * 1000:.2f} ms, 99th percentile {last * 1000:.2f} "
        f"ms, of {FRAME_SECONDS * 1000:.1f} ms a frame"
    )
    return last < FRAME_SECONDS


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


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
