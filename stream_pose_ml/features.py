"""Numbers that describe a pose, independent of the person's place and the camera's distance.

They are three groups, in the order of `NAMES`: joint angles in degrees; lengths of segments;
distances between landmarks that are not joined. Lengths and distances are divided by the torso's
length (middle of the hips to middle of the shoulders), so that every feature is the same for a pose
that is moved or scaled. All of a sequence's frames are computed at once.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stream_pose_ml.errors import FrameError
from stream_pose_ml.landmarks import INDEX, as_sequence

Features = NDArray[np.float64]

_SIDES = ("left", "right")
# (end, vertex, end): the angle is the one at the vertex.
_ANGLES = tuple(
    (f"{side}_{first}", f"{side}_{vertex}", f"{side}_{last}")
    for first, vertex, last in (
        ("shoulder", "elbow", "wrist"),
        ("elbow", "shoulder", "hip"),
        ("shoulder", "hip", "knee"),
        ("hip", "knee", "ankle"),
        ("knee", "ankle", "foot_index"),
    )
    for side in _SIDES
)
_SEGMENTS = (
    *(
        (f"{side}_{first}", f"{side}_{last}")
        for first, last in (
            ("shoulder", "elbow"),
            ("elbow", "wrist"),
            ("hip", "knee"),
            ("knee", "ankle"),
        )
        for side in _SIDES
    ),
    ("left_shoulder", "right_shoulder"),
    ("left_hip", "right_hip"),
)
_DISTANCES = (
    *(
        (f"{side}_{first}", f"{side}_{last}")
        for first, last in (("wrist", "hip"), ("wrist", "shoulder"), ("hip", "ankle"))
        for side in _SIDES
    ),
    ("left_wrist", "right_wrist"),
    ("left_knee", "right_knee"),
    ("left_ankle", "right_ankle"),
    ("left_wrist", "nose"),
    ("right_wrist", "nose"),
)

NAMES: tuple[str, ...] = (
    *(f"angle {vertex}" for _, vertex, _ in _ANGLES),
    *(f"length {first} to {last}" for first, last in _SEGMENTS),
    *(f"distance {first} to {last}" for first, last in _DISTANCES),
)
STATISTICS: tuple[str, ...] = ("mean", "deviation", "range", "speed")
WINDOW_NAMES: tuple[str, ...] = tuple(
    f"{statistic} of {name}" for statistic in STATISTICS for name in NAMES
)

_ANGLE_INDEX = np.array([[INDEX[name] for name in angle] for angle in _ANGLES]).T
_PAIR_INDEX = np.array([[INDEX[name] for name in pair] for pair in (*_SEGMENTS, *_DISTANCES)]).T
_HIPS = [INDEX["left_hip"], INDEX["right_hip"]]
_SHOULDERS = [INDEX["left_shoulder"], INDEX["right_shoulder"]]


def frame_features(frames: ArrayLike) -> Features:
    """Features of each frame, `(frames, len(NAMES))`, of a frame or a sequence.

    Raises FrameError for a wrong shape, numbers that are not finite, or a torso without length.
    """
    points = as_sequence(frames).astype(np.float64)
    first, last = points[:, _PAIR_INDEX[0]], points[:, _PAIR_INDEX[1]]
    lengths = _norm(first - last) / _torso(points)[:, np.newaxis]
    return np.concatenate([_angles(points), lengths], axis=1)


def window_features(features: Features) -> Features:
    """One vector, `(len(WINDOW_NAMES),)`, that describes a window of frames' features.

    Per feature: mean, standard deviation, range, and mean change from frame to frame. Given several
    windows `(windows, frames, features)` it answers one row for each.
    """
    change = np.abs(np.diff(features, axis=-2))
    speed = change.sum(axis=-2) / max(change.shape[-2], 1)
    return np.concatenate(
        [features.mean(axis=-2), features.std(axis=-2), np.ptp(features, axis=-2), speed],
        axis=-1,
    )


def _angles(points: Features) -> Features:
    """The arctangent of cross and dot product stays exact where a limb is straight or folded."""
    start, vertex, end = (points[:, index] for index in _ANGLE_INDEX)
    one, other = start - vertex, end - vertex
    dot: Features = np.einsum("fji,fji->fj", one, other)
    return np.degrees(np.arctan2(_norm(np.cross(one, other)), dot))


def _torso(points: Features) -> Features:
    hips, shoulders = points[:, _HIPS].mean(axis=1), points[:, _SHOULDERS].mean(axis=1)
    length = _norm(shoulders - hips)
    if not (length > 0).all():
        frame = int(np.argmin(length > 0))
        raise FrameError(f"frame {frame}: the torso has no length: hips and shoulders coincide")
    return length


def _norm(vectors: Features) -> Features:
    squares: Features = np.einsum("...i,...i->...", vectors, vectors)
    return np.sqrt(squares)
