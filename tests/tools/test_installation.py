"""A clean environment, as a user makes one: only the lock's bytes, and only once they are shown."""

from pathlib import Path

import pytest
from packaging.version import Version

from scripts.core.errors import CheckError, ReleaseError
from scripts.core.lockfile import Lock, locked_dist
from scripts.core.planning import Product, decide
from scripts.release.context import Context
from scripts.tools import installation
from scripts.tools.installation import Installation
from tests.conftest import Bench
from tests.core.values import BASE
from tests.support.dists import wheel

WHEEL = "sample_thing-0.2.4-py3-none-any.whl"
CONTENT = wheel("sample_thing", "0.2.4")


@pytest.fixture
def context(bench: Bench) -> Context:
    product = Product("sample_thing", "Mari <mari@example.org>", True, ())
    plan = decide(product, Version("0.2.4"), BASE, {})
    return bench.context().knowing(lock=Lock(plan, "", (locked_dist(WHEEL, CONTENT),), ()))


def empty(context: Context) -> Installation:
    made = Installation(context.environment.inherited(), context.fresh("consumer") / "environment")
    made.create()
    return made


def published(context: Context) -> Installation:
    made = empty(context)
    where, folder = context.index.simple_url, context.fresh("requirements")
    installation.install_published(made, context.lock, where, context.ask, folder)
    return made


def test_the_proven_wheel_is_installed_and_imported(bench: Bench, context: Context) -> None:
    path = bench.folder / WHEEL
    path.write_bytes(CONTENT)
    consumer = empty(context)
    consumer.install(str(path))
    installation.check(consumer, "sample_thing", "0.2.4", ("sample_thing",))
    where = consumer.run("-c", "import sample_thing; print(sample_thing.__file__)").strip()
    assert Path(where).is_relative_to(consumer.folder)
    with pytest.raises(CheckError, match=r"says version 0\.2\.4, expected 0\.2\.5") as raised:
        installation.check(consumer, "sample_thing", "0.2.5", ())
    assert raised.value.remedy
    with pytest.raises(CheckError, match="cannot be imported"):
        installation.check(consumer, "sample_thing", "0.2.4", ("nothing_of_this_name",))


def test_the_published_package_is_installed_by_name(bench: Bench, context: Context) -> None:
    bench.index.files[WHEEL] = CONTENT
    consumer = published(context)
    installation.check(consumer, "sample_thing", "0.2.4", ("sample_thing",))


def test_other_bytes_on_the_index_are_not_installed(bench: Bench, context: Context) -> None:
    bench.index.files[WHEEL] = wheel("sample_thing", "0.2.4", **{"sample_thing/more.py": ""})
    with pytest.raises(ReleaseError, match=r"(?i)hash"):
        published(context)


def test_an_index_that_lags_is_asked_again(bench: Bench, context: Context) -> None:
    """What the uploader saw already, an edge of the index may not show yet."""
    bench.index.files[WHEEL] = CONTENT
    bench.index._hidden[WHEEL] = 2
    consumer = published(context)
    installation.check(consumer, "sample_thing", "0.2.4", ("sample_thing",))
