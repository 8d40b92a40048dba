"""The list of jobs is in an order in which they can run, and names what it has."""

from collections.abc import Iterator

from scripts.core.jobs import JOBS, LOOKING, PROVING, RELEASING, before_report, flowchart, verbs


def test_each_job_waits_for_earlier_ones_of_the_list() -> None:
    for number, job in enumerate(before_report()):
        assert set(job.needs) <= {one.name for one in JOBS[:number]}
        assert job.needs or number == 0


def test_the_phases_follow_each_other() -> None:
    found = [job.phase for job in JOBS]
    assert found == sorted(found, key=[PROVING, RELEASING, LOOKING].index)


def test_every_job_is_released_by_its_verb_and_told_by_its_result() -> None:
    assert [job.result for job in JOBS if job.name != job.result] == ["image"]
    assert len({job.result for job in JOBS}) == len(JOBS)
    assert "verify" in verbs()
    assert "verify-staged" not in verbs()


def test_the_diagram_has_an_arrow_for_each_wait() -> None:
    drawn = set(_arrows(flowchart()))
    assert {
        ("checks", "stage"),
        ("scan", "stage"),
        ("images", "scan"),
        ("gate", "publish-tags"),
    } <= drawn
    assert ("plan", "images") not in drawn  # only its outputs are read there
    assert {after for _, after in drawn} == {job.name for job in JOBS if job.name != "plan"}


def _arrows(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        names, arrow, after = line.strip().partition(" --> ")
        if arrow:
            yield from ((name, after) for name in names.split(" & "))
