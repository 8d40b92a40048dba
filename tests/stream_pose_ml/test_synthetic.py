import numpy as np
import pytest

from stream_pose_ml import features, synthetic


@pytest.mark.parametrize("label", synthetic.LABELS)
def test_a_seed_gives_one_recording(label):
    one = synthetic.recording(label, seed=3)
    same = synthetic.recording(label, seed=3)
    other = synthetic.recording(label, seed=4)
    np.testing.assert_array_equal(one.landmarks, same.landmarks)
    assert not np.array_equal(one.landmarks, other.landmarks)
    assert one.label == label
    assert one.landmarks.shape == (90, 33, 3)


@pytest.mark.parametrize("label", synthetic.LABELS)
def test_a_body_stays_in_the_picture(label):
    for seed in range(20):
        recording = synthetic.recording(label, seed=seed)
        assert (
            (recording.landmarks[..., :2] > -0.05) & (recording.landmarks[..., :2] < 1.05)
        ).all()
        assert ((recording.visibility >= 0) & (recording.visibility <= 1)).all()


def reach(label, name):
    still = synthetic.recording(label, seed=5, noise=0)
    column = features.frame_features(still.landmarks)[:, features.NAMES.index(name)]
    return np.ptp(column)


def test_each_movement_moves_what_it_says():
    assert reach("squat", "angle left_knee") > 40
    assert reach("step", "angle left_knee") > 30
    assert reach("arm_raise", "angle left_shoulder") > 40
    assert reach("idle", "angle left_knee") < 1


def test_data_sets_of_different_seeds_share_no_recording():
    sets = [synthetic.dataset(3, seed=seed, frames=2) for seed in (1, 2)]
    firsts = [{recording.landmarks.tobytes() for recording in one} for one in sets]
    assert len(firsts[0]) == 3 * len(synthetic.LABELS)
    assert not firsts[0] & firsts[1]


def test_an_unknown_movement_is_refused():
    with pytest.raises(ValueError, match="unknown movement 'dance'"):
        synthetic.recording("dance", seed=1)


def test_a_routine_is_one_body_that_does_everything():
    routine = synthetic.routine(seed=7, frames=90, noise=0)
    assert len(routine) == 90 * len(synthetic.LABELS)
    lengths = features.frame_features(routine.landmarks)[
        :, features.NAMES.index("length left_hip to left_knee")
    ]
    assert np.ptp(lengths) < 1e-3
    jumps = np.abs(np.diff(routine.landmarks, axis=0)).max(axis=(1, 2))
    assert jumps.max() < 0.05
