"""Labelled movement made from a seed, for examples, tests, benchmarks and the bundled model.

A body of random proportions is moved by a few joint angles, turned a little, put somewhere in the
picture, and blurred by noise. The same seed gives the same frames.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stream_pose_ml.landmarks import COUNT, INDEX
from stream_pose_ml.sequences import FPS, Recording

Array = NDArray[np.float64]


@dataclass(frozen=True)
class _Joints:
    """Angles in radians, one number a frame; `(left, right)` where there are two."""

    lean: Array
    thigh: tuple[Array, Array]
    shin: tuple[Array, Array]
    arm: tuple[Array, Array]
    swing: tuple[Array, Array]


def recording(
    label: str, *, seed: int, frames: int = 90, noise: float = 0.004, fps: float = FPS
) -> Recording:
    """A recording of one movement.

    `noise` is the standard deviation of each coordinate, as a share of the picture's width.
    Raises ValueError for a label that is not in LABELS.
    """
    if label not in _MOVEMENTS:
        raise ValueError(f"unknown movement {label!r}; there are {', '.join(LABELS)}")
    random = np.random.default_rng([seed, LABELS.index(label)])
    period = random.uniform(1.2, 2.2)
    phase = 2 * np.pi * (np.arange(frames) / fps / period + random.uniform())
    body = _body(_MOVEMENTS[label](phase, random), random)
    picture = _camera(body, random) + random.normal(0, noise, body.shape)
    visibility = np.clip(random.normal(0.95, 0.03, (frames, COUNT)), 0, 1)
    return Recording(picture.astype(np.float32), visibility.astype(np.float32), fps, label)


def routine(*, seed: int, frames: int = 90, noise: float = 0.003, fps: float = FPS) -> Recording:
    """All movements by one body, one after the other, `frames` of each, without a label.

    Each begins and ends at rest, since its period divides its length.
    """
    random = np.random.default_rng(seed)
    phase = 2 * np.pi * np.arange(frames) / frames * max(round(frames / fps / 1.5), 1)
    parts = [_MOVEMENTS[label](phase, random) for label in LABELS]
    picture = _camera(_body(_joined(parts), random), random)
    picture += random.normal(0, noise, picture.shape)
    visibility = np.ones(picture.shape[:2], dtype=np.float32)
    return Recording(picture.astype(np.float32), visibility, fps, None)


def dataset(count: int, *, seed: int, frames: int = 90, noise: float = 0.004) -> list[Recording]:
    """`count` recordings of each movement."""
    return [
        recording(label, seed=recording_seed(seed, number), frames=frames, noise=noise)
        for number in range(count)
        for label in LABELS
    ]


def recording_seed(seed: int, number: int) -> int:
    """The seed of one recording of a data set: different seeds share no recording."""
    return seed * 100_003 + number


def _squat(phase: Array, random: np.random.Generator) -> _Joints:
    depth = random.uniform(0.7, 1.3) * (1 - np.cos(phase)) / 2
    arms = random.uniform(0, 1.2) * depth
    sides = (depth, depth)
    return _Joints(0.45 * depth, sides, (0.85 * depth, 0.85 * depth), _rest(phase), (arms, arms))


def _arm_raise(phase: Array, random: np.random.Generator) -> _Joints:
    height = random.uniform(1.6, 2.9) * (1 - np.cos(phase)) / 2
    still, sway = np.zeros_like(phase), 0.03 * np.sin(phase / 3)
    which = random.integers(3)
    left, right = height if which != 1 else still, height if which != 0 else still
    return _Joints(sway, (still, still), (still, still), (left, right), (still, still))


def _step(phase: Array, random: np.random.Generator) -> _Joints:
    lift = random.uniform(0.5, 1.1)
    left, right = lift * np.maximum(0, np.sin(phase)), lift * np.maximum(0, -np.sin(phase))
    arms = random.uniform(0.1, 0.5) * np.sin(phase)
    return _Joints(
        0.05 * np.sin(2 * phase), (left, right), (left, right), _rest(phase), (-arms, arms)
    )


def _idle(phase: Array, random: np.random.Generator) -> _Joints:
    still, sway = np.zeros_like(phase), random.uniform(0.01, 0.05) * np.sin(phase / 2)
    return _Joints(sway, (still, still), (still, still), _rest(phase), (sway, -sway))


_MOVEMENTS: dict[str, Callable[[Array, np.random.Generator], _Joints]] = {
    "squat": _squat,
    "arm_raise": _arm_raise,
    "step": _step,
    "idle": _idle,
}
LABELS: tuple[str, ...] = tuple(_MOVEMENTS)


def _joined(parts: list[_Joints]) -> _Joints:
    def pair(name: str) -> tuple[Array, Array]:
        left, right = zip(*(getattr(part, name) for part in parts), strict=True)
        return np.concatenate(left), np.concatenate(right)

    lean = np.concatenate([part.lean for part in parts])
    return _Joints(lean, pair("thigh"), pair("shin"), pair("arm"), pair("swing"))


def _rest(phase: Array) -> tuple[Array, Array]:
    hanging = np.full_like(phase, 0.12)
    return hanging, hanging


def _body(joints: _Joints, random: np.random.Generator) -> Array:
    """Landmarks `(frames, 33, 3)` in torso lengths, y down, from the middle of the hips."""
    points = np.zeros((len(joints.lean), COUNT, 3))
    size = {
        part: length * random.uniform(0.9, 1.1)
        for part, length in (
            *(("shoulder", 0.36), ("hip", 0.2), ("upper", 0.62), ("fore", 0.52)),
            *(("thigh", 0.86), ("shin", 0.84), ("foot", 0.28), ("head", 0.42)),
        )
    }
    up = _direction(-np.cos(joints.lean), -np.sin(joints.lean))
    _head(points, up, size)
    for side, sign, index in (("left", 1.0, 0), ("right", -1.0, 1)):
        _arm(points, side, sign, (up, joints.arm[index], joints.swing[index]), size)
        _leg(points, side, sign, (joints.thigh[index], joints.shin[index]), size)
    return points


def _direction(y: Array, z: Array, x: Array | float = 0.0) -> Array:
    return np.stack([np.broadcast_to(np.asarray(x, dtype=float), y.shape), y, z], axis=-1)


def _put(points: Array, name: str, value: Array) -> Array:
    points[:, INDEX[name]] = value
    return value


def _head(points: Array, up: Array, size: dict[str, float]) -> None:
    centre = up * (1 + size["head"])
    offsets = {"nose": (0.0, 0.0, -0.14), "mouth_left": (0.05, 0.08, -0.11)}
    for place, x in (("eye_inner", 0.03), ("eye", 0.06), ("eye_outer", 0.09)):
        offsets[f"left_{place}"] = (x, -0.06, -0.11)
    offsets["left_ear"] = (0.14, -0.03, 0.0)
    for name, (x, y, z) in offsets.items():
        _put(points, name, centre + np.array([x, y, z]))
        if "left" in name:
            _put(points, name.replace("left", "right"), centre + np.array([-x, y, z]))


def _arm(
    points: Array,
    side: str,
    sign: float,
    angles: tuple[Array, Array, Array],
    size: dict[str, float],
) -> None:
    up, raised, swing = angles
    shoulder = _put(points, f"{side}_shoulder", up + np.array([sign * size["shoulder"], 0, 0]))
    along = _direction(
        np.cos(raised) * np.cos(swing), -np.sin(swing) * np.cos(raised), sign * np.sin(raised)
    )
    elbow = _put(points, f"{side}_elbow", shoulder + size["upper"] * along)
    bent = along + np.array([0, 0, -0.15])
    bent /= np.linalg.norm(bent, axis=-1, keepdims=True)
    wrist = _put(points, f"{side}_wrist", elbow + size["fore"] * bent)
    for finger, x, length in (("pinky", 0.03, 0.15), ("index", -0.02, 0.17), ("thumb", -0.05, 0.1)):
        _put(points, f"{side}_{finger}", wrist + length * bent + np.array([sign * x, 0, 0]))


def _leg(
    points: Array, side: str, sign: float, angles: tuple[Array, Array], size: dict[str, float]
) -> None:
    thigh, shin = angles
    across = np.zeros((len(thigh), 3)) + np.array([sign * size["hip"], 0, 0])
    hip = _put(points, f"{side}_hip", across)
    knee = _put(
        points, f"{side}_knee", hip + size["thigh"] * _direction(np.cos(thigh), -np.sin(thigh))
    )
    ankle = _put(
        points, f"{side}_ankle", knee + size["shin"] * _direction(np.cos(shin), np.sin(shin))
    )
    _put(points, f"{side}_heel", ankle + np.array([0, 0.06, 0.06]))
    _put(points, f"{side}_foot_index", ankle + np.array([0, 0.08, -size["foot"]]))


def _camera(body: Array, random: np.random.Generator) -> Array:
    """Turn the body about its upright axis (up to 35 degrees), scale it, put it in the picture."""
    angle = random.uniform(-0.6, 0.6)
    cos, sin = np.cos(angle), np.sin(angle)
    turned = body @ np.array([[cos, 0, -sin], [0, 1, 0], [sin, 0, cos]])
    place = np.array([random.uniform(0.35, 0.65), random.uniform(0.45, 0.55), 0])
    placed: Array = turned * random.uniform(0.14, 0.22) + place
    return placed
