"""What a run costs on GitHub, from the workflow files and one file of figures."""

import shutil
from pathlib import Path

import pytest

from rehearsal.verdict import price

ROOT = Path(__file__).parents[3]
RELEASE = ".github/workflows/release.yml"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for folder in (".github", "requirements"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    return tmp_path


def cost(found: price.Price, job: str) -> price.Cost:
    return next(one for one in found.jobs if one.job == job)


def test_a_job_waits_for_those_before_it(tmp_path: Path) -> None:
    folder = tmp_path / ".github/workflows"
    folder.mkdir(parents=True)
    (folder / "release.yml").write_text(
        "jobs:\n"
        "  a: {steps: [{run: x}]}\n"
        "  b: {steps: [{run: x}]}\n"
        "  gate: {needs: [a, b], steps: [{run: x}]}\n"
        "  c: {needs: gate, steps: [{run: x}]}\n"
    )
    found = price.of_workflow(
        tmp_path, "release.yml", {"a": [10], "b": [30], "gate": [1], "c": [5]}
    )
    each = 7.5 + 1  # the queue, the clean-up
    assert found.to_gate == each + 30
    assert found.after_gate == pytest.approx(2 * each + 1 + 5)
    assert found.runner_minutes == pytest.approx((10 + 30 + 1 + 5 + 4) / 60)


def test_each_step_has_its_price(copy: Path) -> None:
    before = price.of_workflow(copy, "release.yml")
    file = copy / RELEASE
    file.write_text(
        file.read_text().replace("          fetch-depth: 0", "          fetch-depth: 1")
    )
    after = price.of_workflow(copy, "release.yml")
    assert cost(before, "promote").overhead - cost(after, "promote").overhead == 3
    assert cost(before, "images").legs == 6
    assert cost(before, "images").overhead > cost(before, "stage").overhead + 8  # its builder


def test_a_stage_installs_what_it_needs(copy: Path) -> None:
    assert price.tools(copy, "gate") < price.tools(copy, "publish-package")
    assert price.tools(copy, "verify --moment staged") == price.tools(copy, "")


def test_an_adopter_pays_for_the_same_tools(copy: Path) -> None:
    """It has the actions by their full name, and neither the installer nor the locks."""
    before = price.of_workflow(copy, "release.yml")
    shutil.rmtree(copy / ".github/actions")
    shutil.rmtree(copy / "requirements")
    for file in (copy / ".github/workflows").iterdir():
        text = file.read_text().replace("uses: ./.github/actions/", "uses: a/b/.github/actions/")
        file.write_text(text)
    assert price.of_workflow(copy, "release.yml") == before


def test_a_change_of_code_costs_less_than_twenty_runner_minutes() -> None:
    assert price.of_workflow(ROOT, "ci.yml").runner_minutes < 20


def test_the_tools_take_few_seconds() -> None:
    assert price.tools(ROOT, "plan") < 4
    # With the verifiers of signatures, and all that they need.
    assert price.tools(ROOT, "verify --moment staged") < 6


def test_every_job_of_the_release_and_the_checks_has_a_figure() -> None:
    for file in ("release.yml", "ci.yml"):
        assert all(one.work for one in price.of_workflow(ROOT, file).jobs)


def test_it_is_shown() -> None:
    found = price.of_workflow(ROOT, "release.yml")
    assert "s to the gate" in price.table(found)[0]
    assert (
        f"| publish-tags | 1 | {cost(found, 'publish-tags').overhead:.0f} | 5 |"
        in price.markdown(found)
    )
