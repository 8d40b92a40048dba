"""The generated workflows, held to the linters and to the rules of our own."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rehearsal.world.provision import ensure
from tests.adopt.test_init import FLOWS, ROOT, SHAPES, Clone, both
from tests.workflows.rules import RULES
from tests.workflows.tree import Tree

BIN = Path(sys.executable).parent
# Rules that look at files which no adopter gets.
OURS_ALONE = {
    "installers_are_run_whole",
    "each_job_does_its_own_work",
    "jobs_wait_for_what_they_build_on",
    "runs_that_must_not_meet_share_a_group",
    "steps_are_in_the_order_of_their_use",
    "the_action_asks_for_what_it_needs",
    "the_action_hands_on_what_the_stage_writes",
    "the_action_runs_what_it_is_told",
    "the_checks_follow_the_plan",
    "the_stage_runs_between_its_artifacts",
    "a_release_is_never_cancelled",
    "jobs_begin_with_a_checkout",
    "artifacts_have_names_of_their_own",
    "stages_are_verbs",
    "triggers_are_the_known_ones",
    "the_verdict_knows_every_check",
    "checks_do_not_see_the_token",
    "settings_are_documented",
    "variables_are_read",
    "the_tools_are_locked",
    "the_actions_begin_alike",
    "actions_take_nothing_from_the_caller",
    "outputs_arrive",
    "results_may_be_written_again",
    "shells_are_named",
    "the_action_is_given_its_inputs",
}


@pytest.fixture(params=SHAPES)
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Clone:
    clone: Clone = request.param(tmp_path)
    clone.init()
    return clone


def generated(here: Clone) -> list[Path]:
    flows = (here.folder / FLOWS).glob("*.yml")
    return [one for one in flows if one.read_text().startswith("# release-system ")]


@pytest.mark.world
def test_actionlint_is_content(here: Clone) -> None:
    program = ensure(["actionlint"], print).path("actionlint")
    command = [str(program), f"-shellcheck={BIN / 'shellcheck'}", "-pyflakes="]
    done = subprocess.run(
        [*command, *generated(here)], cwd=here.folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_zizmor_is_content(here: Clone) -> None:
    command = ["--quiet", "--no-progress", "--offline", "--persona", "pedantic"]
    # Our own configuration: actionlint and act do not know `$/` yet.
    command += ["--config", str(ROOT / ".github" / "zizmor.yml")]
    done = subprocess.run(
        [BIN / "zizmor", *command, *generated(here)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("rule", sorted(RULES.keys() - OURS_ALONE))
def test_they_keep_the_rules_of_ours(rule: str, tmp_path: Path) -> None:
    """With their own names: a rule finds a file by it."""
    here = both(tmp_path)
    shutil.rmtree(here.folder / FLOWS)
    here.commit()
    here.init()
    assert list(RULES[rule](Tree(here.folder))) == []


def test_the_rules_are_there() -> None:
    assert RULES.keys() >= OURS_ALONE
