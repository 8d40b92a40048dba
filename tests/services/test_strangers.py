"""What a stranger may do to MLflow as its image starts it: read, and nothing else."""


import httpx
import pytest

from tests.services.running import running_mlflow
from tests.services.test_mlflow import once, served

# Each registers a version that would leave a mark when it is loaded or asked.
START = """
import pathlib, sys, mlflow
from mlflow import MlflowClient
MARK = pathlib.Path({mark!r})
mlflow.set_experiment("strangers")
run = mlflow.start_run()
"""
END = """
mlflow.end_run()
found = MlflowClient().search_model_versions("name = 'stream_pose_ml'")
version = str(max(int(one.version) for one in found))
MlflowClient().set_model_version_tag("stream_pose_ml", version, "window", "30")
print(version)
"""
PYTHON_MODEL = """
class Stranger(mlflow.pyfunc.PythonModel):
    def load_context(self, context):
        MARK.write_text("loaded")
    def predict(self, context, model_input, params=None):
        return ["mine"]
mlflow.pyfunc.log_model(name="model", python_model=Stranger(), pip_requirements=["mlflow"],
    registered_model_name="stream_pose_ml")
"""
MODEL_FROM_CODE = """
path = MARK.with_name("model.py")
path.write_text(f'''
import pathlib, mlflow
class Stranger(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return ["mine"]
if "services.mlflow.serving" in str(__import__("sys").orig_argv):
    pathlib.Path({str(MARK)!r}).write_text("loaded")
mlflow.models.set_model(Stranger())
''')
mlflow.pyfunc.log_model(name="model", python_model=str(path), pip_requirements=["mlflow"],
    registered_model_name="stream_pose_ml")
"""
LOADER_WITH_CODE = """
folder = MARK.with_name("stranger")
folder.mkdir(exist_ok=True)
(folder / "stranger_loader.py").write_text(f'''
import pathlib
def _load_pyfunc(path):
    pathlib.Path({str(MARK)!r}).write_text("loaded")
''')
mlflow.pyfunc.log_model(name="model", loader_module="stranger_loader",
    code_paths=[str(folder / "stranger_loader.py")], pip_requirements=["mlflow"],
    registered_model_name="stream_pose_ml")
"""
PICKLE = """
from sklearn.dummy import DummyClassifier
class Stranger(DummyClassifier):
    def __reduce__(self):
        return MARK.write_text, ("loaded",)
model = Stranger().fit([[0.0]] * 2, ["mine", "yours"])
mlflow.sklearn.log_model(model, name="model", serialization_format="cloudpickle",
    pip_requirements=["scikit-learn"], registered_model_name="stream_pose_ml")
"""
ATTACKS = {
    "a Python model": PYTHON_MODEL,
    "a model from code": MODEL_FROM_CODE,
    "a loader with code": LOADER_WITH_CODE,
    "a pickle": PICKLE,
}


@pytest.fixture(scope="module")
def mlflow(mlflow_python, tmp_path_factory):
    with running_mlflow(mlflow_python, tmp_path_factory.mktemp("data")) as found:
        yield found


def point(mlflow, version, **headers):
    said = {"name": "stream_pose_ml", "alias": "current", "version": version}
    url = f"{mlflow.tracking}/api/2.0/mlflow/registered-models/alias"
    return httpx.post(url, json=said, timeout=30, headers={**mlflow.proof(), **headers})


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_a_registered_model_that_brings_code_is_refused_and_its_code_does_not_run(
    mlflow, tmp_path, attack
):
    mark = tmp_path / "mark"
    version = mlflow.run(START.format(mark=str(mark)) + attack + END)
    mark.unlink(missing_ok=True)  # made when it was registered, which happens at the stranger's
    try:
        assert point(mlflow, version).status_code == 200
        once(lambda: f"version {version} " in mlflow.said(), expected=True)
        assert not mark.exists(), "the model's code ran"
        assert f"version {version} can't be served: ModelError" in mlflow.said()
        assert served(mlflow) == "squat"
        assert not mark.exists()
    finally:
        point(mlflow, "1")
