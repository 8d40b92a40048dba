"""The tracking server and registry, behind a guard:

`python -m services.mlflow.tracking`. It sets up the same server as `mlflow server`, in one process
and without a supervisor.
"""

import os

import uvicorn
from mlflow.environment_variables import (  # type: ignore[import-not-found]
    _MLFLOW_IN_JOB_EXECUTOR,
    _MLFLOW_SGI_NAME,
    MLFLOW_SERVER_ALLOWED_HOSTS,
    MLFLOW_SERVER_CORS_ALLOWED_ORIGINS,
    MLFLOW_SERVER_X_FRAME_OPTIONS,
)
from starlette.types import ASGIApp

from services.bounds import bounded
from services.doors import Doors
from services.mlflow import secret
from services.mlflow.guard import Guard
from services.mlflow.settings import HEAD_SECONDS, Settings, from_environment

ARTIFACTS = "mlflow-artifacts:/"


def main() -> None:
    """Serve until a signal."""
    settings = from_environment()
    uvicorn.run(
        application(settings),
        host=settings.host,
        port=settings.tracking_port,
        access_log=False,
        timeout_graceful_shutdown=3,
        **bounded(HEAD_SECONDS),
    )


def application(settings: Settings) -> ASGIApp:
    """MLflow's own server, which only who knows the secret may write to."""
    database = f"sqlite:///{settings.data / 'mlflow.db'}"
    os.environ |= {
        MLFLOW_SERVER_ALLOWED_HOSTS.name: settings.allowed_hosts,
        MLFLOW_SERVER_CORS_ALLOWED_ORIGINS.name: settings.allowed_origins,
        MLFLOW_SERVER_X_FRAME_OPTIONS.name: "DENY",
        _MLFLOW_SGI_NAME.name: "uvicorn",
        _MLFLOW_IN_JOB_EXECUTOR.name: "false",
    }
    # Imported here, since each module of the server reads these settings on import.
    from mlflow.server import (  # type: ignore[import-not-found]  # noqa: PLC0415
        constants,
        handlers,
    )

    os.environ |= {
        constants.BACKEND_STORE_URI_ENV_VAR: database,
        constants.REGISTRY_STORE_URI_ENV_VAR: database,
        constants.ARTIFACT_ROOT_ENV_VAR: ARTIFACTS,
        constants.ARTIFACTS_DESTINATION_ENV_VAR: str(settings.data / "artifacts"),
        constants.SERVE_ARTIFACTS_ENV_VAR: "true",
    }
    handlers.initialize_backend_stores(database, database, ARTIFACTS)
    from mlflow.server.fastapi_app import app  # type: ignore[import-not-found]  # noqa: PLC0415

    guarded = Guard(app, secret.read(settings.secret_file))
    return Doors(guarded, settings.allowed_hosts, settings.allowed_origins)


if __name__ == "__main__":
    main()
