"""Serve the model that the registry calls current: `python -m services.mlflow.serving`.

The server is the one of `mlflow models serve`, which however starts two more processes to get to
it; here one process registers the bundled model where it is missing, loads the current one, and
serves it.
"""

import time
import urllib.request

import mlflow.pyfunc  # type: ignore[import-not-found]
import uvicorn
from mlflow.pyfunc import scoring_server

from services.mlflow import register
from services.mlflow.settings import ALIAS, MODEL, Settings, from_environment

START_SECONDS = 600.0  # the tracking server's first start, on an emulated platform


def main() -> None:
    """Serve until a signal."""
    settings = from_environment()
    _wait_until_healthy(settings)
    register.bundled()
    app = scoring_server.init(mlflow.pyfunc.load_model(f"models:/{MODEL}@{ALIAS}"))
    uvicorn.run(app, host=settings.host, port=settings.serving_port, access_log=False)


def _wait_until_healthy(settings: Settings) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            urllib.request.urlopen(f"{settings.tracking_url}/health", timeout=10).close()  # noqa: S310
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return


if __name__ == "__main__":
    main()
