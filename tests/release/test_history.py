"""Who wrote what, from histories as they are."""

from scripts.release import history
from tests.conftest import Bench
from tests.support.project import git


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
    assert history.released(bench.context(), None, "").tag == "v0.2.10"


def test_tags_count_in_the_repositorys_own_style(bench: Bench) -> None:
    bench.project.git("tag", "-d", "v0.2.3")
    for tag in ("0.2.10", "0.3.0", "charts-9.0.0"):
        bench.project.git("tag", tag)
    found = history.released(bench.context(), None, "sample_thing")
    assert (found.tag, found.warning) == ("0.3.0", None)
    assert history.released(bench.context(), "charts-{version}", "").tag == "charts-9.0.0"
    bench.project.git("tag", "v0.2.11")
    found = history.released(bench.context(), None, "sample_thing")
    assert found.tag == "0.3.0"
    assert found.warning
    assert "not v{version}" in found.warning


def tag(bench: Bench, name: str, second: int) -> None:
    when = f"{1_900_000_000 + second} +0000"
    git("tag", "-a", "-m", "x", name, cwd=bench.project.clone, GIT_COMMITTER_DATE=when)


def test_a_candidate_counts_until_a_final_version_is_tagged_after_it(bench: Bench) -> None:
    tag(bench, "v1.0.0b1", 1)
    assert history.released(bench.context(), None, "").tag == "v1.0.0b1"
    tag(bench, "v0.3.0", 2)
    assert history.released(bench.context(), None, "").tag == "v0.3.0"
    tag(bench, "v0.3.0rc1", 3)
    assert history.released(bench.context(), None, "").tag == "v0.3.0"
