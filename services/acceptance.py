"""Use the three services as their users do: `python services/acceptance.py [--quick]`.

It needs only the released wheel. It prints a line for each check with its seconds; the exit code is
0 if all passed, 1 if one failed. The environment has the addresses of the services: `Places`.
"""

import argparse
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin

from stream_pose_ml import client, synthetic
from stream_pose_ml.errors import ServiceError
from stream_pose_ml.features import frame_features, window_features
from stream_pose_ml.sequences import Recording, frame_to_json

NO_BROWSER = 3  # what browser.py ends with where no Chromium is installed
SECONDS = 60.0  # for one answer: emulated platforms take their time


class FailedError(Exception):
    """A failed check: the expected and the actual value."""


@dataclass(frozen=True)
class Places:
    """Where the services are, which version they must say, and where a picture may be put."""

    api: str
    web: str
    tracking: str
    model: str
    version: str
    output: Path

    @classmethod
    def from_environment(cls) -> "Places":
        """Read the addresses, `EXPECTED_VERSION` and `ACCEPTANCE_OUTPUT`.

        Raises FailedError with the missing ones.
        """
        names = ("API_5001", "WEB_3000", "MLFLOW_5002", "MLFLOW_1234", "EXPECTED_VERSION")
        if missing := [name for name in names if not os.environ.get(name)]:
            raise FailedError(f"not set in the environment: {', '.join(missing)}")
        api, web, tracking, model, version = (os.environ[name].rstrip("/") for name in names)
        output = Path(os.environ.get("ACCEPTANCE_OUTPUT") or ".")
        return cls(api, web, tracking, model, version, output)


def main(arguments: list[str]) -> int:
    """Run the checks in order, all of them even when one fails."""
    parser = argparse.ArgumentParser(prog="acceptance.py", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="without a browser")
    options = parser.parse_args(arguments)
    try:
        places = Places.from_environment()
    except FailedError as failed:
        print(f"acceptance: {failed}", file=sys.stderr)
        return 1
    checks = CHECKS if options.quick else {**CHECKS, "page in a browser": browser}
    results = [_run(name, check, places) for name, check in checks.items()]
    return 0 if all(results) else 1


def _run(name: str, check: Callable[[Places], str], places: Places) -> bool:
    started = time.monotonic()
    try:
        passed, detail = True, check(places)
    except FailedError as failed:
        passed, detail = False, str(failed)
    except (OSError, ValueError, KeyError, ServiceError) as error:
        passed, detail = False, f"{type(error).__name__}: {error}"
    seconds = time.monotonic() - started
    print(f"{'ok  ' if passed else 'FAIL'} {seconds:6.2f} s  {name}: {detail}", flush=True)
    return passed


def health(places: Places) -> str:
    """All four addresses answer 200."""
    for url in (
        f"{places.api}/health",
        f"{places.web}/health",
        f"{places.tracking}/health",
        f"{places.model}/ping",
    ):
        _get(url)
    return "api, web, mlflow and its model answer"


def versions(places: Places) -> str:
    """API and page say the released version."""
    for url in (f"{places.api}/version", f"{places.web}/version.json"):
        found = json.loads(_get(url))["version"]
        _expect(f"version at {url}", places.version, found)
    return places.version


def labels(places: Places) -> str:
    """Every movement, streamed frame by frame, comes back with its label."""
    address = places.api.replace("http", "ws", 1) + "/stream"
    return ", ".join(_stream(address, label) for label in synthetic.LABELS)


def proxied(places: Places) -> str:
    """The same through the page's server, as the browser does it."""
    return _stream(places.web.replace("http", "ws", 1) + "/api/stream", "squat")


def recording(places: Places) -> str:
    """A posted recording comes back with its label."""
    frames = [frame_to_json(frame) for frame in _recording("step").frames()]
    answer = json.loads(_post(f"{places.api}/classify", {"fps": 30, "frames": frames}))
    _expect("label from /classify", "step", answer["label"])
    return f"step ({answer['probability']:.2f}), {answer['frames']} frames"


