"""What a workflow file promises, and what differs from it."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rehearsal.runs import workflow
from rehearsal.runs.workflow import (
    Job,
    UnclearError,
    Workflow,
    combinations,
    differences,
    should_run,
)


def job(
    key: str, *needs: str, condition: str = "", outputs: Mapping[str, str] | None = None
) -> Job:
    return Job(key, key, tuple(needs), condition, None, outputs or {}, ("ubuntu-24.04",))


PLAN = job("plan", outputs={"mode": "${{ steps.plan.outputs.mode }}"})
JOBS = {
    "plan": PLAN,
    "build": job("build", "plan"),
    "gate": job("gate", "plan", "build", condition="needs.plan.outputs.mode == 'release'"),
    "report": job("report", "gate", condition="always()"),
}


@pytest.mark.parametrize(
    ("mode", "ran", "problems"),
    [
        ("release", ["plan", "build", "gate", "report"], []),
        ("dry-run", ["plan", "build", "report"], []),
        ("dry-run", ["plan", "build", "gate", "report"], ["gate: 0 job(s) should have run, 1 did"]),
        ("release", ["plan", "build", "report"], ["gate: 1 job(s) should have run, 0 did"]),
        ("dry-run", ["plan", "report"], ["build: 1 job(s) should have run, 0 did"]),
        ("release", ["plan", "build", "gate"], ["report: 1 job(s) should have run, 0 did"]),
    ],
)  # fmt: skip
def test_jobs_that_should_and_should_not_run(
    mode: str, ran: list[str], problems: list[str]
) -> None:
    found = {key: ["success"] for key in ran}
    _, said = differences(Workflow("Release", JOBS), found, {"plan": {"mode": mode}})
    assert said == problems


def test_after_a_failure_only_what_always_runs_is_expected() -> None:
    found = {"plan": ["success"], "build": ["failure"], "report": ["success"]}
    results, said = differences(Workflow("Release", JOBS), found, {"plan": {"mode": "release"}})
    assert said == []
    assert results["gate"] == "skipped"


@pytest.mark.parametrize(
    ("condition", "before", "runs"),
    [
        ("", "success", True),
        ("", "skipped", False),
        ("always()", "failure", True),
        ("${{ always() }}", "skipped", True),
        ("failure()", "failure", True),
        ("failure()", "success", False),
        ("!cancelled()", "failure", True),
        ("always() && needs.plan.result == 'success'", "success", True),
        ("always() && needs.plan.result == 'success'", "failure", False),
        ("always() && needs.plan.result != 'skipped'", "failure", True),
        ("failure() || success()", "success", True),
        ("needs.plan.outputs.mode != 'release'", "success", True),
    ],
)
def test_conditions(condition: str, before: str, runs: bool) -> None:
    last = job("last", "plan", condition=condition)
    assert should_run(last, {"plan": before}, {}, {"plan": PLAN}) == runs


@pytest.mark.parametrize(
    "condition",
    [
        "github.event_name == 'push'",
        "needs.plan.outputs.absent == 'x'",
        "contains(needs.*.result, 'failure')",
    ],
)
def test_a_condition_that_is_not_understood_is_said(condition: str) -> None:
    with pytest.raises(UnclearError):
        should_run(
            job("last", "plan", condition=condition), {"plan": "success"}, {}, {"plan": PLAN}
        )


def test_include_and_exclude_make_legs_as_on_github() -> None:
    legs = combinations(
        {
            "image": ["api", "web"],
            "platform": ["amd64", "arm64"],
            "exclude": [{"image": "web", "platform": "arm64"}],
            "include": [
                {"image": "api", "extra": "1"},
                {"image": "mlflow", "platform": "amd64"},
            ],
        }
    )
    assert legs == [
        {"image": "api", "platform": "amd64", "extra": "1"},
        {"image": "api", "platform": "arm64", "extra": "1"},
        {"image": "web", "platform": "amd64"},
        {"image": "mlflow", "platform": "amd64"},
    ]


@given(st.dictionaries(st.sampled_from("abc"), st.lists(st.integers(), min_size=1, max_size=3)))
def test_legs_are_the_product_of_the_lists(axes: dict[str, list[int]]) -> None:
    count = 1 if axes else 0
    for values in axes.values():
        count *= len(values)
    assert len(combinations(axes)) == count


def test_a_matrix_that_a_job_never_wrote_is_said() -> None:
    matrix = {"include": "${{ fromJson(needs.plan.outputs.mode) }}"}
    legs = Job("l", "l", ("plan",), "", matrix, {}, ())
    with pytest.raises(UnclearError, match="did not write"):
        legs.legs({}, {"plan": PLAN})


def test_legs_and_called_jobs_are_found_by_their_act_names(tmp_path: Path) -> None:
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    (folder / "image.yml").write_text(
        "name: Image\non: workflow_call\njobs: {build: {runs-on: ubuntu-24.04-arm, steps: []}}"
    )
    (folder / "release.yml").write_text(
        """
name: Release
on: push
jobs:
  one:
    name: "Image ${{ matrix.a }}"
    uses: ./.github/workflows/image.yml
    strategy: {matrix: {a: [x, y]}}
  two: {uses: ./.github/workflows/image.yml}
  own: {name: "My own (${{ matrix.a }})", runs-on: [self, x64], strategy: {matrix: {a: [x, y]}}}
