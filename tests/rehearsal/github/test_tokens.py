"""A token may what its job may, as long as the job runs, and a job is not what it says it is."""

from io import StringIO
from pathlib import Path

import pytest

from rehearsal.github.errors import forbidden
from rehearsal.github.settings import Token
from rehearsal.github.tokens import REQUEST_URL, TokenBook, asking
from rehearsal.progress import Progress
from rehearsal.runs import run
from rehearsal.runs.environments import Environment
from rehearsal.world.world import MAINTAINER
from tests.rehearsal.github.conftest import Served, World, git
from tests.support.workflow_bench import Bench

READER = Token("github-actions[bot]", {"contents": "read"}, "plan")
NOTHING = Token("github-actions[bot]", {"metadata": "read"}, "gate")


def issued(served: Served, token: Token) -> str:
    return TokenBook(served.settings.token_folder).issue(token)


def test_what_a_job_may_not_is_refused_with_what_it_wants(hub: Served) -> None:
    token = issued(hub, READER)
    answer = hub.api("POST", "/releases", token, json={"tag_name": "v1"})
    assert answer.status_code == 403
    assert answer.json()["message"] == "Resource not accessible by integration"
    assert answer.headers["X-Accepted-GitHub-Permissions"] == "contents=write"
    answer = hub.api("POST", "/pulls", token, json={"title": "x", "head": "y", "base": "main"})
    assert answer.headers["X-Accepted-GitHub-Permissions"] == "pull_requests=write"


def test_what_no_job_can_be_given_is_said_so() -> None:
    assert "which no job can have" in forbidden("plan", "administration", "read").remedy
    assert "merge them into a branch" in forbidden("plan", "workflows", "write").remedy
    assert "add it to the job's `permissions`" in forbidden("plan", "contents", "read").remedy


def test_the_token_of_a_finished_job_is_refused(hub: Served) -> None:
    book = TokenBook(hub.settings.token_folder)
    token = book.issue(READER)
    assert hub.api("GET", "", token).status_code == 200
    book.revoke(token)
    answer = hub.api("GET", "", token)
    assert (answer.status_code, answer.json()["message"]) == (401, "Bad credentials")


def test_no_file_holds_a_token(hub: Served) -> None:
    token = issued(hub, READER)
    for path in hub.settings.folder.rglob("*"):
        assert token not in path.name
        assert not path.is_file() or token not in path.read_text(errors="replace")


@pytest.mark.parametrize("path", ["/releases", "/tags", "/branches/main", "/pulls"])
def test_a_private_repository_shows_nothing_without_the_permission(world: World, path: str) -> None:
    hub = world.serve(private=True)
    assert hub.api("GET", path, "").status_code == 404
    assert hub.api("GET", path, issued(hub, NOTHING)).status_code == 404
    everything = Token("b[bot]", {"metadata": "read", "contents": "read", "pull_requests": "read"})
    assert hub.api("GET", path, issued(hub, everything)).status_code == 200
    assert hub.page("/releases").status_code == 404
    assert hub.api("GET", "", issued(hub, NOTHING)).json()["private"] is True


@pytest.mark.parametrize("path", ["", "/releases", "/environments", "/pulls"])
def test_the_maintainer_sees_all_of_a_private_repository(world: World, path: str) -> None:
    hub = world.serve(private=True)
    token = issued(hub, Token("mari", MAINTAINER))
    assert hub.api("GET", path, token).status_code == 200


def test_a_job_without_contents_cannot_clone_a_private_repository(
    world: World, tmp_path: Path
) -> None:
    hub = world.serve(private=True)
    for token in ("", issued(hub, NOTHING)):
        done = git("clone", "-q", hub.remote(token), "none", cwd=tmp_path, check=False)
        assert done.returncode
    assert "Repository not found" in done.stderr
    assert not git("clone", "-q", hub.remote(issued(hub, READER)), "one", cwd=tmp_path).returncode


def test_a_public_repository_is_cloned_by_a_job_that_may_nothing(
    hub: Served, tmp_path: Path
) -> None:
    git("clone", "-q", hub.remote(issued(hub, NOTHING)), "one", cwd=tmp_path)


ASK = """\
ask() {
  curl -s -o /dev/null -w '%{http_code}\\n' -H "Authorization: Bearer $TOKEN" "$@" \\
    -X POST -d "{\\"tag_name\\": \\"v$RANDOM$RANDOM\\", \\"draft\\": true}" "$RELEASES"
}
"""
RELEASE = """\
name: Release
on: workflow_dispatch
permissions: {}
env: {TOKEN: "${{ secrets.GITHUB_TOKEN }}"}
jobs:
  may:
    permissions: {contents: write}
    runs-on: ubuntu-24.04
    steps: [{run: ". $ASK; echo may $(ask)"}]
  may-not:
    permissions: {contents: read}
    runs-on: ubuntu-24.04
    env: {GITHUB_JOB: may}
    steps:
      - run: ". $ASK; echo plain $(ask)"
      - run: ". $ASK; export GITHUB_JOB=may GITHUB_WORKFLOW=Release; echo forged $(ask)"
      - run: ". $ASK; export -f ask; echo bare $(env -u GITHUB_JOB GITHUB_JOB=may bash -c ask)"
      - run: |
          . $ASK; export -f ask; export GITHUB_JOB=may
          mkfifo $HOME/told; setsid -f bash -c 'ask > $HOME/told'; echo gone $(cat $HOME/told)
  called: {uses: ./.github/workflows/image.yml, permissions: {contents: write}}
"""
IMAGE = """\
name: Image
on: workflow_call
jobs:
  may:
    permissions: {}
    runs-on: ubuntu-24.04
    env: {TOKEN: "${{ github.token }}"}
    steps: [{run: ". $ASK; echo inner $(ask)"}]
"""


