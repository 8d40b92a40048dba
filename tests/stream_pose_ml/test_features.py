import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream_pose_ml import features, synthetic
from stream_pose_ml.errors import FrameError
from stream_pose_ml.landmarks import INDEX

coordinates = st.floats(-2, 2, allow_nan=False)
seeds = st.integers(0, 2**31)


def frame_of(seed):
    label = synthetic.LABELS[seed % len(synthetic.LABELS)]
    return synthetic.recording(label, seed=seed, frames=1).landmarks[0].astype(float)


@given(seeds, coordinates, coordinates, coordinates)
@settings(max_examples=50, deadline=None)
def test_a_moved_pose_has_the_same_features(seed, x, y, z):
    frame = frame_of(seed)
    moved = features.frame_features(frame + np.array([x, y, z]))
    np.testing.assert_allclose(moved, features.frame_features(frame), rtol=1e-3, atol=0.05)


@given(seeds, st.floats(0.1, 10))
@settings(max_examples=50, deadline=None)
def test_a_scaled_pose_has_the_same_features(seed, scale):
    frame = frame_of(seed)
    scaled = features.frame_features(frame * scale)
    np.testing.assert_allclose(scaled, features.frame_features(frame), rtol=1e-3, atol=0.05)


@given(seeds)
@settings(max_examples=25, deadline=None)
def test_angles_lie_between_0_and_180_and_lengths_are_positive(seed):
    row = features.frame_features(frame_of(seed))[0]
    angles = row[[name.startswith("angle") for name in features.NAMES]]
    assert ((angles >= 0) & (angles <= 180)).all()
    assert (row >= 0).all()


def test_a_sequence_at_once_is_its_frames_one_by_one():
    frames = synthetic.recording("squat", seed=4, frames=20).landmarks
    one_by_one = np.concatenate([features.frame_features(frame) for frame in frames])
    np.testing.assert_array_equal(features.frame_features(frames), one_by_one)


@pytest.mark.parametrize(
    ("wrist", "angle"), [((0, 2, 0), 180), ((1, 1, 0), 90), ((0, 0, 0), 0), ((0, 1.5, 0.5), 135)]
)
def test_an_elbow_s_angle_is_the_one_that_was_drawn(wrist, angle):
    frame = frame_of(1)
    frame[INDEX["left_shoulder"]] = 0, 0, 0
    frame[INDEX["left_elbow"]] = 0, 1, 0
    frame[INDEX["left_wrist"]] = wrist
    found = features.frame_features(frame)[0][features.NAMES.index("angle left_elbow")]
    assert found == pytest.approx(angle, abs=1e-4)


def test_lengths_are_in_lengths_of_the_torso():
    frame = np.zeros((33, 3))
    for side, x in (("left", 1.0), ("right", -1.0)):
        frame[INDEX[f"{side}_shoulder"]] = x, -4, 0
        frame[INDEX[f"{side}_hip"]] = x, 0, 0
    found = features.frame_features(frame)[0]
    assert found[features.NAMES.index("length left_shoulder to right_shoulder")] == 0.5


def test_a_pose_without_a_torso_is_refused_with_its_frame():
    frames = synthetic.recording("idle", seed=1, frames=3).landmarks
    frames[1] = 0.5
    with pytest.raises(FrameError, match="frame 1: the torso has no length"):
        features.frame_features(frames)


def test_a_window_that_stands_still_has_no_deviation_range_or_speed():
    still = np.repeat(features.frame_features(frame_of(7)), 10, axis=0)
    mean, *rest = np.split(features.window_features(still), len(features.STATISTICS))
    np.testing.assert_allclose(mean, still[0])
    assert max(abs(part).max() for part in rest) < 1e-9


def test_several_windows_are_summed_up_at_once():
    rows = features.frame_features(synthetic.recording("step", seed=2, frames=12).landmarks)
    both = features.window_features(np.stack([rows[:6], rows[6:]]))
    np.testing.assert_allclose(both[1], features.window_features(rows[6:]))
    assert both.shape == (2, len(features.WINDOW_NAMES))
