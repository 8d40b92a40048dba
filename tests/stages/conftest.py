"""What the tests of rollback, audit and doctor share: a project of which three versions are out."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.registry import SmallRegistry, registry
from tests.support.releases import Kept, Releases


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallRegistry]:
    with registry(tmp_path_factory.mktemp("r")) as made:
        yield made


@pytest.fixture(scope="session")
def kept(template: Path, images: SmallRegistry, tmp_path_factory: pytest.TempPathFactory) -> Kept:
    return Kept.made(template, tmp_path_factory.mktemp("kept"), images)


@pytest.fixture
def released(kept: Kept, images: SmallRegistry, tmp_path: Path) -> Iterator[Releases]:
    """0.2.4, 0.2.5 and 0.3.0 are out; the pointers stand at 0.3.0, the line 0.2 at 0.2.5."""
    with kept.copied(tmp_path, images) as bench:
        yield bench
