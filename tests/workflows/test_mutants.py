"""Small faults of the workflows: how they are made, and that the rules refuse them by line."""

import random
import re
from pathlib import Path

import pytest

from tests.workflows import judging
from tests.workflows.equivalent import REASONS, reason
from tests.workflows.mutants import Mutant, mutants
from tests.workflows.tree import Tree

ROOT = Path(__file__).parents[2]
SMALL = """\
name: Small
on:
  push:
    branches: [main]
permissions: {}
jobs:
  one:
    needs: [two, three]
    if: needs.two.outputs.a == 'x'
    runs-on: ubuntu-24.04
    permissions:
      contents: read # a reason
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
        with:
          persist-credentials: false
      - run: make "$A"
        env:
          A: ${{ vars.A }}
          B: ${{ vars.B }}
"""
WHERE = ".github/workflows/release.yml"


def made(text: str = SMALL) -> list[Mutant]:
    return mutants("small.yml", text)


@pytest.mark.parametrize(
    ("where", "what", "line", "now"),
    [
        ("jobs.one.needs.0", "dropped", 8, "    needs: [three]\n"),
        ("jobs.one.if", "!= for ==", 9, "    if: needs.two.outputs.a != 'x'\n"),
        ("jobs.one.permissions.contents", "write", 12, "      contents: write # a reason\n"),
        ("jobs.one.permissions.contents", "dropped", 12, "    permissions: {}\n"),
        ("jobs.one.permissions.packages", "added: write", 13, "      packages: write\n"),
        (
            "jobs.one.steps.0.uses",
            "a moving tag",
            14,
            "      - uses: actions/checkout@v7 # v7.0.1\n",
        ),
        ("jobs.one.steps.0.with.persist-credentials", "true", 16, " persist-credentials: true\n"),
        ("jobs.one.steps.0.with.ref", "added: main", 17, "          ref: main\n"),
        ("jobs.one.steps.1.run", "without make", 17, "      - run: '\"$A\"'\n"),
        ("jobs.one.steps.1.env.A", "vars.B for vars.A", 19, "          A: ${{ vars.B }}\n"),
        ("jobs.one.steps.1.env.A", "renamed", 19, "          A-x: ${{ vars.A }}\n"),
    ],
)
def test_a_fault_is_one_line(where: str, what: str, line: int, now: str) -> None:
    found = next(one for one in made() if (one.where, one.what) == (where, what))
    assert found.line == line
    assert now in found.text
    assert now not in SMALL


def test_each_line_for_the_platform_is_put_at_fault() -> None:
    lines = {one.line for one in made()}
    # Headings alone say nothing: what is below them does.
    silent = {n for n, line in enumerate(SMALL.splitlines(), 1) if line.strip() == "with:"}
    assert lines | silent >= set(range(2, 21))


def test_each_fault_is_another_text() -> None:
    texts = [one.text for one in made()]
    assert len(set(texts)) == len(texts)
    assert SMALL not in texts


def test_a_fault_that_no_rule_sees_survives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "RULES", {})
    fault = next(one for one in judging.everything() if one.kind == "with")
    assert judging.judge(fault).survived


def test_an_action_that_lost_a_step_is_refused_at_its_line() -> None:
    step = re.compile(r"runs\.steps\.\d+")
    gone = [
        one for one in judging.everything() if step.fullmatch(one.where) and one.what == "dropped"
    ]
    assert gone
    assert all(judging.judge(one).named for one in gone)


def test_a_message_must_name_the_line_of_the_fault() -> None:
    fault = Mutant("a.yml", "needs", "jobs.x.needs", "another text", 7, (1, 3, 5), "")
    assert judging.names("a.yml:7: wrong", fault)
    assert judging.names("a.yml:5: wrong", fault)
    assert not judging.names("a.yml:3: wrong", fault)
    assert not judging.names("b.yml:7: wrong", fault)
    assert not judging.names("wrong", fault)


def test_a_sample_of_all_faults_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """Each time another one: the seed is in the output, to repeat it."""
    seed = random.SystemRandom().randrange(10_000)
    code = judging.main(["--quick", "--workers", "1", "--seed", str(seed)])
    assert code == 0, f"seed {seed}\n{capsys.readouterr().out}"


def test_each_reason_is_of_a_fault_that_there_is() -> None:
    reasons = {reason(one) for one in judging.everything()} - {""}
    assert reasons == set(REASONS.values())


def test_what_survives_for_a_reason_is_refused_by_no_rule() -> None:
    faults = [one for one in judging.everything() if reason(one) and one.kind != "file"]
    assert all(judging.judge(one).survived for one in faults)


def test_the_sample_is_of_the_workflows_in_this_tree() -> None:
    paths = {one.path for one in judging.everything()}
    assert paths == {file.path.as_posix() for file in Tree(ROOT).files}
    assert WHERE in paths
