"""The services that several tests use, each started once."""

import pytest

from tests.services.running import running_api, running_page


@pytest.fixture(scope="session")
def api():
    with running_api() as (url, _):
        yield url


@pytest.fixture(scope="session")
def page(api, tmp_path_factory):
    with running_page(tmp_path_factory.mktemp("page"), api) as (url, _):
        yield url
