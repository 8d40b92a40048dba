import io
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream_pose_ml import sequences, synthetic
from stream_pose_ml.errors import FrameError, RecordingError

FRAME = {"landmarks": [[0.1, 0.2, 0.3]] * 33}


def lines(*values):
    return [json.dumps(value) for value in values]


@given(
    st.sampled_from(synthetic.LABELS), st.integers(0, 1000), st.integers(1, 5), st.floats(1, 240)
)
@settings(max_examples=25, deadline=None)
def test_what_was_written_is_read_again(label, seed, frames, fps):
    recording = synthetic.recording(label, seed=seed, frames=frames, fps=fps)
    file = io.StringIO()
    sequences.write_recording(recording, file)
    again = sequences.read_recording(file.getvalue().splitlines())
    np.testing.assert_allclose(again.landmarks, recording.landmarks, atol=1e-5)
    np.testing.assert_allclose(again.visibility, recording.visibility, atol=1e-2)
    assert (again.fps, again.label) == (fps, label)


def test_a_recording_needs_no_header_and_no_visibility():
    recording = sequences.read_recording(["", *lines(FRAME, FRAME), "\n"])
    assert len(recording) == 2
    assert recording.fps == 30
    assert recording.label is None
    assert (recording.visibility == 1).all()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "no frames"),
        (lines({"fps": 30}), "no frames"),
        (["{", *lines(FRAME)], "line 1: no JSON"),
        ([*lines(FRAME), '{"landmarks": [[0.1, 0.2'], "line 2: no JSON"),
        (lines(FRAME, {"label": "squat"}), "line 2: the frame has no landmarks"),
        (lines(FRAME, [1, 2]), "line 2: expected an object with landmarks, found list"),
        (lines(FRAME, {"landmarks": [[0, 0, 0]] * 12}), "line 2: expected 33 landmarks, found 12"),
        (['{"landmarks": [[NaN, 0, 0]]}'], "line 1: expected 33 landmarks, found 1"),
        (lines({"fps": 0}, FRAME), "fps must be a number above 0"),
        (lines({"fps": True}, FRAME), "fps must be a number above 0"),
        (lines({"label": 7}, FRAME), "label must be a text"),
        (["[" * 100_000], "line 1: no JSON"),
        (["1" * 5000], "line 1: no JSON"),
    ],
)
def test_a_bad_recording_is_refused_with_its_name_and_line(content, message):
    with pytest.raises(RecordingError, match=f"walk.jsonl.*{message}"):
        sequences.read_recording(content, "walk.jsonl")


@given(st.binary(max_size=200))
def test_garbage_never_gets_past_the_reader(garbage):
    with pytest.raises(RecordingError):
        sequences.read_recording(garbage.decode("latin-1").splitlines())


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=3),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(st.sampled_from(["landmarks", "visibility", "x"]), inner)
        ),
    )
)
def test_no_json_is_taken_for_a_frame_by_mistake(value):
    with pytest.raises(FrameError):
        sequences.frame_from_json(value)


def test_a_file_that_is_no_text_is_refused_with_its_path(tmp_path):
    path = tmp_path / "picture.jsonl"
    path.write_bytes(b"\x89PNG\r\n\x1a\n\xff\xfe")
    with pytest.raises(RecordingError, match=r"picture\.jsonl: can't be read as text"):
        sequences.load_recording(path)
    with pytest.raises(RecordingError, match="No such file"):
        sequences.load_recording(tmp_path / "nowhere")


@given(st.integers(0, 40), st.integers(1, 12), st.integers(1, 5))
def test_windows_are_the_slices_that_they_should_be(frames, length, stride):
    rows = np.arange(frames * 2.0).reshape(frames, 2)
    expected = [rows[at : at + length] for at in range(0, frames - length + 1, stride)]
    found = sequences.windows(rows, length, stride)
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_window_has_a_length():
    with pytest.raises(ValueError, match="at least 1"):
        sequences.windows(np.zeros((4, 2)), 0)
