"""The composite actions, used by their name from a repository that has nothing of this one."""

import dataclasses
import os
import shutil
from pathlib import Path

import pytest

from rehearsal.progress import Progress
from rehearsal.runs import act, run
from tests.support.workflow_bench import ROOT, Bench

pytestmark = pytest.mark.service

SYSTEM = "somebody/system"
SHA = "5" * 40
WORKFLOW = f"""
    name: Release
    on: workflow_dispatch
    jobs:
      audit:
        runs-on: ubuntu-24.04
        steps:
          - uses: {SYSTEM}/.github/actions/setup@{SHA}
            with: {{checkout: 1}}
          - run: release changelog check > "$REHEARSAL_RUN/checked"
      report:
        runs-on: ubuntu-24.04
        steps:
          - uses: {SYSTEM}/.github/actions/stage@{SHA}
            with: {{checkout: 0, stage: changelog check}}
          - run: git status --porcelain --ignored > "$REHEARSAL_RUN/left"
    """
OURS = {
    "pyproject.toml": """
    [project]
    name = "tidy"
    version = "1.0.0"
    [tool.release.package]
    modules = ["tidy"]
    """,
    "CHANGELOG.md": "# Changes\n\n## Unreleased\n\n- One.\n",
    # What must not be taken for the system's.
    "scripts/__init__.py": "raise SystemExit('the adopter')\n",
    "requirements/release.txt": "nothing-of-this-name==1\n",
}


@pytest.fixture
def done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[run.Run, Path, str]:
    bench = Bench(tmp_path)
    for path, text in {**OURS, ".github/workflows/release.yml": WORKFLOW}.items():
        bench.write(path, text)
    system = tmp_path / "system"
    for folder in ("scripts", "requirements", ".github"):
        shutil.copytree(ROOT / folder, system / folder)
    monkeypatch.setattr(act, "SYSTEM", system)
    sha = bench.commit()
    setting = bench.setting()
    bench.tree(sha, setting)
    cache = {"UV_CACHE_DIR": str(Path.home() / ".cache" / "uv")}
    setting = dataclasses.replace(
        setting, environment={**os.environ, **setting.environment, **cache}
    )
    event = bench.event(sha)
    with Progress(bench.screen, live=False) as progress:
        return run.run(setting, event, progress), setting.folder, bench.screen.getvalue()


def test_they_bring_their_own_commit_and_leave_nothing_in_the_checkout(
    done: tuple[run.Run, Path, str],
) -> None:
    ran, folder, said = done
    assert ran.results == {"audit": "success", "report": "success"}, said
    assert "CHANGELOG.md: fine" in (folder / "checked").read_text()
    assert (folder / "left").read_text() == ""
