"""Serve the current model of the registry: `python -m services.mlflow.serving`.

The server is that of `mlflow models serve`, which starts two more processes for it and loads any
code that a model names. Here, one process registers the bundled model if it is missing, loads the
current one, serves it, and follows the alias. A new model is loaded before it replaces the old one,
so requests are always answered. A version that cannot be loaded, or that
`services.mlflow.accepted` rejects, is logged and not served.
"""

import json
import os
import tempfile
import threading
import time
import urllib.request
from pathlib import Path, PurePosixPath
from typing import Any

import mlflow.artifacts  # type: ignore[import-not-found]
import uvicorn
import yaml
from mlflow.entities.model_registry import ModelVersion  # type: ignore[import-not-found]
from mlflow.models import Model, ModelSignature  # type: ignore[import-not-found]
from mlflow.pyfunc import PyFuncModel, scoring_server  # type: ignore[import-not-found]
from starlette.types import ASGIApp

from services.bounds import BodyLimit, bounded
from services.doors import Doors
from services.mlflow import accepted, register, secret
from services.mlflow.settings import (
    ALIAS,
    BODY_BYTES,
    BODY_SECONDS,
    HEAD_SECONDS,
    MODEL,
    Settings,
    from_environment,
)
from stream_pose_ml.errors import ModelError
from stream_pose_ml.models import Estimator, load_estimator

START_SECONDS = 600.0  # the tracking server's first start, on an emulated platform
LOOK_SECONDS = 5.0


class Current:
    """MLflow's scoring server of one version; another can take its place while it serves."""

    def __init__(self) -> None:
        self.version: str | None = None
        self._server: Any = None
        self._said = ""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass the request to the version's own server."""
        await self._server(scope, receive, send)

    def follow(self) -> None:
        """Take the version that the alias names, where it can be loaded; else say why not."""
        version = "?"
        try:
            found = mlflow.MlflowClient().get_model_version_by_alias(MODEL, ALIAS)
            version = str(found.version)
            if version != self.version:
                self.take(found)
            self._say(f"version {version} is served")
        except Exception as error:  # a missing registry or anybody's model can fail in any way
            self._say(f"version {version} can't be served: {type(error).__name__}: {error}")

    def take(self, version: ModelVersion) -> None:
        """Serve that version from now on. Raises ModelError for one that is not served."""
        self._server = scoring_server.init(load(version))
        self.version = str(version.version)

    def _say(self, text: str) -> None:
        """Once, however often it is looked."""
        if text != self._said:
            print(f"model server: {MODEL}@{ALIAS}, {text}", flush=True)
        self._said = text


class Predicting:
    """What MLflow's scoring server asks of a model."""

    def __init__(self, estimator: Estimator) -> None:
        self._estimator: Any = estimator

    def predict(self, data: Any, params: dict[str, Any] | None = None) -> Any:  # noqa: ARG002
        """Give the labels."""
        return self._estimator.predict(data)


def load(version: ModelVersion) -> PyFuncModel:
    """Read a version without running anything that it names.

    Raises ModelError if the registration did not write it, or if its estimator is unusable.
    """
    root = mlflow.MlflowClient().get_model_version_download_uri(MODEL, version.version)
    accepted.check_place(root)
    found = mlflow.artifacts.list_artifacts(artifact_uri=root)
    sizes = {PurePosixPath(f.path).name: None if f.is_dir else f.file_size or 0 for f in found}
    accepted.check_files(sizes)
    if not version.tags.get("window", "").isdecimal():
        raise ModelError("it has no tag `window` with its number of frames: set the tag")
    with tempfile.TemporaryDirectory() as folder:
        described = yaml.safe_load(_file(root, accepted.DESCRIPTION, folder).read_bytes())
        accepted.check_description(described)
        path = _file(root, accepted.ESTIMATOR, folder)
        estimator = load_estimator(path, int(version.tags["window"])).estimator
    said = described.get("signature")
    signature = ModelSignature.from_dict(said) if said else None
    return PyFuncModel(Model(signature=signature), Predicting(estimator))


def _file(root: str, name: str, folder: str) -> Path:
    uri = f"{root}/{name}"
    return Path(mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=folder))


def too_deep(body: bytes) -> str | None:
    """Say so where JSON is nested deeper than Python reads it."""
    try:
        json.loads(body)
    except RecursionError:
        return "the body is nested too deeply: send rows of numbers"
    except ValueError:
        pass  # CSV, or a body that the scoring server rejects itself
    return None


def application(current: Current, settings: Settings) -> ASGIApp:
    """The current model, behind the same bounds as the API."""
    limited = BodyLimit(current, BODY_BYTES, BODY_SECONDS, too_deep)
    return Doors(limited, settings.allowed_hosts, settings.allowed_origins)


def main() -> None:
    """Serve until a signal."""
    settings = from_environment()
    _wait_until_healthy(settings)
    current = Current()
    bundled = _registered(settings)
    current.follow()
    if current.version is None:
        current.take(mlflow.MlflowClient().get_model_version(MODEL, bundled))
    threading.Thread(target=_keep_following, args=[current], daemon=True).start()
    uvicorn.run(
        application(current, settings),
        host=settings.host,
        port=settings.serving_port,
        access_log=False,
        timeout_graceful_shutdown=3,
        **bounded(HEAD_SECONDS),
    )


def _registered(settings: Settings) -> str:
    """Register the bundled model, then remove the secret: this service writes nothing else."""
    os.environ["MLFLOW_TRACKING_TOKEN"] = secret.read(settings.secret_file)
    try:
        return register.bundled()
    finally:
        del os.environ["MLFLOW_TRACKING_TOKEN"]


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
