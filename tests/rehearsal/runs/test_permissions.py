"""What each job's token may do follows from the files, and is refused where they contradict."""

from pathlib import Path

import pytest

from rehearsal.runs import permissions
from rehearsal.world.world import WORKFLOW
from scripts.core.errors import UsageError

RELEASE = """\
name: Release
permissions: {contents: read}
jobs:
  a: {permissions: {contents: write, pull-requests: none}}
  b: {}
  c: {permissions: read-all}
  d: {permissions: {}}
  call: {uses: ./.github/workflows/image.yml, permissions: {contents: read, id-token: write}}
"""
IMAGE = "name: Image\njobs: {build: {}, push: {permissions: {id-token: write}}}\n"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    (folder / "release.yml").write_text(RELEASE)
    (folder / "image.yml").write_text(IMAGE)
    return tmp_path


def test_a_job_may_what_it_declares_and_no_more(tree: Path) -> None:
    found = {job.path: job.for_api() for job in permissions.of_jobs(tree, WORKFLOW)}
    assert found["a"] == {"metadata": "read", "contents": "write"}
    assert found["b"] == {"metadata": "read", "contents": "read"}
    assert found["c"]["pull_requests"] == found["c"]["id_token"] == "read"
    assert found["d"] == {"metadata": "read"}


def test_a_called_job_has_what_its_caller_grants_unless_it_asks_for_less(tree: Path) -> None:
    found = {job.path: job.for_api() for job in permissions.of_jobs(tree, WORKFLOW)}
    assert found["call/build"] == {"metadata": "read", "contents": "read", "id_token": "write"}
    assert found["call/push"] == {"metadata": "read", "id_token": "write"}


def test_a_workflow_that_says_nothing_may_read(tree: Path) -> None:
    (tree / WORKFLOW).write_text("jobs: {a: {}}")
    (job,) = permissions.of_jobs(tree, WORKFLOW)
    assert job.for_api() == {"metadata": "read", "contents": "read", "packages": "read"}


def test_a_called_job_that_asks_for_more_is_refused_before_anything_runs(tree: Path) -> None:
    (tree / ".github/workflows/image.yml").write_text(
        "name: Image\njobs: {build: {permissions: {contents: write}}}\n"
    )
    with pytest.raises(UsageError) as refused:
        permissions.of_jobs(tree, WORKFLOW)
    assert (
        "the nested job 'call/build' is requesting 'contents: write', but is only allowed "
        "'contents: read'."
    ) in refused.value.cause
    assert "give the calling job `contents: write`" in str(refused.value)


def test_two_jobs_of_one_name_may_what_both_may(tree: Path) -> None:
    text = (tree / WORKFLOW).read_text()
    less = "  less: {uses: ./.github/workflows/image.yml, permissions: {id-token: write}}\n"
    (tree / WORKFLOW).write_text(text + less)
    found = permissions.by_name(permissions.of_jobs(tree, WORKFLOW))
    assert found["Image/build"] == {"metadata": "read", "id_token": "write"}
    assert found["Release/a"]["contents"] == "write"
