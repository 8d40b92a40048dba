"""Clone and push with git itself."""

import pytest

from rehearsal.github.push_rules import PushRules, refusal, run_git
from tests.rehearsal.github.conftest import Served, World, git


@pytest.mark.parametrize("suffix", [".git", ""])
def test_anybody_clones(hub: Served, world: World, suffix: str) -> None:
    git("clone", "-q", hub.remote("", suffix), "copy", cwd=world.folder)
    assert git("rev-parse", "HEAD", cwd=world.folder / "copy").stdout.strip() == world.sha("main")


def test_a_shallow_clone_and_the_older_protocol(hub: Served, world: World) -> None:
    for version in ("0", "2"):
        args = ("-c", f"protocol.version={version}", "clone", "-q", "--depth=1")
        git(*args, hub.remote(""), f"copy{version}", cwd=world.folder)
        count = git("rev-list", "--count", "HEAD", cwd=world.folder / f"copy{version}")
        assert count.stdout == "1\n"


def test_another_repository_is_not_found(hub: Served, world: World) -> None:
    url = f"{hub.base}/mrilikecoding/Other.git"
    failed = git("clone", "-q", url, "copy", cwd=world.folder, check=False)
    assert "not found" in failed.stderr


def push(world: World, hub: Served, token: str, *refs: str) -> tuple[int, str]:
    done = world.git("push", "--porcelain", *refs[:0], hub.remote(token), *refs, check=False)
    return done.returncode, done.stderr + done.stdout


@pytest.mark.parametrize(
    ("token", "said"),
    [
        ("", "could not read Username"),
        ("wrong", "Invalid username or token"),
        ("reader", "Permission to mrilikecoding/StreamPoseML.git denied to rhea."),
    ],
)
def test_a_push_needs_the_permission(hub: Served, world: World, token: str, said: str) -> None:
    world.git("commit", "-q", "--allow-empty", "-m", "New")
    code, output = push(world, hub, token, "HEAD:refs/heads/new")
    assert code != 0
    assert said in output
    assert world.git("ls-remote", "origin", "refs/heads/new").stdout == ""


def test_a_push_moves_branches_and_tags(hub: Served, world: World) -> None:
    world.git("commit", "-q", "--allow-empty", "-m", "New")
    new = world.git("rev-parse", "HEAD").stdout.strip()
    code, _ = push(world, hub, "writer", "HEAD:main", "HEAD:refs/tags/v1")
    assert code == 0
    assert world.sha("main") == world.sha("refs/tags/v1") == new
    assert hub.repo().get_branch("main").commit.sha == new
    assert push(world, hub, "writer", ":refs/tags/v1")[0] == 0


def test_the_authorization_that_a_checkout_leaves_behind_works(hub: Served, world: World) -> None:
    header = "http.extraHeader=AUTHORIZATION: basic eC1hY2Nlc3MtdG9rZW46d3JpdGVy"
    done = world.git("-c", header, "push", "-q", hub.remote(""), "origin/main:refs/heads/new")
    assert done.returncode == 0


def test_a_large_push_arrives(hub: Served, world: World) -> None:
    (world.checkout / "big").write_bytes(bytes(range(256)) * 40_000)
    world.git("add", "big")
    world.git("-c", "core.compression=0", "commit", "-qm", "Big")
    args = ("-c", "http.postBuffer=1024", "push", "-q", hub.remote(), "HEAD:main")
    assert world.git(*args).returncode == 0


class TestProtected:
    """A protected branch takes pull requests only."""

    @pytest.fixture
    def hub(self, world: World) -> Served:
        served = world.serve(protected_branches=("main",))
        world.git("commit", "-q", "--allow-empty", "-m", "New")
        return served

    def test_a_push_is_refused_in_githubs_words_and_other_refs_go_through(
        self, hub: Served, world: World
    ) -> None:
        before = world.sha("main")
        code, output = push(world, hub, "writer", "HEAD:main", "HEAD:refs/tags/v1")
        assert code != 0
        assert "remote: error: GH006: Protected branch update failed for refs/heads/main." in output
        assert "remote: error: Changes must be made through a pull request." in output
        assert world.sha("main") == before
        assert world.sha("refs/tags/v1") != before

    def test_an_atomic_push_leaves_no_stray_tag(self, hub: Served, world: World) -> None:
        code, output = push(world, hub, "writer", "--atomic", "HEAD:main", "HEAD:refs/tags/v1")
        assert code != 0
        assert "GH006" in output
        assert world.git("ls-remote", "origin", "refs/tags/v1").stdout == ""

    @pytest.mark.parametrize(
        ("ref", "said"),
        [("+HEAD~2:main", "GH006"), (":main", "deletion of the current branch prohibited")],
    )
    def test_it_is_neither_rewritten_nor_deleted(
        self, hub: Served, world: World, ref: str, said: str
    ) -> None:
        code, output = push(world, hub, "admin", ref)
        assert (code != 0, said in output) == (True, True)

    def test_without_the_rule_on_pull_requests_it_only_grows(
        self, hub: Served, world: World
    ) -> None:
        rule = dict.fromkeys(
            ("required_status_checks", "required_pull_request_reviews", "restrictions")
        )
        body = rule | {"enforce_admins": True}
        assert hub.api("PUT", "/branches/main/protection", "admin", json=body).ok
        assert push(world, hub, "writer", "HEAD:main")[0] == 0
        code, output = push(world, hub, "writer", "+HEAD~1:main")
        assert (code != 0, "Cannot force-push" in output) == (True, True)

    def test_administrators_are_exempt_unless_included(self, hub: Served, world: World) -> None:
        rule = dict.fromkeys(("required_status_checks", "restrictions", "enforce_admins"))
        body = rule | {"required_pull_request_reviews": {}}
        assert hub.api("PUT", "/branches/main/protection", "admin", json=body).ok
        assert push(world, hub, "writer", "HEAD:main")[0] != 0
        assert push(world, hub, "admin", "HEAD:main")[0] == 0


