"""Run MLflow: the tracking server, then the model that its registry calls current.

`python -m services.mlflow`. Ends when a server ends (with exit code 1) or at SIGTERM (with 0), and takes both with it.
"""

import json
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

from services.mlflow.processes import Process
from services.mlflow.settings import ALIAS, MODEL, Settings, from_environment

START_SECONDS = 180.0
LOOK_SECONDS = 10.0


class Stopped(Exception):
    """A signal asked to stop."""


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
        _wait_until_healthy(settings, tracking, stopping)
        _register(environment)
        _serve(settings, tracking, serving, stopping)
    except Stopped:
        return 0
    except RuntimeError as error:
        print(f"mlflow: {error}", file=sys.stderr, flush=True)
        return 1
    finally:
        serving.stop()
        tracking.stop()
    return 0


def _serve(
    settings: Settings, tracking: Process, serving: Process, stopping: threading.Event
) -> None:
    """Serve the current version, and start again with another when the alias moves."""
    version = current_version(settings)
    serving.start()
    while not stopping.wait(LOOK_SECONDS):
        tracking.check()
        serving.check()
        now = current_version(settings)
        if now is not None and now != version:
            print(f"mlflow: {MODEL}@{ALIAS} moved from {version} to {now}", flush=True)
            serving.stop()
            serving.start()
            version = now


def current_version(settings: Settings) -> str | None:
    """The version that the alias names; None while the registry does not say."""
    query = f"registered-models/alias?name={MODEL}&alias={ALIAS}"
    try:
        content = _get(f"{settings.tracking_url}/api/2.0/mlflow/{query}")
        return str(json.loads(content)["model_version"]["version"])
    except (OSError, ValueError, KeyError):
        return None


def _wait_until_healthy(settings: Settings, tracking: Process, stopping: threading.Event) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        tracking.check()
        try:
            _get(f"{settings.tracking_url}/health")
        except OSError:
            if stopping.wait(0.2):
                raise Stopped from None
        else:
            return
    raise RuntimeError(f"the tracking server was not healthy within {START_SECONDS:g} seconds")


def _get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - our own http address
        return bytes(answer.read())


def _register(environment: dict[str, str]) -> None:
    """In a process of its own: what it imports takes 300 MB that are free again afterwards."""
    command = [sys.executable, "-m", "services.mlflow.register"]
    done = subprocess.run(command, env=environment, cwd=Path(__file__).parents[2], check=False)
    if done.returncode:
        raise RuntimeError("the bundled model could not be registered: see the messages above")


if __name__ == "__main__":
    sys.exit(main())
