"""The API and the page's server as processes on free ports, as the images start them."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import httpx
import pytest

ROOT = Path(__file__).parents[2]
SECONDS = 60.0
MLFLOW_SECONDS = 240.0  # it imports for long, and registers the model at its first start


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def process(command, ready, seconds=SECONDS, **environment):
    """Run a program until the block ends; in it, its address has answered."""
    with tempfile.TemporaryFile("w+") as log:
        started = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            stderr=log,
            stdout=log,
        )
        try:
            wait_for(ready, started, log, seconds)
            started.log = log
            yield started
        finally:
            started.terminate()
            started.wait(SECONDS)


def wait_for(url, started, log, seconds):
    deadline = time.monotonic() + seconds
    # One client: to make one takes more time than a hundred questions.
    with httpx.Client(timeout=5) as asking:
        while time.monotonic() < deadline:
            if started.poll() is not None:
                log.seek(0)
                pytest.fail(f"{started.args} ended with {started.returncode}: {log.read()}")
            try:
                asking.get(url).raise_for_status()
            except httpx.HTTPError:
                time.sleep(0.05)
            else:
                return
    pytest.fail(f"{url} did not answer within {seconds:g} seconds")


@contextmanager
def running_api(**settings):
    port = free_port()
    environment = {f"STREAM_POSE_ML_{name.upper()}": str(value) for name, value in settings.items()}
    with process(
        [sys.executable, "-m", "services.api"],
        f"http://127.0.0.1:{port}/health",
        STREAM_POSE_ML_HOST="127.0.0.1",
        STREAM_POSE_ML_PORT=str(port),
        **environment,
    ) as started:
        yield f"http://127.0.0.1:{port}", started


@dataclass(frozen=True)
class Mlflow:
    """A running MLflow: its two addresses, and how to run a program against it."""

    python: Path
    tracking: str
    serving: str
    process: subprocess.Popen
    log: TextIO
    secret: Path

    def proof(self):
        """The header that lets write."""
        return {"Authorization": f"Bearer {self.secret.read_text().strip()}"}

    def said(self):
        """All that it has printed."""
        return os.pread(self.log.fileno(), 2**24, 0).decode()

    def run(self, program):
        """Run a program as a user of the registry does; give the last line that it prints."""
        environment = {"MLFLOW_TRACKING_URI": self.tracking, "PYTHONPATH": str(ROOT)}
        environment |= {"PATH": os.environ["PATH"], "MLFLOW_DISABLE_TELEMETRY": "true"}
        environment["MLFLOW_TRACKING_TOKEN"] = self.secret.read_text().strip()
        command = [self.python, "-c", program]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()[-1]


@contextmanager
def running_mlflow(python, data, ports=None):
    """Both servers on a folder with their data, once the model is served."""
    tracking, serving = ports or (free_port(), free_port())
    places = {"MLFLOW_PORT": str(tracking), "MLFLOW_SERVING_PORT": str(serving)}
    settings = {**places, "MLFLOW_DATA": str(data), "MLFLOW_HOST": "127.0.0.1"}
    urls = [f"http://127.0.0.1:{port}" for port in (tracking, serving)]
    command = [str(python), "-m", "services.mlflow"]
    with process(command, f"{urls[1]}/ping", MLFLOW_SECONDS, **settings) as started:
        yield Mlflow(python, *urls, started, started.log, data / "write-secret")


def nginx():
    """The distribution's nginx, or None."""
    return shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")


@contextmanager
def running_page(folder, api_url, detector=None):
    """The image's own configuration and page, in nginx from the distribution, on free ports.

    `detector` is the folder of npm's package of the pose detector, for a page that has one.
    """
    program = nginx()
    if program is None:
        pytest.skip("nginx is not installed on this machine")
    port = free_port()
    site = folder / "site"
    shutil.copytree(ROOT / "services/web/site", site)
    said = {"version": "1.2.3"}
    if detector:
        said["detector"] = "detector"
        environment = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        command = ["bash", ROOT / "services/image.sh", "detector", detector, site / "detector"]
        subprocess.run(command, check=True, env=environment)
    (site / "version.json").write_text(json.dumps(said))
    text = (ROOT / "services/web/nginx.conf").read_text()
    for old, new in {
        "/tmp/": f"{folder}/",  # noqa: S108 - what the configuration says
        "listen 3000;": f"listen 127.0.0.1:{port};",
        "root /opt/site;": f"root {site};",
        "http://api:5001": api_url,
    }.items():
        assert old in text
        text = text.replace(old, new)
    configuration = folder / "nginx.conf"
    configuration.write_text(text)
    folder.chmod(0o755)
    command = [program, "-e", "stderr", "-c", str(configuration), "-g", "daemon off; user root;"]
    with process(command, f"http://127.0.0.1:{port}/health") as started:
        yield f"http://127.0.0.1:{port}", started
