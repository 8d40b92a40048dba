"""What a rollback takes back in git; the rest is shown with the stage."""

from scripts.core.converge import Matches, Missing, converge
from scripts.core.tags import Style
from scripts.surfaces.rolled_back import BranchGone, DraftGone, LatestBack, Marked
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


def test_only_the_drafts_of_the_tag_are_deleted(bench: Bench) -> None:
    forge = bench.context().forge
    for tag, draft in (("v0.2.4", True), ("v0.2.4", True), ("v0.2.5", True), ("v0.2.3", False)):
        forge.repository.create_git_release(tag, name=tag, message="words", draft=draft)
    gone = DraftGone(forge, "v0.2.4")
    assert gone.title == "draft release v0.2.4 removed"
    assert gone.observe() == Missing("still there")
    gone.apply()
    assert gone.observe() == Matches("not there")
    assert {one.tag_name for one in bench.context().forge.releases()} == {"v0.2.5", "v0.2.3"}
    assert DraftGone(forge, "v0.2.3").observe() == Matches("not there")


def test_latest_goes_back_to_the_good_release_and_the_bad_one_is_marked(bench: Bench) -> None:
    context, page = bench.context(), "https://example.org/mari/thing"
    for tag in ("v0.2.2", "v0.2.3"):
        context.forge.repository.create_git_release(tag, name=tag, message="words")
    assert context.forge.latest() == "v0.2.3"
    latest = LatestBack(context.forge, "v0.2.3", "v0.2.2", Style())
    assert isinstance(latest.observe(), Missing)
    latest.apply()
    assert context.forge.latest() == "v0.2.2"
    assert isinstance(latest.observe(), Matches)
    mark = Marked(context.forge, "v0.2.3", "v0.2.2", page)
    assert isinstance(mark.observe(), Missing)
    for _ in range(2):
        mark.apply()
        (bad,) = [one for one in context.forge.releases() if one.tag_name == "v0.2.3"]
        assert bad.body == (
            "> [!WARNING]\n> **v0.2.3 was rolled back.** "
            f"Use [v0.2.2]({page}/releases/tag/v0.2.2).\n\nwords"
        )
    assert isinstance(mark.observe(), Matches)