def test_jobs_that_share_a_token_are_told_apart_by_their_processes(
    world: World, tmp_path: Path
) -> None:
    hub = world.serve()
    bench_folder = tmp_path / "bench"
    bench_folder.mkdir()
    bench = Bench(bench_folder)
    (tmp_path / "ask.sh").write_text(ASK)
    bench.write(".github/workflows/release.yml", RELEASE)
    bench.write(".github/workflows/image.yml", IMAGE)
    sha = bench.commit()
    book = TokenBook(hub.settings.token_folder)
    more = {"RELEASES": hub.settings.api("/releases")}
    setting = bench.setting(context={**more, "ASK": str(tmp_path / "ask.sh")}, tokens=book)  # type: ignore[arg-type]
    bench.tree(sha, setting)
    with Progress(StringIO(), live=False) as progress:
        done = run.run(setting, bench.event(sha), progress)
    assert done.ok, done.problems
    said = "".join(job.log.read_text() for job in done.jobs)
    for line in ("may 201", "plain 403", "forged 403", "bare 403", "gone 401", "inner 403"):
        assert line in said, said
    assert hub.api("GET", "", setting.secrets["GITHUB_TOKEN"]).status_code == 401


ID_TOKENS = """\
name: Release
on: workflow_dispatch
permissions: {}
jobs:
  may:
    environment: pypi
    permissions: {id-token: write}
    runs-on: ubuntu-24.04
    steps:
      - run: ". $ASK; echo may $(ask), $(claim environment), $(claim job_workflow_ref)"
      - run: |
          . $ASK; export -f ask
          mkfifo $HOME/told; setsid -f bash -c 'ask > $HOME/told'; echo gone $(cat $HOME/told)
  may-not:
    permissions: {contents: write}
    runs-on: ubuntu-24.04
    env: {TOKEN: "idtoken.${{ github.token }}"}
    steps:
      - run: 'echo "given: $ACTIONS_ID_TOKEN_REQUEST_URL$ACTIONS_ID_TOKEN_REQUEST_TOKEN."'
      - run: ". $ASK; export ACTIONS_ID_TOKEN_REQUEST_TOKEN=$TOKEN; echo forged $(ask)"
  called: {uses: ./.github/workflows/image.yml, permissions: {id-token: write}}
"""
CALLED = """\
name: Image
on: workflow_call
jobs:
  may:
    runs-on: ubuntu-24.04
    steps: [{run: ". $ASK; echo inner $(ask), $(claim environment), $(claim job_workflow_ref)"}]
"""
ASK_IDENTITY = """\
ask() {
  curl -s -o answer -w '%{http_code}' \\
    -H "Authorization: bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" "$ASKED&audience=index"
}
claim() {
  ask > /dev/null
  python3 -c 'import base64, json, sys
part = json.load(open("answer"))["value"].split(".")[1]
print(json.loads(base64.urlsafe_b64decode(part + "==")).get(sys.argv[1], "none"))' "$1"
}
"""


def test_under_act_only_the_jobs_that_may_get_identity_tokens(world: World, tmp_path: Path) -> None:
    hub = world.serve()
    (tmp_path / "bench").mkdir()
    bench = Bench(tmp_path / "bench")
    (tmp_path / "ask.sh").write_text(ASK_IDENTITY)
    bench.write(".github/workflows/release.yml", ID_TOKENS)
    bench.write(".github/workflows/image.yml", CALLED)
    sha = bench.commit()
    asked = asking(hub.base, "")[REQUEST_URL]
    setting = bench.setting(
        context={"ASKED": asked, "ASK": str(tmp_path / "ask.sh"), "GITHUB_ACTOR": "mari"},
        tokens=TokenBook(hub.settings.token_folder),  # type: ignore[arg-type]
        environments={"pypi": Environment()},
    )
    bench.tree(sha, setting)
    with Progress(StringIO(), live=False) as progress:
        done = run.run(setting, bench.event(sha), progress)
    assert done.ok, done.problems
    said = "".join(job.log.read_text() for job in done.jobs)
    files = "owner/project.git/.github/workflows"
    for line in (
        f"may 200, pypi, {files}/release.yml@refs/heads/main",
        "gone 401",
        "given: .",
        "forged 403",
        f"inner 200, none, {files}/image.yml@refs/heads/main",
    ):
        assert line in said, said
