import itertools

import numpy as np
import pytest

from stream_pose_ml import classifier, models, synthetic
from stream_pose_ml.errors import FrameError


@pytest.fixture(scope="module")
def bundled():
    return models.load_model(models.bundled_path())


@pytest.mark.parametrize("label", synthetic.LABELS)
def test_the_bundled_model_knows_movement_that_it_has_not_seen(bundled, label):
    right = 0
    for seed in range(50_000_000, 50_000_020):
        answer = classifier.overall(
            classifier.classify(bundled, synthetic.recording(label, seed=seed))
        )
        right += answer.label == label
    assert right >= 19


def test_a_label_comes_with_the_frame_that_fills_the_window(bundled):
    stream = classifier.StreamClassifier(bundled)
    frames = synthetic.recording("squat", seed=6).landmarks
    waiting = []
    for frame in frames[: bundled.window - 1]:
        assert stream.push(frame) is None
        waiting.append(stream.waiting)
    assert waiting == list(range(bundled.window - 1, 0, -1))
    answer = stream.push(frames[bundled.window - 1])
    assert stream.waiting == 0
    assert answer.label == "squat"
    assert answer.probability == max(answer.probabilities.values())
    assert sum(answer.probabilities.values()) == pytest.approx(1)


@pytest.mark.parametrize("label", synthetic.LABELS)
def test_frame_by_frame_says_what_the_whole_says(bundled, label):
    recording = synthetic.recording(label, seed=9, frames=100)
    streamed = [item for item in classifier.stream(bundled, recording) if item is not None]
    whole = classifier.classify(bundled, recording)
    assert [item.label for item in streamed] == [item.label for item in whole]
    rows = [[list(p.probabilities.values()) for p in one] for one in (streamed, whole)]
    np.testing.assert_allclose(*rows, atol=1e-9)


def test_a_bad_frame_is_refused_and_the_stream_goes_on(bundled):
    stream = classifier.StreamClassifier(bundled)
    frames = synthetic.recording("step", seed=3).landmarks
    undisturbed = list(classifier.stream(bundled, synthetic.recording("step", seed=3)))
    answers = []
    for frame in frames:
        with pytest.raises(FrameError):
            stream.push(np.full((33, 3), np.nan))
        answers.append(stream.push(frame))
    assert answers == undisturbed


def test_after_a_reset_the_window_fills_anew(bundled):
    stream = classifier.StreamClassifier(bundled)
    frames = itertools.cycle(synthetic.recording("step", seed=3).landmarks)
    for frame, _ in zip(frames, range(bundled.window), strict=False):
        stream.push(frame)
    stream.reset()
    assert stream.waiting == bundled.window
    assert stream.push(next(frames)) is None


def test_too_short_a_recording_has_no_label(bundled):
    short = synthetic.recording("squat", seed=1, frames=bundled.window - 1)
    assert classifier.classify(bundled, short) == []
    assert classifier.overall([]) is None
