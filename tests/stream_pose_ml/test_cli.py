import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from stream_pose_ml import cli, synthetic

ROOT = Path(__file__).parents[2]


def run(*arguments, stdin=None, cwd=None):
    return subprocess.run(
        [sys.executable, "-m", "stream_pose_ml", *arguments],
        input=stdin,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("recordings")


@pytest.fixture(scope="module")
def recordings(folder):
    for name, seed in (("training", 1), ("unseen", 2)):
        arguments = ["synthesize", "--count", "6", "--seed", str(seed), "--output"]
        assert cli.main([*arguments, str(folder / name)]) == 0
    return folder


@pytest.fixture(scope="module")
def model(recordings):
    path = recordings / "my.skops"
    assert cli.main(["train", str(recordings / "training"), "--output", str(path)]) == 0
    return path


def test_a_model_is_trained_evaluated_and_used(recordings, model, capsys):
    picture = recordings / "confusion.png"
    arguments = ["evaluate", str(recordings / "unseen"), "--model", str(model)]
    assert cli.main([*arguments, "--png", str(picture)]) == 0
    text = capsys.readouterr().out
    assert float(text.partition("accuracy ")[2].partition("%")[0]) > 90
    assert all(label in text for label in synthetic.LABELS)
    assert picture.read_bytes().startswith(b"\x89PNG")
    for label in synthetic.LABELS:
        assert cli.main(["classify", str(recordings / f"unseen/{label}-000.jsonl")]) == 0
        assert f"  {label}  " in capsys.readouterr().out


def test_standard_input_is_classified_live():
    made = run("synthesize", "--label", "squat", "--seed", "5", "--output", "-")
    assert made.returncode == 0
    done = run("classify", "-", "--json", stdin=made.stdout)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["frame"] for answer in answers] == list(range(29, 90))
    assert answers[-1]["label"] == "squat"


def test_the_start_does_not_import_what_a_command_may_need():
    code = "import sys, stream_pose_ml.cli as c; c.parser(); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert not {"sklearn", "numpy", "scipy", "matplotlib", "skops"} & set(done.stdout.split())


def test_the_version_is_the_package_s(capsys):
    with pytest.raises(SystemExit) as end:
        cli.main(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out.startswith("stream-pose-ml ")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["classify", "nowhere.jsonl"], 1, "nowhere.jsonl: can't be read"),
        (["classify", "-", "--model", "nowhere.skops"], 1, "nowhere.skops"),
        (["classify", "-"], 1, "standard input, line 2: no JSON"),
        (["classify", "-", "--api", "ws://127.0.0.1:9/stream"], 1, "no stream can be opened"),
        (["synthesize", "--label", "dance", "--output", "-"], 1, "unknown movement dance"),
        (["synthesize", "--output", "-"], 1, "standard output takes one recording"),
        (["evaluate", "."], 1, "no *.jsonl in this folder"),
        (
            ["train", "x", "--output", "y", "--window", "0"],
            2,
            "at least 2 and at most 10000: found '0'",
        ),
        (["dance"], 2, "invalid choice"),
        ([], 2, "COMMAND"),
    ],
)
def test_bad_input_ends_with_one_line_and_its_code(tmp_path, arguments, code, message):
    done = run(*arguments, stdin='{"fps": 30}\ngarbage\n', cwd=tmp_path)
    assert done.returncode == code
    assert message in done.stderr
    assert "Traceback" not in done.stderr
