"""What a workflow's form takes, and what it gives to the run."""

import re

import pytest

from rehearsal.runs import kept_world
from rehearsal.runs.dispatch_form import fill_in
from rehearsal.runs.run import Run
from scripts.core.errors import UsageError

PATH = ".github/workflows/some.yml"
FORM = """\
on:
  workflow_dispatch:
    inputs:
      version: {required: true}
      good: {type: string, default: ""}
      dry-run: {type: boolean, default: false}
      loud: {type: boolean}
      kind: {type: choice, options: [major, minor], default: minor}
"""


def test_what_is_not_typed_has_its_default_and_all_are_texts() -> None:
    expected = {"version": "1", "good": "", "dry-run": "false", "loud": "false", "kind": "minor"}
    assert fill_in(PATH, FORM, {"version": "1"}) == expected
    typed = {"version": "1", "dry-run": "true", "kind": "major"}
    assert fill_in(PATH, FORM, typed) == {**expected, **typed}


@pytest.mark.parametrize("on", ["workflow_dispatch", "[push, workflow_dispatch]"])
def test_a_button_without_a_form(on: str) -> None:
    assert fill_in(PATH, f"on: {on}\n", {}) == {}
    assert fill_in(PATH, "on:\n  workflow_dispatch:\n", {}) == {}


@pytest.mark.parametrize(
    ("text", "typed", "said"),
    [
        (FORM, {}, "the input version is required"),
        (FORM, {"version": ""}, "the input version is required"),
        (FORM, {"version": "1", "verison": "2"}, "has no input verison"),
        (FORM, {"version": "1", "dry-run": "yes"}, "'yes' is not a valid dry-run"),
        (FORM, {"version": "1", "kind": "rc"}, "'rc' is not a valid kind"),
        ("on: [push]\n", {}, "has no button"),
        ("on: {workflow_call: {}}\n", {}, "has no button"),
    ],
)
def test_what_github_refuses_is_refused(text: str, typed: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError, match=re.escape(said)) as raised:
        fill_in(PATH, text, typed)
    assert raised.value.remedy


def test_the_table_says_how_each_job_ended_and_what_was_written() -> None:
    done = Run(1, 3.2, [], {"draft": "failure", "more": "skipped"}, ["odd"], [], [], {}, [], 1)
    assert kept_world.table("changelog.yml", done, {"github": 2, "git": 0}) == [
        "changelog.yml: NOT well",
        "",
        "  failure  draft",
        "  skipped  more",
        "  NOT      odd",
        "",
        "  writes   git 0, github 2",
        "  seconds  3",
    ]
