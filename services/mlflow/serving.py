"""Serve the model that the registry calls current: `python -m services.mlflow.serving`.

The server is the one of `mlflow models serve`, which however starts two more processes to get to
it; here one process registers the bundled model where it is missing, loads the current one, serves
it, and follows the alias. A model is loaded before it takes the other's place: requests are
answered all the time, and a version that can't be loaded is told of and left.
"""

import tempfile
import threading
import time
import urllib.request
from typing import Any

import mlflow.pyfunc  # type: ignore[import-not-found]
import uvicorn
from mlflow.pyfunc import scoring_server

from services.mlflow import register
from services.mlflow.settings import ALIAS, MODEL, Settings, from_environment

START_SECONDS = 600.0  # the tracking server's first start, on an emulated platform
LOOK_SECONDS = 5.0


class Current:
    """MLflow's scoring server of one version; another can take its place while it serves."""

    def __init__(self) -> None:
        self.version: str | None = None
        self._server: Any = None
        self._said = ""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Let the version's own server answer."""
        await self._server(scope, receive, send)

    def follow(self) -> None:
        """Take the version that the alias names, where it can be loaded; else say why not."""
        version = "?"
        try:
            version = str(mlflow.MlflowClient().get_model_version_by_alias(MODEL, ALIAS).version)
            if version != self.version:
                self.take(version)
            self._say(f"version {version} is served")
        except Exception as error:  # no registry, or a model of anybody's: fails in any way
            self._say(f"version {version} can't be served: {type(error).__name__}: {error}")

    def take(self, version: str) -> None:
        """Serve that version from now on."""
        with tempfile.TemporaryDirectory() as folder:
            uri = f"models:/{MODEL}/{version}"
            path = mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=folder)
            self._server = scoring_server.init(mlflow.pyfunc.load_model(path))
        self.version = version

    def _say(self, text: str) -> None:
        """Once, however often it is looked."""
        if text != self._said:
            print(f"model server: {MODEL}@{ALIAS}, {text}", flush=True)
        self._said = text


def main() -> None:
    """Serve until a signal."""
    settings = from_environment()
    _wait_until_healthy(settings)
    bundled = register.bundled()
    current = Current()
    current.follow()
    if current.version is None:
        current.take(bundled)
    threading.Thread(target=_keep_following, args=[current], daemon=True).start()
    uvicorn.run(current, host=settings.host, port=settings.serving_port, access_log=False)


def _keep_following(current: Current) -> None:
    while True:
        time.sleep(LOOK_SECONDS)
        current.follow()


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
