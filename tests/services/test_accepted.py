"""Which models are served, and how reading is told from writing: decided without MLflow."""

import copy
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.mlflow import accepted, secret
from services.mlflow.guard import offered, reads
from stream_pose_ml.errors import ModelError

GOOD = {
    "flavors": {
        "python_function": {
            "env": {"conda": "conda.yaml", "virtualenv": "python_env.yaml"},
            "loader_module": "mlflow.sklearn",
            "model_path": "model.skops",
            "predict_fn": "predict",
            "python_version": "3.13.1",
        },
        "sklearn": {
            "code": None,
            "pickled_model": "model.skops",
            "serialization_format": "skops",
            "sklearn_version": "1.9.1",
            "skops_trusted_types": None,
        },
    },
    "signature": None,
}
CHANGES = [
    ("python_function", "loader_module", "stranger"),
    ("python_function", "loader_module", "mlflow.pyfunc.model"),
    ("python_function", "code", "code"),
    ("python_function", "model_code_path", "model.py"),
    ("python_function", "model_path", "../../other/model.skops"),
    ("python_function", "model_path", "model.pkl"),
    ("python_function", "predict_fn", "__reduce__"),
    ("python_function", "python_model", "python_model.pkl"),
    ("python_function", "env", {"conda": "conda.yaml", "virtualenv": "mine.yaml"}),
    ("python_function", "env", "conda.yaml"),
    ("sklearn", "code", "code"),
    ("sklearn", "pickled_model", "model.pkl"),
    ("sklearn", "serialization_format", "cloudpickle"),
    ("sklearn", "serialization_format", "pickle"),
    ("sklearn", "skops_trusted_types", ["builtins.eval"]),
]


def test_what_the_registration_writes_is_served():
    accepted.check_description(GOOD)
    accepted.check_files({"MLmodel": 100, "model.skops": 40_000, "input_example.json": 9})
    accepted.check_place("mlflow-artifacts:/1/models/m-1/artifacts")


@pytest.mark.parametrize(("flavor", "key", "value"), CHANGES, ids=str)
def test_a_description_that_says_anything_else_is_refused_by_its_place(flavor, key, value):
    changed = copy.deepcopy(GOOD)
    changed["flavors"][flavor][key] = value
    with pytest.raises(ModelError, match=rf"MLmodel: flavors\.{flavor}\.{key}.*register it with"):
        accepted.check_description(changed)


@pytest.mark.parametrize("flavors", [None, {}, [], "x", {"python_function": {}}, {"sklearn": None}])
def test_a_description_without_the_two_flavors_is_refused(flavors):
    for described in ({"flavors": flavors}, flavors):
        with pytest.raises(ModelError, match="MLmodel: flavors"):
            accepted.check_description(described)


def test_one_more_flavor_is_refused():
    changed = copy.deepcopy(GOOD)
    changed["flavors"]["pytorch"] = {"model_data": "data"}
    with pytest.raises(ModelError, match=r"flavors\.pytorch"):
        accepted.check_description(changed)


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
)


@given(described=json)
def test_no_other_description_is_served(described):
    with pytest.raises(ModelError):
        accepted.check_description(described)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"code": None}, "'code', which is not served"),
        ({"model.py": 10}, r"'model\.py'"),
        ({"python_model.pkl": 10}, "python_model"),
        ({"model.skops": None}, r"'model\.skops'"),
        ({"model.skops": 65 * 2**20}, "68157440 bytes, more than 67108864"),
        ({"MLmodel": 2**17}, "131072 bytes"),
    ],
)
def test_a_file_that_is_not_written_by_the_registration_is_refused(files, message):
    with pytest.raises(ModelError, match=message):
        accepted.check_files(files)


@pytest.mark.parametrize(
    "uri",
    [
        "mlflow-artifacts://stranger.example/1/models/m",
        "file:///data/artifacts/1",
        "http://stranger.example/model",
        "s3://bucket/model",
        "mlflow-artifacts:/1",
        "",
    ],
)
def test_a_model_that_is_kept_elsewhere_is_refused(uri):
    with pytest.raises(ModelError, match="not in this registry"):
        accepted.check_place(uri)


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/", True),
        ("HEAD", "/api/2.0/mlflow/runs/get", True),
        ("GET", "/ajax-api/2.0/mlflow/gateway-proxy", False),
        ("POST", "/api/2.0/mlflow/runs/search", True),
        ("POST", "/graphql", True),
        ("POST", "/graphql/x", False),
        ("POST", "/api/2.0/mlflow/runs/search/", False),
        ("POST", "/api/2.0/mlflow/runs/search\n", False),
        ("POST", "/api/2.0/mlflow/runs/create", False),
        ("POST", "/api/2.0/mlflow-artifacts/mpu/create/runs/search", False),
        ("PUT", "/api/2.0/mlflow/runs/search", False),
        ("DELETE", "/", False),
        ("TRACE", "/", False),
    ],
)
def test_reading_and_writing_are_told_apart(method, path, expected):
    assert reads(method, path) is expected


def test_the_secret_is_taken_as_a_token_and_as_a_password_alone():
    assert offered(b"Bearer abc") == b"abc"
    assert offered(b"Basic " + b64encode(b"anybody:a:bc")) == b"a:bc"
    for other in (b"", b"abc", b"Basic abc!", b"Basic " + b64encode(b"abc"), b"Digest abc"):
        assert offered(other) == b""


def test_a_secret_that_is_there_is_kept_and_an_empty_one_refused(tmp_path, capsys):
    path = tmp_path / "secret"
    secret.ensure(path)
    made = secret.read(path)
    assert capsys.readouterr().out.count(made) == 1
    secret.ensure(path)
    assert (secret.read(path), capsys.readouterr().out) == (made, "")
    path.write_text("\n")
    with pytest.raises(ValueError, match="expected the secret"):
        secret.ensure(path)
