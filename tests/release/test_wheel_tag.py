"""The tag of a wheel, as the real backends give it."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from scripts.release.wheel_tag import python_tag

UV = Path(sys.executable).with_name("uv")
BACKENDS = {
    "hatchling==1.33.0": "hatchling.build",
    "flit_core==4.2.0": "flit_core.buildapi",
    "poetry-core==2.5.0": "poetry.core.masonry.api",
    "pdm-backend==2.5.0": "pdm.backend",
    "setuptools==84.2.1": "setuptools.build_meta",
}
STATED = ("", ">=3.9", ">=2.7,!=3.0.*")


def pyproject(backend: str, requires: str) -> str:
    stated = f'requires-python = "{requires}"\n' if requires else ""
    return (
        f'[build-system]\nrequires = ["{backend}"]\nbuild-backend = "{BACKENDS[backend]}"\n'
        f'[project]\nname = "thing"\nversion = "1.0"\ndescription = "A."\n{stated}'
    )


@pytest.mark.service
@pytest.mark.parametrize("requires", STATED)
@pytest.mark.parametrize("backend", BACKENDS)
def test_the_backend_says_the_same(backend: str, requires: str, tmp_path: Path) -> None:
    text = pyproject(backend, requires)
    project, out = tmp_path / "project", tmp_path / "out"
    (project / "thing").mkdir(parents=True)
    (project / "pyproject.toml").write_text(text)
    (project / "thing" / "__init__.py").write_text('"""A."""\n__version__ = "1.0"\n')
    done = subprocess.run(
        [UV, "build", "--quiet", "--wheel", "--out-dir", out, project],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (wheel,) = out.glob("*.whl")
    assert wheel.name == f"thing-1.0-{python_tag(tomllib.loads(text))}-none-any.whl"


@pytest.mark.parametrize(
    ("python", "expected"),
    [("^3.9", "py3"), (">=3.9", "py3"), ("~2.7 || ^3.6", "py2.py3"), ("*", "py2.py3")],
)
def test_poetrys_own_table_counts_too(python: str, expected: str) -> None:
    build = {"build-backend": "poetry.core.masonry.api"}
    table = {"poetry": {"dependencies": {"python": python}}}
    assert python_tag({"build-system": build, "tool": table}) == expected


@pytest.mark.parametrize("said", [{}, {"build-system": 1}, {"build-system": {}, "project": []}])
def test_no_backend_is_setuptools(said: dict[str, object]) -> None:
    assert python_tag(said) == "py3"