def served(places: Places) -> str:
    """The model that MLflow serves gives the same label."""
    for label in synthetic.LABELS:
        window = window_features(frame_features(_recording(label).landmarks[-30:]))
        answer = json.loads(_post(f"{places.model}/invocations", {"inputs": [window.tolist()]}))
        _expect("label from MLflow's model", [label], answer["predictions"])
    return ", ".join(synthetic.LABELS)


def registered(places: Places) -> str:
    """MLflow's registry holds the model under its alias."""
    query = "registered-models/alias?name=stream_pose_ml&alias=current"
    answer = json.loads(_get(f"{places.tracking}/api/2.0/mlflow/{query}"))
    return f"stream_pose_ml@current is version {answer['model_version']['version']}"


def page(places: Places) -> str:
    """The page and every file that it names exist."""
    text = _get(f"{places.web}/").decode()
    parser = _Links()
    parser.feed(text)
    if not any(link.endswith(".js") for link in parser.links):
        raise FailedError(f"expected a page with a script, found {text[:200]!r}")
    sizes = [len(_get(urljoin(f"{places.web}/", link))) for link in parser.links]
    return f"{len(sizes)} files, {sum(sizes) + len(text)} bytes"


def browser(places: Places) -> str:
    """The page in headless Chromium: a label appears, versions are shown, the console is clean."""
    picture = places.output / "page.png"
    places.output.mkdir(parents=True, exist_ok=True)
    shown = '[...document.querySelectorAll("#version-page, #version-api")].map((e) => e.innerText)'
    until = 'document.querySelector("#label").dataset.state === "label"'
    command = [sys.executable, str(Path(__file__).with_name("browser.py")), f"{places.web}/"]
    command += ["--until", until, "--measure", shown, "--stay", "2", "--screenshot", str(picture)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == NO_BROWSER:
        return "not run here: no Chromium is installed"
    if not done.stdout:
        raise FailedError(f"expected a report from Chromium, found: {done.stderr.strip()[-500:]}")
    report = json.loads(done.stdout)
    _expect("console errors", [], report["errors"])
    _expect("a label on the page", True, report["passed"])
    _expect("versions shown", [places.version] * 2, report["measured"])
    return f"a label after {report['seconds']:.1f} s, console clean, {picture.name}"


CHECKS: dict[str, Callable[[Places], str]] = {
    "health": health,
    "versions": versions,
    "stream": labels,
    "stream through the page": proxied,
    "recording": recording,
    "model server": served,
    "registry": registered,
    "page": page,
}


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        value = dict(attrs).get("src" if tag == "script" else "href")
        if tag in ("script", "link") and value:
            self.links.append(value)


def _recording(label: str) -> Recording:
    return synthetic.recording(label, seed=20_240, frames=75)


def _stream(address: str, label: str) -> str:
    *_, last = client.stream(address, _recording(label).frames(), seconds=SECONDS)
    if last is None:
        raise FailedError(f"label from {address}: expected {label!r}, found none")
    _expect(f"label from {address}", label, last.label)
    return f"{label} ({last.probability:.2f})"


def _expect(what: str, expected: object, found: object) -> None:
    if found != expected:
        raise FailedError(f"{what}: expected {expected!r}, found {found!r}")


def _get(url: str) -> bytes:
    return _open(urllib.request.Request(url))  # noqa: S310 - the addresses are given by who starts it


def _post(url: str, value: object) -> bytes:
    headers = {"Content-Type": "application/json"}
    return _open(urllib.request.Request(url, json.dumps(value).encode(), headers))  # noqa: S310


def _open(request: urllib.request.Request) -> bytes:
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
            return bytes(answer.read())
    except urllib.error.HTTPError as error:
        detail = error.read(300).decode(errors="replace")
        raise FailedError(
            f"{request.full_url}: expected 200, found {error.code}: {detail}"
        ) from error
    except OSError as error:
        raise FailedError(f"{request.full_url}: expected an answer, found {error}") from error


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
