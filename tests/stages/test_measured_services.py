"""The scorecard of services really started: those of the last release beside those of this one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.core import codec, lockfile, scorecard
from scripts.core.scorecard import Scorecard
from scripts.release import previous
from scripts.tools import measuring
from tests.support.proving import PLATFORMS, Proving, dockerfile, files, proving, surroundings

pytestmark = pytest.mark.world

HERE = PLATFORMS[:1]
TABLE = "\n[tool.release.scorecard]\n"
SLOW = "0.02"  # seconds, much more than an answer takes


@pytest.fixture
def bench(template: Path, tmp_path: Path, pytestconfig: pytest.Config) -> Iterator[Proving]:
    with proving(template, tmp_path, surroundings(pytestconfig)) as made:
        yield made


def test_the_service_that_got_slower_is_found(bench: Proving) -> None:
    """The other service and all that did not change are not said to have changed."""
    own = files(HERE, "card_")
    bench.staged(own)
    last = bench.context().lock
    for dist in last.dists:
        content = (bench.context().inputs / "dist" / dist.name).read_bytes()
        bench.index.files[dist.name] = content
    card = measured(bench, own, last)
    rows = {row.name: row for row in card.rows}
    assert card.since == "v0.2.4"
    assert card.failures == ()
    percentiles = [f"{name} p{p}" for name in ("api", "web") for p in measuring.PERCENTILES]
    memory = {"api memory", "web memory", "import, memory"}
    sizes = {"api download", "web download", "packages installed", "install size"}
    assert rows.keys() == {"all healthy", "import", *percentiles, *memory, *sizes}
    assert all(row.before and row.after > 0 for row in card.rows)
    slower = {row.name for row in card.rows if row.changed}
    assert {"api p50", "api p95"} <= slower
    assert not slower & {"web p50", *memory, *sizes}
    assert "api p50 +" in scorecard.line(card)


def measured(bench: Proving, own: dict[str, str], last: lockfile.Lock) -> Scorecard:
    """Build the next version, with a slower API, and measure it beside the last one."""
    bench.begin()
    slow = dockerfile("api", SAY_AFTER=SLOW)
    bench.project.commit({"pyproject.toml": own["pyproject.toml"] + TABLE, "Dockerfile.api": slow})
    for verb in ("plan", "prepare", "dists"):
        bench.step(verb, RELEASE_VERSION="0.2.5")
    bench.build()
    folder = bench.context().inputs / previous.FOLDER
    folder.mkdir(exist_ok=True)
    (folder / lockfile.NAME).write_text(lockfile.write(last))
    context = bench.step("scorecard", RELEASE_VERSION="0.2.5")
    text = (context.inputs / "scorecard.json").read_bytes()
    return codec.decode(Scorecard, text, "scorecard.json")
