"""What a stranger may do to MLflow as its image starts it: read, and nothing else."""

import httpx
import pytest

from tests.services.running import running_mlflow
from tests.services.test_doors import endless, opened
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


API = "/api/2.0/mlflow"
PAGE = "/ajax-api/2.0/mlflow"
WRITES = {
    "an alias": ("POST", f"{API}/registered-models/alias"),
    "an alias, by the page": ("POST", f"{PAGE}/registered-models/alias"),
    "a version": ("POST", f"{API}/model-versions/create"),
    "a run": ("POST", f"{API}/runs/create"),
    "a tag": ("PATCH", f"{API}/model-versions/update"),
    "a file": ("PUT", "/api/2.0/mlflow-artifacts/artifacts/1/search"),
    "a file in parts": ("POST", "/api/2.0/mlflow-artifacts/mpu/create/runs/search"),
    "a hook": ("POST", f"{API}/webhooks"),
    "no alias": ("DELETE", f"{API}/registered-models/alias"),
    "a trace": ("POST", "/v1/traces"),
    "a relay": ("GET", f"{PAGE}/gateway-proxy"),
    "slashes": ("POST", f"{API}//registered-models/alias"),
    "dots": ("POST", f"{API}/runs/search/../create"),
}
READS = {
    "an alias": ("GET", f"{API}/registered-models/alias?name=stream_pose_ml&alias=current"),
    "versions": ("GET", f"{API}/model-versions/search?filter=name%3D%27stream_pose_ml%27"),
    "experiments": ("POST", f"{PAGE}/experiments/search"),
    "the page": ("GET", "/"),
}


@pytest.mark.parametrize(("method", "path"), WRITES.values(), ids=WRITES)
@pytest.mark.parametrize("proof", [{}, {"Authorization": "Bearer guess"}], ids=["none", "a guess"])
def test_writing_without_the_secret_is_refused_and_says_how(mlflow, method, path, proof):
    answer = httpx.request(method, f"{mlflow.tracking}{path}", json={}, headers=proof)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Basic ")
    assert "MLFLOW_TRACKING_TOKEN" in answer.json()["message"]


@pytest.mark.parametrize(("method", "path"), READS.values(), ids=READS)
def test_reading_needs_no_secret(mlflow, method, path):
    said = {"max_results": 10} if method == "POST" else None
    answer = httpx.request(method, f"{mlflow.tracking}{path}", json=said)
    assert answer.status_code == 200, answer.text


def test_it_answers_to_its_name_on_the_network_of_the_containers(mlflow):
    """MLflow has a check of its own, which must know the same names."""
    where = f"{mlflow.tracking}/api/2.0/mlflow/registered-models/get?name=stream_pose_ml"
    assert httpx.get(where, headers={"Host": "mlflow:5002"}).status_code == 200
    assert httpx.get(where, headers={"Host": "elsewhere.example"}).status_code == 403


def test_a_question_without_the_secret_is_bounded(mlflow):
    url = f"{mlflow.tracking}{PAGE}/runs/search"
    assert httpx.post(url, content=b" " * (2**20 + 1)).status_code == 413


@pytest.mark.parametrize("path", [f"{PAGE}/registered-models/alias", f"{PAGE}/experiments/search"])
@pytest.mark.parametrize(
    "origin", ["http://localhost:3000", "http://127.0.0.1:1", "http://stranger.example", "null"]
)
def test_a_foreign_page_may_neither_write_nor_read_even_with_the_secret(mlflow, path, origin):
    headers = {**mlflow.proof(), "Origin": origin}
    said = {"max_results": 1, "name": "stream_pose_ml", "alias": "current", "version": "1"}
    answer = httpx.post(f"{mlflow.tracking}{path}", json=said, headers=headers)
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers
    asked_before = {**headers, "Access-Control-Request-Method": "POST"}
    answer = httpx.options(f"{mlflow.tracking}{path}", headers=asked_before)
    assert "access-control-allow-origin" not in answer.headers


def test_its_own_page_may_write_with_the_secret_as_a_password(mlflow):
    answer = httpx.post(
        f"{mlflow.tracking}{PAGE}/registered-models/alias",
        json={"name": "stream_pose_ml", "alias": "page", "version": "1"},
        headers={"Origin": mlflow.tracking},
        auth=("anybody", mlflow.secret.read_text().strip()),
    )
    assert answer.status_code == 200, answer.text


def test_the_secret_is_shown_once_and_read_by_nobody_else(mlflow, mlflow_python):
    secret = mlflow.secret.read_text().strip()
    assert len(secret) > 40
    assert mlflow.said().count(secret) == 1
    assert mlflow.secret.stat().st_mode & 0o777 == 0o600
    with running_mlflow(mlflow_python, mlflow.secret.parent) as again:
        assert again.secret.read_text().strip() == secret
        assert secret not in again.said()


def test_a_large_body_and_a_deep_one_are_refused_by_the_model_server(mlflow):
    url, headers = f"{mlflow.serving}/invocations", {"Content-Type": "application/json"}
    large = httpx.post(url, content=b" " * (40 * 2**20), headers=headers, timeout=60)
    assert large.status_code == 413
    deep = b'{"inputs": ' + b"[" * 200_000 + b"]" * 200_000 + b"}"
    answer = httpx.post(url, content=deep, headers=headers, timeout=60)
    assert (answer.status_code, "too deeply" in answer.text) == (422, True)
    assert served(mlflow) == "squat"
    assert "Traceback" not in mlflow.said(), mlflow.said()[-3000:]


@pytest.mark.parametrize("port", ["tracking", "serving"])
def test_an_endless_head_is_ended_early_by_both_servers(mlflow, port):
    url = getattr(mlflow, port)
    with opened(url) as plain:
        head = b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-Endless: "
        taken, answer = endless(plain, head, b"a" * 2**20)
    assert taken < 16 * 2**20
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400")
    assert served(mlflow) == "squat"


def test_a_foreign_page_does_not_ask_the_model_server(mlflow):
    for headers in ({"Origin": "http://stranger.example"}, {"Host": "stranger.example"}):
        assert httpx.get(f"{mlflow.serving}/ping", headers=headers).status_code == 403
