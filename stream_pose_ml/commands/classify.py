"""Classify the movement in a recording, or live from standard input."""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from stream_pose_ml import client
from stream_pose_ml.classifier import Prediction, StreamClassifier
from stream_pose_ml.commands import inputs
from stream_pose_ml.errors import RecordingError
from stream_pose_ml.sequences import Frame, read_frames


def run(options: argparse.Namespace) -> None:
    """Print each change of the label at once, or with --json a line for every frame."""
    with _lines(options.recording) as (lines, name):
        frames = read_frames(lines, name)
        answers = client.stream(options.api, frames) if options.api else _local(options, frames)
        show = _json if options.json else _changes
        count = 0
        for text in show(answers):
            print(text, flush=True)
            count += 1
    if not count:
        raise RecordingError(f"{name}: fewer frames than the model's window: no label")


def _local(options: argparse.Namespace, frames: Iterable[Frame]) -> Iterator[Prediction | None]:
    classifier = StreamClassifier(inputs.model(options.model, options.trust))
    for frame in frames:
        yield classifier.push(frame.landmarks)


def _changes(answers: Iterable[Prediction | None]) -> Iterator[str]:
    last = None
    for number, answer in enumerate(answers):
        if answer is not None and answer.label != last:
            last = answer.label
            yield f"frame {number:5}  {answer.label}  {answer.probability:.2f}"


def _json(answers: Iterable[Prediction | None]) -> Iterator[str]:
    for number, answer in enumerate(answers):
        if answer is not None:
            yield json.dumps({"frame": number, **vars(answer)})


@contextmanager
def _lines(place: str) -> Iterator[tuple[Iterable[str], str]]:
    name = "standard input" if place == "-" else place
    try:
        with nullcontext(sys.stdin) if place == "-" else Path(place).open(encoding="utf-8") as file:
            yield file, name
    except BrokenPipeError:
        raise  # the reader of the output has gone
    except (OSError, UnicodeDecodeError) as error:
        raise RecordingError(f"{name}: can't be read as text: {error}") from error
