import json
import re
import shutil
import signal
import subprocess
import sys

import httpx
import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from stream_pose_ml import landmarks, synthetic
from stream_pose_ml.sequences import load_recording
from tests.services.paging import LABELLED, SITE, needs_chromium
from tests.services.running import ROOT, running_page

# Each has whole periods of its movement, so that it has no jump when it begins anew.
SAMPLES = {"squat": 107, "arm_raise": 152, "step": 125, "idle": 73}


def look(url, until, *options, seconds=60):
    command = [sys.executable, str(ROOT / "services/browser.py"), url, "--until", until]
    command += ["--seconds", str(seconds), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def test_the_page_draws_the_package_s_connections():
    text = (SITE / "js/landmarks.js").read_text()
    block = text[text.index("CONNECTIONS = [") : text.index("];")]
    drawn = {(int(a), int(b)) for a, b in re.findall(r"\[(\d+), (\d+)\]", block)}
    index = landmarks.INDEX
    assert drawn == {(index[a], index[b]) for a, b in landmarks.CONNECTIONS}


def test_the_routine_is_the_one_that_synthesize_makes():
    """`stream-pose-ml synthesize --routine --seed 7 --noise 0.002 --output -` writes it anew."""
    seed = synthetic.recording_seed(7, 0)
    expected = synthetic.routine(seed=seed, noise=0.002)
    found = load_recording(SITE / "recordings/routine.jsonl")
    np.testing.assert_allclose(found.landmarks, expected.landmarks, atol=1e-4)


@pytest.mark.parametrize(("label", "frames"), SAMPLES.items())
def test_a_sample_is_the_one_that_synthesize_makes(label, frames):
    """`… synthesize --label LABEL --frames FRAMES --seed 7 --noise 0.002 --output -` likewise."""
    seed = synthetic.recording_seed(7, 0)
    expected = synthetic.recording(label, seed=seed, frames=frames, noise=0.002)
    found = load_recording(SITE / f"recordings/{label}.jsonl")
    assert found.label == label
    np.testing.assert_allclose(found.landmarks, expected.landmarks, atol=1e-4)


def test_every_sample_can_be_chosen():
    text = (SITE / "index.html").read_text()
    offered = re.findall(r'<option value="(\w+)">', text[: text.index("</select>")])
    assert {"routine", *SAMPLES} == set(offered)
    assert {path.stem for path in (SITE / "recordings").iterdir()} == set(offered)


def test_nothing_on_the_page_comes_from_elsewhere(page):
    for path in SITE.rglob("*.*"):
        if path.suffix in (".html", ".css", ".js"):
            assert not re.search(r"https?:|\burl\(|@import", path.read_text()), path
    policy = httpx.get(f"{page}/").headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    # A detector is WebAssembly, which this keyword allows and no other code from text.
    assert re.findall(r"'[\w-]*unsafe[\w-]*'", policy) == ["'wasm-unsafe-eval'"]
    assert "*" not in policy


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html"),
        ("/js/main.js", "text/javascript"),
        ("/style.css", "text/css"),
        ("/icon.svg", "image/svg+xml"),
        ("/version.json", "application/json"),
        ("/health", "application/json"),
        ("/recordings/routine.jsonl", "application/x-ndjson"),
        ("/api/version", "application/json"),
        ("/api/docs", "text/html"),
    ],
)
def test_every_file_has_its_type_and_the_security_headers(page, path, kind):
    answer = httpx.get(page + path)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith(kind)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "nginx/" not in answer.headers["Server"]


@pytest.mark.parametrize("path", ["/nowhere", "/../etc/passwd", "/js", "/api/nowhere"])
def test_what_is_not_there_is_not_found(page, path):
    assert httpx.get(page + path, follow_redirects=False).status_code in (301, 400, 403, 404)


def test_too_large_a_body_does_not_reach_the_api(page):
    answer = httpx.post(f"{page}/api/classify", content=b" " * (5 * 2**20))
    assert answer.status_code == 413


def test_the_socket_goes_through(page):
    with connect(page.replace("http", "ws", 1) + "/api/stream") as stream:
        assert json.loads(stream.recv(60))["type"] == "ready"


def test_the_page_is_there_without_the_api(tmp_path):
    with running_page(tmp_path, "http://127.0.0.1:9") as (url, _):
        assert httpx.get(f"{url}/").status_code == 200
        assert httpx.get(f"{url}/api/version").status_code == 502


@needs_chromium
@pytest.mark.parametrize("scheme", [(), ("--dark",)])
def test_a_label_appears_and_the_console_stays_clean(page, tmp_path, scheme):
    picture = tmp_path / "page.png"
    seen = """({
      page: document.querySelector("#version-page").innerText,
      drawn: document.querySelector("#skeleton").getContext("2d").getImageData(0, 0, 700, 400)
        .data.filter((value) => value > 0).length,
      webcam: document.querySelector("#webcam").hidden,
    })"""
    found = look(f"{page}/", LABELLED, "--measure", seen, "--screenshot", str(picture), *scheme)
    assert found["passed"]
    assert found["errors"] == []
    assert found["measured"]["page"] == "1.2.3"
    assert found["measured"]["drawn"] > 5000
    assert found["measured"]["webcam"] is True
    assert picture.read_bytes().startswith(b"\x89PNG")


@needs_chromium
def test_the_browser_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert look("about:blank", "true")["passed"]
    assert not list(tmp_path.iterdir())


def test_the_modules_are_valid(tmp_path):
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed on this machine")
    for path in (SITE / "js").glob("*.js"):
        subprocess.run([node, "--check", str(path)], check=True, cwd=tmp_path)


def test_a_stop_ends_in_time_though_a_stream_is_open(api, tmp_path):
    """The engine waits ten seconds and then kills; nginx itself would wait for the stream's end."""
    with (
        running_page(tmp_path, api) as (url, process),
        connect(url.replace("http", "ws", 1) + "/api/stream") as stream,
    ):
        stream.recv(60)
        process.send_signal(signal.SIGQUIT)
        assert process.wait(8) == 0
        with pytest.raises(ConnectionClosed):
            stream.recv(60)
