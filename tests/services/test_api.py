import asyncio
import contextlib
import json
import resource
import signal
import socket
import time

import httpx
import pytest
import websockets
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from services.api.settings import from_environment
from stream_pose_ml import __version__, client, synthetic
from stream_pose_ml.classifier import classify
from stream_pose_ml.errors import ServiceError
from stream_pose_ml.models import bundled_path, load_model
from stream_pose_ml.sequences import frame_to_json
from tests.services.running import running_api

FRAMES = [frame_to_json(frame) for frame in synthetic.recording("squat", seed=77).frames()]


def socket_of(url):
    return url.replace("http", "ws", 1) + "/stream"


def receive(stream):
    return json.loads(stream.recv(60))


def end_of(stream):
    try:
        for _ in range(200):
            stream.recv(60)
    except ConnectionClosed as end:
        return end.rcvd.code, end.rcvd.reason
    return pytest.fail("the stream goes on")


def still_serves(url):
    answers = list(client.stream(socket_of(url), synthetic.recording("squat", seed=8).frames()))
    assert answers[-1].label == "squat"
    assert httpx.get(f"{url}/health").json()["status"] == "ok"


def test_it_says_its_version_and_its_model(api):
    found = httpx.get(f"{api}/version").json()
    assert found["version"] == __version__
    assert found["model"]["source"] == "bundled"
    assert found["registry"] == "not configured"
    models = httpx.get(f"{api}/models").json()
    assert [model["active"] for model in models] == [True]
    assert models[0]["labels"] == sorted(synthetic.LABELS)


@pytest.mark.parametrize("label", synthetic.LABELS)
def test_a_recording_through_the_socket_comes_back_with_its_label(api, label):
    recording = synthetic.recording(label, seed=78)
    *_, last = client.stream(socket_of(api), recording.frames())
    assert last.label == label


def test_a_stream_says_how_many_frames_it_waits_for(api):
    with connect(socket_of(api)) as stream:
        ready = receive(stream)
        assert (ready["type"], ready["model"]["window"]) == ("ready", 30)
        for number, frame in enumerate(FRAMES[:31]):
            stream.send(json.dumps(frame))
            answer = receive(stream)
            assert answer["frame"] == number
            assert answer["type"] == ("waiting" if number < 29 else "label")
            if number < 29:
                assert answer["waiting"] == 29 - number


def test_every_connection_has_a_window_of_its_own(api):
    with connect(socket_of(api)) as one, connect(socket_of(api)) as other:
        for stream in (one, other):
            receive(stream)
        for frame in FRAMES[:30]:
            one.send(json.dumps(frame))
            last = receive(one)
        other.send(json.dumps(FRAMES[0]))
        assert last["type"] == "label"
        assert receive(other) == {"type": "waiting", "frame": 0, "waiting": 29}


def test_many_streams_at_once_each_get_the_answers_of_their_own_movement(api):
    """They share calls of the model, and nothing else."""
    model = load_model(bundled_path())
    labels = [synthetic.LABELS[number % 4] for number in range(40)]
    recordings = [
        synthetic.recording(label, seed=600 + number, frames=45)
        for number, label in enumerate(labels)
    ]

    async def answers(recording):
        found = []
        async with websockets.connect(socket_of(api)) as stream:
            await stream.recv()
            for frame in recording.frames():
                await stream.send(json.dumps(frame_to_json(frame)))
                found.append(json.loads(await stream.recv()))
        return found

    async def together():
        return await asyncio.gather(*map(answers, recordings))

    for recording, found in zip(recordings, asyncio.run(together()), strict=True):
        assert [one["frame"] for one in found] == list(range(45))
        for one, expected in zip(found[29:], classify(model, recording), strict=True):
            assert one["label"] == expected.label
            assert one["probabilities"] == pytest.approx(expected.probabilities, abs=2e-3)


