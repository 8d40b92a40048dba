"""A posted recording, classified."""

import json
from typing import Any

from services.api.catalogue import Entry
from stream_pose_ml.classifier import classify, overall
from stream_pose_ml.errors import RecordingError
from stream_pose_ml.sequences import Recording, read_recording

JSON_LINES = "application/x-ndjson"


def classify_body(entry: Entry, body: bytes, kind: str) -> dict[str, Any]:
    """The answer to a body of JSON Lines, or of one JSON object with `frames`.

    Raises RecordingError or FrameError with the problem.
    """
    recording = _recording(body, kind)
    predictions = classify(entry.model, recording)
    whole = overall(predictions)
    if whole is None:
        raise RecordingError(
            f"{len(recording)} frames are fewer than the model's window of {entry.model.window}"
        )
    first = entry.model.window - 1
    return {
        "label": whole.label,
        "probability": whole.probability,
        "probabilities": whole.probabilities,
        "frames": len(recording),
        "timeline": [
            {"frame": first + index, "label": item.label, "probability": item.probability}
            for index, item in enumerate(predictions)
        ],
        "model": entry.describe(),
    }


def _recording(body: bytes, kind: str) -> Recording:
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise RecordingError(f"the body is not UTF-8 text: {error}") from error
    if kind.partition(";")[0].strip() == JSON_LINES:
        return read_recording(text.splitlines(), "body")
    return read_recording(_lines(text), "body")


def _lines(text: str) -> list[str]:
    """The same recording as JSON Lines."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RecordingError(
            f"the body is not JSON: {error}; send JSON Lines as {JSON_LINES}"
        ) from error
    if not isinstance(value, dict) or not isinstance(value.get("frames"), list):
        raise RecordingError('expected an object with a list "frames"')
    header = {key: item for key, item in value.items() if key != "frames"}
    return [json.dumps(item) for item in (header, *value["frames"])]
