"""The webcam: its picture goes through the detector, the poses to the API, and nothing else."""

from contextlib import contextmanager
from pathlib import Path

import matplotlib
import pytest
from PIL import Image

from tests.services.paging import LABELLED, NOT_LABELLED, REASON, needs_chromium, opened, wait_until
from tests.services.running import running_page

pytestmark = needs_chromium

CAMERA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
SOURCE = 'document.querySelector("#source").textContent'
ON_WEBCAM = f'{SOURCE}.startsWith("Webcam")'
HIDDEN = 'document.querySelector("#webcam").hidden'
BACK = """(() => {
  const sample = document.querySelector("#sample");
  sample.value = "routine";
  sample.dispatchEvent(new Event("change"));
})()"""
PLAY = 'document.querySelector("#play").click()'
# Sees the bundled recording, whatever the camera shows.
DETECTOR = """
globalThis.poseDetector = {
  at: 0,
  async detect(video) {
    if (!video.videoWidth || globalThis.nobody) return null;
    this.text ??= await (await fetch("recordings/routine.jsonl")).text();
    const frames = this.text.trim().split("\\n").slice(1);
    return JSON.parse(frames[this.at++ % frames.length]);
  },
};
"""
LATE_CAMERA = """
const camera = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
const asked = new Promise((resolve) => { globalThis.giveCamera = resolve; });
navigator.mediaDevices.getUserMedia = async (what) => {
  await asked;
  return globalThis.given = await camera(what);
};
"""
# The frames that the page streams.
OVERHEAR = """
globalThis.streamed = [];
const send = WebSocket.prototype.send;
WebSocket.prototype.send = function (text) {
  globalThis.streamed.push(JSON.parse(text));
  return send.call(this, text);
};
"""


@contextmanager
def camera_chosen(page, script="", flags=CAMERA):
    """The page with Chromium's own test picture for a camera, and the webcam chosen."""
    with opened(page, script=script, flags=flags) as tab:
        wait_until(tab, f"{HIDDEN} === false")
        tab.evaluate('document.querySelector("#webcam").click()')
        yield tab


@pytest.fixture(scope="module")
def seeing_page(api, packages, tmp_path_factory):
    """The page with the detector that the image has."""
    folder = tmp_path_factory.mktemp("seeing")
    with running_page(folder, api, packages / "@mediapipe/pose") as (url, _):
        yield url


def filmed(picture, folder):
    """Flags for a camera that shows a picture, 4:3 and grey around it, as Motion JPEG."""
    frame = Image.new("RGB", (640, 480), (128, 128, 128))
    picture = picture.resize((480 * picture.width // picture.height, 480))
    frame.paste(picture, ((640 - picture.width) // 2, 0))
    frame.save(folder / "one.jpg", quality=90)
    film = folder / "film.mjpeg"
    film.write_bytes((folder / "one.jpg").read_bytes() * 30)
    return (*CAMERA, f"--use-file-for-fake-video-capture={film}")


def test_without_a_detector_there_is_no_webcam(page):
    with opened(page, flags=CAMERA) as tab:
        wait_until(tab, LABELLED)
        assert tab.evaluate(HIDDEN) is True


def test_a_person_is_seen_by_the_detector_of_the_image(seeing_page, tmp_path):
    """A photograph of Grace Hopper, which matplotlib ships: her face, shoulders, and no legs."""
    path = Path(matplotlib.get_data_path()) / "sample_data/grace_hopper.jpg"
    flags = filmed(Image.open(path).convert("RGB"), tmp_path)
    with camera_chosen(seeing_page, OVERHEAR, flags) as tab:
        wait_until(tab, ON_WEBCAM)
        # Without a graphics card a window of them takes long; other tests wait for a label.
        wait_until(tab, "streamed.length >= 3")
        frame = tab.evaluate("streamed.at(-1)")
        assert [
            one for one in tab.requests if not one.startswith((f"{seeing_page}/", "data:"))
        ] == []
        assert tab.errors == []
    points = frame["landmarks"]
    assert len(points) == len(frame["visibility"]) == 33
    # Where they are in the photograph, of which 4:3 lie in the middle of a square.
    expected = {
        0: (0.50, 0.41),
        2: (0.56, 0.37),
        5: (0.45, 0.37),
        11: (0.72, 0.65),
        12: (0.3, 0.62),
    }
    for landmark, place in expected.items():
        assert points[landmark][:2] == pytest.approx(place, abs=0.04), landmark
        assert frame["visibility"][landmark] > 0.9


def test_nobody_is_said_to_be_seen_in_an_empty_room(seeing_page, tmp_path):
    flags = filmed(Image.new("RGB", (640, 480), (90, 120, 90)), tmp_path)
    with camera_chosen(seeing_page, flags=flags) as tab:
        wait_until(tab, NOT_LABELLED)
        assert tab.evaluate(REASON).startswith("Nobody is seen: step back")


def test_a_camera_is_let_go(page):
    with camera_chosen(page, DETECTOR) as tab:
        wait_until(tab, ON_WEBCAM)
        wait_until(tab, LABELLED)
        tab.evaluate('first = document.querySelector("#video").srcObject.getTracks()[0]')
        tab.evaluate('document.querySelector("#webcam").click()')
        wait_until(tab, 'first.readyState === "ended"')
        wait_until(tab, 'document.querySelector("#video").srcObject?.active')
        wait_until(tab, ON_WEBCAM)
        tab.evaluate(PLAY)
        wait_until(tab, 'document.querySelector("#video").srcObject === null')
        assert tab.evaluate(SOURCE).startswith("All four movements")
        assert tab.errors == []


def test_a_label_goes_when_the_person_does(page):
    with camera_chosen(page, DETECTOR) as tab:
        wait_until(tab, ON_WEBCAM)
        wait_until(tab, LABELLED)
        tab.evaluate("nobody = true")
        wait_until(tab, NOT_LABELLED)
        assert tab.evaluate(REASON).startswith("Nobody is seen")
        tab.evaluate("nobody = false")
        wait_until(tab, LABELLED)


@pytest.mark.parametrize("instead", [BACK, PLAY])
def test_a_camera_that_comes_too_late_is_let_go(page, instead):
    with camera_chosen(page, DETECTOR + LATE_CAMERA) as tab:
        tab.evaluate(instead)
        wait_until(tab, f'{SOURCE}.startsWith("All four movements")')
        tab.evaluate("giveCamera()")
        wait_until(tab, 'given?.getTracks()[0].readyState === "ended"')
        assert tab.evaluate('document.querySelector("#video").srcObject') is None


def test_a_camera_that_is_forbidden_is_said_to_be(page):
    """Without the flag that answers for the person, headless Chromium refuses."""
    with camera_chosen(page, DETECTOR, CAMERA[:1]) as tab:
        wait_until(tab, NOT_LABELLED)
        assert "allow it for this page" in tab.evaluate(REASON)