@pytest.mark.parametrize(
    ("message", "code", "reason"),
    [
        (b"\x00\x01\xff", 1003, "found binary"),
        ("", 1007, "frame 0"),
        ("garbage", 1007, "frame 0"),
        ('{"landmarks": [[0.1', 1007, "frame 0"),
        (json.dumps({"landmarks": FRAMES[0]["landmarks"][:-1]}), 1007, "found 32; missing"),
        (json.dumps(FRAMES[0]).replace("0.", "NaN, 0.", 1), 1007, "three numbers"),
        (json.dumps({"landmarks": [[float("nan")] * 3] * 33}), 1007, "nose is not finite"),
        (json.dumps({"landmarks": [[1e400] * 3] * 33}), 1007, "not finite"),
        (json.dumps({"landmarks": [[0, 0, 0]] * 33}), 1007, "the torso has no length"),
        (json.dumps({"landmarks": [FRAMES[0]["landmarks"]] * 2}), 1007, "expected one frame"),
        ("[" * 50_000, 1007, "frame 0"),
        ("1" * 5_000, 1007, "frame 0"),
        ("x" * 70_000, 1009, ""),
    ],
)
def test_a_bad_message_ends_its_stream_with_code_and_reason_and_no_other(
    api, message, code, reason
):
    with connect(socket_of(api)) as other, connect(socket_of(api), max_size=None) as stream:
        receive(other), receive(stream)
        stream.send(message)
        found, why = end_of(stream)
        assert found == code
        assert reason in why
        other.send(json.dumps(FRAMES[0]))
        assert receive(other)["type"] == "waiting"


@given(message=st.binary(max_size=300) | st.text(max_size=300))
@settings(max_examples=40, deadline=None)
def test_no_garbage_hurts(api, message):
    with connect(socket_of(api)) as stream:
        receive(stream)
        stream.send(message)
        assert end_of(stream)[0] in (1003, 1007)


def test_an_unknown_model_is_refused_with_the_known_ones(api):
    with connect(f"{socket_of(api)}?model=mine") as stream:
        assert end_of(stream) == (1008, "no model 'mine'; there are: bundled")
    answer = httpx.post(f"{api}/classify?model=mine", json={"frames": FRAMES})
    assert answer.status_code == 404
    assert "there are: bundled" in answer.json()["detail"]


def test_a_posted_recording_is_classified_in_both_forms(api):
    lines = "\n".join(json.dumps(item) for item in ({"fps": 30}, *FRAMES))
    for answer in (
        httpx.post(f"{api}/classify", json={"fps": 30, "frames": FRAMES}),
        httpx.post(
            f"{api}/classify", content=lines, headers={"Content-Type": "application/x-ndjson"}
        ),
    ):
        found = answer.json()
        assert found["label"] == "squat"
        assert [item["frame"] for item in found["timeline"]] == list(range(29, 90))


@pytest.mark.parametrize(
    ("body", "kind", "detail"),
    [
        (b"", "application/json", "not JSON"),
        (b"\xff\xfe", "application/json", "not UTF-8"),
        (b"[]", "application/json", 'a list "frames"'),
        (b'{"frames": []}', "application/json", "no frames"),
        (b'{"frames": [1]}', "application/json", "line 2: expected an object"),
        (json.dumps({"frames": FRAMES[:29]}).encode(), "application/json", "fewer than the model"),
        (b'{"fps": 30}\n{"landmarks": [[0.1', "application/x-ndjson", "line 2: no JSON"),
        (b"[" * 100_000, "application/json", "not JSON"),
    ],
)
def test_a_bad_recording_is_refused_with_its_cause(api, body, kind, detail):
    answer = httpx.post(f"{api}/classify", content=body, headers={"Content-Type": kind})
    assert answer.status_code == 422
    assert detail in answer.json()["detail"]


