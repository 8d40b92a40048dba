"""One issue: opened on drift, brought up to date, closed when mended."""

import pytest

from rehearsal.github.settings import Token
from scripts.core.converge import Outcome, converge
from scripts.core.errors import ServiceError
from scripts.surfaces.github_release import Forge
from scripts.surfaces.kept_issue import KeptIssue, mark, others
from tests.conftest import READER, TOKENS, Bench

KEEPER = "keeper-token"
TITLE, MARK, AGREED = "Parts no longer agree", "<!-- kept by the test -->", "They agree again."


@pytest.fixture
def forge(bench: Bench) -> Forge:
    tokens = {**TOKENS, KEEPER: Token("github-actions[bot]", {"issues": "write"})}
    bench.github = bench.serve_github(tokens=tokens)
    return bench.context(GITHUB_TOKEN=KEEPER).forge


def keep(bench: Bench, forge: Forge, drift: str | None) -> Outcome:
    return converge(
        [KeptIssue(forge, MARK, TITLE, drift, AGREED)], bench.context().environment.patience
    )[0]


def issues(forge: Forge, state: str = "open") -> list[tuple[str, str]]:
    return [(one.title, one.body) for one in forge.repository.get_issues(state=state)]


def test_without_drift_nothing_is_written(bench: Bench, forge: Forge) -> None:
    assert not keep(bench, forge, None).written
    assert bench.github.writes() == []


def test_drift_opens_one_issue_and_once(bench: Bench, forge: Forge) -> None:
    assert keep(bench, forge, "a tag moved\n").written
    assert not keep(bench, forge, "a tag moved\n").written
    assert issues(forge) == [(TITLE, f"a tag moved\n\n{MARK}")]
    assert len(bench.github.writes()) == 1


def test_other_drift_changes_its_text(bench: Bench, forge: Forge) -> None:
    keep(bench, forge, "a tag moved")
    assert keep(bench, forge, "a title too").written
    assert issues(forge) == [(TITLE, f"a title too\n{MARK}")]


def test_mended_it_is_closed_with_a_word(bench: Bench, forge: Forge) -> None:
    keep(bench, forge, "a tag moved")
    assert keep(bench, forge, None).written
    (issue,) = forge.repository.get_issues(state="all")
    assert (issue.state, issue.state_reason) == ("closed", "completed")
    assert [comment.body for comment in issue.get_comments()] == [AGREED]
    assert not keep(bench, forge, None).written
    # What comes later is another matter, and another issue.
    keep(bench, forge, "another tag moved")
    assert len(issues(forge)) == 1
    assert len(issues(forge, "all")) == 2


def test_peoples_issues_stay_and_a_new_title_does_not_hide_ours(bench: Bench, forge: Forge) -> None:
    person = forge.repository.create_issue(TITLE, "mine")
    keep(bench, forge, "a tag moved")
    ours = next(one for one in forge.repository.get_issues() if MARK in one.body)
    ours.edit(title="What is this?")
    keep(bench, forge, None)
    assert issues(forge) == [(TITLE, "mine")]
    assert person.number != ours.number


def test_a_pull_request_that_says_the_same_is_no_issue(bench: Bench, forge: Forge) -> None:
    bench.project.commit({"more.txt": "more"}, branch="other")
    writer = bench.context().forge
    writer.open_pull_request("other", "main", "Mend", f"a tag moved\n{MARK}")
    keep(bench, forge, "a tag moved")
    (issue,) = [one for one in forge.repository.get_issues() if one.pull_request is None]
    keep(bench, forge, None)
    (pull,) = forge.repository.get_issues(state="open")
    assert pull.number != issue.number


def test_of_two_the_older_stays(bench: Bench, forge: Forge) -> None:
    for _ in range(2):
        forge.repository.create_issue(TITLE, f"a tag moved\n{MARK}")
    assert keep(bench, forge, "a tag moved").written
    (left,) = forge.repository.get_issues(state="open")
    assert left.number == 1


def test_an_answer_that_was_lost_opens_no_second(bench: Bench, forge: Forge) -> None:
    bench.github.fault(method="POST", path="/issues$", occurrence=1, action="drop-after")
    keep(bench, forge, "a tag moved")
    assert len(issues(forge, "all")) == 1


def test_a_token_that_may_not_is_said(bench: Bench, forge: Forge) -> None:
    reader = bench.context(GITHUB_TOKEN=READER).forge
    with pytest.raises(ServiceError, match="403"):
        keep(bench, reader, "a tag moved")
    assert issues(forge) == []


def test_issues_whose_cause_is_gone_are_found_by_their_keeper(bench: Bench, forge: Forge) -> None:
    marks = [mark("the watch", one) for one in ("a 1", "b -->x<!--")]
    assert marks[1] == "<!-- kept by the watch: b --_x_-- -->"
    for one in (*marks, mark("another", "a 1"), ""):
        forge.repository.create_issue(f"about {one[-8:]}", f"text\n{one}")
    (old,) = others(forge, "the watch", {marks[0]})
    assert (old.mark, old.text) == (marks[1], None)
    converge([old], bench.context().environment.patience)
    assert len(issues(forge)) == 3
    assert others(forge, "the watch", {marks[0]}) == []
