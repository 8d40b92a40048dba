"""The examples of the OpenAPI page, made with the package itself."""

import json
from typing import Any

from stream_pose_ml import __version__, synthetic
from stream_pose_ml.sequences import frame_to_json

_FRAME = frame_to_json(next(synthetic.recording("squat", seed=1, frames=1).frames()))
_MODEL = {
    "source": "bundled",
    "name": "stream_pose_ml",
    "version": __version__,
    "labels": ["arm_raise", "idle", "squat", "step"],
    "window": 30,
}


def _answers(description: str, example: Any) -> dict[int | str, dict[str, Any]]:
    content = {"application/json": {"example": example}}
    return {200: {"description": description, "content": content}}


def _problem(description: str, detail: str) -> dict[str, Any]:
    return {
        "description": description,
        "content": {"application/json": {"example": {"detail": detail}}},
    }


HEALTH = _answers(
    "Ready.", {"status": "ok", "model": "registry", "registry": "connected", "streams": 3}
)
VERSION = _answers(
    "The versions.", {"version": __version__, "model": _MODEL, "registry": "not configured"}
)
MODELS = _answers("The models.", [{**_MODEL, "active": True}])
CLASSIFY: dict[int | str, dict[str, Any]] = {
    **_answers(
        "The label of the whole, and of each frame from the first full window on.",
        {
            "label": "squat",
            "probability": 0.97,
            "probabilities": {"arm_raise": 0.01, "idle": 0.0, "squat": 0.97, "step": 0.02},
            "frames": 90,
            "timeline": [{"frame": 29, "label": "squat", "probability": 0.96}],
            "model": _MODEL,
        },
    ),
    404: _problem("No such model.", "no model 'mine'; there are: bundled"),
    413: _problem("Too large.", "the body is larger than 4194304 bytes: send less at once"),
    422: _problem(
        "No usable recording.", "body, line 2: expected 33 landmarks, found 32; missing from ..."
    ),
}
RECORDING: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["frames"],
                    "properties": {
                        "fps": {"type": "number"},
                        "frames": {"type": "array", "items": {"type": "object"}},
                    },
                },
                "example": {"fps": 30, "frames": [_FRAME]},
            },
            "application/x-ndjson": {
                "schema": {"type": "string"},
                "example": f'{{"fps":30}}\n{json.dumps(_FRAME)}\n',
            },
        },
    }
}

SOCKET: dict[str, Any] = {
    "The server greets": {"type": "ready", "model": _MODEL},
    "You send": _FRAME,
    "While the window fills": {"type": "waiting", "frame": 0, "waiting": 29},
    "From then on": {
        "type": "label",
        "frame": 29,
        "label": "squat",
        "probability": 0.96,
        "probabilities": {"arm_raise": 0.01, "idle": 0.0, "squat": 0.96, "step": 0.03},
    },
    "It closes with a reason": "1001 the server stops · 1003 not text · 1007 no frame · "
    "1008 idle, or no such model · 1009 too large · 1011 the model fails · "
    "1013 all streams are taken",
}
