"""What people type: refused in words and before any work, unless the program wrote it itself."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stream_pose_ml import cli
from tests.stream_pose_ml.test_cli import ROOT, run

UV = Path(sys.executable).with_name("uv")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("given")
    assert cli.main(["synthesize", "--count", "5", "--output", str(made / "training")]) == 0
    (made / "file").write_text("mine")
    (made / "closed").mkdir()
    return made


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["synthesize", "--output", "file"], 1, "file: is a file, expected a folder"),
        (["synthesize", "--output", "file/below"], 1, "file/below: can't be made"),
        (["synthesize", "--output", "x", "--noise", "-1"], 2, "from 0 to 1: found '-1'"),
        (["synthesize", "--output", "x", "--noise", "nan"], 2, "from 0 to 1: found 'nan'"),
        (["synthesize", "--output", "x", "--noise", "1e999"], 2, "from 0 to 1: found '1e999'"),
        (["synthesize", "--output", "x", "--noise", "much"], 2, "from 0 to 1: found 'much'"),
        (["synthesize", "--output", "x", "--seed", "one"], 2, "whole number"),
        (["synthesize", "--output", "x", "--seed", "1.5"], 2, "found '1.5'"),
        (["synthesize", "--output", "x", "--seed", "9" * 5000], 2, "whole number"),
        (["synthesize", "--output", "x", "--frames", "10000000000"], 2, "100000"),
        (["synthesize", "--output", "x", "--count", "0"], 2, "at least 1 and at most"),
        (["train", "training", "--output", "no/dir.skops"], 1, "no: this folder does not exist"),
        (["train", "training", "--output", "closed"], 1, "closed: is a folder, expected a file"),
        (["train", "training", "--output", "y.skops", "--window", "1"], 2, "10000: found '1'"),
        (["train", "training", "--output", "y.skops", "--folds", "1"], 2, "at least 2: found '1'"),
        (["evaluate", "training", "--png", "matrix.txt"], 1, "matrix.txt: expected a name that"),
        (["evaluate", "training", "--png", "no/matrix.png"], 1, "no: this folder does not exist"),
        (["evaluate", "training", "--png", "file/m.png"], 1, "file: this folder does not exist"),
        (["classify", "x", "--api", "ws://x", "--model", "y"], 2, "not allowed with"),
    ],
)
def test_what_can_not_be_used_is_refused_before_any_work(folder, arguments, code, message):
    before = sorted(folder.rglob("*"))
    done = run(*arguments, cwd=folder)
    assert (done.returncode, done.stdout) == (code, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(folder.rglob("*")) == before


def test_a_folder_that_may_not_be_written_to_is_named_before_training(folder):
    """As a user who may not; the superuser may."""
    (folder / "closed").chmod(0o555)
    folder.chmod(0o755)
    body = "import os, sys, stream_pose_ml.commands.train; from stream_pose_ml.cli import main; "
    body += "os.getuid() == 0 and os.setuid(65534); sys.exit(main(sys.argv[1:]))"
    arguments = ["train", "training", "--output", "closed/y.skops"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", body, *arguments]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    assert "may not be written to" in done.stderr


@st.composite
def options(draw):
    what = draw(st.sampled_from([["--routine"], ["--label", "squat"], ["--label", "idle"]]))
    seed, frames = draw(st.integers(1, 2**70)), draw(st.integers(30, 60))
    noise = draw(st.floats(0, 1))
    return [*what, "--seed", str(seed), "--frames", str(frames), "--noise", repr(noise)]


@given(typed=options())
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_what_it_writes_it_reads(tmp_path, capsys, typed):
    assert cli.main(["synthesize", *typed, "--output", str(tmp_path)]) == 0
    for path in tmp_path.glob("*.jsonl"):
        assert cli.main(["classify", str(path)]) == 0, capsys.readouterr().err
        path.unlink()


def test_a_recording_shorter_than_the_window_is_read_and_said_to_be_short(tmp_path):
    made = ["synthesize", "--label", "idle", "--frames", "29", "--output", str(tmp_path)]
    assert cli.main(made) == 0
    done = run("classify", str(tmp_path / "idle-000.jsonl"))
    assert "fewer frames than the model's window" in done.stderr


@pytest.mark.parametrize("label", ["", " ", "\x1b[31mred", "\ud800", "two\nlines"])
def test_a_label_that_can_not_be_printed_is_refused(tmp_path, label):
    path = tmp_path / "one.jsonl"
    path.write_text(json.dumps({"label": label}) + "\n" + json.dumps({"landmarks": []}))
    lines = path.read_text().splitlines()
    made = ["synthesize", "--label", "idle", "--output", str(tmp_path)]
    assert cli.main(made) == 0
    frames = (tmp_path / "idle-000.jsonl").read_text().splitlines()[1:]
    path.write_text("\n".join([lines[0], *frames]))
    done = run("train", str(path), "--output", str(tmp_path / "y.skops"))
    assert done.returncode == 1
    assert "one.jsonl: label must be" in done.stderr


def test_bytes_that_are_no_text_are_refused_wherever_they_come_from(tmp_path):
    path = tmp_path / "bytes.jsonl"
    path.write_bytes(b"\xff\xfe")
    command = [sys.executable, "-m", "stream_pose_ml", "classify"]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8:strict"}
    for place, given_bytes in (str(path), b""), ("-", b"\xff\xfe"):
        done = subprocess.run(
            [*command, place], input=given_bytes, env=env, capture_output=True, check=False
        )
        assert done.returncode == 1
        assert b"can't be read as text" in done.stderr
        assert b"Traceback" not in done.stderr


@pytest.fixture(scope="module")
def small_client(tmp_path_factory):
    """A Python with the package's own requirements, without the extra `learn`."""
    python = tmp_path_factory.mktemp("small") / "venv/bin/python"
    subprocess.run(
        [UV, "venv", "--quiet", "--python", sys.executable, python.parents[1]], check=True
    )
    locked = ROOT / "requirements/api.txt"
    install = [UV, "pip", "install", "--quiet", "--python", python, "--constraints", locked]
    subprocess.run([*install, "numpy", "websockets"], check=True)
    return python


@pytest.mark.parametrize("arguments", [["train", "training", "--output", "y"], ["evaluate", "x"]])
def test_without_the_extra_learn_the_install_command_is_said(small_client, folder, arguments):
    command = [small_client, "-m", "stream_pose_ml", *arguments]
    env = {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert 'pip install "stream_pose_ml[learn]"' in done.stderr
    assert "Traceback" not in done.stderr


def test_help_starts_within_five_times_an_empty_python():
    """Interleaved, and the quickest of each: a busy machine slows both."""
    times = {"pass": [], "help": []}
    commands = {"pass": ["-c", "pass"], "help": ["-m", "stream_pose_ml", "--help"]}
    for _ in range(15):
        for name, arguments in commands.items():
            began = time.perf_counter()
            run_quietly(arguments)
            times[name].append(time.perf_counter() - began)
    assert min(times["help"]) <= 5 * min(times["pass"]), times


def run_quietly(arguments):
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, *arguments]
    subprocess.run(command, env=env, stdout=subprocess.DEVNULL, check=True)
