"""Runs of small workflows under the real act, with the stand-ins, without any service."""

import json
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import time
from collections import deque
from pathlib import Path

import pytest

from rehearsal.progress import Progress
from rehearsal.runs import act, limits, recorder, run, workflow
from rehearsal.runs.run import Run
from rehearsal.world import git_repo
from tests.support.workflow_bench import Bench

IMAGE = """
    name: Image
    on: {workflow_call: {inputs: {image: {type: string}}}}
    jobs:
      build:
        runs-on: ubuntu-24.04-arm
        steps:
          - run: echo "building ${{ inputs.image }}"
    """
LEGS = """\
    legs=[{"image":"api","platform":"linux/amd64"},{"image":"api","platform":"linux/arm64"}]
    mode=dry-run
    """
RELEASE = """
    name: Release
    on: {workflow_dispatch: {inputs: {version: {type: string}, dry-run: {type: boolean}}}}
    jobs:
      plan:
        runs-on: ubuntu-24.04
        outputs: {legs: "${{ steps.it.outputs.legs }}", mode: "${{ steps.it.outputs.mode }}"}
        steps:
          - uses: @checkout@
          - {id: it, run: cat legs.txt >> "$GITHUB_OUTPUT"}
          - run: echo "# ${{ inputs.version }} ${{ inputs.dry-run }}" >> "$GITHUB_STEP_SUMMARY"
      images:
        needs: plan
        strategy: {matrix: {include: "${{ fromJson(needs.plan.outputs.legs) }}"}}
        uses: ./.github/workflows/image.yml
        with: {image: "${{ matrix.image }}"}
      check:
        name: Check (${{ matrix.runner }})
        needs: plan
        strategy: {matrix: {runner: [ubuntu-24.04, ubuntu-24.04-arm]}}
        runs-on: ${{ matrix.runner }}
        steps: [{run: "true"}]
      gate:
        name: Wait for approval
        needs: [plan, images, check]
        if: needs.plan.outputs.mode == 'release'
        runs-on: ubuntu-24.04
        steps: [{run: "true"}]
      publish:
        needs: gate
        runs-on: ubuntu-24.04
        steps: [{run: "true"}]
      report:
        needs: publish
        if: always()
        runs-on: ubuntu-24.04
        steps: [{run: "true"}]
    """


def release(bench: Bench, mode: str, image: str = IMAGE) -> Run:
    """Run the release with a called workflow for its images."""
    bench.write(".github/workflows/image.yml", image)
    bench.write("legs.txt", LEGS.replace("dry-run", mode))
    dry_run = str(mode == "dry-run").lower()
    return bench.run(RELEASE, inputs={"version": "0.2.4", "dry-run": dry_run})


def test_jobs_legs_and_called_workflows_are_all_seen(bench: Bench) -> None:
    done = release(bench, "release")
    assert done.ok, done.problems
    assert sorted(job.label for job in done.jobs) == [
        "check (ubuntu-24.04)",
        "check (ubuntu-24.04-arm)",
        "gate",
        "images (linux/amd64)",
        "images (linux/arm64)",
        "plan",
        "publish",
        "report",
    ]
    assert "# 0.2.4 false" in done.summary()
    plan = next(job for job in done.jobs if job.key == "plan")
    assert [step.result for step in plan.steps] == ["success"] * 3
    assert "building api" in next(job for job in done.jobs if job.key == "images").log.read_text()


def test_jobs_that_a_dry_run_leaves_out_are_no_problem(bench: Bench) -> None:
    done = release(bench, "dry-run")
    assert done.ok, done.problems
    assert done.results["gate"] == done.results["publish"] == "skipped"
    assert done.results["report"] == "success"


def test_a_job_that_act_skips_silently_is_a_problem(bench: Bench) -> None:
    done = bench.run(
        """
        name: Release
        on: workflow_dispatch
        jobs:
          plan:
            runs-on: ubuntu-24.04
            steps: [{run: "true"}]
          serviced:
            runs-on: ${{ format('{0}-{1}', 'windows', '2025') }}
            steps: [{run: "true"}]
        """
    )
    assert done.exit_code == 0
    assert not done.ok
    assert done.problems == ["serviced: 1 job(s) should have run, 0 did"]


