"""The 33 body landmarks of BlazePose, the body's connections, and the form of a frame.

A frame is an array `(33, 3)` of x, y, z in image-normalised coordinates (x to the right, y down,
both 0 to 1 inside the picture; z towards the camera is negative, in the scale of x), with a
visibility from 0 to 1 for each landmark. A sequence is an array `(frames, 33, 3)`.

The order of the names is the one that BlazePose (MediaPipe Pose) gives its landmarks in.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stream_pose_ml.errors import FrameError

Floats = NDArray[np.floating[Any]]

NAMES: tuple[str, ...] = (
    "nose",
    "left_eye_inner",
    "left_eye",
    "left_eye_outer",
    "right_eye_inner",
    "right_eye",
    "right_eye_outer",
    "left_ear",
    "right_ear",
    "mouth_left",
    "mouth_right",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_pinky",
    "right_pinky",
    "left_index",
    "right_index",
    "left_thumb",
    "right_thumb",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
    "left_heel",
    "right_heel",
    "left_foot_index",
    "right_foot_index",
)
INDEX: dict[str, int] = {name: index for index, name in enumerate(NAMES)}
COUNT = len(NAMES)


def _both_sides(*bones: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple((f"{side}_{a}", f"{side}_{b}") for side in ("left", "right") for a, b in bones)


CONNECTIONS: tuple[tuple[str, str], ...] = (
    ("mouth_left", "mouth_right"),
    ("left_shoulder", "right_shoulder"),
    ("left_hip", "right_hip"),
    ("nose", "left_eye_inner"),
    ("nose", "right_eye_inner"),
    *_both_sides(
        ("eye_inner", "eye"),
        ("eye", "eye_outer"),
        ("eye_outer", "ear"),
        ("shoulder", "elbow"),
        ("elbow", "wrist"),
        ("wrist", "pinky"),
        ("wrist", "index"),
        ("wrist", "thumb"),
        ("pinky", "index"),
        ("shoulder", "hip"),
        ("hip", "knee"),
        ("knee", "ankle"),
        ("ankle", "heel"),
        ("ankle", "foot_index"),
        ("heel", "foot_index"),
    ),
)


def as_sequence(frames: ArrayLike) -> NDArray[np.float32]:
    """Return frames as float32 `(frames, 33, 3)`; a single frame becomes a sequence of one.

    Raises FrameError for another shape, and for a value that is not a finite number.
    """
    array = _numbers(frames)
    if array.ndim == 2:  # noqa: PLR2004 - a frame is a table of landmarks
        array = array[np.newaxis]
    if array.ndim != 3 or array.shape[2] != 3:  # noqa: PLR2004
        raise FrameError(f"expected frames of shape ({COUNT}, 3), found {array.shape}")
    if array.shape[1] != COUNT:
        raise FrameError(_count_message(array.shape[1]))
    finite = np.isfinite(array)
    if not finite.all():
        frame, landmark, _ = np.argwhere(~finite)[0]
        raise FrameError(f"frame {frame}: {NAMES[landmark]} is not finite (NaN or infinite)")
    return array


def as_visibility(visibility: ArrayLike | None, frames: int) -> NDArray[np.float32]:
    """Visibilities as float32 `(frames, 33)`; None means that everything is seen.

    Raises FrameError for another shape or a value outside 0 to 1.
    """
    if visibility is None:
        return np.ones((frames, COUNT), dtype=np.float32)
    array = np.atleast_2d(_numbers(visibility))
    if array.shape != (frames, COUNT):
        raise FrameError(f"expected visibility of shape ({frames}, {COUNT}), found {array.shape}")
    if not ((array >= 0) & (array <= 1)).all():
        raise FrameError("visibility must lie between 0 and 1")
    return array


def _numbers(values: ArrayLike) -> NDArray[np.float32]:
    try:
        with np.errstate(over="ignore"):
            return np.asarray(values, dtype=np.float32)
    except (ValueError, TypeError, OverflowError) as error:
        raise FrameError(
            f"expected {COUNT} landmarks of three numbers each, found values that are not: {error}"
        ) from error


def _count_message(found: int) -> str:
    missing = f"; missing from {NAMES[found]} on" if found < COUNT else ""
    return f"expected {COUNT} landmarks, found {found}{missing}"
