"""What several commands read."""

from pathlib import Path

from stream_pose_ml.errors import RecordingError
from stream_pose_ml.models import Model, bundled_path, load_model
from stream_pose_ml.sequences import Recording, load_recording


def model(path: Path | None, trust: list[str]) -> Model:
    """The model of a file, or the bundled one."""
    return load_model(bundled_path() if path is None else path, trust)


def recordings(paths: list[Path]) -> list[Recording]:
    """Every recording of files and folders, in the order of their names."""
    files: list[Path] = []
    for path in paths:
        found = sorted(path.glob("*.jsonl")) if path.is_dir() else [path]
        if not found:
            raise RecordingError(f"{path}: no *.jsonl in this folder")
        files.extend(found)
    return [load_recording(file) for file in files]
