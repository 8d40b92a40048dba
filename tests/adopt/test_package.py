"""The command `release`, built from this checkout and installed beside a foreign `scripts`."""

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from rehearsal.world import git_repo
from tests.adopt.test_init import package

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")


def run(*command: str | Path, cwd: Path = ROOT) -> str:
    done = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, check=False,
        env={key: os.environ[key] for key in os.environ if key != "PYTHONPATH"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(UV, "build", "--quiet", "--wheel", "--out-dir", folder, ROOT / "tool")
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def release(wheel: Path) -> Path:
    """The installed command, in an environment where another package is named `scripts`."""
    environment = wheel.parent / "environment"
    run(UV, "venv", "--quiet", "--python", sys.executable, environment)
    run(UV, "pip", "install", "--quiet", "--python", environment, wheel)
    (packages,) = environment.glob("lib/python*/site-packages")
    (packages / "scripts").mkdir()
    (packages / "scripts" / "__init__.py").write_text("raise SystemExit('the wrong scripts')\n")
    return environment / "bin" / "release"


def test_the_wheel_has_one_name_the_templates_and_the_loose_requirements(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as inside:
        names = inside.namelist()
        (metadata,) = (name for name in names if name.endswith("METADATA"))
        text = inside.read(metadata).decode()
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"convergent_release"}
    for name in ("release", "image", "rollback", "audit", "watch"):
        assert f"convergent_release/system/.github/workflows/{name}.yml" in names
    assert not [name for name in names if "__pycache__" in name]
    lines = (ROOT / "requirements/release.in").read_text().splitlines()
    wanted = {canonicalize_name(line) for line in lines if not line.startswith("#")}
    found = re.findall(r"^Requires-Dist: (.+)$", text, re.MULTILINE)
    assert {canonicalize_name(one) for one in found} == wanted


@pytest.mark.parametrize("words", [["--help"], ["plan", "--help"]])
def test_the_command_runs_in_an_empty_folder(
    release: Path, tmp_path: Path, words: list[str]
) -> None:
    assert "usage: release" in run(release, *words, cwd=tmp_path)


def test_the_folder_it_is_called_from_has_no_say(release: Path, tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "__main__.py").write_text("raise SystemExit('the adopter')\n")
    assert "usage:" in run(release, "--help", cwd=tmp_path)


def test_taken_from_a_commit_it_pins_the_actions_to_that_commit(tmp_path: Path) -> None:
    system, here = tmp_path / "somebody" / "system", package(tmp_path)
    git_repo.git(ROOT, "clone", "--quiet", "--depth=1", f"file://{ROOT}", str(system))
    commit = git_repo.git(system, "rev-parse", "HEAD")
    url = f"convergent-release @ git+file://{system}@{commit}#subdirectory=tool"
    environment = tmp_path / "environment"
    run(UV, "venv", "--quiet", "--python", sys.executable, environment)
    run(UV, "pip", "install", "--quiet", "--python", environment, url)
    run(environment / "bin" / "release", "init", "--yes", cwd=here.folder)
    audit = here.text(".github/workflows/audit.yml")
    assert f"uses: somebody/system/.github/actions/stage@{commit} # v1.0.0" in audit


def test_its_builder_is_the_one_of_the_project() -> None:
    ours, own = (
        tomllib.loads((ROOT / path).read_text())["build-system"]
        for path in ("pyproject.toml", "tool/pyproject.toml")
    )
    assert ours == own
