"""Run MLflow: the tracking server with its registry, and the model that the registry calls current.

`python -m services.mlflow`. Ends when a server ends (exit code 1) or at SIGTERM (0), and takes both
with it.
"""

import json
import signal
import sys
import threading
import urllib.request

from services.mlflow.processes import EndedError, Process
from services.mlflow.settings import ALIAS, MODEL, Settings, from_environment

LOOK_SECONDS = 5.0


def main() -> int:
    """Serve until a signal, or until a server has ended by itself."""
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    settings = from_environment()
    (settings.data / "artifacts").mkdir(parents=True, exist_ok=True)
    environment = settings.child_environment()
    tracking = Process("tracking server", settings.tracking_command(), environment)
    serving = Process("model server", settings.serving_command(), environment)
    try:
        tracking.start()
        serving.start()
        _watch(settings, tracking, serving, stopping)
    except EndedError as error:
        print(f"mlflow: {error}", file=sys.stderr, flush=True)
        return 1
    finally:
        serving.stop()
        tracking.stop()
    return 0


def _watch(
    settings: Settings, tracking: Process, serving: Process, stopping: threading.Event
) -> None:
    """Start the model server again whenever the alias moves to another version."""
    version: str | None = None
    while not stopping.wait(LOOK_SECONDS):
        tracking.check()
        serving.check()
        now = current_version(settings)
        if version is not None and now is not None and now != version:
            print(f"mlflow: {MODEL}@{ALIAS} moved from {version} to {now}", flush=True)
            serving.stop()
            serving.start()
        version = now or version


def current_version(settings: Settings) -> str | None:
    """The version that the alias names; None while the registry does not say."""
    query = f"registered-models/alias?name={MODEL}&alias={ALIAS}"
    url = f"{settings.tracking_url}/api/2.0/mlflow/{query}"
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - our own address
            return str(json.loads(answer.read())["model_version"]["version"])
    except (OSError, ValueError, KeyError):
        return None


if __name__ == "__main__":
    sys.exit(main())
