from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.core import ci_plan
from scripts.core.ci_plan import House, decide
from scripts.core.errors import CheckError, UsageError

PYTHONS = ("3.11", "3.12", "3.13")
HOUSE = House(
    targets=frozenset(ci_plan.TARGETS.values()),
    pythons=PYTHONS,
    modules=("thing",),
    dockerfiles=("Dockerfile.api",),
    compose="compose.yaml",
    readme="README.md",
    version_files=("CITATION.cff",),
)
ALL = "matrix dists images services rehearsal"


def said(paths: list[str] | None, house: House = HOUSE) -> str:
    """Write what was decided as the words of a table."""
    checks = decide(paths, house)
    words = ["matrix"] if checks.pythons == house.pythons else []
    words += [name for name, runs in checks.outputs().items() if runs == "yes" and name != "check"]
    words += ["(dry)"] if checks.rehearsal and checks.dry_run else []
    return " ".join(words)


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (None, ALL),
        ([], ALL),
        (["docs/releasing.md"], ""),
        (["docs/picture.png", "CHANGELOG.md", "LICENSE", "CONTRIBUTING.md"], ""),
        ([".github/pull_request_template.md", ".github/ISSUE_TEMPLATE/bug.yml"], ""),
        (["README.md"], "dists"),
        (["CITATION.cff"], ALL),
        (["tests/test_thing.py"], "matrix services"),
        (["benchmarks/startup.py", "docs/releasing.md"], "matrix services"),
        (["thing/core.py"], f"{ALL} (dry)"),
        (["src/thing/notes.md"], f"{ALL} (dry)"),
        (["thing.py"], f"{ALL} (dry)"),
        (["Dockerfile.api"], "matrix images rehearsal"),
        (["compose.yaml", "docs/a.md"], "matrix images rehearsal"),
        ([".dockerignore"], "matrix images rehearsal"),
        (["rehearsal/world/world.py"], "matrix rehearsal"),
        (["scripts/core/planning.py"], "matrix dists rehearsal"),
        (["thing/core.py", "scripts/core/planning.py"], ALL),
        ([".github/workflows/ci.yml"], ALL),
        ([".github/actions/setup/action.yml"], ALL),
        (["requirements/api.txt"], ALL),
        (["pyproject.toml"], ALL),
        (["Makefile"], ALL),
        (["services/web/index.html"], ALL),
        (["services/web/README.md"], ALL),
        (["docs"], ""),
        (["docsy/a.md"], ALL),
        (["tests"], ALL),
        (["Dockerfile"], ALL),
        (["docs/a.md", "something-new"], ALL),
    ],
)
def test_a_change_runs_what_it_can_break(paths: list[str] | None, expected: str) -> None:
    assert said(paths) == expected


def test_documents_are_looked_at_on_the_newest_python() -> None:
    assert decide(["docs/a.md"], HOUSE).pythons == ("3.13",)


@pytest.mark.parametrize(
    ("house", "expected"),
    [
        (replace(HOUSE, modules=()), "matrix images services rehearsal"),
        (replace(HOUSE, dockerfiles=()), "matrix dists services rehearsal"),
        (replace(HOUSE, targets=frozenset({"check", "dists", "images"})), "matrix dists images"),
        (replace(HOUSE, targets=frozenset()), "matrix"),
    ],
)
def test_what_a_project_does_not_have_is_not_checked(house: House, expected: str) -> None:
    assert said(None, house) == expected


PATHS = st.lists(
    st.sampled_from(["docs/a.md", "README.md", "tests/a.py", "thing/a.py", "scripts/a.py", "x"])
)


@given(PATHS, PATHS)
def test_a_larger_change_never_runs_less(one: list[str], more: list[str]) -> None:
    if one:
        small, large = set(said(one).split()), set(said(one + more).split())
        assert small - {"(dry)"} <= large
        assert not ("(dry)" in large and "rehearsal" in small and "(dry)" not in small)


@pytest.mark.parametrize(
    ("classifiers", "requires", "expected"),
    [
        ([f"Programming Language :: Python :: 3.{n}" for n in (13, 9, 11)], None, "3.9 3.11 3.13"),
        (["Programming Language :: Python :: 3", "Typing :: Typed"], ">=3.12", "3.12"),
        (["Programming Language :: Python :: 3 :: Only"], ">=3.11.4", "3.11"),
        ([], ">3.11.2,!=3.12.*", "3.11"),
        ([], "<3", "3.11"),
        ([], None, "3.11"),
    ],
)
def test_pythons_are_those_that_the_project_names(
    classifiers: list[str], requires: str | None, expected: str
) -> None:
    assert " ".join(ci_plan.pythons(classifiers, requires)) == expected


def test_a_wrong_requires_python_is_said() -> None:
    with pytest.raises(UsageError, match="3,11"):
        ci_plan.pythons((), ">=3,11,")


def needs(plan: str = "success", **results: str) -> dict[str, object]:
    """What GitHub gives, of a plan by which all but the images run."""
    outputs = {**dict.fromkeys(("check", "dists", "rehearsal"), "yes"), "images": "no"}
    ended = {"check": "success", "dists": "success", "rehearsal": "success", "images": "skipped"}
    jobs = {name: {"result": result, "outputs": {}} for name, result in (ended | results).items()}
    return {"plan": {"result": plan, "outputs": outputs if plan == "success" else {}}, **jobs}


def test_all_as_planned_is_well() -> None:
    assert list(ci_plan.verdict(needs())) == []


@pytest.mark.parametrize("result", ["failure", "cancelled", "skipped", "", "Success"])
def test_a_planned_check_must_have_succeeded(result: str) -> None:
    (problem,) = ci_plan.verdict(needs(check=result))
    assert isinstance(problem, CheckError)
    assert problem.cause == f"check: expected success, got {result}"
    assert "make check" in problem.remedy


@pytest.mark.parametrize("result", ["success", "failure", "cancelled"])
def test_a_check_that_was_not_planned_must_have_been_skipped(result: str) -> None:
    assert [one.cause for one in ci_plan.verdict(needs(images=result))] == [
        f"images: expected skipped, got {result}"
    ]


@pytest.mark.parametrize("result", ["failure", "cancelled", "skipped"])
def test_without_a_plan_nothing_is_well(result: str) -> None:
    skipped = dict.fromkeys(("check", "dists", "images", "rehearsal"), "skipped")
    (problem,) = ci_plan.verdict(needs(plan=result, **skipped))
    assert problem.cause == f"plan: expected success, got {result}"
    assert list(ci_plan.verdict({}))


def test_a_job_that_the_plan_does_not_know_is_a_problem() -> None:
    (problem,) = ci_plan.verdict(needs(news="success"))
    assert "does not say whether news runs" in problem.cause
