import numpy as np
import pytest

from stream_pose_ml import landmarks
from stream_pose_ml.errors import FrameError


def test_the_names_are_blazepose_33():
    assert landmarks.COUNT == 33
    assert len(set(landmarks.NAMES)) == 33
    assert landmarks.INDEX["nose"] == 0
    assert landmarks.INDEX["right_foot_index"] == 32


def test_every_connection_joins_two_different_landmarks_once():
    pairs = {frozenset(pair) for pair in landmarks.CONNECTIONS}
    assert len(pairs) == len(landmarks.CONNECTIONS)
    assert all(len(pair) == 2 and pair <= set(landmarks.NAMES) for pair in pairs)
    assert set().union(*pairs) == set(landmarks.NAMES)


def test_one_frame_becomes_a_sequence_of_one():
    sequence = landmarks.as_sequence(np.zeros((33, 3)))
    assert sequence.shape == (1, 33, 3)
    assert sequence.dtype == np.float32


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        (np.zeros((32, 3)), "expected 33 landmarks, found 32; missing from right_foot_index on"),
        (np.zeros((34, 3)), "expected 33 landmarks, found 34"),
        (np.zeros((33, 2)), r"found \(1, 33, 2\)"),
        (np.zeros(99), r"found \(99,\)"),
        ([], "found"),
        ([[0.0, 0.0], [0.0]], "three numbers"),
        ("garbage", "three numbers"),
        (None, "found"),
        ({"x": 1}, "three numbers"),
        ([[["a", "b", "c"]] * 33], "three numbers"),
    ],
)
def test_what_is_no_frame_is_refused_with_what_was_found(frames, message):
    with pytest.raises(FrameError, match=message):
        landmarks.as_sequence(frames)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e39])
def test_a_number_that_is_not_finite_is_named_by_frame_and_landmark(value):
    frames = np.zeros((4, 33, 3))
    frames[2, landmarks.INDEX["left_knee"], 1] = value
    with pytest.raises(FrameError, match="frame 2: left_knee is not finite"):
        landmarks.as_sequence(frames)


def test_visibility_is_full_when_none_is_given():
    assert (landmarks.as_visibility(None, 2) == 1).all()


@pytest.mark.parametrize("value", [-0.1, 1.1, np.nan])
def test_visibility_outside_0_to_1_is_refused(value):
    with pytest.raises(FrameError, match="between 0 and 1"):
        landmarks.as_visibility([value] * 33, 1)
