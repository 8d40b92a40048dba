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
RELEASE, REHEARSE = ROOT / "requirements/release.in", ROOT / "tool/rehearse.in"


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
    found = re.findall(r"^Requires-Dist: (.+)$", text, re.MULTILINE)
    assert {canonicalize_name(one) for one in found if ";" not in one} == listed(RELEASE)
    extra = re.findall(r"^Requires-Dist: (.+); extra == 'rehearse'$", text, re.MULTILINE)
    assert {canonicalize_name(one) for one in extra} == listed(REHEARSE)


def listed(file: Path) -> set[str]:
    lines = file.read_text().splitlines()
    return {canonicalize_name(line) for line in lines if not line.startswith("#")}


def test_without_its_extra_the_rehearsal_says_how_to_get_it(release: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [release, "rehearse"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "convergent-release[rehearse]" in done.stderr
    assert not list(tmp_path.iterdir())


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
    here, tool = package(tmp_path), installed(tmp_path)
    commit = git_repo.git(tmp_path / "somebody" / "system", "rev-parse", "HEAD")
    run(tool, "init", "--yes", cwd=here.folder)
    audit = here.text(".github/workflows/audit.yml")
    assert f"uses: somebody/system/.github/actions/stage@{commit} # v1.0.0" in audit


def installed(folder: Path, extra: str = "") -> Path:
    """Install the tool from a commit of a clone, as `uvx` does; return its command."""
    system, environment = folder / "somebody" / "system", folder / "environment"
    git_repo.git(ROOT, "clone", "--quiet", "--depth=1", f"file://{ROOT}", str(system))
    commit = git_repo.git(system, "rev-parse", "HEAD")
    url = f"convergent-release[{extra}] @ git+file://{system}@{commit}#subdirectory=tool"
    run(UV, "venv", "--quiet", "--python", sys.executable, environment)
    run(UV, "pip", "install", "--quiet", "--python", environment, url.replace("[]", ""))
    return environment / "bin" / "release"


@pytest.mark.world
def test_a_repository_is_taken_over_and_rehearsed_from_the_tool_alone(tmp_path: Path) -> None:
    """From a fresh repository to a release on every surface; nothing is edited in between."""
    here = package(tmp_path)
    here.commit({"Makefile": "test:\n\tpython3 -m compileall -q src\n"})
    tool = installed(tmp_path, "rehearse")
    run(tool, "init", "--yes", cwd=here.folder)
    here.commit()
    said = run(tool, "rehearse", cwd=here.folder)
    assert "\n  as planned" in said
    assert re.search(r"verify.py of release \S+ +pass: \d+ ok, 0 not checked", said)
    assert here.changed() == set()


def test_its_builder_is_the_one_of_the_project() -> None:
    ours, own = (
        tomllib.loads((ROOT / path).read_text())["build-system"]
        for path in ("pyproject.toml", "tool/pyproject.toml")
    )
    assert ours == own
