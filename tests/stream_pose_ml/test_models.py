import pickle
import zipfile

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.svm import LinearSVC

from stream_pose_ml import models, synthetic, training
from stream_pose_ml.errors import ModelError


@pytest.fixture(scope="module")
def data():
    return training.samples(synthetic.dataset(5, seed=11))


def test_a_saved_model_says_the_same_when_loaded(data, tmp_path):
    model = training.train(data, estimator=RandomForestClassifier(8, random_state=1))
    models.save_model(model, tmp_path / "forest.skops")
    with pytest.raises(ModelError, match=r"not trusted: sklearn\.tree\._tree\.Tree"):
        models.load_model(tmp_path / "forest.skops")
    again = models.load_model(tmp_path / "forest.skops", trust=["sklearn.tree._tree.Tree"])
    np.testing.assert_array_equal(
        again.estimator.predict_proba(data.features), model.estimator.predict_proba(data.features)
    )
    assert again.window == model.window
    assert again.labels == sorted(synthetic.LABELS)


@pytest.mark.parametrize("size", [0, 10, 1000, 20_000, -1])
def test_a_damaged_model_is_refused(tmp_path, size):
    content = models.bundled_path().read_bytes()
    damaged = tmp_path / "damaged.skops"
    damaged.write_bytes(content[:size])
    with pytest.raises(ModelError, match=r"damaged\.skops: no usable model"):
        models.load_model(damaged)


def test_a_missing_model_is_refused(tmp_path):
    with pytest.raises(ModelError, match=r"nowhere\.skops"):
        models.load_model(tmp_path / "nowhere.skops")


def test_a_pickle_is_refused_unread(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("the pickle was run",))

    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(ModelError, match="no usable model"):
        models.load_model(path)


def test_a_type_that_is_not_trusted_is_refused(tmp_path):
    source = models.bundled_path()
    changed = tmp_path / "changed.skops"
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(changed, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, content.replace(b'"StandardScaler"', b'"SomethingElse"'))
    with pytest.raises(ModelError, match=r"not trusted.*SomethingElse"):
        models.load_model(changed)


def test_another_content_is_no_model(tmp_path):
    models.save_model(models.Model([1, 2], 30), tmp_path / "list.skops")
    with pytest.raises(ModelError, match="a list gives no probabilities"):
        models.load_model(tmp_path / "list.skops")
    with pytest.raises(ModelError, match="no model of this package"):
        models.load_model(_dumped({"something": "else"}, tmp_path / "other.skops"))


def _dumped(content, path):
    models._skops().dump(content, path)
    return path


def test_an_estimator_that_does_not_fit_is_refused(data):
    narrow = training.default_estimator().fit(data.features[:, :9], data.labels)
    with pytest.raises(ModelError, match="trained on 9 features, this package computes 124"):
        models.checked(narrow, 30)
    with pytest.raises(ModelError, match="a LinearSVC gives no probabilities"):
        models.checked(LinearSVC().fit(data.features, data.labels), 30)


@pytest.mark.parametrize("window", [0, 1, 10_001, True, "30", None])
def test_a_window_has_a_sensible_length(data, window):
    fitted = training.default_estimator().fit(data.features, data.labels)
    with pytest.raises(ModelError, match="window must be 2 to 10000"):
        models.checked(fitted, window)
