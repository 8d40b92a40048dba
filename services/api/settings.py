"""What can be set about the API, read from the environment once."""

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """The API's address, its limits, and the source of its model."""

    host: str = "0.0.0.0"  # noqa: S104 - inside a container; compose publishes it on localhost only
    port: int = 5001
    # Empty: the bundled model, and no registry is asked.
    registry_url: str = ""
    model_name: str = "stream_pose_ml"
    model_alias: str = "current"
    registry_seconds: float = 30.0
    # Names that the API may be asked for by, and pages of elsewhere that may ask; with commas.
    allowed_hosts: str = "localhost,api"
    allowed_origins: str = ""
    head_seconds: float = 10.0
    body_seconds: float = 60.0
    body_bytes: int = 4 * 1024 * 1024
    message_bytes: int = 64 * 1024
    streams: int = 2000
    frames_per_second: float = 240.0
    idle_seconds: float = 60.0
    drain_seconds: float = 5.0


def from_environment() -> Settings:
    """Read settings from `STREAM_POSE_ML_<NAME>`.

    Raises ValueError with the name of one that is not a number.
    """
    values: dict[str, str | int | float] = {}
    for name, default in vars(Settings()).items():
        variable = f"STREAM_POSE_ML_{name.upper()}"
        text = os.environ.get(variable)
        if not text:
            continue
        try:
            values[name] = type(default)(text)
        except ValueError as error:
            kind = type(default).__name__
            raise ValueError(f"{variable}: expected a value like {kind}, found {text!r}") from error
    return Settings(**values)  # type: ignore[arg-type]  # each value has its default's type
