"""When a rehearsal came out as planned, and how it is said."""

import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from rehearsal.runs.run import Run
from rehearsal.verdict.price import Cost, Price
from rehearsal.verdict.verdict import AN_HOUR, Row, Seconds, Snapshot, Verdict, problems, table
from rehearsal.world.world import World

GOOD = Verdict(
    version="0.2.4",
    mode="release",
    surfaces=(Row("git tag v0.2.4", "abc", "abc", True),),
    jobs={"plan": 1.0},
    steps={"plan": {"1. Run": 0.5}},
    writes={"github": 3, "index": 2, "registry": 9},
    seconds=Seconds(up=10, run=80, busy=75, look=5, down=5),
)
WRONG = Row("image tag x:latest", "sha256:1", "not there", False)


@pytest.mark.parametrize(
    ("verdict", "ok"),
    [
        (GOOD, True),
        (replace(GOOD, surfaces=(*GOOD.surfaces, WRONG)), False),
        (replace(GOOD, problems=["job plan failed"]), False),
        (replace(GOOD, surfaces=()), False),
    ],
)
def test_one_wrong_surface_or_one_problem_is_enough(verdict: Verdict, ok: bool) -> None:
    assert verdict.ok is ok
    assert ("NOT as planned" in "\n".join(table(verdict))) is not ok


def test_the_table_shows_what_was_expected_only_where_it_differs() -> None:
    text = "\n".join(table(replace(GOOD, surfaces=(*GOOD.surfaces, WRONG))))
    assert "NOT  image tag x:latest  not there" in text
    assert "expected: sha256:1" in text
    assert "expected: abc" not in text
    assert "github 3, index 2, registry 9" in text


def test_requests_and_refusals_are_said() -> None:
    said = ("POST 403: the job plan needs `contents: write`",)
    queue = ("release.yml: concurrency.queue",)
    text = "\n".join(table(replace(GOOD, requests=42, refusals=said, left_out=queue)))
    assert "not seen by act  release.yml: concurrency.queue" in text
    assert "requests 42 to GitHub's API (1000 an hour for a repository)" in text
    assert "refused  POST 403: the job plan needs" in text


def test_a_run_that_asks_more_than_an_hour_allows_is_a_problem() -> None:
    world, run = SimpleNamespace(version="0.2.4"), SimpleNamespace(jobs=[], problems=[])
    asked = partial(problems, cast("World", world), cast("Run", run), "v0.2.4")
    assert asked(AN_HOUR) == []
    (said,) = asked(AN_HOUR + 1)
    assert "API rate limit exceeded for installation" in said
    assert "Send each request once" in said


def test_the_share_is_what_the_projects_own_steps_did_not_use() -> None:
    assert GOOD.seconds.total == 100
    assert GOOD.seconds.own_share == pytest.approx(0.25)
    assert "own share 25% " in "\n".join(table(GOOD))
    slow = replace(GOOD, seconds=replace(GOOD.seconds, down=105))
    assert "own share 62%, more than allowed" in "\n".join(table(slow))


def test_verdict_json_has_all_of_it(tmp_path: Path) -> None:
    GOOD.save(tmp_path / "verdict.json")
    read = json.loads((tmp_path / "verdict.json").read_text())
    assert read["ok"] is True
    assert read["own_share"] == 0.25
    assert read["surfaces"] == [
        {"surface": "git tag v0.2.4", "expected": "abc", "found": "abc", "ok": True}
    ]
    assert read["writes"] == {"github": 3, "index": 2, "registry": 9}
    assert read["seconds"]["total"] == 100


def test_whatever_changed_between_two_looks_is_not_as_planned() -> None:
    before = Snapshot({"git refs/heads/main": "1", "draft v1": "a", "Latest release": "v0"})
    after = Snapshot({"git refs/heads/main": "2", "Latest release": "v0", "file x": "s"})
    rows = {row.surface: row.ok for row in before.changes(after)}
    assert rows == {
        "git refs/heads/main": False,
        "draft v1": False,
        "file x": False,
        "Latest release": True,
    }


def test_a_price_and_the_bytes_are_shown() -> None:
    priced = Price([Cost("plan", 20, 4, 1)], 120, 60, 2.5)
    lines = "\n".join(table(replace(GOOD, sent=2_500_000, price=priced)))
    assert "2.5 MB to the services" in lines
    assert "120 s to the gate, 60 s after it, 2.5 runner minutes, 20 s of overhead a job" in lines
