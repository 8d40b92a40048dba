"""Frames that are judged together: gathered while the model is busy, each answered on its own."""

import asyncio
import json
import threading

import numpy as np

from services.api import batches, catalogue
from services.api.app import create
from services.api.settings import Settings
from stream_pose_ml import synthetic
from stream_pose_ml.classifier import StreamClassifier
from stream_pose_ml.errors import FrameError
from stream_pose_ml.models import Model
from stream_pose_ml.sequences import frame_to_json

FRAMES = synthetic.recording("squat", seed=1).landmarks


class Slow:
    """An estimator that waits until it is let go, and notes how many it was given each time."""

    classes_ = ("a", "b")

    def __init__(self):
        self.asked, self.go = threading.Event(), threading.Event()
        self.sizes = []

    def predict_proba(self, samples):
        self.asked.set()
        assert self.go.wait(60)
        self.sizes.append(len(samples))
        return np.tile([0.25, 0.75], (len(samples), 1))


def full(model):
    """A stream whose window is full with the next frame."""
    stream = StreamClassifier(model)
    for frame in FRAMES[: model.window - 1]:
        assert stream.push(frame) is None
    return stream


def run_to_its_end(work):
    """With a deadline: a frame that nobody answers would be waited for for ever."""
    return asyncio.run(asyncio.wait_for(work, 120))


async def busy_with(pushing, model):
    """The model is at work on one frame, which is given back as a task."""
    first = asyncio.create_task(pushing.push(full(model), FRAMES[5]))
    assert await asyncio.to_thread(model.estimator.asked.wait, 60)
    return first


async def gathered(pushing, streams, frame=FRAMES[5]):
    tasks = [asyncio.create_task(pushing.push(one, frame)) for one in streams]
    await asyncio.sleep(0)
    return tasks


def test_what_comes_while_the_model_is_busy_goes_together():
    model = Model(Slow(), 2)

    async def run():
        pushing = batches.Batches()
        first = await busy_with(pushing, model)
        tasks = await gathered(pushing, [full(model) for _ in range(10)])
        model.estimator.go.set()
        return await asyncio.gather(first, *tasks)

    assert [one.label for one in run_to_its_end(run())] == ["b"] * 11
    assert model.estimator.sizes == [1, 10]


def test_no_more_go_together_than_is_of_use():
    model = Model(Slow(), 2)

    async def run():
        pushing = batches.Batches()
        first = await busy_with(pushing, model)
        tasks = await gathered(pushing, [full(model) for _ in range(batches.LARGEST + 5)])
        model.estimator.go.set()
        await asyncio.gather(first, *tasks)

    run_to_its_end(run())
    assert model.estimator.sizes == [1, batches.LARGEST, 5]


def test_each_model_gets_its_own_streams_in_their_order():
    one, other = Model(Slow(), 2), Model(Slow(), 2)
    other.estimator.go.set()

    async def run():
        pushing = batches.Batches()
        first = await busy_with(pushing, one)
        streams = [full(model) for model in (one, other, one, other, other)]
        tasks = await gathered(pushing, streams)
        one.estimator.go.set()
        await asyncio.gather(first, *tasks)

    full_before = [one, other]
    run_to_its_end(run())
    assert [model.estimator.sizes for model in full_before] == [[1, 2], [3]]


def test_a_stream_that_has_ended_is_passed_over_and_a_bad_frame_is_its_own():
    model = Model(Slow(), 2)

    async def run():
        pushing = batches.Batches()
        first = await busy_with(pushing, model)
        ended, good = await gathered(pushing, [full(model), full(model)])
        (bad,) = await gathered(pushing, [full(model)], np.zeros((33, 3)))
        ended.cancel()
        first.cancel()  # its answer comes to nobody
        await asyncio.wait([ended, first])
        model.estimator.go.set()
        return await asyncio.gather(good, bad, return_exceptions=True)

    good, bad = run_to_its_end(run())
    assert good.label == "b"
    assert isinstance(bad, FrameError)
    assert model.estimator.sizes == [1, 1]


def test_nobody_waits_for_ever_when_judging_itself_fails(monkeypatch):
    def fails(_):
        raise MemoryError("planted")

    model = Model(Slow(), 2)
    monkeypatch.setattr(batches, "push_together", fails)

    async def run():
        pushing = batches.Batches()
        tasks = await gathered(pushing, [full(model) for _ in range(3)])
        found = await asyncio.gather(*tasks, return_exceptions=True)
        monkeypatch.undo()
        model.estimator.go.set()
        return found, await pushing.push(full(model), FRAMES[5])

    found, later = run_to_its_end(run())
    assert [str(one) for one in found] == ["planted"] * 3
    assert later.label == "b"


class Broken:
    classes_ = ("a", "b")
    n_features_in_ = 124

    def predict_proba(self, _):
        raise ValueError("no such weights")


def test_a_model_that_fails_ends_the_stream_with_code_and_cause(monkeypatch):
    monkeypatch.setattr(catalogue, "load_model", lambda _: Model(Broken(), 2))
    frame = json.dumps(frame_to_json(next(synthetic.recording("squat", seed=1).frames())))
    given = iter(
        [{"type": "websocket.connect"}, *[{"type": "websocket.receive", "text": frame}] * 2]
    )
    sent = []

    async def receive():
        return next(given)

    async def send(message):
        sent.append(message)

    scope = {"type": "websocket", "path": "/stream", "query_string": b""}
    scope["headers"] = [(b"host", b"localhost")]
    asyncio.run(create(Settings())(scope, receive, send))
    assert [one["type"] for one in sent] == [
        "websocket.accept",
        *["websocket.send"] * 2,
        "websocket.close",
    ]
    assert sent[-1]["code"] == 1011
    assert sent[-1]["reason"] == "the model fails on this window: ValueError: no such weights"