def test_a_failing_step_is_shown_with_its_last_lines_and_its_log(bench: Bench) -> None:
    done = bench.run(
        """
        name: Release
        on: workflow_dispatch
        jobs:
          plan:
            runs-on: ubuntu-24.04
            steps:
              - {name: Quiet, run: echo before}
              # act may lose what a step says within milliseconds of its end.
              - name: Break it
                run: "echo why; echo '::error file=a.py,line=3::bad'; sleep 1; exit 3"
              - run: echo never
          after: {needs: plan, runs-on: ubuntu-24.04, steps: [{run: "true"}]}
          report:
            needs: [plan, after]
            if: always()
            runs-on: ubuntu-24.04
            steps: [{run: "true"}]
        """
    )
    assert not done.ok
    assert done.problems == []
    assert done.results == {"plan": "failure", "after": "skipped", "report": "success"}
    screen = bench.screen.getvalue()
    # Before it, a step that takes long shows what it said last, whatever that is.
    shown = screen.partition("plan: Break it failed; its last lines:")[2]
    assert "why" in shown
    assert "before" not in shown
    log = next(job.log for job in done.jobs if job.key == "plan")
    assert str(log) in screen
    assert [(a.level, a.text, dict(a.place)) for a in done.annotations] == [
        ("error", "bad", {"file": "a.py", "line": "3"})
    ]


def test_the_last_lines_are_not_those_of_what_is_put_away(tmp_path: Path, bench: Bench) -> None:
    progress = Progress(bench.screen, live=False)
    jobs = {"plan": workflow.Job("plan", "plan", (), "", None, {}, ())}
    (tmp_path / "logs").mkdir()
    seen = recorder.Recorder(workflow.Workflow("Release", jobs), tmp_path, progress)
    common = {"job": "Release/plan", "jobID": "plan", "stepID": ["1"], "step": "Break it"}
    lines = [
        {"msg": "⭐ Run Main Break it", "stage": "Main"},
        {"msg": "why", "stage": "Main", "raw_output": True},
        {"msg": "failed", "stage": "Main", "stepResult": "failure"},
        {"msg": "Post job cleanup.", "stage": "Post", "raw_output": True},
    ]
    seen.read(json.dumps({**common, **line}) for line in lines)
    (found,) = seen.jobs.values()
    assert list(found.tail) == ["why"]
    assert "Post job cleanup." in found.log.read_text()


def test_a_called_workflow_that_skips_a_job_is_a_problem(bench: Bench) -> None:
    never = "  never: {if: inputs.never, runs-on: ubuntu-24.04, steps: [{run: 'true'}]}\n"
    done = release(bench, "release", textwrap.dedent(IMAGE) + never)
    assert done.exit_code == 0
    assert not done.ok
    assert len(done.problems) == 1
    assert done.problems[0].startswith("GitHub would skip gate, publish, because")
    assert "images/never: skipped" in done.problems[0]


def test_what_always_runs_also_runs_after_a_called_workflow_failed(bench: Bench) -> None:
    done = release(bench, "dry-run", IMAGE.replace("echo", "exit 1; echo"))
    assert not done.ok
    assert done.results["images"] == "failure"
    assert done.results["report"] == "success"
    assert done.problems == []


@pytest.mark.parametrize("condition", ["always()", "${{ always() }}", '"!cancelled()"'])
def test_what_always_runs_also_runs_after_a_plan_that_failed(bench: Bench, condition: str) -> None:
    bench.write(".github/workflows/image.yml", IMAGE)
    release = RELEASE.replace("if: always()", f"if: {condition}")
    done = bench.run(release, inputs={"version": "0.2.4", "dry-run": "true"})
    assert not done.ok
    assert done.results["plan"] == "failure"
    assert done.results["images"] == done.results["publish"] == "skipped"
    assert done.results["report"] == "success"
    assert done.problems == []


