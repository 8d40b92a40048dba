"""The remote is made from HEAD, and from nothing else."""

from pathlib import Path

import pytest

from rehearsal.world import git_repo

WHO = ("-c", "user.name=A", "-c", "user.email=a@example.com")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    git_repo.git(folder, "init", "--quiet", "--initial-branch=work")
    for text in ("one", "two"):
        (folder / "file").write_text(text)
        git_repo.git(folder, "add", "file")
        git_repo.git(folder, *WHO, "commit", "--quiet", "--message", f"{text}\n\nwith a body")
        git_repo.git(folder, "tag", f"v{text}")
    git_repo.git(folder, "tag", "other")
    return folder


def test_main_is_head_and_every_tag_comes_along(checkout: Path, tmp_path: Path) -> None:
    commit = git_repo.bare(checkout, tmp_path / "a" / "b.git")
    assert commit == git_repo.git(checkout, "rev-parse", "HEAD")
    names = git_repo.git(
        tmp_path / "a" / "b.git", "for-each-ref", "--format=%(refname)"
    ).splitlines()
    tags = [f"refs/tags/{name}" for name in ("other", "vone", "vtwo")]
    assert names == ["refs/heads/main", *tags]


def test_what_is_not_committed_stays_behind_and_is_named(checkout: Path, tmp_path: Path) -> None:
    (checkout / "file").write_text("three")
    commit = git_repo.bare(checkout, tmp_path / "b.git")
    git_repo.tree(tmp_path / "b.git", commit, tmp_path / "tree")
    assert (tmp_path / "tree" / "file").read_text() == "two"
    assert git_repo.changes(checkout) == ["file"]


def test_a_shallow_checkout_can_be_rehearsed(checkout: Path, tmp_path: Path) -> None:
    shallow = tmp_path / "shallow"
    git_repo.git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{checkout}", str(shallow))
    commit = git_repo.bare(shallow, tmp_path / "b.git")
    git_repo.tree(tmp_path / "b.git", commit, tmp_path / "tree")
    assert (tmp_path / "tree" / "file").read_text() == "two"


def test_a_detached_head_can_be_rehearsed(checkout: Path, tmp_path: Path) -> None:
    git_repo.git(checkout, "checkout", "--quiet", "--detach", "vone")
    assert git_repo.bare(checkout, tmp_path / "b.git") == git_repo.git(
        checkout, "rev-parse", "vone"
    )


def test_a_commits_facts_are_those_of_a_push_event(checkout: Path) -> None:
    facts = git_repo.commit_facts(checkout, "HEAD")
    assert facts["message"] == "two\n\nwith a body"
    assert facts["author"] == {"name": "A", "email": "a@example.com"}
    assert facts["id"] == git_repo.git(checkout, "rev-parse", "HEAD")


def test_a_folder_without_git_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(git_repo.SeedError, match=r"not a git repository|does not appear to be"):
        git_repo.bare(tmp_path, tmp_path / "b.git")
