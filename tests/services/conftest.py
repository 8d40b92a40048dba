"""The services that several tests use, each started once."""

from pathlib import Path

import pytest

from tests.services.running import running_api, running_page


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
