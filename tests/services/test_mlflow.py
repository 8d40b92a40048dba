"""MLflow as its image starts it, really, and the API beside it."""

import signal
import time

import httpx
import pytest

from stream_pose_ml import synthetic
from stream_pose_ml.features import frame_features, window_features
from tests.services.running import free_port, running_api, running_mlflow
from tests.services.test_registry import label_of_a_squat, version_once

SECONDS = 120.0
ALIAS = "registered-models/alias?name=stream_pose_ml&alias=current"
VERSIONS = "model-versions/search?filter=name%3D%27stream_pose_ml%27"
# A model of a user's own: it knows two labels alone.
ANOTHER = """
import mlflow
from mlflow import MlflowClient
from stream_pose_ml import synthetic, training
some = [one for one in synthetic.dataset(6, seed=31) if one.label in ("arm_raise", "idle")]
data = training.samples(some, window=20)
model = training.train(data, window=20)
mlflow.set_experiment("mine")
with mlflow.start_run(run_name="mine"):
    logged = mlflow.sklearn.log_model(model.estimator, name="model", serialization_format="skops",
        registered_model_name="stream_pose_ml", pip_requirements=["scikit-learn"])
client = MlflowClient()
found = client.search_model_versions("name = 'stream_pose_ml'")
version = str(max(int(one.version) for one in found))
client.set_model_version_tag("stream_pose_ml", version, "window", "20")
print(version)
"""


def asked(mlflow, path):
    answer = httpx.get(f"{mlflow.tracking}/api/2.0/mlflow/{path}", timeout=30)
    answer.raise_for_status()
    return answer.json()


def point(mlflow, version):
    """Move the alias."""
    said = {"name": "stream_pose_ml", "alias": "current", "version": version}
    url = f"{mlflow.tracking}/api/2.0/mlflow/registered-models/alias"
    httpx.post(url, json=said, timeout=30, headers=mlflow.proof()).raise_for_status()


def versions(mlflow):
    return {one["version"]: one for one in asked(mlflow, VERSIONS)["model_versions"]}


def served(mlflow, label="squat"):
    """What port 1234 says of a movement."""
    recording = synthetic.recording(label, seed=20_240, frames=75)
    window = window_features(frame_features(recording.landmarks[-30:]))
    answer = httpx.post(
        f"{mlflow.serving}/invocations", json={"inputs": [window.tolist()]}, timeout=30
    )
    assert answer.status_code == 200, answer.text
    return answer.json()["predictions"][0]


def once(look, expected):
    deadline = time.monotonic() + SECONDS
    while (found := look()) != expected:
        assert time.monotonic() < deadline, found
        time.sleep(0.05)


def api_beside(mlflow):
    return running_api(registry_url=mlflow.tracking, registry_seconds=0.2)


@pytest.fixture(scope="module")
def mine(mlflow):
    """The version of a second model; the last tests damage it."""
    return mlflow.run(ANOTHER)


@pytest.fixture(scope="module")
def ports():
    return free_port(), free_port()


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def mlflow(mlflow_python, data, ports):
    with running_mlflow(mlflow_python, data, ports) as found:
        yield found


def test_the_first_start_registers_the_bundled_model_with_metrics_and_example(mlflow):
    version = versions(mlflow)["1"]
    tags = {tag["key"]: tag["value"] for tag in version["tags"]}
    assert tags["window"] == "30"
    run = asked(mlflow, f"runs/get?run_id={version['run_id']}")["run"]
    (accuracy,) = [m["value"] for m in run["data"]["metrics"] if m["key"] == "accuracy_unseen"]
    assert accuracy > 0.95
    place = asked(mlflow, "model-versions/get-download-uri?name=stream_pose_ml&version=1")
    folder = place["artifact_uri"].removeprefix("mlflow-artifacts:").strip("/")
    example = f"{mlflow.tracking}/api/2.0/mlflow-artifacts/artifacts/{folder}/input_example.json"
    assert httpx.get(example).status_code == 200
    assert [served(mlflow, label) for label in synthetic.LABELS] == list(synthetic.LABELS)


def test_where_the_alias_is_moved_api_and_model_server_follow_without_a_pause(mlflow, mine):
    with api_beside(mlflow) as (url, _):
        assert version_once(url, lambda v: v["registry"] == "connected")["model"]["version"] == "1"
        point(mlflow, mine)
        found = version_once(url, lambda v: v["model"]["version"] == mine)
        assert (found["model"]["labels"], found["model"]["window"]) == (["arm_raise", "idle"], 20)
        assert set(label_of_a_squat(url).probabilities) == {"arm_raise", "idle"}
        once(lambda: served(mlflow) in ("arm_raise", "idle"), expected=True)
        point(mlflow, "1")
        once(lambda: served(mlflow), "squat")
        version_once(url, lambda v: v["model"]["version"] == "1")


def test_a_model_that_is_damaged_is_told_of_and_nothing_else_is_disturbed(mlflow, data, mine):
    place = asked(mlflow, f"model-versions/get-download-uri?name=stream_pose_ml&version={mine}")
    folder = place["artifact_uri"].removeprefix("mlflow-artifacts:").strip("/")
    (data / "artifacts" / folder / "model.skops").write_bytes(b"PK damaged")
    with api_beside(mlflow) as (url, _):
        version_once(url, lambda v: v["registry"] == "connected")
        point(mlflow, mine)
        found = version_once(url, lambda v: "ModelError" in v["registry"])
        assert "no usable model" in found["registry"]
        assert found["model"]["version"] == "1"
        assert label_of_a_squat(url).label == "squat"
        once(lambda: f"version {mine} can't be served" in mlflow.said(), expected=True)
        assert served(mlflow) == "squat"
        point(mlflow, "1")
        version_once(url, lambda v: v["registry"] == "connected")


def test_a_restart_on_used_data_registers_nothing_again_and_keeps_all(
    mlflow_python, mlflow, data, ports, mine
):
    """Also: the API lives through it, and a damaged model under the alias is not in the way."""
    before = {number: one["run_id"] for number, one in versions(mlflow).items()}
    assert before.keys() == {"1", mine}
    with api_beside(mlflow) as (url, _):
        version_once(url, lambda v: v["registry"] == "connected")
        point(mlflow, mine)
        mlflow.process.send_signal(signal.SIGTERM)
        assert mlflow.process.wait(SECONDS) == 0
        found = version_once(url, lambda v: "ConnectError" in v["registry"])
        assert (found["model"]["source"], found["model"]["version"]) == ("registry", "1")
        assert label_of_a_squat(url).label == "squat"
        with running_mlflow(mlflow_python, data, ports) as again:
            assert {n: one["run_id"] for n, one in versions(again).items()} == before
            assert asked(again, ALIAS)["model_version"]["version"] == mine
            assert served(again) == "squat"
            point(again, "1")
            version_once(url, lambda v: v["registry"] == "connected")
