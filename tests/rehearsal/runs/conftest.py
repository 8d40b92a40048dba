"""A bench for the small workflows of these tests."""

from pathlib import Path

import pytest

from tests.support.workflow_bench import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)