"""
    )
    read = workflow.read(tmp_path, ".github/workflows/release.yml")
    places = {
        ("Image x-1/Image/build", "build"): ("one", 1),
        ("Image y-2/Image/build", "build"): ("one", 2),
        ("two/Image/build", "build"): ("two", 1),
        ("Release/My own (y)-2", "own"): ("own", 2),
    }
    for (name, job_id), expected in places.items():
        found = read.place(name, job_id)
        assert found
        assert (found[0].key, found[1]) == expected
    assert read.place("three/Other/build", "build") is None
    assert read.labels() == {"ubuntu-24.04-arm", "self", "x64"}


def test_actions_are_found_in_workflows_and_in_local_actions(tmp_path: Path) -> None:
    for path, uses in {
        "workflows/a.yml": "actions/checkout@1",
        "actions/stage/action.yml": "actions/upload-artifact@2",
        "workflows/b.yml": "./.github/actions/stage",
    }.items():
        file = tmp_path / ".github" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"jobs: {{a: {{steps: [{{uses: {uses}}}]}}}}")
    assert workflow.used_actions(tmp_path) == {
        "actions/checkout@1": ".github/workflows/a.yml",
        "actions/upload-artifact@2": ".github/actions/stage/action.yml",
    }


# --- success() asks for every job before it


CHAIN = {
    "a": job("a"),
    "b": job("b", "a", condition="always()"),
    "c": job("c", "b"),
    "d": job("d", "c", condition="failure()"),
    "e": job("e", "c", condition="!cancelled()"),
}


@pytest.mark.parametrize(
    ("first", "runs"),
    [
        ("success", {"c": True, "d": False, "e": True}),
        ("skipped", {"c": False, "d": False, "e": True}),
        ("failure", {"c": False, "d": True, "e": True}),
        ("cancelled", {"c": False, "d": False, "e": True}),
    ],
)
def test_what_is_far_before_a_job_counts(first: str, runs: Mapping[str, bool]) -> None:
    results = {"a": first, "b": "success", "c": "success"}
    assert {key: should_run(CHAIN[key], results, {}, CHAIN) for key in runs} == runs


def called(*inner: Job) -> Job:
    """A job that calls a workflow of these jobs."""
    inside = Workflow("CI", {one.key: one for one in inner})
    return Job("checks", "checks", ("plan",), "", None, {}, (), inside, {"release": True})


def test_a_job_skipped_in_a_called_workflow_stops_all_that_follows() -> None:
    checks = called(job("check", condition="!inputs.release"), job("commit"))
    jobs = {
        "plan": job("plan"),
        "checks": checks,
        "stage": job("stage", "checks"),
        "gate": job("gate", "stage"),
        "report": job("report", "gate", condition="always()"),
    }
    ran = {"plan": ["success"], "checks/commit": ["success"], "report": ["success"]}
    results, said = differences(Workflow("Release", jobs), ran, {})
    assert said == []
    assert results["checks"] == "success"
    assert results["stage"] == results["gate"] == "skipped"
    act_ran = {**ran, "stage": ["success"], "gate": ["success"]}
    results, said = differences(Workflow("Release", jobs), act_ran, {})
    assert results["gate"] == "skipped"
    assert len(said) == 1
    assert said[0].startswith(
        "GitHub would skip stage, gate, because not all jobs before it succeeded "
        "(checks/check: skipped). act ran it."
    )


def test_conditions_within_a_called_workflow_see_what_its_jobs_wrote() -> None:
    plan = job("plan", outputs={"go": "${{ steps.it.outputs.go }}"})
    checks = called(plan, job("slow", "plan", condition="needs.plan.outputs.go == 'yes'"))
    jobs = {"plan": job("plan"), "checks": checks}
    ran = {"plan": ["success"], "checks/plan": ["success"], "checks/slow": ["success"]}
    assert differences(Workflow("R", jobs), ran, {"checks/plan": {"go": "yes"}})[1] == []
    assert differences(Workflow("R", jobs), ran, {})[1] == [
        "checks/slow: 0 job(s) should have run, 1 did"
    ]


def test_a_cancelled_leg_is_no_failure() -> None:
    jobs = {"plan": job("plan"), "after": job("after", "plan", condition="failure()")}
    results, said = differences(Workflow("R", jobs), {"plan": ["cancelled"]}, {})
    assert (results["plan"], results["after"], said) == ("cancelled", "skipped", [])


@pytest.mark.parametrize(
    ("needs", "said"),
    [({"a": ("b",), "b": ("a",)}, "in a cycle"), ({"a": ("b",)}, "needs b, which does not exist")],
)
def test_an_order_that_cannot_be_is_named(needs: dict[str, tuple[str, ...]], said: str) -> None:
    jobs = {key: replace(JOBS["plan"], key=key, needs=names) for key, names in needs.items()}
    with pytest.raises(UnclearError, match=said):
        workflow.in_order(jobs)


def test_a_job_comes_after_those_it_needs_whatever_the_order_of_the_file() -> None:
    jobs = {key: JOBS[key] for key in reversed(JOBS)}
    found = workflow.in_order(jobs)
    for key, one in jobs.items():
        assert all(found.index(name) < found.index(key) for name in one.needs)
