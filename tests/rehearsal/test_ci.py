"""ci.yml itself under act, for a small project: what runs for which change, and how it ends."""

import dataclasses
import shutil
import sys
from io import StringIO
from pathlib import Path

import pytest

from rehearsal.progress import Progress
from rehearsal.runs import act, run
from rehearsal.runs.workflow import FAILURE, SKIPPED, SUCCESS
from rehearsal.world import example_project, git_repo
from scripts.core import ci_plan
from tests.support.workflow_bench import ROOT, Bench

pytestmark = pytest.mark.service

CI = ".github/workflows/ci.yml"
CHECKS = ("dists", "images", "services", "rehearsal")
# What the composite actions do with the network; here the machine's own Python does.
SETUP = """
    name: Set up
    description: A Python with the tools.
    runs:
      using: composite
      steps:
        - run: install -D -m 755 tools.sh "$RUNNER_TEMP/tools/release"
          shell: bash
        - run: echo "$RUNNER_TEMP/tools" >> "$GITHUB_PATH"
          shell: bash
    """
TARGET = """\
{name}:
\t@test ! -e broken-{name}
\t@echo "make {name} $$ARGS" >> "$$GITHUB_STEP_SUMMARY"
"""


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A project with all kinds of checks, and the checkout's own ci.yml and scripts."""
    made = Bench(tmp_path)
    shutil.copytree(ROOT / "scripts", made.source / "scripts")
    for path, text in example_project.files().items():
        (made.source / path).parent.mkdir(parents=True, exist_ok=True)
        (made.source / path).write_text(text)
    targets = [TARGET.format(name=name) for name in ci_plan.TARGETS.values()]
    (made.source / "Makefile").write_text("".join(targets))
    made.write("tools.sh", f'#!/bin/sh\nexec {sys.executable} -m scripts "$@"\n')
    made.write(".github/actions/setup/action.yml", SETUP)
    made.write(CI, (ROOT / CI).read_text())
    made.commit()
    return made


def pull_request(bench: Bench, *paths: str) -> run.Run:
    """Open a pull request that writes these files."""
    base = git_repo.git(bench.source, "rev-parse", "HEAD")
    for path in paths:
        bench.write(path, "changed\n")
    shutil.rmtree(bench.remote)
    sha = bench.commit()
    payload = {"pull_request": {"number": 1, "base": {"sha": base}, "head": {"sha": sha}}}
    return perform(bench, act.Event("pull_request", "refs/heads/main", sha, payload), CI)


def perform(bench: Bench, event: act.Event, workflow: str) -> run.Run:
    setting = bench.setting()
    bench.tree(event.sha, setting)
    docker = bench.folder / "bin" / "docker"
    docker.parent.mkdir()
    docker.write_text("#!/bin/sh\necho Driver: none\n")
    docker.chmod(0o755)
    environment = {
        **setting.environment,
        "PATH": f"{docker.parent}:{setting.environment['PATH']}",
        "REHEARSAL_PYTHON": sys.executable,
        "REHEARSAL_BUILDER": "none",
    }
    setting = dataclasses.replace(
        setting, workflow=workflow, environment=environment, secrets={"GITHUB_TOKEN": "its-token"}
    )
    screen = StringIO()
    with Progress(screen, live=False) as progress:
        done = run.run(setting, event, progress)
    assert done.problems == [], screen.getvalue()
    return done


def results(**of: str) -> dict[str, str]:
    always = {"plan": SUCCESS, "check": SUCCESS, "ci": SUCCESS}
    return {**always, **dict.fromkeys(CHECKS, SKIPPED), **of}


def test_documents_alone_skip_what_they_cannot_break(bench: Bench) -> None:
    done = pull_request(bench, "docs/a.md")
    assert done.results == results()
    assert done.ok
    assert [job.key for job in done.jobs].count("check") == 1


def test_a_failed_check_fails_the_sum(bench: Bench) -> None:
    done = pull_request(bench, "something-new", "broken-dists")
    ran = dict.fromkeys(CHECKS, SUCCESS)
    assert done.results == results(**ran | {"dists": FAILURE, "ci": FAILURE})
    assert "dists: expected success, got failure" in done.summary()


def test_a_change_of_the_package_is_rehearsed_up_to_the_gate(bench: Bench) -> None:
    done = pull_request(bench, f"{example_project.PROJECT}/more.py")
    assert done.results == results(**dict.fromkeys(CHECKS, SUCCESS))
    assert "make rehearse --dry-run" in done.summary()
