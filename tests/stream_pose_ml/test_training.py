import dataclasses

import numpy as np
import pytest

from stream_pose_ml import synthetic, training
from stream_pose_ml.errors import ModelError


@pytest.fixture(scope="module")
def data():
    return training.samples(synthetic.dataset(10, seed=21))


def test_training_generalises_to_unseen_seeds(data):
    model = training.train(data)
    unseen = training.samples(synthetic.dataset(10, seed=22))
    assert training.evaluate(model, unseen).accuracy > 0.95


def test_cross_validation_predicts_every_window_once(data):
    report = training.cross_validate(data)
    assert report.confusion.sum() == len(data.labels)
    assert report.labels == sorted(synthetic.LABELS)
    assert report.accuracy > 0.9


def test_labels_that_mean_nothing_are_not_learnt(data):
    """A cross-validation that leaked a recording into its own training would not notice."""
    shuffled = data.groups.copy()
    names = np.random.default_rng(1).choice(synthetic.LABELS, len(set(data.groups)))
    labels = dataclasses.replace(data, labels=names[shuffled].astype(str))
    assert training.cross_validate(labels, folds=2).accuracy < 0.6


def test_the_confusion_matrix_counts_what_was_against_what_was_said():
    truth = np.array(["a", "a", "b", "b"])
    found = training._evaluation(truth, np.array(["a", "b", "b", "b"]), ["a", "b"])
    assert found.confusion.tolist() == [[1, 1], [0, 2]]
    assert found.accuracy == 0.75


def test_recordings_without_labels_or_with_one_are_refused():
    some = synthetic.dataset(1, seed=1)
    with pytest.raises(ModelError, match="recording 1 has no label"):
        training.samples([some[0], dataclasses.replace(some[1], label=None)])
    with pytest.raises(ModelError, match="found 1 labels"):
        training.samples(some[:1])
    with pytest.raises(ModelError, match="found 0 labels with a window of 100 frames"):
        training.samples(some, window=100)


def test_more_folds_than_recordings_are_refused(data):
    with pytest.raises(ModelError, match="10 recordings for 11 folds"):
        training.cross_validate(data, folds=11)
