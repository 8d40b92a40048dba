import itertools

import numpy as np
import pytest

from stream_pose_ml import classifier, models, synthetic
from stream_pose_ml.errors import FrameError, ModelError


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


def test_several_frames_are_no_frame(bundled):
    stream = classifier.StreamClassifier(bundled)
    with pytest.raises(FrameError, match="expected one frame, found 2"):
        stream.push(synthetic.recording("step", seed=3).landmarks[:2])


def streams_of(bundled, count):
    """Recordings of all labels, each stream further on in its own than the one before."""
    labels = itertools.islice(itertools.cycle(synthetic.LABELS), count)
    frames = [synthetic.recording(one, seed=n).landmarks[n:] for n, one in enumerate(labels)]
    return [classifier.StreamClassifier(bundled) for _ in frames], frames


def test_pushed_together_each_stream_has_the_answers_that_it_has_alone(bundled):
    alone, frames = streams_of(bundled, 7)
    together, _ = streams_of(bundled, 7)
    for one, other in zip(alone[:3], together[:3], strict=True):  # at different places
        for frame in frames[0][:5]:
            one.push(frame)
            other.push(frame)
    for step in range(50):
        expected = [one.push(some[step]) for one, some in zip(alone, frames, strict=True)]
        pushes = [(one, some[step]) for one, some in zip(together, frames, strict=True)]
        for answer, right in zip(classifier.push_together(pushes), expected, strict=True):
            assert (answer is None) == (right is None)
            if answer is not None:
                assert answer.label == right.label
                assert answer.probabilities == pytest.approx(right.probabilities)


@pytest.mark.parametrize("bad", [np.full((33, 3), np.nan), np.zeros((33, 3)), np.ones((32, 3))])
def test_a_bad_frame_among_others_is_refused_alone(bundled, bad):
    streams, frames = streams_of(bundled, 3)
    for step in range(bundled.window):
        answers = classifier.push_together(
            [(streams[0], frames[0][step]), (streams[1], bad), (streams[2], frames[2][step])]
        )
        assert isinstance(answers[1], FrameError)
    assert [one.waiting for one in streams] == [0, bundled.window, 0]
    assert all(isinstance(answers[n], classifier.Prediction) for n in (0, 2))


class Delicate:
    """An estimator that fails on large numbers, as one of trees does, whatever stands beside."""

    classes_ = ("a", "b")

    def predict_proba(self, samples):
        if (samples > 1e6).any():
            raise ValueError("Input X contains a value too large")
        return np.tile([0.25, 0.75], (len(samples), 1))


def test_a_window_that_the_model_fails_on_does_not_spoil_the_others():
    model = models.Model(Delicate(), 2)
    streams = [classifier.StreamClassifier(model) for _ in range(4)]
    frames = synthetic.recording("step", seed=3).landmarks[:4].astype(np.float64)
    far = frames.copy()
    far[:, 15] *= 1e9  # a wrist far away: finite, and no error of the frame
    for _ in range(2):
        rows = [far[n] if n == 2 else frames[n] for n in range(4)]
        answers = classifier.push_together(list(zip(streams, rows, strict=True)))
    assert [getattr(one, "label", None) for one in answers] == ["b", "b", None, "b"]
    assert isinstance(answers[2], ModelError)
    with pytest.raises(ModelError, match="fails on this window: ValueError: Input X contains"):
        streams[2].push(far[0])
