"""The branch of the watch: one commit of its own, and never over a person's."""

import pytest

from scripts.core.converge import Matches, Missing
from scripts.surfaces.proposal import BRANCH, UpdateBranch
from tests.conftest import Bench

AUTHOR = "watch <watch@users.noreply.github.com>"


@pytest.fixture
def branch(bench: Bench) -> UpdateBranch:
    base = bench.project.git("rev-parse", "main")
    texts = {"sample_thing/data.txt": "new data\n"}
    return UpdateBranch(bench.context().git, base, texts, "Update the data", AUTHOR)


def test_it_is_pushed_once_with_its_texts_and_its_author(
    bench: Bench, branch: UpdateBranch
) -> None:
    assert branch.title == f"branch {BRANCH}"
    assert branch.observe() == Missing("not there")
    assert branch.is_own()
    branch.apply()
    head = bench.project.sha(BRANCH)
    assert branch.observe() == Matches(head[:12])
    branch.apply()
    assert bench.project.sha(BRANCH) == head
    assert branch.git.show(head, "sample_thing/data.txt") == "new data\n"
    shown = bench.project.git("-C", str(bench.project.bare), "show", "-s", "--format=%an %s", head)
    assert shown == "watch Update the data"


def test_an_earlier_one_is_replaced_and_a_merged_one_begun_anew(
    bench: Bench, branch: UpdateBranch
) -> None:
    branch.apply()
    earlier = bench.project.sha(BRANCH)
    branch.texts["sample_thing/data.txt"] = "newer data\n"  # type: ignore[index]
    assert branch.observe() == Missing(f"at {earlier[:12]}, of an earlier update")
    branch.apply()
    head = bench.project.sha(BRANCH)
    assert branch.observe() == Matches(head[:12])
    after = UpdateBranch(branch.git, head, branch.texts, branch.message, AUTHOR)
    assert after.observe() == Missing(f"at {head[:12]}, which was merged")


def test_a_persons_commit_stays(bench: Bench, branch: UpdateBranch) -> None:
    branch.apply()
    bench.project.git("fetch", "-q", "origin", BRANCH)
    bench.project.git("checkout", "-q", "FETCH_HEAD")
    own = bench.project.commit({"sample_thing/data.txt": "by hand\n"}, BRANCH)
    assert branch.observe() == Matches(f"{own[:12]}, which a person changed")
    assert not branch.is_own()
