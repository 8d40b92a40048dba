"""The doctor finds what would stop a release, says why, and what to do; it changes nothing."""

import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from aiohttp import web

from rehearsal.github.settings import Token
from scripts.core import jobs
from scripts.core.errors import CheckError, ProblemsError
from scripts.core.findings import ADVICE, NOT_CHECKED, OK, PROBLEM, Finding
from scripts.release import starting_point
from scripts.stages import doctor, plan
from tests.conftest import READER, TOKENS
from tests.support.project import git
from tests.support.releases import Releases
from tests.support.serving import serving

pytestmark = pytest.mark.service


@pytest.fixture
def well(released: Releases, monkeypatch: pytest.MonkeyPatch) -> Releases:
    """A project that can be released, examined without twine, as in the job `plan`."""
    monkeypatch.setitem(sys.modules, "twine.utils", None)
    released.begin()
    return released


def found(bench: Releases, what: str, **more: str) -> Finding:
    """Examine everything, changing nothing, and give the one finding of that name."""
    before = bench.state()
    context = bench.context(RELEASE_VERSION="0.3.1", **more)
    findings = doctor.examine(context, starting_point.find(context))
    assert bench.state() == before
    (finding,) = [one for one in findings if one.what == what]
    for one in findings:
        if one.status in (PROBLEM, ADVICE):
            assert one.why
            assert one.remedy
            assert one.page.startswith(context.endpoints.page_url) or "settings" not in one.page
    return finding


def is_problem(finding: Finding, *, page: str = "") -> bool:
    return finding.status == PROBLEM and finding.page.endswith(page)


def test_nothing_is_wrong_and_what_cannot_be_looked_at_is_said(
    well: Releases, capsys: pytest.CaptureFixture[str]
) -> None:
    well.index.audience = "small-index"
    more = {"PATH": path_with(well, compose="2.24.0"), "PACKAGE_INDEX_TOKEN": ""}
    context = well.context(RELEASE_VERSION="0.3.1", **more)
    doctor.run(context)
    text = capsys.readouterr().out
    assert "❌" not in text
    assert "✅ the token may write" in text
    host = well.images.host
    assert f"✅ registry takes {host}/mari/api" in text
    assert "❔ runner for linux/arm64 | not checked: the label ubuntu-24.04-arm" in text
    assert "❔ trusted publishing | not checked: the workflow is right; enter release.yml" in text
    assert "✅ project sample_thing | active" in text


def test_a_token_that_may_only_read(well: Releases) -> None:
    where = {"GITHUB_SERVER_URL": well.github.url}
    finding = found(well, "the token may write", GITHUB_TOKEN=READER, **where)
    assert is_problem(finding, page="/settings/actions")
    assert "contents: write" in finding.remedy
    assert found(well, "the token may write", **where).status == OK


def test_without_a_token_nothing_is_claimed(well: Releases) -> None:
    assert found(well, "the token may write", GITHUB_TOKEN="").status == NOT_CHECKED
    more = {"REGISTRY_USERNAME": "", "REGISTRY_TOKEN": ""}
    what = f"registry takes {well.images.host}/mari/api"
    assert found(well, what, GITHUB_TOKEN="", **more).status == NOT_CHECKED


@pytest.mark.parametrize("name", ["release", "pypi"])
def test_an_environment_that_is_missing(well: Releases, name: str) -> None:
    all_of_them: dict[str, tuple[str, ...]] = {"release": ("rhea",), "pypi": ()}
    del all_of_them[name]
    well.github = well.serve_github(environments=all_of_them)
    assert is_problem(found(well, f"environment {name}"), page="/settings/environments")


def test_an_environment_without_reviewers(well: Releases) -> None:
    well.github = well.serve_github(environments={"release": (), "pypi": ()})
    finding = found(well, "environment release")
    assert (finding.status, finding.found) == (ADVICE, "has no reviewers")
    assert finding.page.endswith("/settings/environments")


def test_a_protected_branch_and_pull_requests_that_are_not_allowed(well: Releases) -> None:
    admin = {"administration": "read", "contents": "write"}
    tokens = {**TOKENS, "all-of-it": Token("mari", admin)}
    for allowed, status in ((True, OK), (False, PROBLEM)):
        well.github = well.serve_github(
            protected_branches=("main",), actions_may_open_pulls=allowed, tokens=tokens
        )
        finding = found(well, "branch main", GITHUB_TOKEN="all-of-it")
        assert finding.status == status
        assert found(well, "branch main").status == NOT_CHECKED
    assert finding.page.endswith("/settings/actions")
    assert "create pull requests" in finding.remedy


