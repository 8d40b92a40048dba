"""Environments hold their jobs, and whoever approves has something to read."""

import dataclasses
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rehearsal.runs import decisions
from rehearsal.runs.decisions import APPROVED, FOLDER, REJECTED, WAITING
from rehearsal.runs.environments import Environment, matches
from rehearsal.runs.run import Run
from scripts.core.errors import UsageError
from tests.support.workflow_bench import Bench

RELEASE = """
    name: Release
    on: workflow_dispatch
    concurrency: {group: g, queue: max}
    jobs:
      plan:
        runs-on: ubuntu-24.04
        steps: [{run: 'printf "$PAGE" >> "$GITHUB_STEP_SUMMARY"', env: {PAGE: "@page@"}}]
      gate:
        needs: plan
        environment: release
        runs-on: ubuntu-24.04
        steps:
          - run: test "$SIGN" = s3cret
            env: {SIGN: "${{ secrets.SIGN }}"}
      publish:
        needs: gate
        runs-on: ubuntu-24.04
        steps:
          - run: test -z "$SIGN"
            env: {SIGN: "${{ secrets.SIGN }}"}
    """
RELEASED = Environment(("mari",), ("main", "v*"), secrets={"SIGN": "s3cret"})


def perform(
    bench: Bench, page: str = "1.0", held: Environment = RELEASED, *, hold: bool = False
) -> Run:
    workflow, secrets = RELEASE.replace("@page@", page), {"SIGN": "s3cret"}
    return bench.run(workflow, secrets=secrets, environments={"release": held}, hold=hold)


def test_what_the_approver_can_read_is_shown_and_approved(bench: Bench) -> None:
    done = perform(bench, "What is to be released: 1.0")
    assert done.ok, (done.problems, done.words)
    screen = bench.screen.getvalue()
    assert "approve Release--gate (release); its approver can read:" in screen
    assert "| What is to be released: 1.0" in screen
    assert done.left_out == [".github/workflows/release.yml: concurrency.queue"]


def test_an_empty_page_is_not_approved(bench: Bench) -> None:
    done = perform(bench, "")
    assert not done.ok
    assert done.results["gate"] == "failure"
    assert done.results["publish"] == "skipped"
    assert "the run's page is empty" in " ".join(done.problems)
    assert "The deployment was rejected or didn't satisfy other protection rules" in (
        next(job for job in done.jobs if job.key == "gate").log.read_text()
    )


def test_a_branch_that_may_not_deploy_is_refused(bench: Bench) -> None:
    done = perform(bench, held=dataclasses.replace(RELEASED, refs=("release/*",)))
    assert done.results["gate"] == "failure"
    assert 'Branch "main" is not allowed to deploy to release' in done.problems[0]


def test_what_always_runs_also_runs_where_the_copy_differs(bench: Bench) -> None:
    done = bench.run(
        """
        name: Release
        on: workflow_dispatch
        jobs:
          plan:
            runs-on: ubuntu-24.04
            outputs: {legs: "${{ steps.it.outputs.legs }}"}
            steps: [{id: it, run: "false"}]
          legs:
            needs: plan
            strategy: {matrix: {include: "${{ fromJson(needs.plan.outputs.legs) }}"}}
            runs-on: ubuntu-24.04
            steps: [{run: "true"}]
          gate: {needs: legs, environment: release, runs-on: ubuntu-24.04, steps: [{run: "true"}]}
          report: {needs: gate, if: always(), runs-on: ubuntu-24.04, steps: [{run: "true"}]}
        """,
        environments={"release": RELEASED},
    )
    assert done.results["plan"] == "failure"
    assert done.results["report"] == "success"


def test_an_environment_that_is_not_there_is_refused_before_anything_runs(bench: Bench) -> None:
    with pytest.raises(UsageError, match="the job gate names the environment release"):
        bench.run(RELEASE)


