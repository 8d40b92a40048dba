"""Run MLflow: the tracking server with its registry, and the model that the registry calls current.

`python -m services.mlflow`. Ends when a server ends (exit code 1) or at SIGTERM (0), and takes both
with it.
"""

import signal
import sys
import threading

from services.mlflow import secret
from services.mlflow.processes import EndedError, Process
from services.mlflow.settings import from_environment

LOOK_SECONDS = 1.0


def main() -> int:
    """Serve until a signal, or until a server has ended by itself."""
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    settings = from_environment()
    (settings.data / "artifacts").mkdir(parents=True, exist_ok=True)
    secret.ensure(settings.secret_file)
    environment = settings.child_environment()
    tracking = Process("tracking server", settings.tracking_command(), environment)
    serving = Process("model server", settings.serving_command(), environment)
    try:
        tracking.start()
        serving.start()
        while not stopping.wait(LOOK_SECONDS):
            tracking.check()
            serving.check()
    except EndedError as error:
        print(f"mlflow: {error}", file=sys.stderr, flush=True)
        return 1
    finally:
        serving.stop()
        tracking.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