@pytest.mark.parametrize(("rule", "status"), [("pull_request", NOT_CHECKED), ("deletion", OK)])
def test_a_ruleset_protects_a_branch_too(well: Releases, rule: str, status: str) -> None:
    well.github = well.serve_github(branch_rules=(rule,))
    assert found(well, "branch main").status == status


@pytest.mark.parametrize(
    ("rule", "status", "said"),
    [
        ("required_linear_history", ADVICE, "linear history"),
        ("required_signatures", PROBLEM, "signed commits"),
        ("merge_queue", ADVICE, "merge_group"),
    ],
)
def test_a_rule_that_a_release_cannot_keep(
    well: Releases, rule: str, status: str, said: str
) -> None:
    """A branch is protected as one likes, but for what keeps a merge commit or the bot out."""
    well.github = well.serve_github(branch_rules=(rule,))
    finding = found(well, f"rule {rule} of branch main")
    assert finding.status == status
    assert said in finding.remedy
    assert finding.page.endswith("/settings/rules")


@pytest.mark.parametrize(
    ("state", "status"),
    [("active", OK), ("disabled_inactivity", ADVICE), ("", NOT_CHECKED)],
)
def test_a_schedule_that_github_switched_off(well: Releases, state: str, status: str) -> None:
    """After 60 days without a commit, in public repositories."""
    context = well.context()
    context.forge.setting = lambda _: {"state": state} if state else None  # type: ignore[method-assign]
    findings = list(doctor.schedule(context, starting_point.find(context)))
    assert [one.what for one in findings] == ["weekly audit.yml", "weekly watch.yml"]
    for finding in findings:
        assert finding.status == status
        assert status != ADVICE or "Enable" in finding.remedy


@pytest.mark.parametrize(
    ("rules", "status"),
    [(("update", "deletion"), OK), (("creation",), ADVICE), (("tag_name_pattern",), ADVICE)],
)
def test_a_ruleset_for_tags(well: Releases, rules: tuple[str, ...], status: str) -> None:
    assert found(well, "tags").status == OK
    well.github = well.serve_github(tag_rulesets={"kept": ("update",), "versions": rules})
    finding = found(well, "tags")
    assert finding.status == status
    assert status == OK or finding.found == "restricted by versions"


ROOT = Path(__file__).parents[2]
WORKFLOWS = {
    "no workflow": None,
    "no YAML": "jobs: [",
    "no job for the index": "jobs: {publish: {environment: release}}",
    "no identity token": "jobs: {publish: {environment: pypi, permissions: {contents: read}}}",
    "everything": "jobs: {publish: {environment: pypi, permissions: write-all}}",
}


@pytest.mark.parametrize("text", WORKFLOWS.values(), ids=WORKFLOWS.keys())
def test_a_workflow_that_the_index_would_not_trust(well: Releases, text: str | None) -> None:
    well.project.commit({jobs.WORKFLOW: text})
    finding = found(well, "trusted publishing", PACKAGE_INDEX_TOKEN="")
    assert is_problem(finding, page="release.yml")
    assert "id-token: write" in finding.remedy


def test_how_the_package_is_published_is_said(well: Releases) -> None:
    finding = found(well, "trusted publishing")
    assert (finding.status, "PACKAGE_INDEX_TOKEN is set" in finding.found) == (OK, True)
    finding = found(well, "trusted publishing", PACKAGE_INDEX_TOKEN="")
    assert (finding.status, "needs the secret" in finding.found) == (NOT_CHECKED, True)
    well.index.audience = "small-index"
    finding = found(well, "trusted publishing", PACKAGE_INDEX_TOKEN="")
    assert (finding.status, "environment pypi" in finding.found) == (NOT_CHECKED, True)


@pytest.mark.parametrize("status", ["archived", "quarantined"])
def test_a_project_that_takes_no_files(well: Releases, status: str) -> None:
    assert found(well, "project sample_thing").status == OK
    well.index.status = {"status": status, "reason": "no longer kept up"}
    finding = found(well, "project sample_thing")
    assert is_problem(finding)
    assert finding.found == f"{status}: no longer kept up"
    well.index.status = {"status": "deprecated"}
    assert found(well, "project sample_thing").found == "deprecated"


