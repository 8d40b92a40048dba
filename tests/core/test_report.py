"""What people read is made from values alone, and says all of them."""

from dataclasses import replace

import pytest
from markdown_it import MarkdownIt

from scripts.core import planning, report
from scripts.core.converge import (
    ANNOUNCEMENT,
    CHECK,
    INTERNAL,
    NAME,
    POINTER,
    Matches,
    Outcome,
    Surface,
)
from scripts.core.jobs import before_report
from scripts.core.results import Failure, Result, current
from scripts.core.rollback import Rollback
from tests.core.values import COMMIT, SHA, a_lock, a_plan, of_tag

URL = "https://example.org/runs/1"
LOST = Failure("the index | said\n403", "ask for a token", "ServiceError")


def place(title: str, planned: str = "as it is", *, link: str = "", kind: str = NAME) -> Surface:
    fields = {"title": title, "planned": planned, "link": link, "kind": kind}
    acts = {"observe": lambda _: Matches("there"), "apply": lambda _: None}
    return type("Place", (Surface,), {**fields, **acts})()


def result(job: str, *, failure: Failure | None = None, leg: str = "") -> Result:
    outcomes = (Outcome(f"{job} | one", "first\nsecond", written=True),)
    return Result(job, leg, 1767312000.0, 1767312003.0, outcomes, {}, failure)


def rows(markdown: str) -> list[list[str]]:
    """Read every table's rows as a renderer does."""
    cells: list[list[str]] = []
    before = ""
    for token in MarkdownIt("commonmark").enable("table").parse(markdown):
        if token.type == "tr_open":
            cells.append([])
        if before in ("th_open", "td_open"):
            cells[-1].append(token.content)
        before = token.type
    return cells


def test_the_plan_names_every_file_image_and_pointer() -> None:
    plan = a_plan("0.2.4", "0.2.3")
    text = report.plan(plan, ())
    assert f"`{plan.base[:12]}` of `{plan.branch}`" in text
    for part in (
        *("0.2.4", "v0.2.3", COMMIT[:12], "main", "2026-01-02"),
        *("sample_thing-0.2.4-py3-none-any.whl", "sample_thing-0.2.4.tar.gz"),
        *("docker.io/mari/api:v0.2.4", "linux/amd64, linux/arm64"),
        *("docker.io/mari/api:latest", "docker.io/mari/api:0.2", "GitHub's Latest"),
    ):
        assert part in text
    assert "public already | nothing" in text


def test_the_plan_says_what_is_public_already() -> None:
    assert "git tag v0.2.4, package x" in report.plan(a_plan(), ("git tag v0.2.4", "package x"))


def test_the_plan_of_a_candidate_moves_no_pointer_but_its_branch() -> None:
    text = report.plan(a_plan("0.3.0rc1", "0.2.3"), ())
    assert "(release candidate)" in text
    assert "pointers that move | `main` |" in text
    assert "Latest" not in text


def test_the_plan_of_a_pushed_tag_starts_there() -> None:
    text = report.plan(of_tag(a_plan("0.3.0rc1")), ())
    assert "starts from | tag `v0.3.0rc1` |" in text
    assert "pointers that move | none |" in text
    assert "nothing: this is the first release" in text


def test_a_dry_run_says_so() -> None:
    assert report.plan(a_plan().for_mode(planning.DRY_RUN), ()).startswith("## Dry run of")
    text = report.run(a_plan().for_mode(planning.DRY_RUN), [result("plan")], URL)
    assert "nothing was written" in text


def test_the_gate_shows_every_name_with_its_bytes() -> None:
    shown = [place("package x", f"x.whl sha256:{SHA}"), place("release v1", kind=POINTER)]
    names, after = report.gate(a_lock(), [*shown, place("draft", kind=INTERNAL)]).split("After a")
    assert f"| package x | x.whl sha256:{SHA} |" in names
    assert "| release v1 | as it is |" in after
    assert "draft" not in names + after


def test_a_bar_or_a_line_feed_cannot_break_a_table() -> None:
    table = report.table(("a", "b"), [("x | y", "1\n2"), ("z", "3")])
    assert rows(table) == [["a", "b"], ["x | y", "1 2"], ["z", "3"]]


def test_the_report_of_a_finished_release() -> None:
    text = report.run(a_plan(), [result("plan"), result("promote")], URL)
    assert (
        "**Done:** Sample.Thing 0.2.4 is released ([this run](https://example.org/runs/1))" in text
    )
    assert "❌" not in text
    assert "was there" not in text


def test_a_check_that_was_not_made_is_not_passed() -> None:
    digest = f"sha256:{SHA}"
    title = f"staged api@{digest} on linux/arm64"
    check = Outcome(title, "not started", False, skipped=True, kind=CHECK)
    text = report.run(a_plan(), [of_job("verify", check, leg="staged-arm64")], URL)
    assert f"- ○ staged api@{digest[:19]} on linux/arm64: not started" in text


