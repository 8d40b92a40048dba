"""What several commands read, and where they write."""

import os
from pathlib import Path

from stream_pose_ml.errors import RecordingError, StreamPoseError
from stream_pose_ml.models import Model, bundled_path, load_model
from stream_pose_ml.sequences import Recording, load_recording


def model(path: Path | None, trust: list[str]) -> Model:
    """The model of a file, or the bundled one."""
    return load_model(bundled_path() if path is None else path, trust)


def writable(path: Path) -> None:
    """Raise StreamPoseError where a file can't be written, before the work that it is for."""
    folder = path.parent
    if path.is_dir():
        raise StreamPoseError(f"{path}: is a folder, expected a file to write")
    if not folder.is_dir():
        raise StreamPoseError(f"{folder}: this folder does not exist: make it, or name another")
    if not os.access(path if path.exists() else folder, os.W_OK):
        raise StreamPoseError(f"{path}: may not be written to: name another place")


def labelled(paths: list[Path]) -> list[Recording]:
    """Every recording of files and folders. Raises RecordingError for one without a label."""
    found = recordings(paths)
    for file, recording in found.items():
        if recording.label is None:
            raise RecordingError(f'{file}: no label: write one into its header, {{"label": "..."}}')
    return list(found.values())


def recordings(paths: list[Path]) -> dict[Path, Recording]:
    """Every recording of files and folders by its file, in the order of their names."""
    files: list[Path] = []
    for path in paths:
        found = sorted(path.glob("*.jsonl")) if path.is_dir() else [path]
        if not found:
            raise RecordingError(f"{path}: no *.jsonl in this folder")
        files.extend(found)
    return {file: load_recording(file) for file in files}
