"""The command line: exit codes, and a result even when it fails."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.__main__ import main
from scripts.cli.command_line import VERBS, WITHOUT_STAGE
from scripts.core.converge import Outcome
from scripts.core.errors import (
    CheckError,
    ConflictError,
    Place,
    ProblemsError,
    ServiceError,
    UsageError,
)
from scripts.core.results import Done

ROOT = Path(__file__).parents[2]


def run(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "scripts", *arguments],
        cwd=cwd,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_help_names_every_verb_and_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    for verb in VERBS:
        assert re.search(rf"^    {verb}\s", text, re.M)
    assert "exit codes: 1 a check failed, 2 wrong usage" in text


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_its_help_and_its_module(
    verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([verb, "--help"])
    assert ended.value.code == 0
    assert VERBS[verb] in capsys.readouterr().out
    if verb not in WITHOUT_STAGE:  # which is about the command line itself, and no stage
        assert (ROOT / "scripts" / "stages" / f"{verb.replace('-', '_')}.py").is_file()


def test_every_stage_has_its_verb() -> None:
    modules = {path.stem for path in (ROOT / "scripts" / "stages").glob("[!_]*.py")}
    assert modules == {verb.replace("-", "_") for verb in VERBS if verb not in WITHOUT_STAGE}


@pytest.mark.parametrize("arguments", [[], ["publish"], ["image"], ["verify", "--moment", "now"]])
def test_wrong_usage_is_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: bin/release" in capsys.readouterr().err


def test_a_stage_without_its_inputs_says_what_comes_before_it(tmp_path: Path) -> None:
    done = run("stage", cwd=tmp_path)
    assert done.returncode == 2
    assert "release/in/plan.json is missing" in done.stderr
    assert "bin/release plan" in done.stderr
    result = json.loads((tmp_path / "release/out/results/stage.json").read_text())
    assert result["failure"]["kind"] == "UsageError"


Stage = Callable[..., Done]


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[Stage], None]:
    """Put another stage in the place of `gate` and `image`, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def put(act: Stage) -> None:
        for name in ("gate", "image"):
            monkeypatch.setattr(f"scripts.stages.{name}.run", act)

    return put


def raising(error: Exception) -> Stage:
    def act(*_: object, **__: object) -> Done:
        raise error

    return act


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (CheckError("c", "r"), 1),
        (UsageError("c", "r"), 2),
        (ConflictError("c", "r"), 3),
        (ServiceError("c", "r"), 4),
    ],
)
def test_a_failure_has_its_exit_code_its_annotation_and_its_result(
    error: ServiceError,
    code: int,
    stage: Callable[[Stage], None],
    capsys: pytest.CaptureFixture[str],
    emptied: pytest.MonkeyPatch,
) -> None:
    emptied.setenv("GITHUB_ACTIONS", "true")
    stage(raising(error))
    assert main(["gate"]) == code
    out, err = capsys.readouterr()
    assert out.startswith(f"::error title={type(error).__name__}::")
    assert "remedy: r" in err
    result = json.loads(Path("release/out/results/gate.json").read_text())
    assert result["failure"] == {"cause": "c", "remedy": "r", "kind": type(error).__name__}


def test_a_result_tells_every_problem(stage: Callable[[Stage], None], tmp_path: Path) -> None:
    errors = [UsageError(f"problem {i}", "mend it", Place("a", i)) for i in (1, 2, 3)]
    stage(raising(ProblemsError(errors)))
    assert main(["gate"]) == 2
    failure = json.loads((tmp_path / "release/out/results/gate.json").read_text())["failure"]
    assert all(f"a:{i}: problem {i}" in failure["cause"] for i in (1, 2, 3))


def test_a_defect_is_a_failed_result_too_and_keeps_its_traceback(
    stage: Callable[[Stage], None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stage(raising(KeyError("lost")))
    assert main(["gate"]) == 1
    assert "Traceback" in capsys.readouterr().err
    failure = json.loads((tmp_path / "release/out/results/gate.json").read_text())["failure"]
    assert failure["kind"] == "KeyError"
    assert failure["remedy"]


def test_a_leg_of_a_matrix_has_a_result_of_its_own(
    stage: Callable[[Stage], None], tmp_path: Path
) -> None:
    seen = []

    def act(_context: object, **arguments: str) -> Done:
        seen.append(arguments)
        return Done((Outcome("image", "built", written=True),), (("digest", "d"),))

    stage(act)
    assert main(["image", "--platform", "linux/arm64", "--name", "api"]) == 0
    assert seen == [{"name": "api", "platform": "linux/arm64"}]
    result = json.loads((tmp_path / "release/out/results/image-api-arm64.json").read_text())
    assert (result["job"], result["leg"], result["failure"]) == ("image", "api-arm64", None)
    assert result["facts"] == {"digest": "d"}
    assert result["finished"] >= result["started"]


def test_a_file_that_cannot_be_used_is_no_defect(
    stage: Callable[[Stage], None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stage(raising(PermissionError(13, "Permission denied", "some/file")))
    assert main(["gate"]) == 2
    (tmp_path / "release").rename(tmp_path / "other")
    (tmp_path / "release").write_text("in the way")
    assert main(["gate"]) == 2
    stage(lambda *_, **__: Done())
    assert main(["gate"]) == 2
    err = capsys.readouterr().err
    assert "some/file: Permission denied" in err
    assert "release/out/results: Not a directory" in err
    assert "Traceback" not in err


def test_below_the_top_of_a_clone_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path / "sub")
    assert main(["plan", "0.2.4"]) == 2
    assert f"remedy: cd {tmp_path}" in capsys.readouterr().err
    assert not list((tmp_path / "sub").iterdir())


def test_no_secret_is_in_a_defects_traceback(
    stage: Callable[[Stage], None],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "s3cret-token")
    stage(raising(KeyError("token s3cret-token")))
    assert main(["gate"]) == 1
    out, err = capsys.readouterr()
    assert "KeyError: 'token ***'" in err
    assert "s3cret" not in out + err + (tmp_path / "release/out/results/gate.json").read_text()


def test_help_imports_no_service() -> None:
    code = "import sys, scripts.__main__ as m; m.parser().format_help(); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert {"github", "docker", "requests", "tomlkit"}.isdisjoint(done.stdout.split())
