"""Labels from a running API, over its web socket."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI
from websockets.sync.client import ClientConnection, connect

from stream_pose_ml.classifier import Prediction
from stream_pose_ml.errors import ServiceError
from stream_pose_ml.sequences import Frame, frame_to_json


def stream(
    url: str, frames: Iterable[Frame], *, seconds: float = 30.0
) -> Iterator[Prediction | None]:
    """Send frames one by one; for each comes a prediction, or None while the window is filling.

    `url` is the socket's, as in `ws://localhost:5001/stream`; `seconds` is the longest wait for one
    answer. Raises ServiceError when the API can't be reached, ends the stream (with its reason), or
    is silent.
    """
    try:
        with connect(url, open_timeout=seconds, compression=None) as socket:
            _receive(socket, seconds)  # its greeting
            for frame in frames:
                socket.send(json.dumps(frame_to_json(frame)))
                yield _prediction(_receive(socket, seconds))
    except ConnectionClosed as error:
        end = error.rcvd
        reason = f"{end.reason} ({end.code})" if end else "the connection broke"
        raise ServiceError(f"{url}: the stream was ended: {reason}") from error
    except (OSError, InvalidHandshake, InvalidURI) as error:
        raise ServiceError(f"{url}: no stream can be opened: {error}") from error


def _receive(socket: ClientConnection, seconds: float) -> dict[str, Any]:
    try:
        message: dict[str, Any] = json.loads(socket.recv(seconds))
    except TimeoutError as error:
        raise ServiceError(f"the API did not answer within {seconds:g} seconds") from error
    return message


def _prediction(message: dict[str, Any]) -> Prediction | None:
    if message["type"] != "label":
        return None
    return Prediction(message["label"], message["probability"], message["probabilities"])
