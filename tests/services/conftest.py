"""The services that several tests use, each started once."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.services.paging import npm_packages
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
    return npm_packages()


@pytest.fixture(scope="session")
def mlflow_python(tmp_path_factory):
    """A Python with what MLflow's image has; uv keeps the packages for the next time."""
    folder = tmp_path_factory.mktemp("mlflow") / "venv"
    uv, python = Path(sys.executable).with_name("uv"), folder / "bin/python"
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, folder], check=True)
    locked = ROOT / "requirements/mlflow.txt"
    sync = [uv, "pip", "sync", "--quiet", "--require-hashes", "--python", python, locked]
    subprocess.run(sync, check=True)
    return python
