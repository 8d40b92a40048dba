"""An installed package is measured in a process of its own."""

import os
from pathlib import Path

import pytest

from scripts.tools import measuring
from scripts.tools.installation import Installation

LARGE = 300  # MB, several times what a small Python takes


@pytest.fixture
def consumer(tmp_path: Path) -> Installation:
    made = Installation(dict(os.environ), tmp_path / "environment")
    made.create()
    return made


def test_the_memory_is_that_of_the_new_process(consumer: Installation) -> None:
    """Linux hands the greatest memory of the process that starts another one on to it."""
    held = b"x" * LARGE * 1_000_000
    took, memory = measuring.imported(consumer, ["json"])
    assert len(held) > 0
    assert took > 0
    assert 1 < memory < LARGE / 3