def test_the_report_of_a_failed_release_says_how_to_go_on() -> None:
    results = [result("plan"), result("image", failure=LOST, leg="api-arm64")]
    text = report.run(a_plan(), results, None)
    assert "*Run workflow* again with `0.2.4`" in text
    assert "### ❌ image-api-arm64" in text
    assert "> the index | said\n> 403" in text
    assert "ask for a token" in text


def test_a_release_that_waits_is_not_called_done() -> None:
    text = report.run(a_plan(), [result("plan"), result("verify", leg="staged-amd64")], URL)
    assert "approve the release ([this run](https://example.org/runs/1))" in text


def test_without_a_plan_there_is_a_report_all_the_same() -> None:
    text = report.run(None, [result("plan", failure=LOST)], None)
    assert "## Report: the release" in text
    assert "the same version" in text
    assert report.run(None, [], None)


@pytest.mark.parametrize("failure", [None, LOST])
def test_the_timeline_shows_each_job(failure: Failure | None) -> None:
    text = report.timeline([result("b", failure=failure), result("a", leg="x:y")])
    assert "  b :crit, 2026" in text if failure else "  b :2026" in text
    assert "a-x y :2026-01-02 00:00:00, 3s" in text
    assert report.timeline([]) == ""


# The report of a run.

PAGE = "https://example.org/mari/thing"


def outcome(title: str, detail: str = "there", *, written: bool = True) -> Outcome:
    return Outcome(title, detail, written)


def of_job(job: str, *outcomes: Outcome, leg: str = "", failure: Failure | None = None) -> Result:
    return Result(job, leg, 1767312000.0, 1767312003.0, outcomes, {}, failure)


def test_a_surface_is_planned_found_and_linked() -> None:
    digest = outcome("image tag docker.io/mari/api:v0.2.4", f"sha256:{SHA}")
    tag = outcome("git tag v0.2.4", "abc", written=False)
    shown = [
        place(digest.title, f"sha256:{SHA}"),
        place(tag.title, COMMIT, link=f"{PAGE}/tree/v0.2.4"),
        place("release v0.2.4", kind=POINTER),
        place("draft release v0.2.4", kind=INTERNAL),
    ]
    text = report.run(a_plan(), [of_job("publish-tags", digest, tag)], URL, PAGE, shown)
    found = {row[0]: row[1:] for row in rows(text)}
    name, short = "✅ image tag docker.io/mari/api:v0.2.4", f"sha256:{SHA[:12]}"
    assert found[name] == [short, short, "written", ""]
    linked = ["was there", f"[open]({PAGE}/tree/v0.2.4)"]
    assert found["✅ git tag v0.2.4"] == [COMMIT[:12], "abc", *linked]
    assert found["○ release v0.2.4"] == ["as it is", "not reached", "", ""]
    assert "draft release" not in text


def test_a_check_is_no_surface() -> None:
    check = Outcome("published api answers", "ok, 1.0 s", written=False, kind=CHECK)
    text = report.run(a_plan(), [of_job("verify", check, leg="published-amd64")], URL)
    assert "- ✅ published api answers: ok, 1.0 s" in text
    assert not any("published api answers" in cell for row in rows(text) for cell in row)
    assert "was there" not in text


def test_an_announcement_is_reported_with_what_became_of_it() -> None:
    sent = Outcome("announcement to chat", "maybe sent", written=False, kind=ANNOUNCEMENT)
    lost = Outcome("comment on #7", "failed: 500", written=False, skipped=True, kind=ANNOUNCEMENT)
    text = report.run(a_plan(), [of_job("announce", sent, lost)], None)
    assert "### Announcements\n\n- ✅ announcement to chat: maybe sent\n" in text
    assert "- ○ comment on #7: failed: 500" in text
    assert "What was checked" not in text


def test_what_failed_first_comes_first() -> None:
    late = Result("stage", "", 5.0, 9.0, (), {}, Failure("late", "l", "E"))
    early = Result("image", "api-amd64", 1.0, 3.0, (), {}, Failure("early", "e", "E"))
    text = report.run(a_plan(), [late, early], URL)
    assert text.index("### ❌ image-api-amd64\n") < text.index("### ❌ stage (later)")


def test_a_job_without_a_result_is_said_to_have_not_run() -> None:
    text = report.run(a_plan(), [result("plan"), result("image", leg="api-amd64")], URL)
    missing = text.partition("left no result:** ")[2].partition("\n")[0].split(", ")
    others = [job.result for job in before_report()]
    assert missing == [name for name in others if name not in ("plan", "image")]
    dry = report.run(a_plan().for_mode(planning.DRY_RUN), [result("plan")], URL)
    assert "gate" not in dry


