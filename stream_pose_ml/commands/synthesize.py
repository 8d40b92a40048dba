"""Make labelled recordings from a seed."""

import argparse
import sys
from pathlib import Path

from stream_pose_ml import synthetic
from stream_pose_ml.errors import StreamPoseError
from stream_pose_ml.sequences import Recording, write_recording


def run(options: argparse.Namespace) -> None:
    """Write `LABEL-NNN.jsonl` into the folder, or one recording to standard output."""
    labels = (
        ["routine"] if options.routine else list(dict.fromkeys(options.label or synthetic.LABELS))
    )
    if unknown := set(labels) - {"routine", *synthetic.LABELS}:
        known = ", ".join(synthetic.LABELS)
        raise StreamPoseError(
            f"unknown movement {', '.join(sorted(unknown))}; the movements are: {known}"
        )
    if str(options.output) == "-":
        if len(labels) * options.count != 1:
            raise StreamPoseError("standard output takes one recording: give one --label")
        write_recording(_make(options, labels[0], 0), sys.stdout)
        return
    folder: Path = options.output
    _make_folder(folder)
    try:
        _write(options, labels)
    except OSError as error:
        raise StreamPoseError(f"{folder}: can't be written to: {error}") from error


def _make_folder(folder: Path) -> None:
    if folder.is_file():
        raise StreamPoseError(f"{folder}: is a file, expected a folder: name another")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StreamPoseError(f"{folder}: can't be made: {error}: name another") from error


def _write(options: argparse.Namespace, labels: list[str]) -> None:
    folder: Path = options.output
    for label in labels:
        for number in range(options.count):
            path = folder / f"{label}-{number:03}.jsonl"
            with path.open("w", encoding="utf-8") as file:
                write_recording(_make(options, label, number), file)
    print(f"{len(labels) * options.count} recordings of {options.frames} frames in {folder}")


def _make(options: argparse.Namespace, label: str, number: int) -> Recording:
    seed = synthetic.recording_seed(options.seed, number)
    if label == "routine":
        return synthetic.routine(seed=seed, frames=options.frames, noise=options.noise)
    return synthetic.recording(label, seed=seed, frames=options.frames, noise=options.noise)
