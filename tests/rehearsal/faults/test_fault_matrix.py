"""Which faults there are, from the journal of one run; and that a wrong end is called wrong."""

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rehearsal.faults import command, fault_matrix
from rehearsal.faults.end_state import ReleaseState, State
from rehearsal.faults.fault_matrix import QUICK, Case, Clean, Ended, Matrix, Row
from rehearsal.faults.writes import KINDS, writes
from rehearsal.gateway import request_faults
from rehearsal.gateway.journal import Entry
from rehearsal.runs.direct import DirectRun, LegRun
from rehearsal.runs.job_processes import Leg
from scripts.core.errors import UsageError

ROOT = Path(__file__).parents[3]


def entry(service: str, method: str, path: str, time: float) -> Entry:
    return Entry(service, method, path, 200, True, time, 0.1)


def leg(key: str, began: float, ended: float, *stage: str, label: str = "") -> LegRun:
    made = Leg(key, label or key, stage or (key,), f"release-{label or key}", {}, None, "")
    return LegRun(made, began, ended, 0)


PARTS = [
    leg("prepare", 0, 1),
    leg("images", 1, 3, "image", "--name", "front", label="image-front-ubuntu-24.04"),
    leg("images", 1, 3, "image", "--name", "back", label="image-back-ubuntu-24.04"),
    leg("promote", 4, 6),
]
PUSH = "/example/tiny_example/git-receive-pack"
ENTRIES = [
    entry("github", "POST", PUSH, 0.5),
    entry("registry", "POST", "/v2/example/tiny_back/blobs/uploads/", 1.5),
    entry("registry", "PUT", "/v2/example/tiny_back/blobs/uploads/0123-4567", 1.6),
    entry("registry", "PUT", f"/v2/example/tiny_back/manifests/sha256:{'a' * 64}", 1.7),
    entry("registry", "PUT", f"/v2/example/tiny_back/manifests/sha256:{'b' * 64}", 1.8),
    entry("github", "PATCH", "/api/v3/repos/example/tiny_example/releases/7", 4.5),
    entry("github", "POST", PUSH, 5),
    entry("github", "POST", PUSH, 5.5),
]


def state(**changes: object) -> State:
    release = ReleaseState("v1", False, False, "v1", "notes", {"a.whl": "sha256:1"})
    made = State({"refs/heads/main": "c1"}, (release,), "v1", (), {"a.whl": "1"}, {"x:v1": "d"})
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]


def clean() -> Clean:
    found = writes(ENTRIES, PARTS)
    return Clean(DirectRun(PARTS, {}, {}, Path()), state(), state(), found, {})


def test_each_write_belongs_to_the_part_that_made_it() -> None:
    found = writes(ENTRIES, PARTS)
    assert [one.leg for one in found] == [
        "prepare", *["image-back-ubuntu-24.04"] * 4, "promote", "promote", "promote",
    ]  # fmt: skip
    assert [one.title for one in found] == [
        "git-receive-pack", "tiny_back begin of a blob", "tiny_back blob", "tiny_back by digest",
        "tiny_back by digest", "releases/N", "git-receive-pack", "git-receive-pack",
    ]  # fmt: skip


def test_a_request_is_counted_within_its_job_and_within_the_run() -> None:
    pushes = [one for one in writes(ENTRIES, PARTS) if "git" in one.title]
    assert [one.occurrence for one in pushes] == [1, 1, 2]
    assert [one.occurrence_in_run for one in pushes] == [1, 2, 3]


@pytest.mark.parametrize("one", range(len(ENTRIES)))
def test_a_rule_strikes_the_same_request_of_another_run(one: int) -> None:
    write = writes(ENTRIES, PARTS)[one]
    path = write.entry.path.replace("0123-4567", "89ab-cdef").replace("releases/7", "releases/12")
    for kind in KINDS:
        [rule] = request_faults.parse(json.dumps([write.rule(kind, whole_run=False)]))
        assert rule.matches(write.entry.service, write.entry.method, path)
        assert not rule.matches(write.entry.service, write.entry.method, f"{path}/more")
        assert rule.occurrence == (0 if kind == "down" else write.occurrence)


