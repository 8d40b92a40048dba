"""Recordings: frames in time, read and written as JSON Lines, and cut into windows.

The first line of a recording may be a header, `{"fps": 30, "label": "squat"}`, both optional. Every
other line is a frame, `{"landmarks": [[x, y, z], ... 33 of them], "visibility": [... 33 numbers]}`,
visibility optional.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from stream_pose_ml.errors import FrameError, RecordingError
from stream_pose_ml.landmarks import as_sequence, as_visibility

FPS = 30.0


@dataclass(frozen=True)
class Frame:
    """One pose: landmarks `(33, 3)` and visibility `(33,)`, both float32."""

    landmarks: NDArray[np.float32]
    visibility: NDArray[np.float32]


@dataclass(frozen=True)
class Recording:
    """Poses in time: landmarks `(frames, 33, 3)`, visibility `(frames, 33)`, frames per second."""

    landmarks: NDArray[np.float32]
    visibility: NDArray[np.float32]
    fps: float = FPS
    label: str | None = field(default=None)

    def __len__(self) -> int:
        return len(self.landmarks)

    def frames(self) -> Iterator[Frame]:
        """The poses, one after the other."""
        for landmarks, visibility in zip(self.landmarks, self.visibility, strict=True):
            yield Frame(landmarks, visibility)


def windows(features: NDArray[np.float64], length: int, stride: int = 1) -> NDArray[np.float64]:
    """Sliding windows `(windows, length, features)` of `(frames, features)`, without copying.

    Too short a sequence has no window: the answer is then empty.
    """
    if length < 1 or stride < 1:
        raise ValueError(f"length and stride must be at least 1, found {length} and {stride}")
    if len(features) < length:
        return np.empty((0, length, features.shape[1]))
    view = np.lib.stride_tricks.sliding_window_view(features, length, axis=0)
    return np.moveaxis(view, -1, 1)[::stride]


def frame_from_json(value: Any) -> Frame:
    """Return a frame from the value of a JSON line. Raises FrameError with the problem."""
    if not isinstance(value, dict):
        raise FrameError(f"expected an object with landmarks, found {type(value).__name__}")
    if "landmarks" not in value:
        raise FrameError("the frame has no landmarks")
    sequence = as_sequence(value["landmarks"])
    if len(sequence) != 1:
        raise FrameError(f"expected one frame, found {len(sequence)}")
    return Frame(sequence[0], as_visibility(value.get("visibility"), 1)[0])


def frame_to_json(frame: Frame) -> dict[str, Any]:
    """The frame as JSON values, coordinates to five decimals (a fiftieth of a pixel)."""
    return {
        "landmarks": [[round(float(c), 5) for c in point] for point in frame.landmarks],
        "visibility": [round(float(v), 2) for v in frame.visibility],
    }


def write_recording(recording: Recording, file: TextIO) -> None:
    """Write a recording as JSON Lines, its header first."""
    header: dict[str, Any] = {"fps": recording.fps}
    if recording.label is not None:
        header["label"] = recording.label
    for value in (header, *(frame_to_json(frame) for frame in recording.frames())):
        file.write(json.dumps(value, separators=(",", ":")) + "\n")


def read_frames(lines: Iterable[str], name: str = "recording") -> Iterator[Frame]:
    """Yield the frames of JSON Lines, each as soon as its line arrives; skip a header.

    Raises RecordingError with the line of the first problem.
    """
    for value in _read(lines, name):
        if isinstance(value, Frame):
            yield value


def read_recording(lines: Iterable[str], name: str = "recording") -> Recording:
    """A recording from JSON Lines. Raises RecordingError with the line of the first problem."""
    header: dict[str, Any] = {}
    frames: list[Frame] = []
    for value in _read(lines, name):
        if isinstance(value, Frame):
            frames.append(value)
        else:
            header = value
    return _assemble(frames, header, name)


def load_recording(path: Path) -> Recording:
    """Read a recording's file. Raises RecordingError naming file and line."""
    try:
        with path.open(encoding="utf-8") as file:
            return read_recording(file, str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise RecordingError(f"{path}: can't be read as text: {error}") from error


def _read(lines: Iterable[str], name: str) -> Iterator[Frame | dict[str, Any]]:
    """The header, if the first line is one, and the frames."""
    first = True
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        value = _json_line(line, f"{name}, line {number}")
        if first and isinstance(value, dict) and "landmarks" not in value:
            yield value
        else:
            try:
                yield frame_from_json(value)
            except FrameError as error:
                raise RecordingError(f"{name}, line {number}: {error}") from error
        first = False


def _printable(label: Any) -> bool:
    return isinstance(label, str) and label.isprintable() and bool(label.strip())


def _json_line(line: str, place: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:  # also of numbers with too many digits
        raise RecordingError(f"{place}: no JSON: {error}") from error


def _assemble(frames: list[Frame], header: dict[str, Any], name: str) -> Recording:
    if not frames:
        raise RecordingError(f"{name}: no frames in it")
    fps, label = header.get("fps", FPS), header.get("label")
    if isinstance(fps, bool) or not isinstance(fps, int | float) or not 0 < fps <= 1000:  # noqa: PLR2004
        raise RecordingError(f"{name}: fps must be a number above 0 and up to 1000, found {fps!r}")
    if label is not None and not _printable(label):
        raise RecordingError(f"{name}: label must be a text that can be printed, found {label!r}")
    return Recording(
        np.stack([frame.landmarks for frame in frames]),
        np.stack([frame.visibility for frame in frames]),
        float(fps),
        label,
    )
