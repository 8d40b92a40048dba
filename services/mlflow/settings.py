"""What can be set about the MLflow image, read from the environment once."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

MODEL = "stream_pose_ml"
ALIAS = "current"
HEAD_SECONDS = 10.0
BODY_SECONDS = 60.0
BODY_BYTES = 4 * 1024 * 1024
"""The limits of a request to the current model."""


@dataclass(frozen=True)
class Settings:
    """Where the two servers listen and keep their data, and who may ask and write."""

    data: Path
    host: str
    tracking_port: int
    serving_port: int
    allowed_hosts: str
    allowed_origins: str
    secret_file: Path

    @property
    def tracking_url(self) -> str:
        """Where the tracking server is reached from inside the container."""
        return f"http://127.0.0.1:{self.tracking_port}"

    def tracking_command(self) -> list[str]:
        """The tracking server and registry."""
        return [sys.executable, "-m", "services.mlflow.tracking"]

    def serving_command(self) -> list[str]:
        """The current model, served."""
        return [sys.executable, "-m", "services.mlflow.serving"]

    def child_environment(self) -> dict[str, str]:
        """This environment, without telemetry, job runners or anything else that calls home."""
        return {
            **os.environ,
            "MLFLOW_TRACKING_URI": self.tracking_url,
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "DO_NOT_TRACK": "true",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        }


def from_environment() -> Settings:
    """Settings from the environment; a port that is not a number is a ValueError."""
    data = Path(os.environ.get("MLFLOW_DATA", "/data"))
    return Settings(
        data=data,
        host=os.environ.get("MLFLOW_HOST", "0.0.0.0"),  # noqa: S104 - inside a container
        tracking_port=int(os.environ.get("MLFLOW_PORT", "5002")),
        serving_port=int(os.environ.get("MLFLOW_SERVING_PORT", "1234")),
        allowed_hosts=os.environ.get(
            "MLFLOW_ALLOWED_HOSTS", "localhost,localhost:*,127.0.0.1,127.0.0.1:*,mlflow,mlflow:*"
        ),
        allowed_origins=os.environ.get("MLFLOW_ALLOWED_ORIGINS", ""),
        secret_file=Path(os.environ.get("MLFLOW_SECRET_FILE") or data / "write-secret"),
    )
