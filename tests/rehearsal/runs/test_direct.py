"""A direct run does what the workflow file says, in its order, with what each job is given."""

import dataclasses
import json
import time
from pathlib import Path

import pytest

from rehearsal.actions.artifacts import Store
from rehearsal.runs import direct
from rehearsal.runs.act import Event, Setting
from rehearsal.runs.direct import DirectRun, Interference
from rehearsal.runs.environments import Environment
from rehearsal.runs.expressions import filled, holds
from rehearsal.runs.workflow import UnclearError
from rehearsal.world import git_repo

CHECKOUT = "actions/checkout@0000000000000000000000000000000000000000"
RELEASE = f"""\
name: Release
on: workflow_dispatch
env:
  WANTED: ${{{{ inputs.version }}}}
jobs:
  plan:
    outputs:
      legs: ${{{{ steps.plan.outputs.legs }}}}
      mode: ${{{{ steps.plan.outputs.mode }}}}
    steps:
      - uses: {CHECKOUT}
      - id: plan
        uses: ./.github/actions/stage
        with:
          stage: plan
          artifact: plan
          github-token: ${{{{ github.token }}}}
  images:
    needs: plan
    strategy:
      matrix:
        include: ${{{{ fromJson(needs.plan.outputs.legs) }}}}
    uses: ./.github/workflows/image.yml
    with:
      image: ${{{{ matrix.image }}}}
    secrets:
      TOKEN: ${{{{ secrets.TOKEN }}}}
  publish:
    needs: [plan, images]
    if: needs.plan.outputs.mode == 'release'
    permissions: {{id-token: write}}
    steps:
      - uses: {CHECKOUT}
        with: {{fetch-depth: 0}}
      - uses: ./.github/actions/stage
        with: {{stage: publish --moment now, artifact: publish}}
  report:
    needs: [plan, images, publish]
    if: always()
    env: {{NEEDS: "${{{{ toJson(needs) }}}}"}}
    steps:
      - uses: ./.github/actions/stage
        with: {{stage: report, artifact: report}}
"""
IMAGE = f"""\
name: Image
on: workflow_call
jobs:
  build:
    env:
      REGISTRY_TOKEN: ${{{{ secrets.TOKEN }}}}
    steps:
      - uses: {CHECKOUT}
      - uses: ./.github/actions/stage
        with:
          stage: image --name ${{{{ inputs.image }}}}
          artifact: image-${{{{ inputs.image }}}}
"""
ACTION = """\
runs:
  using: composite
  steps:
    - run: around the stage
    - id: run
      env:
        GITHUB_TOKEN: ${{ inputs.github-token }}
"""
STAGE = """\
import json, os, pathlib, subprocess, sys, time
SECRETS = ("GITHUB_TOKEN", "REGISTRY_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_TOKEN")
out = pathlib.Path("release/out")
out.mkdir(parents=True)
verb, wanted = sys.argv[1], os.environ.get("WANTED", "")
name = "-".join(sys.argv[1:])
history = subprocess.run(
    ["git", "rev-list", "--count", "HEAD"], capture_output=True, text=True
).stdout
facts = {
    "argv": sys.argv[1:],
    "in": sorted(path.name for path in pathlib.Path("release/in").glob("*")),
    "secrets": [name for name in SECRETS if os.environ.get(name)],
    "history": int(history),
    "wanted": wanted,
    "needs": {key: one["result"] for key, one in json.loads(os.environ.get("NEEDS", "{}")).items()},
}
(out / f"{name}.json").write_text(json.dumps(facts))
if verb == "plan":
    legs = json.dumps([{"image": "one"}, {"image": "two"}])
    with open(os.environ["GITHUB_OUTPUT"], "a") as file:
        file.write(f"legs<<X\\n{legs}\\nX\\nmode<<X\\n{os.environ.get('MODE', 'release')}\\nX\\n")
if verb == "report":
    with open(os.environ["GITHUB_STEP_SUMMARY"], "a") as file:
        file.write("**Next:** nothing")
if name == os.environ.get("WAITS"):
    time.sleep(100)
sys.exit(name == os.environ.get("FAILS"))
"""