def test_a_body_of_100_mb_is_refused_before_it_is_read(api):
    host, port = api.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as plain:
        head = "POST /classify HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        plain.sendall(f"{head}Content-Length: 104857600\r\n\r\n{{".encode())
        assert plain.recv(100).startswith(b"HTTP/1.1 413")
    still_serves(api)


def test_a_body_without_a_length_is_refused_when_it_passes_the_limit(api):
    sent = 0

    def endless():
        nonlocal sent
        for _ in range(100):
            sent += 2**20
            yield b" " * 2**20

    with contextlib.suppress(httpx.TransportError):
        assert httpx.post(f"{api}/classify", content=endless()).status_code == 413
    assert sent < 60 * 2**20
    still_serves(api)


def test_a_thousand_idle_sockets_disturb_nobody(api):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 4096:
        pytest.skip(f"this machine allows {hard} open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 4096), hard))

    async def hold():
        async with contextlib.AsyncExitStack() as stack:
            for _ in range(1000):
                await stack.enter_async_context(
                    websockets.connect(socket_of(api), ping_interval=None)
                )
            await asyncio.to_thread(still_serves, api)
            return httpx.get(f"{api}/health").json()["streams"]

    assert asyncio.run(hold()) >= 1000


def test_more_streams_than_allowed_are_asked_to_come_later():
    with running_api(streams=2) as (url, _):
        with connect(socket_of(url)) as one, connect(socket_of(url)) as two:
            receive(one), receive(two)
            with connect(socket_of(url)) as third:
                assert end_of(third) == (1013, "all 2 streams are taken: try later")
        with connect(socket_of(url)) as again:
            assert receive(again)["type"] == "ready"


def test_a_silent_stream_is_ended_and_a_fast_one_slowed_down():
    with running_api(idle_seconds=2, frames_per_second=50) as (url, _):
        with connect(socket_of(url)) as stream:
            assert receive(stream)["type"] == "ready"
            assert end_of(stream) == (1008, "no frame for 2 seconds")
        with connect(socket_of(url)) as stream:
            receive(stream)
            started = time.monotonic()
            for _ in range(100):
                stream.send(json.dumps(FRAMES[0]))
            assert [receive(stream)["frame"] for _ in range(100)] == list(range(100))
            # Fifty may come at once, as a second's worth; the other fifty take their second.
            assert time.monotonic() - started > 0.9


def test_a_client_that_does_not_read_is_not_read_from():
    """The answers that it leaves lying fill the pipes; then its frames stay with it."""
    with running_api(frames_per_second=1e6) as (url, _):
        assert _taken_of_a_client_that_reads_nothing(url) < 50 * 2**20
        still_serves(url)


def _taken_of_a_client_that_reads_nothing(url):
    host, port = url.removeprefix("http://").split(":")
    content = json.dumps(FRAMES[0]).encode()
    # RFC 6455 §5.2: a final text frame of a 16-bit length, masked with zeros.
    message = b"\x81\xfe" + len(content).to_bytes(2, "big") + bytes(4) + content
    messages = memoryview(message * 50)
    head = (
        "GET /stream HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    )
    key = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
    with socket.socket() as plain:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        plain.connect((host, int(port)))
        plain.sendall((head + key).encode())
        plain.settimeout(3)
        taken = 0
        # Nothing is taken any more, or the server ended it: it answers no ping either.
        with contextlib.suppress(TimeoutError, ConnectionResetError):
            while taken < 100 * 2**20:
                taken += plain.send(messages[taken % len(message) :])
    return taken


def test_a_stop_tells_open_streams_and_ends_with_code_0():
    with running_api() as (url, process), connect(socket_of(url)) as stream:
        receive(stream)
        stream.send(json.dumps(FRAMES[0]))
        receive(stream)
        process.send_signal(signal.SIGTERM)
        assert end_of(stream) == (1001, "the server is stopping: connect again")
        assert process.wait(60) == 0


def test_the_client_says_why_a_stream_ended(api):
    bad = synthetic.recording("idle", seed=1, frames=3)
    bad.landmarks[1] = 0
    with pytest.raises(ServiceError, match=r"frame 1: .*torso has no length.*1007"):
        list(client.stream(socket_of(api), bad.frames()))


def test_the_reference_is_whole_by_itself(api):
    text = httpx.get(f"{api}/docs").text
    for name in ("/health", "/version", "/models", "/classify", "/stream"):
        assert name in text
    assert "http://" not in text
    assert "https://" not in text
    described = httpx.get(f"{api}/openapi.json").json()
    assert described["info"]["version"] == __version__


def test_a_setting_that_is_no_number_is_refused_with_its_name(monkeypatch):
    monkeypatch.setenv("STREAM_POSE_ML_PORT", "none")
    with pytest.raises(ValueError, match="STREAM_POSE_ML_PORT"):
        from_environment()