def test_a_project_that_the_index_does_not_know_yet(well: Releases) -> None:
    well.index.files.clear()
    assert found(well, "project sample_thing").found == "not at the index yet"


def test_credentials_that_the_registry_refuses(well: Releases) -> None:
    what = f"registry takes {well.images.host}/mari/api"
    before = well.images.writes()
    assert is_problem(found(well, what, REGISTRY_TOKEN="wrong"), page="/settings/secrets/actions")
    assert is_problem(found(well, what, REGISTRY_USERNAME="rhea"))
    assert well.images.writes() == before


def test_an_account_without_the_right_to_push(well: Releases) -> None:
    """The registry gives a token, and what it grants is less than asked."""
    text = (well.project.clone / "pyproject.toml").read_text()
    changed = text.replace('repository = "mari/api"', 'repository = "others/api"')
    well.project.commit({"pyproject.toml": changed})
    assert is_problem(found(well, f"registry takes {well.images.host}/others/api"))


def test_no_other_registry_gets_the_credentials(well: Releases) -> None:
    """An image that names its own registry: REGISTRY_TOKEN is that of another one."""
    host = well.images.host
    text = (well.project.clone / "pyproject.toml").read_text()
    own = text.replace('repository = "mari/api"', f'repository = "{host}/mari/api"')
    well.project.commit({"pyproject.toml": own})
    what = f"registry takes {host}/mari/api"
    assert found(well, what, IMAGE_REGISTRY="registry.example.org").status == NOT_CHECKED


def test_a_registry_that_does_not_answer_stops_nothing(well: Releases) -> None:
    more = {"IMAGE_REGISTRY": "localhost:1", "RELEASE_DEADLINE": "0.5"}
    assert found(well, "registry", **more).status == NOT_CHECKED


WHEEL = "sample_thing-0.3.1-py3-none-any.whl"


def uploaded(bench: Releases, days: int) -> None:
    moment = datetime.now(UTC) - timedelta(days=days)
    bench.index.files[WHEEL] = b"half of it"
    bench.index.times[WHEEL] = moment.strftime("%Y-%m-%dT%H:%M:%S.000000Z")


@pytest.mark.parametrize(("days", "status"), [(1, OK), (13, OK), (15, PROBLEM)])
def test_a_version_that_is_half_uploaded(well: Releases, days: int, status: str) -> None:
    well.project.git("push", "-q", "origin", "main:refs/heads/release/v0.3.1")
    what = "package sample_thing 0.3.1"
    assert found(well, what).found == "free"
    uploaded(well, days)
    finding = found(well, what)
    assert finding.status == status
    assert "begun on" in finding.found


def test_a_version_that_somebody_else_took(well: Releases) -> None:
    uploaded(well, 1)
    finding = found(well, "package sample_thing 0.3.1")
    assert is_problem(finding)
    assert "next version" in finding.remedy


def test_an_index_that_tells_no_times(well: Releases) -> None:
    well.project.git("push", "-q", "origin", "main:refs/heads/release/v0.3.1")
    well.index.files[WHEEL] = b"half of it"
    assert "begun: this run finishes it" in found(well, "package sample_thing 0.3.1").found


@pytest.fixture
def late(tmp_path: Path) -> Iterator[str]:
    """A service whose clock is an hour behind."""

    async def answer(_: web.Request) -> web.Response:
        moment = format_datetime(datetime.now(UTC) - timedelta(hours=1), usegmt=True)
        return web.Response(headers={"Date": moment})

    def make(_: str) -> web.Application:
        app = web.Application()
        app.router.add_get("/", answer)
        return app

    with serving("late", tmp_path / "late", make) as served:
        yield served.url


def test_a_clock_that_is_off(well: Releases, late: str) -> None:
    context = well.context()
    start = starting_point.find(context)
    (finding,) = doctor.clock(well.context(GITHUB_API_URL=late), start)
    assert is_problem(finding)
    assert finding.found.startswith(("off by 0:59:5", "off by 1:00:0"))
    (right,) = doctor.clock(context, start)
    assert right.status == OK


def path_with(bench: Releases, **versions: str) -> str:
    """Give a PATH on which docker's plugins say these versions, and git is the machine's."""
    folder = bench.folder / "programs"
    folder.mkdir(exist_ok=True)
    lines = [f'[ "$1" = {name} ] && echo v{said} && exit 0' for name, said in versions.items()]
    (folder / "docker").write_text("\n".join(["#!/bin/sh", *lines, "exit 1\n"]))
    (folder / "docker").chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


