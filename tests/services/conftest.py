"""The services that several tests use, each started once."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from rehearsal.world.provision import cache_folder, locked
from tests import npm
from tests.services.running import ROOT, running_api, running_page


def pytest_collection_modifyitems(items):
    """All here need a service, or stand beside those that do: `make check` leaves them out."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.service)


@pytest.fixture(scope="session")
def api():
    with running_api() as (url, _):
        yield url


@pytest.fixture(scope="session")
def page(api, tmp_path_factory):
    with running_page(tmp_path_factory.mktemp("page"), api) as (url, _):
        yield url


@pytest.fixture(scope="session")
def packages():
    """The folder `node_modules` with what the page's package-lock.json pins."""
    return npm.packages(ROOT / "services/web")


@pytest.fixture(scope="session")
def mlflow_python():
    """A Python with what MLflow's image has, made once for each content of its lock."""
    wanted = ROOT / "requirements/mlflow.txt"
    made_of = f"{sys.base_prefix} {sys.version} {wanted.read_text()}"
    folder = cache_folder() / "mlflow" / hashlib.sha256(made_of.encode()).hexdigest()[:16]
    with locked(folder.with_suffix(".lock")):
        if not (folder / "whole").exists():
            uv = Path(sys.executable).with_name("uv")
            venv = [uv, "venv", "--quiet", "--clear", "--python", sys.executable, folder]
            subprocess.run(venv, check=True)
            sync = [uv, "pip", "sync", "--quiet", "--require-hashes", "--compile-bytecode"]
            subprocess.run([*sync, "--python", folder / "bin/python", wanted], check=True)
            (folder / "whole").touch()
    return folder / "bin/python"
