"""A repository that keeps no changelog: the notes of a release come from its history."""

from dataclasses import replace

import pytest

from scripts.core import lockfile
from scripts.core.errors import ProblemsError, UsageError
from scripts.release import release_notes
from scripts.release.context import Context
from scripts.stages import changelog, check, notes, plan, prepare
from tests.conftest import Bench
from tests.support.project import PYPROJECT

TABLE = PYPROJECT.replace("[tool.release]\n", '[tool.release]\nchangelog = "none"\n')


@pytest.fixture
def bare(bench: Bench) -> Bench:
    bench.project.commit({"pyproject.toml": TABLE, "CHANGELOG.md": None})
    return bench


def changed(bench: Bench) -> None:
    bench.project.git("commit", "-q", "--allow-empty", "-m", "Add a window for videos (#7)")
    bench.project.git("push", "-q", "origin", "HEAD:refs/heads/main")


def jobs(context: Context, bench: Bench) -> None:
    bench.run_jobs(context, plan=plan.run, prepare=prepare.run)


def test_the_release_commit_sets_versions_alone(bare: Bench) -> None:
    changed(bare)
    context = bare.context()
    jobs(context, bare)
    files = bare.project.git("show", "--name-only", "--format=", context.commit).split()
    assert "CHANGELOG.md" not in files
    assert "pyproject.toml" in files


def test_the_notes_list_what_the_history_has(bare: Bench) -> None:
    changed(bare)
    context = bare.context()
    jobs(context, bare)
    locked = replace(lockfile.unbuilt(context.plan), commit=context.commit, dists=(), images=())
    facts = release_notes.notes_facts(context, locked)
    assert "### Added\n\n- Add a window for videos" in facts.body
    assert "Release sample_thing" not in facts.body
    assert facts.changelog == ""


def test_a_preview_lists_it_too(bare: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    changed(bare)
    notes.run(bare.context())
    assert "Add a window for videos" in capsys.readouterr().out


def test_nothing_new_is_no_release(bare: Bench) -> None:
    bare.project.git("tag", "v0.2.3", "--force")
    bare.project.git("push", "-q", "--force", "origin", "v0.2.3")
    with pytest.raises(ProblemsError) as raised:
        plan.run(bare.context())
    assert "nothing has changed since v0.2.3" in str(raised.value)


def test_its_checks_need_no_file(bare: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    changelog.run(bare.context(), "check", None, None, "print")
    assert "no changelog is kept" in capsys.readouterr().out
    with pytest.raises(UsageError, match="no changelog is kept"):
        changelog.run(bare.context(), "draft", None, None, "write")
    assert check.local_tags(bare.context())
