"""Who wrote what, from histories as they are."""

from scripts.release import history
from tests.conftest import Bench


def commit(bench: Bench, message: str, author: str) -> str:
    bench.project.git("commit", "-q", "--allow-empty", "-m", message, "--author", author)
    return bench.project.git("rev-parse", "HEAD")


def test_contributors_and_those_who_are_new(bench: Bench) -> None:
    commit(bench, "x\n\nCo-authored-by: Cyd <cyd@x>", "Ann <ann@x>")
    commit(bench, "x", "dependabot[bot] <bot@x>")
    commit(bench, "x", "Ann Bee <ANN@x>")
    head = commit(bench, "x", "Mari <other@x>")
    found = history.people(bench.context(), head, "v0.2.3")
    assert found == history.People(("Ann", "Ann Bee", "Cyd", "Mari"), ("Ann", "Ann Bee", "Cyd"))
    first = history.people(bench.context(), head, None)
    assert first.new == ()
    again = history.people(bench.context(), commit(bench, "y", "Ann <ann@y>"), head)
    assert again == history.People(("Ann",), ())


def test_a_shallow_clone_is_completed(bench: Bench) -> None:
    old = bench.project.sha("main")
    bench.project.commit({"x": "y"})
    shallow = bench.folder / "shallow"
    bench.project.git("clone", "-q", "--depth=1", f"file://{bench.project.bare}", str(shallow))
    context = bench.context(shallow)
    history.complete(context, "HEAD", old)
    assert len(history.since(context, None)) == 2


def test_the_highest_version_in_this_history_counts(bench: Bench) -> None:
    for tag in ("v0.2.10", "v0.2.9", "nightly", "v1"):
        bench.project.git("tag", tag)
    assert history.last_tag(bench.context()) == "v0.2.10"