def test_an_action_without_stand_in_is_named_before_anything_runs(bench: Bench) -> None:
    workflow = """
        name: Release
        on: workflow_dispatch
        jobs:
          plan:
            runs-on: ubuntu-24.04
            steps: [{uses: "somebody/something@0123456789012345678901234567890123456789"}]
        """
    with pytest.raises(act.MissingStandInError, match=r"release.yml uses somebody/something@0123"):
        bench.run(workflow)


def test_an_actions_own_code_runs_in_place_of_its_stand_in(bench: Bench) -> None:
    action = bench.folder / "real" / "somebody" / "tool"
    action.mkdir(parents=True)
    steps = "[{shell: bash, run: echo its own code}]"
    (action / "action.yml").write_text(
        f"name: tool\ndescription: x\nruns: {{using: composite, steps: {steps}}}\n"
    )
    git_repo.git(action, "init", "--quiet")
    git_repo.git(action, "add", "--all")
    who = ["-c", "user.name=A", "-c", "user.email=a@example.com"]
    git_repo.git(action, *who, "commit", "--quiet", "--message", "all")
    pin = git_repo.git(action, "rev-parse", "HEAD")
    done = bench.run(
        f"""
        name: Release
        on: workflow_dispatch
        jobs: {{one: {{runs-on: ubuntu-24.04, steps: [{{uses: somebody/tool@{pin}}}]}}}}
        """,
        actions=bench.folder / "real",
    )
    assert done.ok, (done.problems, done.words)
    assert "its own code" in done.jobs[0].log.read_text()


def test_a_pushed_tag_gives_the_tags_event_and_no_inputs(bench: Bench) -> None:
    event = act.pushed_tag(
        "v0.2.4", "1" * 40, "2" * 40, {"id": "1" * 40}, {"owner": {"login": "o"}}
    )
    done = bench.run(
        """
        name: Release
        on: {push: {tags: ["v*"]}, workflow_dispatch: {inputs: {version: {type: string}}}}
        jobs:
          plan:
            runs-on: ubuntu-24.04
            steps:
              - run: echo "<$GITHUB_REF|$GITHUB_REF_TYPE|$GITHUB_SHA|$V>"
                env: {V: "${{ inputs.version }}"}
              - run: jq -r .head_commit.id "$GITHUB_EVENT_PATH" || cat "$GITHUB_EVENT_PATH"
        """,
        event=event,
    )
    assert done.ok
    assert f"<refs/tags/v0.2.4|tag|{'1' * 40}|>" in done.jobs[0].log.read_text()


def test_secrets_reach_the_steps_and_nothing_else(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SURPRISE", "of the caller")
    secret = 'two words, a "quote", a $sign and \\ more'
    done = bench.run(
        """
        name: Release
        on: workflow_dispatch
        jobs:
          plan:
            runs-on: ubuntu-24.04
            steps:
              - run: printf %s "$S" | sha256sum; tr '\\0' ' ' < /proc/$PPID/cmdline
                env: {S: "${{ secrets.TOKEN }}"}
              - run: test "$V" = here && test -z "$SURPRISE"
                env: {V: "${{ vars.PLACE }}"}
        """,
        secrets={"TOKEN": secret},
        variables={"PLACE": "here"},
    )
    assert done.ok
    digest = subprocess.run(
        ["sha256sum"], input=secret, capture_output=True, text=True, check=True
    ).stdout[:64]
    assert digest in done.jobs[0].log.read_text()
    for path in bench.folder.rglob("*"):
        assert not path.is_file() or b"two words" not in path.read_bytes(), path


def test_an_interrupt_ends_everything_that_the_jobs_started(bench: Bench, tmp_path: Path) -> None:
    bench.write(
        ".github/workflows/release.yml",
        """
        name: Release
        on: workflow_dispatch
        jobs:
          plan:
            runs-on: ubuntu-24.04
            steps: [{run: "nohup setsid sleep 600 >&- 2>&- <&- & echo started > $MARK; sleep 600"}]
        """,
    )
    sha = bench.commit()
    setting = bench.setting(1, context={"MARK": str(tmp_path / "mark")})
    code = (
        "import sys, pickle; from rehearsal import progress; from rehearsal.runs import run;"
        "s, e = pickle.load(sys.stdin.buffer);"
        "run.run(s, e, progress.Progress(live=False))"
    )
    bench.tree(sha, setting)
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, cwd=Path(__file__).parents[3]
    )
    assert process.stdin
    process.stdin.write(pickle.dumps((setting, bench.event(sha))))
    process.stdin.close()
    wait_until((tmp_path / "mark").exists)
    process.send_signal(signal.SIGINT)
    assert process.wait(90) not in (0, None)
    assert not list(run.left(setting.folder))