@pytest.fixture
def place(tmp_path: Path) -> tuple[Setting, Event]:
    source = tmp_path / "server" / "somebody" / "thing"
    files = {
        ".github/workflows/release.yml": RELEASE,
        ".github/workflows/image.yml": IMAGE,
        ".github/actions/stage/action.yml": ACTION,
        "scripts/__init__.py": "",
        "scripts/__main__.py": STAGE,
        ".gitignore": "/release/\n__pycache__/\n",
    }
    git_repo.git(source, "init", "--quiet", "--initial-branch=main")
    for path, text in files.items():
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        (source / path).write_text(text)
    who = {f"GIT_{r}_{p}": "x" for r in ("AUTHOR", "COMMITTER") for p in ("NAME", "EMAIL")}
    for message in ("first", "second"):
        git_repo.git(source, "add", "--all")
        git_repo.git(source, "commit", "--quiet", "--allow-empty", "-m", message, **who)
    sha = git_repo.git(source, "rev-parse", "HEAD")
    folder = tmp_path / "world" / "runs" / "1"
    setting = Setting(
        tree=source,
        workflow=".github/workflows/release.yml",
        folder=folder,
        run_id=1,
        environment={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "REHEARSAL_BUILDER": "none"},
        context={
            "GITHUB_SERVER_URL": f"file://{tmp_path / 'server'}",
            "GITHUB_REPOSITORY": "somebody/thing",
        },
        secrets={"GITHUB_TOKEN": "to9", "TOKEN": "re9"},
    )
    event = Event("workflow_dispatch", "refs/heads/main", sha, {"inputs": {"version": "0.2.4"}})
    return setting, event


def result(done: DirectRun, name: str) -> dict[str, object]:
    """Read what a stage handed over."""
    target = done.folder / "read" / name
    Store(done.folder / "artifacts").extract(f"release-{name}", target, {})
    found: dict[str, object] = json.loads(next(target.glob("*.json")).read_text())
    return found


def test_every_job_runs_as_the_files_say(place: tuple[Setting, Event]) -> None:
    done = direct.run(*place)
    assert done.ok
    keys = ("plan", "images", "images/build", "publish", "report")
    assert done.results == dict.fromkeys(keys, "success")
    assert sorted(one.leg.label for one in done.legs) == [
        "image-one", "image-two", "plan", "publish", "report",
    ]  # fmt: skip
    assert result(done, "image-two")["argv"] == ["image", "--name", "two"]
    assert result(done, "publish")["wanted"] == "0.2.4"
    assert done.summary("report") == "**Next:** nothing"


def test_a_job_gets_the_artifacts_before_it_and_its_own_secrets_only(
    place: tuple[Setting, Event],
) -> None:
    done = direct.run(*place)
    assert result(done, "image-one")["in"] == ["plan.json"]
    assert result(done, "publish")["in"] == [
        "image---name-one.json", "image---name-two.json", "plan.json",
    ]  # fmt: skip
    assert result(done, "plan")["secrets"] == ["GITHUB_TOKEN"]
    assert result(done, "image-one")["secrets"] == ["REGISTRY_TOKEN"]
    assert result(done, "publish")["secrets"] == ["ACTIONS_ID_TOKEN_REQUEST_TOKEN"]


def test_an_environments_secrets_reach_its_jobs_only(place: tuple[Setting, Event]) -> None:
    setting, event = place
    held = {"release": Environment(secrets={"TOKEN": "re9"})}
    done = direct.run(dataclasses.replace(setting, environments=held), event)
    assert result(done, "image-one")["secrets"] == []


def test_an_output_with_a_secret_is_not_handed_over(place: tuple[Setting, Event]) -> None:
    done = direct.run(*place, environment={"MODE": "release re9"})
    assert done.outputs["plan"]["mode"] == ""
    assert done.results["publish"] == "skipped"


def test_a_checkout_has_the_history_that_it_asks_for(place: tuple[Setting, Event]) -> None:
    done = direct.run(*place)
    assert result(done, "plan")["history"] == 1
    assert result(done, "publish")["history"] == 2


