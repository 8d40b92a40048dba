"""What act cannot show: environments, permissions, concurrency and the like, read from the files.

Every rule is broken once as well, in a copy, so that each is known to see something.
"""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.workflows import rules_of_order, rules_of_trust
from tests.workflows.rules import RULES, problems
from tests.workflows.tree import Tree

ROOT = Path(__file__).parents[2]
RELEASE = ".github/workflows/release.yml"
IMAGE = ".github/workflows/image.yml"
ROLLBACK = ".github/workflows/rollback.yml"
AUDIT = ".github/workflows/audit.yml"
WATCH = ".github/workflows/watch.yml"
CHANGELOG = ".github/workflows/changelog.yml"
CI = ".github/workflows/ci.yml"
ENTRY = ".github/workflows/entry.yml"
STAGE = ".github/actions/stage/action.yml"
SETUP = ".github/actions/setup/action.yml"
INSTALL = ".github/actions/setup/install.sh"
CHECKOUT = "3d3c42e5aac5ba805825da76410c181273ba90b1"

# The rule that must see it, the file, a text in it, and what stands there instead.
BREACHES = [
    ("stand_ins_are_of_the_pin", STAGE, "# v8.0.1", "# v8.0.2"),
    ("stand_ins_are_of_the_pin", CI, "actions/setup-python@", "actions/setup-node@"),
    ("each_value_comes_from_its_namesake", RELEASE, "${{ inputs.title }}", "${{ inputs.version }}"),
    (
        "each_value_comes_from_its_namesake",
        STAGE,
        "${{ inputs.registry-token }}",
        "${{ inputs.a }}",
    ),
    (
        "each_value_comes_from_its_namesake",
        RELEASE,
        "      platform: ${{ matrix.platform }}",
        "      platform: ${{ matrix.runner }}",
    ),
    ("each_job_knows_its_services", AUDIT, "  IMAGE_REGISTRY: ", "  IMAGE: "),
    ("each_job_knows_its_services", ENTRY, "          GITHUB_TOKEN:", "          TOKEN:"),
    ("each_answer_of_a_person_is_used", RELEASE, "        default: false", "        default: true"),
    (
        "each_answer_of_a_person_is_used",
        RELEASE,
        "        required: true",
        "        required: false",
    ),
    ("each_answer_of_a_person_is_used", ROLLBACK, "  RELEASE_GOOD:", "  GOOD:"),
    (
        "credentials_reach_the_work_that_needs_them",
        RELEASE,
        "          artifact: promote\n",
        "          artifact: promote\n          registry-token: ${{ secrets.REGISTRY_TOKEN }}\n",
    ),
    (
        "called_secrets_are_required",
        IMAGE,
        "TOKEN:\n        required: true",
        "TOKEN:\n        a: b",
    ),
    ("the_action_asks_for_what_it_needs", STAGE, "    required: true\n", "    required: false\n"),
    ("each_job_does_its_own_work", AUDIT, " --issue", ""),
    (
        "each_job_does_its_own_work",
        ROLLBACK,
        "run: release rollback --dry-run",
        "run: release rollback",
    ),
    ("each_job_does_its_own_work", RELEASE, "artifact: gate", "artifact: gates"),
    (
        "each_platform_has_its_own_runner",
        RELEASE,
        "    runs-on: ubuntu-24.04\n",
        "    runs-on: ubuntu-24.04-arm\n",
    ),
    ("histories_are_fetched_where_they_are_read", RELEASE, "fetch-depth: 0 #", "fetch-depth: 1 #"),
    (
        "histories_are_fetched_where_they_are_read",
        IMAGE,
        "credentials: false",
        "a: b\n          ref: x",
    ),
    ("jobs_wait_for_what_they_build_on", ROLLBACK, "    needs: plan\n", ""),
    ("jobs_wait_for_what_they_build_on", ROLLBACK, "== 'rolled-back'", "!= ''"),
    (
        "runs_that_must_not_meet_share_a_group",
        RELEASE,
        "group: release-${{ github.ref }}",
        "group: x",
    ),
    ("runs_that_must_not_meet_share_a_group", ENTRY, "in-progress: true", "in-progress: false"),
    ("stages_have_time", RELEASE, "timeout-minutes: 15", "timeout-minutes: 5"),
    (
        "steps_run_one_after_the_other",
        RELEASE,
        "      - uses: ./.github/actions/stage\n",
        "      - uses: ./.github/actions/stage\n        if: always()\n",
    ),
    (
        "steps_are_in_the_order_of_their_use",
        CHANGELOG,
        "      - uses: ./.github/actions/setup\n",
        "",
    ),
    ("actions_are_told_what_they_need", IMAGE, "vars.REGISTRY_USERNAME }}", "vars.USERNAME }}"),
    ("actions_are_told_what_they_need", STAGE, "path: release/in", "path: release"),
    ("caches_are_of_one_lock", CI, "-${{ runner.arch }}", ""),
    ("actions_are_told_what_they_need", SETUP, "depth: ${{ inputs.checkout }}", "depth: 1"),
    ("the_stage_runs_between_its_artifacts", STAGE, "download-artifact@", "upload-artifact@"),
    ("the_action_runs_what_it_is_told", STAGE, '"${words[@]}"', "${words[@]}"),
    ("the_action_runs_what_it_is_told", STAGE, '"${words[@]}"', '"${words[@]}" || true'),
    ("the_action_runs_what_it_is_told", STAGE, "        REGISTRY_TOKEN:", "        TOKEN:"),
    ("installers_are_run_whole", SETUP, "'\"$GITHUB_ACTION_PATH/install.sh\"'", "install.sh"),
    ("installers_are_run_whole", STAGE, ' "$STAGE"\'\n    - name: Fetch', "'\n    - name: Fetch"),
    ("what_is_written_is_read", RELEASE, "      mode: ${{ steps", "      modes: ${{ steps"),
    ("names_say_which_job_it_is", CI, "    name: ci\n", "    name: all\n"),
    ("names_say_which_job_it_is", CI, "(Python ${{ matrix.python }})", "(Python)"),
    ("only_the_audit_and_the_watch_run_by_themselves", AUDIT, "23 5 * * 1", "* * * * *"),
    ("only_the_audit_and_the_watch_run_by_themselves", WATCH, "37 5 * * 2", "37 5 * * *"),
    ("each_job_does_its_own_work", WATCH, "watch scan", "watch look"),
    ("stages_are_verbs", WATCH, "stage: watch look", "stage: audit"),
    (
        "the_token_goes_where_it_is_needed",
        WATCH,
        "          artifact: scan\n",
        "          artifact: scan\n          github-token: ${{ github.token }}\n",
    ),
    ("each_job_knows_its_services", WATCH, "      DOCKER_HUB_MIRROR: ", "      MIRROR: "),
    ("jobs_wait_for_what_they_build_on", WATCH, "needs: scan", "needs: look"),
    (
        "a_release_runs_every_job_and_a_dry_run_only_proves",
        RELEASE,
        "    if: needs.plan.outputs.mode == 'release'\n",
        "",
    ),
    (
        "nothing_is_made_public_after_a_failure",
        RELEASE,
        "needs: [plan, verify-published]",
        "needs: plan",
    ),
    (
        "nothing_is_made_public_after_a_failure",
        RELEASE,
        "    needs: [plan, gate]\n    if: ",
        "    needs: [plan, gate]\n    if: always() && ",
    ),
    ("a_dry_rollback_moves_nothing", ROLLBACK, "if: ${{ !inputs.dry-run }}", "if: inputs.dry-run"),
    ("actions_are_pinned", RELEASE, f"@{CHECKOUT} # v7.0.1", "@v7 # v7.0.1"),
    ("actions_are_pinned", RELEASE, f"@{CHECKOUT} # v7.0.1", f"@{CHECKOUT[:12]} # v7.0.1"),
    ("actions_are_pinned", STAGE, " # v8.0.1", " # v8"),
    ("actions_are_pinned", RELEASE, "./.github/actions/stage", "./.github/actions/sage"),
    ("an_action_has_one_pin", CI, CHECKOUT, "0" * 40),
    ("an_action_has_one_pin", IMAGE, "# v4.6.0", "# v4.5.0"),
    ("nothing_is_granted_at_the_top", CI, "permissions: {}\n", ""),
    ("nothing_is_granted_at_the_top", IMAGE, "permissions: {}\n", "permissions: read-all\n"),
    (
        "every_job_states_its_grants",
        RELEASE,
        "    permissions:\n      contents: read # check out the tools\n",
        "",
    ),
    ("a_checkout_may_read", RELEASE, "      contents: read # check out the tools\n", ""),
    ("a_checkout_may_read", ROLLBACK, "contents: read #", "issues: read #"),
    (
        "builders_are_booted_where_something_is_built",
        RELEASE,
        "      - uses: docker/login-action",
        "      - uses: docker/setup-buildx-action@x\n      - uses: docker/login-action",
    ),
    ("builders_are_booted_where_something_is_built", IMAGE, "driver-opts: image", "version: image"),
    ("builders_are_booted_where_something_is_built", CI, "@sha256:", "-sha256:"),
    ("the_tools_are_locked", INSTALL, "--require-hashes --target", "--target"),
    ("the_tools_are_locked", INSTALL, ' --require-hashes "$system/$lock', ' "$system/$lock'),
    ("the_actions_begin_alike", SETUP, "- name: Install", "- uses: a/b@c\n    - name: Install"),
    ("the_actions_begin_alike", SETUP, "uses: actions/checkout@", "uses: a/b@"),
    ("the_actions_begin_alike", STAGE, "../setup/install.sh", "../setup/other.sh"),
    (
        "actions_take_nothing_from_the_caller",
        STAGE,
        "    - name: Fetch",
        "    - uses: ./.github/actions/setup\n    - name: Fetch",
    ),
    ("actions_take_nothing_from_the_caller", STAGE, "&& release", "&& python -m scripts"),
    ("the_tools_are_locked", "docs/adopt.md", "requirements/bootstrap.txt", "x.txt"),
    ("called_workflows_skip_nothing", IMAGE, "    name: build\n", "    if: inputs.image\n"),
    ("nothing_is_skipped_upstream", IMAGE, "    name: build\n", "    if: inputs.image\n"),
    ("nothing_is_skipped_upstream", RELEASE, "    name: checks\n", "    if: inputs.version\n"),
    ("logins_have_a_user_name", IMAGE, "        if: vars.REGISTRY_USERNAME != ''\n", ""),
    ("logins_have_a_user_name", ROLLBACK, "        if: vars.REGISTRY_USERNAME != ''\n", ""),
    (
        "a_rollback_waits_for_no_gate",
        ROLLBACK,
        "group: rollback-${{ github.run_id }}",
        "group: release-${{ github.ref }}",
    ),
    ("a_rollback_waits_for_no_gate", RELEASE, "group: pointers-", "group: promote-"),
    (
        "a_rollback_waits_for_no_gate",
        RELEASE,
        "    name: promote\n",
        "    name: promote\n    environment: release\n",
    ),
    ("the_report_knows_what_became_of_each_job", RELEASE, "CI_NEEDS: ${{ toJson", "A: ${{ toJson"),
    ("triggers_are_the_known_ones", ENTRY, ", labeled, unlabeled", ""),
    (
        "triggers_are_the_known_ones",
        CI,
        "  pull_request:\n",
        "  pull_request: {types: [labeled]}\n",
    ),
    ("every_job_states_its_grants", CI, "contents: read #", "contents: write #"),
    ("every_grant_has_a_reason", RELEASE, "contents: write # push the tag", "contents: write"),
    ("only_the_upload_is_trusted", RELEASE, "    environment: pypi\n", ""),
    ("only_the_upload_is_trusted", RELEASE, "environment: release\n", "environment: pypi\n"),
    ("only_the_upload_is_trusted", IMAGE, "contents: read #", "id-token: write #"),
    ("only_the_upload_is_trusted", RELEASE, "  push:\n", "  workflow_call:\n  push:\n"),
    (
        "only_the_upload_is_trusted",
        RELEASE,
        "id-token: write # trusted",
        "issues: read # look\n      id-token: write # trusted",
    ),
    ("only_the_gate_waits_for_people", RELEASE, "    environment: release\n", ""),
    ("only_the_gate_waits_for_people", ROLLBACK, "    environment: release\n", ""),
    ("every_job_states_its_grants", CHANGELOG, "contents: write #", "contents: read #"),
    ("every_job_states_its_grants", AUDIT, "issues: write #", "contents: write #"),
    ("the_token_goes_where_it_is_needed", AUDIT, "${{ github.token }}", "x"),
    ("only_the_gate_waits_for_people", IMAGE, "    name: build\n", "    environment: release\n"),
    (
        "secrets_go_where_they_are_needed",
        ENTRY,
        "${{ github.token }}",
        "${{ secrets.REGISTRY_TOKEN }}",
    ),
    (
        "secrets_go_where_they_are_needed",
        RELEASE,
        "  IMAGE_REGISTRY: ${{ vars",
        "  IMAGE_REGISTRY: ${{ secrets",
    ),
    (
        "secrets_go_where_they_are_needed",
        RELEASE,
        "    secrets:\n      REGISTRY_TOKEN: ${{ secrets.REGISTRY_TOKEN }}\n",
        "    secrets: inherit\n",
    ),
    (
        "the_token_goes_where_it_is_needed",
        RELEASE,
        "environment: release\n",
        "environment: release\n    env:\n      GITHUB_TOKEN: ${{ github.token }}\n",
    ),
    (
        "checks_do_not_see_the_token",
        CI,
        "          ARGS: ${{ needs",
        "          GITHUB_TOKEN: ${{ github.token }}\n          ARGS: ${{ needs",
    ),
    (
        "credentials_are_for_one_step",
        CI,
        "permissions: {}\n",
        "permissions: {}\n\nenv:\n  GITHUB_TOKEN: ${{ github.token }}\n",
    ),
    (
        "credentials_are_for_one_step",
        CI,
        "    steps:\n",
        "    env:\n      GITHUB_TOKEN: ${{ github.token }}\n    steps:\n",
    ),
    (
        "credentials_are_for_one_step",
        RELEASE,
        "      REGISTRY_USERNAME: ${{ vars.REGISTRY_USERNAME }}\n",
        "      REGISTRY_TOKEN: ${{ secrets.REGISTRY_TOKEN }}\n",
    ),
    ("commands_are_one_line", CI, "run: make check", "run: |\n          make check"),
    ("commands_are_one_line", CI, "run: make check", "run: make\n          check"),
    ("nothing_is_pasted_into_a_command", STAGE, '<<< "$STAGE"', "<<< '${{ inputs.stage }}'"),
    (
        "actions_do_not_keep_or_share",
        IMAGE,
        "          persist-credentials: false",
        "          a: 1",
    ),
    ("actions_do_not_keep_or_share", ENTRY, "fetch-depth: 0", "cache: pip #"),
    ("actions_do_not_keep_or_share", IMAGE, "cache-binary: false", "cache-binary: true"),
    ("actions_do_not_keep_or_share", IMAGE, "docker/setup-buildx-action", "actions/cache/save"),
    ("jobs_begin_with_a_checkout", IMAGE, "actions/checkout@", "actions/look@"),
    (
        "histories_are_fetched_where_they_are_read",
        CI,
        "persist-credentials: false",
        "persist-credentials: false\n          ref: main",
    ),
    ("jobs_run_in_the_designed_order", RELEASE, "needs: [plan, gate]", "needs: [plan, stage]"),
    ("jobs_run_in_the_designed_order", RELEASE, "promote, announce, audit", "promote, announce"),
    ("jobs_run_in_the_designed_order", RELEASE, "  dists:\n", "  packages:\n"),
    ("what_is_public_waits_for_the_mode", RELEASE, "    if: always()\n", ""),
    (
        "what_is_public_waits_for_the_mode",
        RELEASE,
        "    needs: [plan, gate]\n    if: needs.plan.outputs.mode == 'release'\n",
        "    needs: [plan, gate]\n",
    ),
    ("conditions_are_plain", RELEASE, "mode == 'release'", "mode == true"),
    ("conditions_are_plain", RELEASE, "mode == 'release'", "mode != 'dry-run'"),
    ("conditions_are_plain", CI, "if: always()", "if: inputs.release == 'true'"),
    ("conditions_are_plain", STAGE, "if: always()", "if: success()"),
    ("groups_are_never_empty_nor_shared", RELEASE, "group: release-${{", "group: ${{"),
    ("groups_are_never_empty_nor_shared", RELEASE, "release-${{ github.ref }}", "release"),
    ("groups_are_never_empty_nor_shared", CI, "group: ci-", "group: release-"),
    ("groups_are_never_empty_nor_shared", RELEASE, "concurrency:", "env:"),
    ("a_release_is_never_cancelled", ROLLBACK, "in-progress: false", "in-progress: true"),
    (
        "a_rollback_waits_for_no_gate",
        ROLLBACK,
        "      cancel-in-progress: false",
        "      cancel-in-progress: true",
    ),
    ("a_release_is_never_cancelled", CHANGELOG, "in-progress: false", "in-progress: true"),
    ("stages_are_verbs", CHANGELOG, "--propose", "--purpose"),
    ("a_release_is_never_cancelled", AUDIT, "in-progress: false", "in-progress: true"),
    ("triggers_are_the_known_ones", AUDIT, "  schedule:\n", "  pull_request_target:\n"),
    ("a_release_is_never_cancelled", RELEASE, "in-progress: false", "in-progress: true"),
    ("a_release_is_never_cancelled", RELEASE, "  cancel-in-progress: false\n", ""),
    ("a_release_is_never_cancelled", CI, "${{ github.event_name == 'pull_request' }}", "true"),
    ("a_release_is_never_cancelled", CI, "github.run_id", "github.ref"),
    ("a_rollback_waits_for_no_gate", IMAGE, "    name: build\n", "    concurrency: build\n"),
    ("the_verdict_knows_every_check", CI, "images, services, rehearsal]", "images, services]"),
    ("the_verdict_knows_every_check", CI, "run: make dists", "run: make images"),
    ("the_verdict_knows_every_check", CI, "outputs.dists == 'yes'", "outputs.images == 'yes'"),
    ("the_verdict_knows_every_check", CI, "    name: plan\n", "    if: always()\n"),
    ("the_verdict_knows_every_check", CI, "    if: always()\n", ""),
    ("the_checks_follow_the_plan", CI, "fromJson(needs.plan.outputs.pythons)", "x"),
    ("outputs_arrive", CI, "steps.plan.outputs.services", "steps.plan.outputs.service"),
    ("variables_are_read", CI, "CI_NEEDS:", "NEEDS:"),
    ("variables_are_read", CI, "          ARGS:", "          ARGUMENTS:"),
    ("triggers_are_the_known_ones", CI, "  pull_request:\n", "  pull_request_target:\n"),
    ("triggers_are_the_known_ones", RELEASE, 'tags: ["v*"]', 'tags: ["*"]'),
    ("jobs_end_in_time", RELEASE, "    timeout-minutes: 15\n", ""),
    (
        "what_a_rehearsal_leaves_out_is_not_used",
        RELEASE,
        "    timeout-minutes: 15\n",
        "    timeout-minutes: 15\n    continue-on-error: true\n",
    ),
    (
        "what_a_rehearsal_leaves_out_is_not_used",
        CI,
        "    timeout-minutes: 10\n",
        "    timeout-minutes: 10\n    services: {}\n",
    ),
    (
        "what_a_rehearsal_leaves_out_is_not_used",
        CI,
        "    timeout-minutes: 10\n",
        "    timeout-minutes: 10\n    container: python\n",
    ),
    (
        "what_a_rehearsal_leaves_out_is_not_used",
        RELEASE,
        "      fail-fast: false\n",
        "      fail-fast: false\n      max-parallel: 1\n",
    ),
    ("inputs_need_no_check", RELEASE, "type: boolean", "type: choice"),
    (
        "what_a_rehearsal_leaves_out_is_not_used",
        STAGE,
        "      shell: bash\n",
        "      shell: bash\n      continue-on-error: true\n",
    ),
    (
        "what_a_rehearsal_leaves_out_is_not_used",
        CI,
        "permissions: {}\n",
        "permissions: {}\n\ndefaults: {run: {shell: sh}}\n",
    ),
    ("jobs_end_in_time", IMAGE, "timeout-minutes: 60", "timeout-minutes: 600"),
    ("one_leg_does_not_end_the_others", RELEASE, "      fail-fast: false\n", ""),
    (
        "one_leg_does_not_end_the_others",
        RELEASE,
        "    runs-on: ${{ matrix.runner }}\n",
        "    runs-on: ${{ matrix.runner }}\n    outputs: {}\n",
    ),
    (
        "callers_say_what_they_may",
        RELEASE,
        "    uses: ./.github/workflows/image.yml\n",
        "    uses: ./.github/workflows/image.yml\n    timeout-minutes: 3\n",
    ),
    ("callers_say_what_they_may", IMAGE, "contents: read #", "packages: write #"),
    ("callers_give_what_is_asked", RELEASE, "      platform: ${{ matrix.platform }}\n", ""),
    ("callers_give_what_is_asked", RELEASE, "      platform: ${{ m", "      platforms: ${{ m"),
    ("callers_give_what_is_asked", IMAGE, "      REGISTRY_TOKEN:\n", "      REGISTRY_PASS:\n"),
    ("inputs_are_declared", RELEASE, "${{ inputs.dry-run }}", "${{ inputs.dry_run }}"),
    ("inputs_are_declared", STAGE, "${{ inputs.artifact ||", "${{ inputs.artefact ||"),
    ("the_action_is_given_its_inputs", RELEASE, "          stage: plan\n", ""),
    ("the_action_is_given_its_inputs", RELEASE, "          github-token:", "          github:"),
    ("runners_are_known", RELEASE, "runs-on: ubuntu-24.04\n", "runs-on: ubuntu-24.04-arm64\n"),
    ("runners_are_known", RELEASE, "runner: ${{ matrix.runner }}", "runner: ${{ matrix.image }}"),
    ("runners_are_known", IMAGE, "${{ inputs.runner }}", "${{ inputs.platform }}"),
    ("matrices_come_from_the_plan", RELEASE, "outputs.platforms)", "outputs.platform)"),
    ("matrices_come_from_the_plan", RELEASE, "--platform ${{ matrix.platform", "${{ matrix.arch"),
    ("matrices_come_from_the_plan", RELEASE, "needs: [plan, stage]", "needs: stage"),
    ("outputs_arrive", RELEASE, "steps.plan.outputs.images", "steps.plan.outputs.image"),
    ("outputs_arrive", ROLLBACK, "      - id: rollback\n        uses:", "      - uses:"),
    (
        "the_action_hands_on_what_the_stage_writes",
        STAGE,
        "steps.run.outputs.mode",
        "steps.stage.outputs.mode",
    ),
    (
        "artifacts_have_names_of_their_own",
        IMAGE,
        "image-${{ inputs.image }}-${{ inputs.runner }}",
        "image-${{ inputs.image }}",
    ),
    (
        "artifacts_have_names_of_their_own",
        RELEASE,
        "artifact: verify-staged-${{ matrix.runner }}",
        "artifact: verify-staged",
    ),
    ("artifacts_have_names_of_their_own", RELEASE, "artifact: promote", "artifact: stage"),
    ("results_may_be_written_again", STAGE, "overwrite: true", "overwrite: false"),
    ("results_may_be_written_again", STAGE, "      if: always()\n", ""),
    ("stages_are_verbs", RELEASE, "stage: publish-tags", "stage: publish-tag"),
    ("stages_are_verbs", RELEASE, "stage: promote", "stage: publish-tags"),
    ("stages_are_verbs", RELEASE, "--moment staged", "--moment stage"),
    ("stages_are_verbs", IMAGE, " --platform ${{ inputs.platform }}", ""),
    (
        "triggers_have_no_other_filters",
        ENTRY,
        "    types: [",
        "    paths: ['docs/**']\n    types: [",
    ),
    ("triggers_have_no_other_filters", RELEASE, "    tags: [", "    branches: [main]\n    tags: ["),
    (
        "groups_say_no_more_than_they_need",
        RELEASE,
        "  cancel-in-progress: false",
        "  cancel-in-progress: false\n  queue: max",
    ),
    ("inputs_are_required_or_have_a_default", STAGE, '    default: ""', '    type: "string"'),
    (
        "inputs_are_required_or_have_a_default",
        RELEASE,
        "        required: true",
        "        required: true\n        default: patch",
    ),
    (
        "a_command_alone_has_an_environment",
        RELEASE,
        "        with:\n          persist-credentials: false",
        "        env: {A: b}\n        with:\n          persist-credentials: false",
    ),
    (
        "shells_are_of_commands_in_actions",
        CI,
        "        run: make check\n",
        "        run: make check\n        shell: sh\n",
    ),
    ("no_job_waits_for_itself", CI, "    name: plan\n", "    name: plan\n    needs: ci\n"),
    ("what_is_called_is_what_it_is_called_as", AUDIT, "actions/stage", "actions/setup"),
    ("shells_are_named", SETUP, "      shell: bash\n", ""),
    ("variables_are_read", RELEASE, "  RELEASE_DRY_RUN:", "  RELEASE_DRYRUN:"),
    ("settings_are_documented", RELEASE, "vars.PACKAGE_INDEX_URL", "vars.PACKAGE_INDEX"),
    ("settings_are_documented", "docs/setup.md", "| `REGISTRY_TOKEN` |", "| `TOKEN` |"),
]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for folder in (".github", "docs"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    return tmp_path


@pytest.mark.parametrize("rule", RULES)
def test_the_workflows_keep_the_rule(rule: str) -> None:
    assert list(RULES[rule](Tree(ROOT))) == []


@pytest.mark.parametrize(("path", "line"), [(RELEASE, 1), (STAGE, 1), (CI, 20)])
def test_what_cannot_be_read_is_named_with_its_line(path: str, line: int) -> None:
    lines = (ROOT / path).read_text("utf-8").splitlines(keepends=True)
    text = "".join([*lines[: line - 1], "a: b: c\n", *lines[line - 1 :]])
    found = list(problems(Tree(ROOT).changing(path, text)))
    assert [one.split(": ")[0] for one in found] == [f"{path}:{line}"]


@pytest.mark.parametrize(("rule", "path", "old", "new"), BREACHES)
def test_a_breach_is_seen(copy: Path, rule: str, path: str, old: str, new: str) -> None:
    file = copy / path
    text = file.read_text("utf-8")
    assert old in text, "the text to be changed is not there any more"
    file.write_text(text.replace(old, new, 1), "utf-8")
    assert list(RULES[rule](Tree(copy))) != []


def test_every_rule_is_broken_once() -> None:
    assert {rule for rule, *_ in BREACHES} == set(RULES)


def test_what_act_ignores_is_read_from_the_files() -> None:
    assert set(rules_of_order.IGNORED_BY_ACT.values()) <= set(RULES)


def test_the_pins_are_the_recorded_ones() -> None:
    recorded = ROOT / rules_of_trust.FACTS
    if not recorded.exists():
        pytest.skip("the list of reviewed pins is not beside this checkout")
    rule, facts = rules_of_trust.pins_are_the_recorded_ones, recorded.read_text("utf-8")
    assert list(rule(Tree(ROOT), facts)) == []
    assert list(rule(Tree(ROOT), facts.replace(CHECKOUT, "0" * 40))) != []


@pytest.mark.parametrize("target", ["dists", "changelog-check"])
def test_a_small_check_installs_the_release_tools_alone(tmp_path: Path, target: str) -> None:
    """A third of what the tests need: a runner begins with nothing."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    command = ["make", "--dry-run", target]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "requirements/release.txt" in done.stdout
    assert "requirements/dev.txt" not in done.stdout