def test_a_tool_that_is_too_old_or_missing(well: Releases) -> None:
    old = {"PATH": path_with(well, buildx="0.9.1", compose="2.24.1"), "GITHUB_ACTIONS": "true"}
    finding = found(well, "docker buildx", **old)
    assert is_problem(finding)
    assert "0.9" in finding.found
    assert found(well, "docker compose", **old).status == OK
    without = {"PATH": path_with(well, buildx="1.0"), "GITHUB_ACTIONS": "true"}
    missing = found(well, "docker compose", **without)
    assert is_problem(missing)
    assert "install docker compose 2.24" in missing.remedy
    # A laptop plans; it is the runners that need them.
    assert found(well, "docker compose", PATH=without["PATH"]).status == ADVICE


def test_tools_that_no_stage_starts_are_not_asked_for(well: Releases) -> None:
    text = (well.project.clone / "pyproject.toml").read_text()
    alone = text.partition("[[tool.release.images]]")[0].replace('compose = "compose.yaml"', "")
    well.project.commit({"pyproject.toml": alone})
    context = well.context()
    names = [one.what for one in doctor.tools(context, starting_point.find(context))]
    assert names == ["git"]


def test_a_problem_stops_the_doctor_and_the_plan_but_no_dry_run(well: Releases) -> None:
    well.github = well.serve_github(environments={})
    with pytest.raises(CheckError, match="environment release: not there; environment pypi"):
        doctor.run(well.context(RELEASE_VERSION="0.3.1"))
    log = (well.project.clone / "CHANGELOG.md").read_text()
    entry = "## [Unreleased]\n\n### Added\n\n- One.\n"
    well.project.commit({"CHANGELOG.md": log.replace("## [Unreleased]\n", entry, 1)})
    before = well.state()
    with pytest.raises(ProblemsError, match="environment release: not there"):
        plan.run(well.context(RELEASE_VERSION="0.3.1"))
    plan.run(well.context(RELEASE_VERSION="0.3.1", RELEASE_DRY_RUN="true"))
    assert well.state() == before
    assert "v0.3.1" not in git("tag", cwd=well.project.bare)


def test_the_workflow_that_stands_beside_one_of_the_same_name(well: Releases) -> None:
    ours = (ROOT / jobs.WORKFLOW).read_text("utf-8")
    well.project.commit({jobs.WORKFLOW: "jobs: {}", jobs.BESIDE: ours})
    well.index.audience = "small-index"
    finding = found(well, "trusted publishing", PACKAGE_INDEX_TOKEN="")
    assert finding.status == "not checked"
    assert "enter release-system.yml" in finding.found


def test_an_image_of_another_project_is_told(well: Releases) -> None:
    """The label of `latest` names the repository that pushed it."""
    context = well.context()
    image = f"{well.images.host}/mari/api"
    for said, findings in (
        ("https://elsewhere.example/wide/api", 1),
        (f"{context.endpoints.page_url}.git", 0),
        ("", 0),
    ):
        labels = {doctor.SOURCE_LABEL: said}
        context.registry.labels = lambda one, held=labels: (  # type: ignore[method-assign,misc]
            held if one == f"{image}:latest" else {}
        )
        found = list(doctor.owners(context, starting_point.find(context)))
        assert [(one.status, one.what, one.found) for one in found] == (
            [(ADVICE, f"source of {image}", said)] * findings
        )


def pinned(well: Releases, sha: str) -> list[Finding]:
    """Examine a workflow whose stage is an action of this repository at that commit."""
    context = well.context()
    used = f"uses: {context.endpoints.repository}/.github/actions/stage@{sha} # v1.0.0"
    well.project.commit({".github/workflows/release-system.yml": f"jobs: {{a: [{{{used}}}]}}\n"})
    return list(doctor.actions(context, starting_point.find(context)))


def test_an_action_at_a_commit_that_does_not_exist(well: Releases) -> None:
    (finding,) = pinned(well, "5" * 40)
    assert is_problem(finding)
    assert finding.found == "no such commit"
    assert "release-system.yml" in finding.remedy
    assert pinned(well, well.project.sha("main")) == []


def test_a_run_has_shown_that_its_actions_exist(well: Releases) -> None:
    context = well.context(GITHUB_ACTIONS="true")
    pinned(well, "5" * 40)
    assert list(doctor.actions(context, starting_point.find(context))) == []