def test_the_tag_of_an_immutable_release_stays(world: World) -> None:
    hub = world.serve(immutable_releases=True)
    release = hub.repo().create_git_release("v1", "x", "y")
    for refs in (("+HEAD~1:refs/tags/v1",), (":refs/tags/v1",)):
        code, output = push(world, hub, "admin", *refs)
        assert (code != 0, "GH013" in output) == (True, True)
    release.delete_release()
    assert push(world, hub, "admin", ":refs/tags/v1")[0] == 0
    code, output = push(world, hub, "admin", "HEAD:refs/tags/v1")
    assert (code != 0, "Cannot create ref due to creations being restricted" in output) == (
        True,
        True,
    )


@pytest.mark.parametrize(
    ("rule", "refs", "said"),
    [
        ("creation", "HEAD:refs/tags/v2", "Cannot create ref due to creations being restricted."),
        ("update", "+HEAD~1:refs/tags/v1", "Cannot update this protected ref."),
        ("deletion", ":refs/tags/v1", "Cannot delete this protected ref."),
    ],
)
def test_the_rulesets_of_tags_bind_a_push(world: World, rule: str, refs: str, said: str) -> None:
    hub = world.serve(tag_rulesets={"versions": (rule,)})
    assert push(world, hub, "admin", "HEAD:refs/tags/v1", "HEAD:refs/tags/other1")[0] == 0
    code, output = push(world, hub, "workflow", refs)
    assert code != 0
    assert "remote: error: GH013: Repository rule violations found for refs/tags/v" in output
    assert f"- {said}" in output
    assert "What to do: release another version" in output
    assert push(world, hub, "workflow", refs.replace("tags/v", "tags/other"))[0] == 0
    assert push(world, hub, "admin", refs)[0] == 0


def test_workflow_files_need_the_permission(hub: Served, world: World) -> None:
    (world.checkout / ".github" / "workflows" / "new.yml").write_text("on: push\n")
    world.git("add", "--all")
    world.git("commit", "-qm", "Workflow")
    code, output = push(world, hub, "workflow", "HEAD:refs/heads/x")
    assert code != 0
    assert "refusing to allow a GitHub App to create or update workflow" in output
    assert "`.github/workflows/new.yml`" in output
    assert push(world, hub, "admin", "HEAD:refs/heads/x")[0] == 0


def test_workflow_files_that_stand_on_some_branch_may_be_pushed(hub: Served, world: World) -> None:
    """Also if the default branch has others; no longer once the branch that has them is gone."""
    change = {".github/workflows/new.yml": "on: push\n"}
    world.commit("release/v1", change)
    world.git("fetch", "-q")
    assert push(world, hub, "workflow", "origin/release/v1:refs/tags/v1")[0] == 0
    git("update-ref", "-d", "refs/heads/release/v1", cwd=world.bare)
    code, output = push(world, hub, "workflow", "origin/release/v1:refs/tags/v2")
    assert code != 0
    assert "without `workflows` permission" in output
    assert "What to do: no branch has this content" in output


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("pull_request", "Changes must be made through a pull request."),
        ("required_status_checks", "Required status checks are expected."),
        ("required_signatures", "Commits must have verified signatures."),
        ("required_linear_history", "This branch must not contain merge commits."),
    ],
)
def test_the_rulesets_of_the_default_branch_bind_a_push(world: World, rule: str, said: str) -> None:
    hub = world.serve(branch_rules=(rule,))
    world.git("checkout", "-q", "-B", "other", "origin/main~1")
    world.git("commit", "-q", "--allow-empty", "-m", "Other")
    world.git("checkout", "-q", "-B", "main", "origin/main")
    world.git("merge", "-q", "--no-ff", "-m", "Merge", "other")
    code, output = push(world, hub, "workflow", "HEAD:main")
    assert code != 0
    assert "remote: error: GH013: Repository rule violations found for refs/heads/main." in output
    assert f"- {said}" in output
    assert "What to do: open a pull request" in output
    assert push(world, hub, "workflow", "HEAD:refs/heads/elsewhere")[0] == 0
    assert push(world, hub, "admin", "HEAD:main")[0] == 0


def test_a_straight_line_of_commits_is_no_merge(world: World) -> None:
    hub = world.serve(branch_rules=("required_linear_history", "non_fast_forward"))
    world.git("commit", "-q", "--allow-empty", "-m", "More")
    assert push(world, hub, "workflow", "HEAD:main")[0] == 0
    code, output = push(world, hub, "workflow", "+HEAD~1:main")
    assert (code != 0, "Cannot force-push" in output) == (True, True)


def test_pull_request_refs_are_not_pushed(hub: Served, world: World) -> None:
    code, output = push(world, hub, "admin", "HEAD:refs/pull/1/head")
    assert (code != 0, "hidden ref" in output) == (True, True)


def test_without_rules_nothing_is_refused() -> None:
    rules = PushRules(default_branch="main")
    assert refusal(rules, "refs/heads/main", "1" * 40, "0" * 40, run_git) is None