def test_what_follows_a_failed_job_is_skipped_but_the_report(place: tuple[Setting, Event]) -> None:
    done = direct.run(*place, environment={"FAILS": "image---name-two"})
    assert not done.ok
    assert done.failed == ["image-two"]
    assert done.results["publish"] == "skipped"
    assert done.results["report"] == "success"
    assert "image---name-two.json" in result(done, "report")["in"]  # type: ignore[operator]


def test_a_job_is_told_what_became_of_those_it_needs(place: tuple[Setting, Event]) -> None:
    done = direct.run(*place, environment={"FAILS": "image---name-two"})
    assert result(done, "report")["needs"] == {
        "plan": "success", "images": "failure", "publish": "skipped",
    }  # fmt: skip


def test_conditions_are_kept(place: tuple[Setting, Event]) -> None:
    done = direct.run(*place, environment={"MODE": "dry-run"})
    assert done.ok
    assert done.results["publish"] == "skipped"


def test_what_a_called_workflow_skips_stops_what_follows(place: tuple[Setting, Event]) -> None:
    setting, _ = place
    image = setting.tree / ".github/workflows/image.yml"
    image.write_text(f"{IMAGE}  never:\n    if: inputs.never\n    steps: []\n")
    done = direct.run(*place)
    assert done.results["images"] == done.results["images/build"] == "success"
    assert done.results["images/never"] == done.results["publish"] == "skipped"
    assert done.results["report"] == "success"


def test_a_killed_job_hands_nothing_over(place: tuple[Setting, Event]) -> None:
    began = time.monotonic()
    interference = Interference(kill="image-one", moment=lambda: True)
    done = direct.run(*place, interference, environment={"WAITS": "image---name-one"})
    assert time.monotonic() - began < 60
    assert done.failed == ["image-one"]
    assert result(done, "report")["in"] == ["image---name-two.json", "plan.json"]


def test_a_job_killed_at_its_end_has_done_its_work(place: tuple[Setting, Event]) -> None:
    done = direct.run(*place, Interference(kill="image-one"))
    assert done.failed == ["image-one"]
    assert done.results["publish"] == "skipped"


def test_a_lost_artifact_fails_nobody_by_itself(place: tuple[Setting, Event]) -> None:
    done = direct.run(*place, Interference(lose="image-one"))
    assert done.ok
    assert result(done, "publish")["in"] == ["image---name-two.json", "plan.json"]


def test_a_run_can_be_taken_up_and_cut(place: tuple[Setting, Event], tmp_path: Path) -> None:
    setting, event = place
    first = direct.run(setting, event, Interference(enough=lambda key, _: key == "images"))
    assert first.cut == "images"
    assert "publish" not in first.results
    begun = direct.Begun(first.results, first.outputs, first.folder / "artifacts")
    second = Setting(**{**vars(setting), "folder": tmp_path / "world" / "runs" / "2"})
    done = direct.run(second, event, begun=begun)
    assert [one.leg.label for one in done.legs] == ["publish", "report"]
    assert "plan.json" in result(done, "publish")["in"]  # type: ignore[operator]


def test_expressions_look_names_up() -> None:
    context = {"inputs": {"a-b": True, "n": None}, "vars": {}}
    assert filled("x ${{ inputs.a-b }} y", context) == "x true y"
    assert filled("${{ inputs.n }}${{ vars.GONE }}", context) == ""
    assert filled("${{ toJson(inputs) }}", context) == '{\n  "a-b": true,\n  "n": null\n}'
    assert holds("", context)
    assert holds("inputs.a-b == true", context)
    assert not holds("inputs.a-b == 'true'", context)
    assert not holds("${{ vars.GONE != '' }}", context)
    assert not holds("steps.x.outcome == 'y' && true", context)
    needs = {"plan": {"result": "success", "outputs": {"mode": "release"}}}
    assert json.loads(filled("${{ toJson(needs) }}", {"needs": needs})) == needs
    with pytest.raises(UnclearError, match="hashFiles"):
        filled("${{ hashFiles('x') }}", context)
