"""act's copy of a workflow differs from it where it must, and nowhere else."""

from pathlib import Path

import pytest
import yaml

from rehearsal.runs import act_copy
from rehearsal.runs.act_copy import GIVE_ON, TURN, WAITING, for_act
from rehearsal.runs.environments import Environment

ROOT = Path(__file__).parents[3]
FILES = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
KNOWN = {
    "release": Environment(("mari",), secrets={"SIGN": "s"}, variables={"SITE": "v"}),
    "pypi": Environment((), secrets={"UPLOAD": "u"}),
}
TEXT = """\
name: Release
on: workflow_dispatch
concurrency: {group: g, queue: max}
env: {A: "${{ secrets.SIGN }}"}
jobs:
  gate:
    environment: {name: release, deployment: false}
    steps: [{run: "x ${{ secrets.SIGN }} ${{ secrets.UPLOAD }} ${{ vars.SITE }}"}]
  other:
    concurrency: {group: h, queue: single, cancel-in-progress: true}
    environment: pypi
    steps:
      - uses: $/.github/actions/stage
        with: {a: "${{ secrets.SIGN }}", b: "${{ secrets.SIGN-2 }}"}
      - {run: "${{ vars.SITE || 'none' }} ${{ secrets.UPLOAD }}"}
"""


def test_newer_keys_are_left_out_and_said() -> None:
    made, left_out = for_act(yaml.safe_load(TEXT), {})
    assert made["concurrency"] == {"group": "g"}
    assert made["jobs"]["other"]["concurrency"] == {"group": "h", "cancel-in-progress": True}
    assert made["jobs"]["gate"]["environment"] == {"name": "release"}
    assert made["jobs"]["other"]["steps"][1]["uses"] == "./.github/actions/stage"
    assert left_out == [
        "concurrency.queue",
        "jobs.other.steps.0.uses: $/",
        "jobs.gate.environment.deployment",
        "jobs.other.concurrency.queue",
    ]


def test_secrets_and_variables_of_other_environments_are_empty() -> None:
    made, _ = for_act(yaml.safe_load(TEXT), KNOWN)
    assert made["env"] == {"A": "${{ '' }}"}
    wait, step = made["jobs"]["gate"]["steps"]
    assert wait == WAITING
    assert step["run"] == "x ${{ secrets.SIGN }} ${{ '' }} ${{ vars.SITE }}"
    turn, first, second, last = made["jobs"]["other"]["steps"]
    assert (turn["name"], last["name"], last["if"]) == (TURN, GIVE_ON, "always()")
    assert turn["env"] == {"GROUP_NAME": "h", "GROUP_CANCELS": True, "GROUP_QUEUE": "single"}
    assert first["with"] == {"a": "${{ '' }}", "b": "${{ secrets.SIGN-2 }}"}
    assert second["run"] == "${{ '' || 'none' }} ${{ secrets.UPLOAD }}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_nothing_else_differs(tmp_path: Path, path: Path) -> None:
    """Take away what the copy adds, put back what it drops, and it is the same."""
    text = path.read_text()
    newer = text.replace("  cancel-in-progress: false\n", "  queue: max\n", 1)
    target = tmp_path / ".github" / "workflows" / path.name
    target.parent.mkdir(parents=True)
    target.write_text(newer)
    known = {"release": Environment(("mari",)), "pypi": Environment()}
    told = act_copy.write(tmp_path, known, {})
    copied, original = yaml.safe_load(target.read_text()), yaml.safe_load(newer)
    for job in copied["jobs"].values():
        if "steps" in job:
            job["steps"] = [one for one in job["steps"] if one.get("name") not in act_copy.ADDED]
    for one in told:
        assert "concurrency.queue" in one
        place = original["jobs"][one.split(".")[-3]] if "jobs." in one else original
        del place["concurrency"]["queue"]
    original["on"] = original.pop(True)
    copied["on"] = copied.pop("on") if "on" in copied else copied.pop(True)
    assert copied == original
    assert bool(told) == (newer != text)


def test_a_file_that_need_not_differ_is_not_touched(tmp_path: Path) -> None:
    target = tmp_path / ".github" / "workflows" / "a.yml"
    target.parent.mkdir(parents=True)
    target.write_text("jobs: {a: {steps: []}} # a comment\n")
    assert act_copy.write(tmp_path, KNOWN, {}) == []
    assert "# a comment" in target.read_text()
