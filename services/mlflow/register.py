"""Register the bundled model.

If the registry already has it (by its SHA-256), it is not registered again. The alias is set if it
is missing, or if it still names an earlier bundled model. It is never moved away from a user's own
model.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

import mlflow  # type: ignore[import-not-found]
import mlflow.sklearn  # type: ignore[import-not-found]
from mlflow.entities.model_registry import ModelVersion  # type: ignore[import-not-found]
from mlflow.exceptions import MlflowException  # type: ignore[import-not-found]
from mlflow.models import infer_signature  # type: ignore[import-not-found]

from services.mlflow.settings import ALIAS, MODEL
from stream_pose_ml import __version__, synthetic, training
from stream_pose_ml.models import bundled_path, load_model

BUNDLED_TAG = "bundled_sha256"
UNSEEN_SEED = 2**31 - 1


def bundled() -> str:
    """Register the bundled model where it is missing; point the alias at it where that is ours.

    Its version is returned.
    """
    client = mlflow.MlflowClient()
    digest = hashlib.sha256(bundled_path().read_bytes()).hexdigest()
    versions: Sequence[ModelVersion] = client.search_model_versions(f"name = '{MODEL}'")
    known = [item for item in versions if item.tags.get(BUNDLED_TAG) == digest]
    version = str(known[0].version) if known else _register(client, digest)
    current = _current(client)
    if current is None or (BUNDLED_TAG in current.tags and str(current.version) != version):
        client.set_registered_model_alias(MODEL, ALIAS, version)
        print(f"registry: {MODEL}@{ALIAS} is version {version}, the bundled model", flush=True)
    return version


def _register(client: mlflow.MlflowClient, digest: str) -> str:
    model = load_model(bundled_path())
    unseen = training.samples(synthetic.dataset(20, seed=UNSEEN_SEED), model.window)
    estimator: Any = model.estimator
    example = unseen.features[:2]
    mlflow.set_experiment(MODEL)
    with mlflow.start_run(run_name=f"bundled {__version__}"):
        mlflow.log_params({"window": model.window, "stream_pose_ml": __version__})
        mlflow.log_metric("accuracy_unseen", training.evaluate(model, unseen).accuracy)
        logged = mlflow.sklearn.log_model(
            estimator,
            name="model",
            serialization_format="skops",
            signature=infer_signature(example, estimator.predict(example)),
            input_example=example,
            pip_requirements=["scikit-learn", "skops"],  # else MLflow runs the model
        )
    made = mlflow.register_model(logged.model_uri, MODEL)
    version = str(made.version)
    for key, value in (("window", str(model.window)), (BUNDLED_TAG, digest)):
        client.set_model_version_tag(MODEL, version, key, value)
    return version


def _current(client: mlflow.MlflowClient) -> ModelVersion | None:
    try:
        return client.get_model_version_by_alias(MODEL, ALIAS)
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return None
        raise