@pytest.mark.parametrize(
    ("failed", "leg", "advice"),
    [
        ("prepare", "", "again with `0.2.4`"),
        ("promote", "", "again with `0.2.4`"),
        ("verify", "published-arm64", "yank it on the index"),
        ("audit", "", "actions/workflows/rollback.yml"),
    ],
)
def test_the_one_thing_to_do_next(failed: str, leg: str, advice: str) -> None:
    results = [result("plan"), result(failed, failure=LOST, leg=leg)]
    text = report.run(a_plan(), results, URL, PAGE)
    (line,) = [line for line in text.splitlines() if line.startswith("**Next:**")]
    assert advice in line
    assert "actions/workflows/r" in line


def test_a_conflict_is_not_answered_by_running_again() -> None:
    taken = Failure("names other bytes", "release the next version", "ConflictError")
    text = report.run(a_plan(), [result("plan"), result("stage", failure=taken)], URL, PAGE)
    (line,) = [line for line in text.splitlines() if line.startswith("**Next:**")]
    assert line.endswith("release the next version.")
    assert "again with" not in line


def test_a_run_that_was_cut_off_is_run_again() -> None:
    text = report.run(a_plan(), [result("plan"), result("gate")], URL)
    assert "interrupted" in text
    assert "again with `0.2.4`" in text


def test_a_run_that_was_cut_off_before_the_staged_files_were_checked_is_not_approved() -> None:
    text = report.run(a_plan(), [result("plan"), result("image", leg="api-amd64")], URL)
    assert "interrupted" in text
    assert "approve" not in text


def test_a_job_of_no_time_has_a_bar_of_a_second() -> None:
    text = report.timeline([replace(result("a"), started=5.0, finished=5.0)])
    assert ", 1s\n" in text


def test_the_timeline_is_one_that_mermaid_reads() -> None:
    text = report.timeline([result("a"), result("b", failure=LOST)])
    assert text.startswith("```mermaid\ngantt\n")
    assert text.endswith("\n```")


# A run that was started again: its artifacts hold results of several attempts.


def at(attempt: int, job: str, *, failure: Failure | None = None) -> Result:
    return replace(result(job, failure=failure), attempt=attempt)


def test_a_job_that_an_attempt_skipped_reports_nothing_of_the_one_before() -> None:
    """*Re-run all jobs*: the plan failed, and nothing after it ran."""
    left = [at(2, "plan", failure=LOST), at(1, "prepare"), at(1, "image"), at(1, "gate")]
    ended = {"plan": "failure", "prepare": "skipped", "image": "skipped", "gate": "skipped"}
    assert current(left, ended, 2) == left[:1]


def test_what_a_failed_jobs_attempt_carried_over_counts() -> None:
    """*Re-run failed jobs*: what succeeded is not run again, and is still so."""
    left = [at(1, "plan"), at(2, "prepare"), at(1, "verify-staged")]
    ended = {"plan": "success", "prepare": "success", "verify-staged": "failure"}
    assert current(left, ended, 2) == left[:2]


def test_the_first_attempt_has_no_other() -> None:
    left = [at(1, "plan"), at(1, "image", failure=LOST)]
    assert current(left, {"plan": "success", "image": "failure"}, 1) == left
    assert current(left, {}, 1) == left


def test_a_job_that_failed_without_a_result_is_no_job_that_was_cut_off() -> None:
    ended = {"plan": "success", "prepare": "failure", "checks": "skipped"}
    text = report.run(a_plan(), [result("plan")], URL, PAGE, ended=ended)
    assert "prepare (failure), checks (skipped), dists," in text
    assert "interrupted" not in text
    assert "again with `0.2.4`" in text


@pytest.mark.parametrize(("bad", "moves"), [("0.2.4", True), ("0.2.4rc1", False)])
def test_a_rollback_says_that_latest_moves_only_where_it_was_there(bad: str, moves: bool) -> None:
    decided = Rollback(a_lock(bad), a_lock("0.2.3"), (), ())
    told = [row for row in rows(report.rollback(decided)) if row[0] == "GitHub's Latest"]
    assert told == ([["GitHub's Latest", "v0.2.4", "v0.2.3"]] if moves else [])


def test_a_job_without_matter_is_left_out_of_the_report_unless_it_failed() -> None:
    plan = replace(a_plan(), images=())
    left = [result("plan"), result("image")]
    text = report.run(plan, left, URL)
    assert "\n  plan :" in text
    assert "\n  image :" not in text
    failed = [result("plan"), result("image", failure=LOST)]
    assert "\n  image :" in report.run(plan, failed, URL)
