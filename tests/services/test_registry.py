"""The API beside a model registry: an HTTP server that answers what MLflow answers."""

import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import httpx
import pytest

from stream_pose_ml import client, models, synthetic, training
from tests.services.running import free_port, running_api

SECONDS = 30.0


@pytest.fixture(scope="module")
def estimator(tmp_path_factory):
    """Another model than the bundled one: of two labels, with a window of 20 frames."""
    some = [one for one in synthetic.dataset(6, seed=31) if one.label in ("squat", "idle")]
    model = training.train(training.samples(some, window=20), window=20)
    path = tmp_path_factory.mktemp("model") / "model.skops"
    models._skops().dump(model.estimator, path)
    return path.read_bytes()


def alias(version):
    return {"model_version": {"version": version, "tags": [{"key": "window", "value": "20"}]}}


@contextmanager
def registry(artifact, port=0, current=None):
    """Answer MLflow's three requests; the artifact and the alias are whatever is given."""
    answers = {
        "registered-models/alias": alias("7") if current is None else current,
        "model-versions/get-download-uri": {"artifact_uri": "mlflow-artifacts:/1/models/m"},
    }

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            path = urlsplit(self.path).path.removeprefix("/api/2.0/")
            if path == "mlflow-artifacts/artifacts/1/models/m/model.skops":
                content = artifact
            else:
                content = json.dumps(answers[path.removeprefix("mlflow/")]).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def api_beside(port):
    return running_api(registry_url=f"http://127.0.0.1:{port}", registry_seconds=0.2)


def version_once(url, fits):
    deadline = time.monotonic() + SECONDS
    with httpx.Client() as asking:
        while time.monotonic() < deadline:
            found = asking.get(f"{url}/version").json()
            if fits(found):
                return found
            time.sleep(0.05)
    return pytest.fail(f"not within {SECONDS:g} seconds; last: {found}")


def label_of_a_squat(url, model=""):
    frames = synthetic.recording("squat", seed=55).frames()
    *_, last = client.stream(url.replace("http", "ws", 1) + f"/stream{model}", frames)
    return last


def test_the_registry_s_model_is_used_and_the_bundled_one_stays_at_hand(estimator):
    with registry(estimator) as port, api_beside(port) as (url, _):
        found = version_once(url, lambda v: v["registry"] == "connected")
        assert (found["model"]["source"], found["model"]["version"]) == ("registry", "7")
        assert found["model"]["window"] == 20
        assert set(label_of_a_squat(url).probabilities) == {"squat", "idle"}
        assert len(label_of_a_squat(url, "?model=bundled").probabilities) == 4


def test_a_registry_that_is_down_comes_and_dies_is_told_of_and_waited_for(estimator):
    port = free_port()
    with api_beside(port) as (url, _):
        found = version_once(url, lambda v: v["registry"].startswith("unavailable"))
        assert found["model"]["source"] == "bundled"
        assert label_of_a_squat(url).label == "squat"
        with registry(estimator, port):
            version_once(url, lambda v: v["model"]["source"] == "registry")
        found = version_once(url, lambda v: v["registry"].startswith("unavailable"))
        assert found["model"]["source"] == "registry"
        assert label_of_a_squat(url).label == "squat"
        with registry(estimator, port, alias("8")):
            version_once(url, lambda v: v["model"]["version"] == "8")


@pytest.mark.parametrize("artifact", [b"", b"garbage", b"PK\x03\x04" + bytes(100)])
def test_a_corrupt_model_in_the_registry_is_told_of_and_not_used(artifact):
    with registry(artifact) as port, api_beside(port) as (url, _):
        found = version_once(url, lambda v: "ModelError" in v["registry"])
        assert found["model"]["source"] == "bundled"
        assert label_of_a_squat(url).label == "squat"


@pytest.mark.parametrize(
    ("current", "error"), [([], "TypeError"), ({"model_version": None}, "AttributeError")]
)
def test_an_answer_of_another_shape_is_reported_and_the_registry_asked_again(
    estimator, current, error
):
    port = free_port()
    with api_beside(port) as (url, _):
        with registry(estimator, port, current):
            version_once(url, lambda v: error in v["registry"])
        with registry(estimator, port):
            version_once(url, lambda v: v["model"]["source"] == "registry")