@pytest.mark.parametrize(("decision", "result"), [(APPROVED, "success"), (REJECTED, "failure")])
def test_a_held_job_waits_for_somebody(bench: Bench, decision: str, result: str) -> None:
    folder = bench.folder / "runs" / "1"
    with ThreadPoolExecutor() as pool:
        running = pool.submit(perform, bench, hold=True)
        wait_until(lambda: list(folder.glob(f"{FOLDER}/*{WAITING}")) or running.done())
        with pytest.raises(UsageError, match="rhea may not review"):
            decisions.decide(folder, decision, "rhea")
        assert not running.done()
        assert decisions.decide(folder, decision, "mari") == ["Release--gate"]
        done = running.result(60)
    assert done.results["gate"] == result
    with pytest.raises(UsageError, match="no job of run 1 waits"):
        decisions.decide(folder, decision, "mari")


DAY = 24 * 3600


def test_after_thirty_days_without_an_approval_the_job_fails(bench: Bench) -> None:
    folder = bench.folder / "runs" / "1"
    with ThreadPoolExecutor() as pool:
        running = pool.submit(perform, bench, hold=True)
        wait_until(lambda: list(folder.glob(f"{FOLDER}/*{WAITING}")) or running.done())
        decisions.put_forward(bench.folder, 29 * DAY)
        decisions.put_forward(bench.folder, 2 * DAY)
        done = running.result(60)
    assert (done.results["gate"], done.results["publish"]) == ("failure", "skipped")
    log = next(job for job in done.jobs if job.key == "gate").log.read_text()
    assert "Nobody approved it within 30 days: start the run again" in log
    with pytest.raises(UsageError, match="no job of run 1 waits"):
        decisions.decide(folder, APPROVED, "mari")


def test_a_wait_timer_holds_an_approved_job(bench: Bench) -> None:
    timed = dataclasses.replace(RELEASED, timer=24 * 60)
    folder = bench.folder / "runs" / "1"
    with ThreadPoolExecutor() as pool:
        running = pool.submit(perform, bench, "1.0", timed)
        wait_until(lambda: list(folder.glob(f"{FOLDER}/*.json")) or running.done())
        decisions.put_forward(bench.folder, DAY / 2)
        with pytest.raises(TimeoutError):
            running.result(2)
        decisions.put_forward(bench.folder, DAY / 2)
        assert running.result(60).results["publish"] == "success"


@pytest.mark.parametrize("minutes", [-1, 43_201])
def test_a_timer_that_github_does_not_take_is_refused(minutes: int) -> None:
    with pytest.raises(UsageError, match="choose a number from 0 to 43200"):
        Environment(timer=minutes)


def test_a_decision_on_two_jobs_is_made_for_both_or_none(tmp_path: Path) -> None:
    decisions.leave(tmp_path, "a", "one", ("mari",), 0)
    decisions.leave(tmp_path, "b", "two", ("rhea",), 0)
    with pytest.raises(UsageError, match="mari may not review deployments to two"):
        decisions.decide(tmp_path, APPROVED, "mari")
    assert not list((tmp_path / FOLDER).glob("*.json"))


def test_of_two_decisions_at_once_one_counts(tmp_path: Path) -> None:
    barrier = threading.Barrier(8)

    def decide(number: int) -> bool:
        barrier.wait(20)
        try:
            decisions.record(tmp_path, "gate", APPROVED, (str(number),))
        except UsageError as error:
            assert "is approved already, by" in error.cause  # noqa: PT017 -- the other ones pass
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(decide, range(8))) == 1


@pytest.mark.parametrize(
    ("name", "pattern", "fits"),
    [("main", "main", True), ("v1", "v*", True), ("release/1", "*", False), ("a/b", "a/*", True)],
)
def test_a_star_stops_at_a_slash(name: str, pattern: str, fits: bool) -> None:
    assert matches(name, pattern) is fits


def wait_until(state, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not state():
        assert time.monotonic() < deadline, "the state did not come"
        time.sleep(0.01)
