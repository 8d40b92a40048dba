"""What a rollback takes back in git; the rest is shown with the stage."""

from scripts.core.converge import Matches, Missing, converge
from scripts.surfaces.rolled_back import BranchGone
from tests.conftest import Bench


def test_the_branch_of_a_release_that_nobody_saw_is_removed(bench: Bench) -> None:
    context = bench.context()
    bench.project.git("push", "-q", "origin", "main:refs/heads/release/v0.2.4")
    gone = BranchGone(context.git, "release/v0.2.4")
    assert gone.observe() == Missing("still there")
    (outcome,) = converge([gone], context.environment.patience)
    assert (outcome.title, outcome.written) == ("branch release/v0.2.4 removed", True)
    assert BranchGone(bench.context().git, "release/v0.2.4").observe() == Matches("not there")
    assert "refs/heads/main" in bench.project.refs()