def test_every_write_is_struck_in_every_way_and_every_job_killed() -> None:
    names = [case.name for case in fault_matrix.cases(clean())]
    assert len(names) == len(set(names))
    for kind in KINDS:
        assert f"prepare: github POST git-receive-pack 1: {kind}" in names
    assert "promote: github POST git-receive-pack 2: dropped after" in names
    assert "image-front-ubuntu-24.04: killed on the way" in names
    once = sum(name.endswith(": down") for name in names)
    assert len(names) == len(ENTRIES) * (len(KINDS) - 1) + once + 4 * len(PARTS)


def judged(*, ok: bool, left: State, ended: Ended, told: str) -> list[str]:
    """Let a matrix that has no world judge two runs."""
    matrix = object.__new__(Matrix)
    matrix.clean = clean()
    row, first = Row("a case"), DirectRun([leg("promote", 0, 1)], {}, {}, Path())
    if not ok:
        first.results["promote"] = "failure"
    row.told = told
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fault_matrix, "advice", lambda _run: told)
        matrix.judge(row, first, ended, left)
    return row.problems


AGAIN, DONE = "mend it, then *Run workflow* again", "released"


def test_two_runs_that_end_as_the_clean_one_are_well() -> None:
    assert judged(ok=True, left=state(), ended=Ended(True, state(), 0, ()), told=DONE) == []
    half = state(tags={})
    assert judged(ok=False, left=half, ended=Ended(True, state(), 3, ()), told=AGAIN) == []


def test_what_is_wrong_is_said() -> None:
    good, half = Ended(True, state(), 0, ()), state(tags={})
    assert judged(ok=True, left=half, ended=good, told=DONE)[0].startswith("green, but")
    assert "wrote 2 times" in judged(
        ok=True, left=state(), ended=Ended(True, state(), 2, ()), told=DONE
    )[0]  # fmt: skip
    assert "does not tell" in judged(ok=False, left=half, ended=good, told="nothing")[0]
    assert judged(ok=False, left=half, ended=Ended(False, state(), 0, ("plan",)), told=AGAIN)


@pytest.mark.parametrize(
    "changes",
    [
        {"refs": {"refs/heads/main": "c2"}},
        {"refs": {"refs/heads/main": "c1", "refs/heads/release/v1": "c1"}},
        {"latest": ""},
        {"files": {"a.whl": "2"}},
        {"tags": {"x:v1": "e"}},
        {"pulls": ("a to b",)},
        {"releases": (*state().releases, dataclasses.replace(state().releases[0], draft=True))},
        {"releases": (dataclasses.replace(state().releases[0], assets={}),)},
        {"releases": (dataclasses.replace(state().releases[0], body="other"),)},
    ],
)
def test_another_end_state_is_no_good_end(changes: dict[str, object]) -> None:
    other = state(**changes)
    assert other != state()
    problems = judged(ok=False, left=other, ended=Ended(True, other, 0, ()), told=AGAIN)
    assert len(problems) >= 1


def test_manifests_without_a_name_are_not_compared_and_yet_another_start() -> None:
    other = state(manifests=("x@sha256:1",))
    assert other == state()
    assert other.key() != state().key()


def test_an_unknown_choice_is_refused() -> None:
    with pytest.raises(UsageError, match="no longer a case"):
        command.choose([], quick=True, only="")
    cases = [Case(name, lambda _matrix, _row: None) for name in QUICK]
    with pytest.raises(UsageError, match="no case name contains"):
        command.choose(cases, quick=False, only="nowhere")
    assert len(command.choose(cases, quick=True, only="promote")) >= 1


@pytest.mark.rehearsal
def test_a_few_faults_converge(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "rehearsal", "faults", "--quick", "--folder", str(tmp_path)],
        cwd=ROOT, env={"PATH": os.defpath}, capture_output=True, text=True, check=False,
        timeout=1800,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    rows = json.loads((tmp_path / "faults.json").read_text())
    assert len(rows) == 1 + len(QUICK)
    assert all(row["converged"] for row in rows)
    assert any(row["first"].startswith("failed") and "again" in row["told"] for row in rows)
    assert not (tmp_path / "faults-world" / "world.json").exists()
