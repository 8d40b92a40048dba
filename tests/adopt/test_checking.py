"""Which command checks a repository: each way was seen in a public one."""

import json
import tomllib
from pathlib import Path

import pytest

from scripts.adopt import checking
from tests.adopt.test_init import PACKAGE, SYSTEM, Clone

BUILT = "[build-system]\n"
TESTS = "tests/test_one.py"
NPM = json.dumps({"scripts": {"test": "mocha"}})
WAYS = [
    ({"Makefile": "test:\n\ttrue\n"}, "make test", ""),
    ({"Makefile": "init:\n\ttrue\ntest: init\n\ttrue\n"}, "make test", "make init"),
    ({"Makefile": "test := x\n"}, "", ""),
    ({"scripts/check": "", "scripts/test": "", "scripts/install": ""},
     "scripts/check", "scripts/install"),
    ({"tox.ini": ""}, "tox run -e py", "python -m pip install tox"),
    ({"pyproject.toml": "[tool.tox]\n"}, "tox run -e py", "python -m pip install tox"),
    ({"noxfile.py": ""}, "nox", "python -m pip install nox"),
    ({"pyproject.toml": "[tool.hatch.envs.hatch-test]\n"},
     "hatch test", "python -m pip install hatch"),
    ({"pyproject.toml": "[tool.hatch.envs.test.scripts]\ntest = 'x'\n"},
     "hatch run test:test", "python -m pip install hatch"),
    ({"pyproject.toml": BUILT + "[dependency-groups]\ndev = []\n", TESTS: ""},
     "python -m pytest", "python -m pip install --group dev --editable ."),
    ({"pyproject.toml": BUILT + "[project.optional-dependencies]\ntest = []\n", TESTS: ""},
     "python -m pytest", "python -m pip install --editable .[test]"),
    ({"setup.py": "", "thing/tests/unit/test_a.py": "", "requirements-dev.txt": ""},
     "python -m pytest", "python -m pip install --requirement requirements-dev.txt --editable ."),
    ({"pyproject.toml": BUILT + "[tool.pytest.ini_options]\n"},
     "python -m pytest", "python -m pip install pytest --editable ."),
    ({"manage.py": "", "requirements.txt": ""},
     "python manage.py test", "python -m pip install --requirement requirements.txt"),
    ({"manage.py": ""}, "python manage.py test", ""),
    ({"go.mod": ""}, "go test ./...", ""),
    ({"Cargo.toml": ""}, "cargo test", ""),
    ({"package.json": NPM}, "npm test", "npm ci"),
    ({"package.json": NPM, "yarn.lock": ""}, "npm test", "corepack yarn install --immutable"),
    ({"package.json": "{}"}, "", ""),
    ({"package.json": "{"}, "", ""),
    ({TESTS: ""}, "", ""),
]  # fmt: skip


@pytest.mark.parametrize(("files", "checks", "setup"), WAYS)
def test_the_files_show_it(files: dict[str, str], checks: str, setup: str) -> None:
    settings = tomllib.loads(files.get("pyproject.toml", ""))
    found = checking.look(settings, files, files.__getitem__)
    assert (" ".join(found.checks), " ".join(found.setup)) == (checks, setup)


def test_the_table_has_both(tmp_path: Path) -> None:
    files = {one: text for one, text in PACKAGE.items() if one != "Makefile"}
    here = Clone(tmp_path / "a", {**files, "tox.ini": ""}, "main", "")
    here.init()
    assert here.config.checks == ("tox", "run", "-e", "py")
    assert here.config.setup == ("python", "-m", "pip", "install", "tox")


def test_an_answer_replaces_what_the_files_show(tmp_path: Path) -> None:
    files = {**PACKAGE, "Makefile": "setup:\n\ttrue\ntest:\n\ttrue\n"}
    here = Clone(tmp_path / "a", files, "main", "")
    here.init("--answer", "checks=sh -c 'echo a b'")
    assert (here.config.checks, here.config.setup) == (("sh", "-c", "echo a b"), ())


def test_an_answer_may_name_the_set_up_alone(tmp_path: Path) -> None:
    here = Clone(tmp_path / "a", PACKAGE, "main", "")
    here.init("--answer", "setup=make deps")
    assert (here.config.checks, here.config.setup) == (("make", "check"), ("make", "deps"))


def test_a_broken_quote_is_refused(tmp_path: Path) -> None:
    here = Clone(tmp_path / "a", PACKAGE, "main", "")
    done = here.release("init", "--yes", "--system", SYSTEM, "--answer", "checks=sh -c 'a")
    assert (done.returncode, here.changed()) == (2, set())
    assert "--answer checks" in done.stderr
    assert "Traceback" not in done.stderr