def wait_until(state, seconds: float = 90.0) -> None:
    deadline = time.monotonic() + seconds
    while not state():
        assert time.monotonic() < deadline, "the state did not come"
        os.sched_yield()


def test_an_output_with_a_secret_and_a_summary_too_long_are_problems(bench: Bench) -> None:
    done = bench.run(
        """
        name: Release
        on: workflow_dispatch
        jobs:
          plan:
            runs-on: ubuntu-24.04
            outputs: {url: "${{ steps.it.outputs.url }}"}
            env: {S: "${{ secrets.T }}"}
            steps:
              - {id: it, run: 'echo "url=https://$S@x" >> "$GITHUB_OUTPUT"'}
              - {id: own, run: 'echo "mine=$S" >> "$GITHUB_OUTPUT"'}
              - run: head -c 1048577 /dev/zero | tr '\\0' x >> "$GITHUB_STEP_SUMMARY"
              - run: head -c 1048576 /dev/zero | tr '\\0' y >> "$GITHUB_STEP_SUMMARY"
        """,
        secrets={"T": "s3cret"},
    )
    assert done.exit_code == 0
    assert not done.ok
    assert len(done.problems) == 2
    assert "Skip output 'url' since it may contain secret" in done.problems[0]
    assert "supports content up to a size of 1024k, got 1024k" in done.problems[1]
    assert [text[:1] for _, text in done.summaries] == ["y"]


def test_a_job_that_takes_longer_than_it_may_is_a_problem(bench: Bench) -> None:
    done = bench.run(
        """
        name: Release
        on: workflow_dispatch
        jobs:
          one: {timeout-minutes: 0.0001, runs-on: ubuntu-24.04, steps: [{run: "true"}]}
          two: {timeout-minutes: 5, runs-on: ubuntu-24.04, steps: [{run: "true"}]}
        """
    )
    assert not done.ok
    (problem,) = done.problems
    assert problem.startswith("one: The job has exceeded the maximum execution time of 0.0001 min")
    assert "Raise its timeout-minutes" in problem


def test_a_job_without_a_limit_has_six_hours() -> None:
    assert limits.time_problem("one", 6 * 3600, limits.LONGEST) == ""
    assert "360 minutes: it took 360.6" in limits.time_problem("one", 6 * 3606, limits.LONGEST)


def test_lines_that_are_no_json_are_kept_as_words(bench: Bench) -> None:
    done = bench.run(
        """
        name: Release
        on: workflow_dispatch
        jobs: {plan: {runs-on: ubuntu-24.04, steps: [{run: "false"}]}}
        """
    )
    assert any("Error: Job 'plan' failed" in word for word in done.words)


def test_a_failure_without_lines_still_names_the_step(tmp_path: Path) -> None:
    job = recorder.JobRun("plan", "plan", tmp_path / "log", 0.0, tail=deque(["last"]))
    job.steps.append(recorder.Step("Build", "failure"))
    assert recorder.failure_lines(job)[0].endswith("plan: Build failed; its last lines:")
