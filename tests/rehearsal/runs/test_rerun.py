"""Failed jobs run again in the same run, and the others keep what they did."""

import dataclasses
from pathlib import Path

import pytest

from rehearsal.progress import Progress
from rehearsal.runs import rerun
from rehearsal.runs.environments import Environment
from rehearsal.runs.run import Run
from scripts.core.errors import UsageError
from tests.support.workflow_bench import Bench

RELEASE = """
    name: Release
    on: workflow_dispatch
    jobs:
      plan:
        runs-on: ubuntu-24.04
        outputs: {mode: "${{ steps.it.outputs.mode }}"}
        steps:
          - run: echo plan >> "$LOG"
          - {id: it, run: 'echo mode=now >> "$GITHUB_OUTPUT"; echo said >> "$GITHUB_STEP_SUMMARY"'}
      left-out:
        needs: plan
        if: needs.plan.outputs.mode == 'later'
        runs-on: ubuntu-24.04
        steps: [{run: "true"}]
      legs:
        needs: plan
        strategy: {matrix: {n: [1, 2]}}
        runs-on: ubuntu-24.04
        steps: [{run: 'echo leg >> "$LOG"'}]
      broken:
        needs: legs
        environment: release
        runs-on: ubuntu-24.04
        steps:
          - run: echo attempt "$GITHUB_RUN_ID" "$GITHUB_RUN_ATTEMPT" >> "$LOG"; echo x > file
          - uses: @upload@
            with: {name: result, path: file, overwrite: true}
          - run: test "$GITHUB_RUN_ATTEMPT" -gt 1
      after:
        needs: [plan, broken]
        runs-on: ubuntu-24.04
        env: {MODE: "${{ needs.plan.outputs.mode }}"}
        steps: [{run: 'echo "after $MODE" >> "$LOG"'}]
      report:
        needs: [plan, after, left-out]
        if: always()
        runs-on: ubuntu-24.04
        steps: [{run: 'echo "report $ALL" >> "$LOG"', env: {ALL: "${{ needs.plan.result }} ${{
            needs.after.result }} ${{ needs.left-out.result }}"}}]
    """


def first(bench: Bench, log: Path, workflow: str = RELEASE) -> tuple[rerun.Setting, Run]:
    """Run the first attempt; return its setting too."""
    bench.write(".github/workflows/release.yml", workflow)
    sha = bench.commit()
    setting = bench.setting(environments={"release": Environment(("mari",))})
    setting = dataclasses.replace(setting, environment={**setting.environment, "LOG": str(log)})
    bench.tree(sha, setting)
    with Progress(bench.screen, live=False) as progress:
        return setting, rerun.perform(setting, bench.event(sha), progress)


def second(bench: Bench, setting: rerun.Setting, *, everything: bool = False) -> Run:
    ended = rerun.load(setting.folder)
    setting = dataclasses.replace(setting, attempt=ended.attempt + 1, summaries=ended.summaries)
    rerun.prepare(setting, ended, everything=everything)
    with Progress(bench.screen, live=False) as progress:
        return rerun.perform(setting, ended.event, progress)


def test_only_what_failed_and_what_follows_runs_again(bench: Bench, tmp_path: Path) -> None:
    log = tmp_path / "log"
    setting, done = first(bench, log)
    assert (done.results["broken"], done.results["after"]) == ("failure", "skipped")
    said = log.read_text().splitlines()
    assert said == ["plan", "leg", "leg", "attempt 1 1", "report success skipped skipped"]
    log.unlink()
    done = second(bench, setting)
    assert done.ok, (done.problems, done.results)
    said = log.read_text().splitlines()
    assert said == ["attempt 1 2", "after now", "report success success skipped"]
    assert done.results == {
        **dict.fromkeys(("plan", "legs", "broken", "after", "report"), "success"),
        "left-out": "skipped",
    }
    assert bench.screen.getvalue().count("approve Release--broken (release)") == 2


def test_all_jobs_run_again(bench: Bench, tmp_path: Path) -> None:
    setting, _ = first(bench, tmp_path / "log")
    (tmp_path / "log").unlink()
    assert second(bench, setting, everything=True).ok
    said = (tmp_path / "log").read_text().splitlines()
    assert said[0] == "plan"
    assert "attempt 1 2" in said
    with pytest.raises(UsageError, match="no job of run 1 failed"):
        second(bench, setting)


def test_an_artifact_that_may_not_be_replaced_stops_the_second_attempt(
    bench: Bench, tmp_path: Path
) -> None:
    setting, _ = first(bench, tmp_path / "log", RELEASE.replace(", overwrite: true", ""))
    done = second(bench, setting)
    assert done.results["broken"] == "failure"
    log = next(job for job in done.jobs if job.key == "broken").log.read_text()
    assert "an artifact named 'result' already exists" in log


def test_a_run_that_has_not_ended_is_not_run_again(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has not ended"):
        rerun.load(tmp_path)


def test_no_secret_is_written_down(bench: Bench) -> None:
    done = first(bench, bench.folder / "log")[1]
    done.outputs = {"plan": {"mode": "now", "leak": "t0ken"}}
    setting = dataclasses.replace(bench.setting(7), folder=bench.folder)
    rerun.save(setting, bench.event("0" * 40), done)
    assert rerun.load(bench.folder).outputs == {"plan": {"mode": "now"}}
    assert "t0ken" not in (bench.folder / rerun.FILE).read_text()
