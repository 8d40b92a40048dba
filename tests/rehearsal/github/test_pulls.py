"""Pull requests, merged by git for real."""

import github
import pytest
from github.PullRequest import PullRequest

from tests.rehearsal.github.conftest import Served, World, git


def log(world: World, revisions: str) -> list[str]:
    return git("log", "--reverse", "--format=%s", revisions, cwd=world.bare).stdout.splitlines()


@pytest.fixture
def pull(hub: Served, world: World) -> PullRequest:
    world.commit("feature", {"a.txt": "a\n"}, "Add a")
    world.commit("feature", {"b.txt": "b\n"}, "Add b")
    world.commit("main", {"c.txt": "c\n"}, "Meanwhile")
    return hub.repo().create_pull(base="main", head="feature", title="Feature", body="Why")


def test_an_open_pull_request(hub: Served, pull: PullRequest, world: World) -> None:
    assert (pull.number, pull.state, pull.merged) == (1, "open", False)
    assert (pull.mergeable, pull.mergeable_state, pull.commits) == (True, "clean", 2)
    assert (pull.head.ref, pull.head.sha) == ("feature", world.sha("feature"))
    assert [file.filename for file in pull.get_files()] == ["a.txt", "b.txt"]
    assert [commit.commit.message for commit in pull.get_commits()] == ["Add a", "Add b"]
    assert not pull.is_merged()
    assert world.sha("refs/pull/1/head") == pull.head.sha
    assert [found.number for found in hub.repo("").get_pulls()] == [1]


def test_pull_requests_are_filtered(hub: Served, pull: PullRequest, world: World) -> None:
    world.commit("other", {"o": "o"})
    other = hub.repo().create_pull(base="main", head="mrilikecoding:other", title="Other")
    pull.edit(state="closed")

    def found(**filters: str) -> list[int]:
        return [entry.number for entry in hub.repo().get_pulls(**filters)]

    assert found() == [other.number]
    assert found(state="closed") == [pull.number]
    assert found(state="all") == [2, 1]
    assert found(state="all", direction="asc") == [1, 2]
    assert found(state="all", head="mrilikecoding:feature") == [1]
    assert found(base="none") == []


def test_merge_makes_a_merge_commit(pull: PullRequest, world: World) -> None:
    base, head = world.sha("main"), world.sha("feature")
    result = pull.merge()
    assert result.merged
    assert world.sha("main") == result.sha
    parents = git("rev-parse", "main^1", "main^2", cwd=world.bare).stdout.split()
    assert parents == [base, head]
    message = git("log", "-1", "--format=%B", "main", cwd=world.bare).stdout.strip()
    assert message == "Merge pull request #1 from mrilikecoding/feature\n\nFeature"
    pull.update()
    assert (pull.merged, pull.state, pull.merge_commit_sha) == (True, "closed", result.sha)
    assert pull.merged_by.login == "mari"
    assert pull.is_merged()


def test_squash_makes_one_commit(pull: PullRequest, world: World) -> None:
    base = world.sha("main")
    pull.merge(merge_method="squash", commit_title="All of it (#1)")
    assert world.sha("main~1") == base
    message = git("log", "-1", "--format=%B", "main", cwd=world.bare).stdout.strip()
    assert message == "All of it (#1)\n\n* Add a\n\n* Add b"
    names = git("ls-tree", "--name-only", "main", cwd=world.bare).stdout.split()
    assert {"a.txt", "b.txt", "c.txt"} <= set(names)


def test_rebase_makes_every_commit_again(pull: PullRequest, world: World) -> None:
    base = world.sha("main")
    pull.merge(merge_method="rebase")
    assert log(world, f"{base}..main") == ["Add a", "Add b"]
    assert git("rev-list", "--merges", "main", cwd=world.bare).stdout == ""
    people = git("log", "-1", "--format=%an %cn", "main", cwd=world.bare).stdout.strip()
    assert people == "Mari GitHub"


def test_rebase_leaves_out_what_the_base_already_has(hub: Served, world: World) -> None:
    world.commit("feature", {"a.txt": "a\n"}, "Add a")
    world.commit("feature", {"b.txt": "b\n"}, "Add b")
    base = world.commit("main", {"a.txt": "a\n"}, "Add a elsewhere")
    pull = hub.repo().create_pull(base="main", head="feature", title="x")
    pull.merge(merge_method="rebase")
    assert log(world, f"{base}..main") == ["Add b"]


@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
def test_a_conflict_is_seen_and_not_merged(hub: Served, world: World, method: str) -> None:
    world.commit("feature", {"CHANGELOG.md": "theirs\n"})
    before = world.commit("main", {"CHANGELOG.md": "ours\n"})
    pull = hub.repo().create_pull(base="main", head="feature", title="x")
    assert (pull.mergeable, pull.rebaseable, pull.mergeable_state) == (False, False, "dirty")
    with pytest.raises(github.GithubException) as caught:
        pull.merge(merge_method=method)
    assert (caught.value.status, caught.value.message) == (405, "Pull Request is not mergeable")
    assert world.sha("main") == before


def test_a_head_that_moved_is_not_merged(pull: PullRequest, world: World) -> None:
    before = pull.head.sha
    world.commit("feature", {"late": "late"})
    with pytest.raises(github.GithubException) as caught:
        pull.merge(sha=before)
    assert caught.value.status == 409
    pull.update()
    assert pull.head.sha == world.sha("feature")
    assert pull.merge(sha=pull.head.sha).merged


def test_a_draft_and_a_closed_one_are_not_merged(
    hub: Served, pull: PullRequest, world: World
) -> None:
    world.commit("other", {"o": "o"})
    draft = hub.repo().create_pull(base="main", head="other", title="x", draft=True)
    assert draft.mergeable_state == "draft"
    pull.edit(state="closed")
    for closed in (draft, pull):
        with pytest.raises(github.GithubException) as caught:
            closed.merge()
        assert caught.value.status == 405
    pull.edit(state="open", title="Again", body="More")
    assert (pull.state, pull.title, pull.body) == ("open", "Again", "More")


def test_a_merged_one_does_not_open_again(pull: PullRequest) -> None:
    pull.merge()
    with pytest.raises(github.GithubException) as caught:
        pull.edit(state="open")
    assert caught.value.status == 422


def test_a_base_pushed_to_contain_the_head_has_merged_it(pull: PullRequest, world: World) -> None:
    world.git("fetch", "-q")
    world.git("checkout", "-q", "-B", "main", "origin/main")
    world.git("merge", "-q", "--no-edit", "origin/feature")
    world.git("push", "-q", "origin", "main")
    pull.update()
    assert (pull.merged, pull.state, pull.merged_by) == (True, "closed", None)
    assert pull.get_commits().totalCount == 2


def test_a_deleted_head_closes_and_its_commits_stay(pull: PullRequest, world: World) -> None:
    sha = pull.head.sha
    world.git("push", "-q", "--delete", "origin", "feature")
    pull.update()
    assert (pull.state, pull.merged, pull.mergeable) == ("closed", False, None)
    assert world.sha("refs/pull/1/head") == sha


@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
def test_a_commit_tells_its_pull_request(
    pull: PullRequest, hub: Served, world: World, method: str
) -> None:
    old, head = world.sha("main~1"), world.sha("feature")
    merged = pull.merge(merge_method=method).sha

    def pulls(sha: str) -> list[int]:
        return [found["number"] for found in hub.api("GET", f"/commits/{sha}/pulls").json()]

    assert (pulls(merged), pulls(head), pulls(old)) == ([1], [1], [])


@pytest.mark.parametrize(
    ("base", "head", "said"),
    [
        ("main", "feature", "A pull request already exists for mrilikecoding:feature."),
        ("feature", "v-none", None),
        ("none", "feature", None),
        ("feature", "main~1", None),
        ("main", "behind", "No commits between main and behind"),
        ("main", "orphan", "The main branch has no history in common with orphan"),
    ],
)
@pytest.mark.usefixtures("pull")
def test_what_can_not_be_opened(
    hub: Served, world: World, base: str, head: str, said: str | None
) -> None:
    world.git("push", "-q", "origin", "v0.2.3^{commit}:refs/heads/behind")
    world.git("checkout", "-q", "--orphan", "orphan")
    world.git("commit", "-qm", "Elsewhere")
    world.git("push", "-q", "origin", "orphan")
    with pytest.raises(github.GithubException) as caught:
        hub.repo().create_pull(base=base, head=head, title="x")
    (error,) = caught.value.data["errors"]
    assert caught.value.status == 422
    assert error.get("message") == said
    assert error["code"] == ("custom" if said else "invalid")


def test_a_new_base_is_held_to_the_same(pull: PullRequest, world: World) -> None:
    world.git("push", "-q", "origin", "v0.2.3^{commit}:refs/heads/older")
    world.git("push", "-q", "origin", "origin/feature:refs/heads/same")
    pull.edit(base="older")
    assert (pull.base.ref, pull.commits) == ("older", 3)
    with pytest.raises(github.GithubException) as caught:
        pull.edit(base="same")
    assert caught.value.data["errors"][0]["message"] == "No commits between same and feature"


def test_permissions(world: World) -> None:
    hub = world.serve(actions_may_open_pulls=False)
    world.commit("feature", {"a": "a"})
    body = {"base": "main", "head": "feature", "title": "x"}
    assert hub.api("POST", "/pulls", "", json=body).status_code == 401
    assert hub.api("POST", "/pulls", "reader", json=body).status_code == 403
    refused = hub.api("POST", "/pulls", "workflow", json=body)
    assert refused.status_code == 403
    assert "not permitted to create" in refused.json()["message"]
    assert hub.api("POST", "/pulls", "writer", json=body).status_code == 201
    assert hub.api("PUT", "/pulls/1/merge", "reader", json={}).status_code == 403


def test_workflow_files_are_not_merged_without_the_permission(hub: Served, world: World) -> None:
    world.commit("feature", {".github/workflows/release.yml": "on: release\n"})
    pull = hub.repo("admin").create_pull(base="main", head="feature", title="x")
    assert hub.api("PUT", "/pulls/1/merge", "workflow", json={}).status_code == 403
    assert pull.merge().merged


class TestProtectedBase:
    """A protected branch takes the merge of a pull request, if its rules are met."""

    def protect(self, world: World, **rule: object) -> Served:
        hub = world.serve()
        names = ("required_status_checks", "required_pull_request_reviews", "restrictions")
        body = dict.fromkeys(names) | {"enforce_admins": True} | rule
        assert hub.api("PUT", "/branches/main/protection", "admin", json=body).ok
        world.commit("feature", {"a": "a"})
        hub.repo().create_pull(base="main", head="feature", title="x")
        return hub

    def test_no_approval_needed(self, world: World) -> None:
        rule = {"required_approving_review_count": 0}
        hub = self.protect(world, required_pull_request_reviews=rule)
        assert hub.repo().get_pull(1).merge().merged

    @pytest.mark.parametrize(
        ("rule", "said"),
        [
            ({"required_pull_request_reviews": {}}, "At least 1 approving review is required"),
            (
                {"required_status_checks": {"strict": True, "contexts": ["ci"]}},
                'Required status check "ci" is expected.',
            ),
        ],
    )
    def test_a_rule_that_is_not_met(self, world: World, rule: dict[str, object], said: str) -> None:
        pull = self.protect(world, **rule).repo().get_pull(1)
        assert pull.mergeable_state == "blocked"
        with pytest.raises(github.GithubException) as caught:
            pull.merge()
        assert caught.value.status == 405
        assert caught.value.message.startswith(said)


class TestProtection:
    """Branches and their protection."""

    def test_branches(self, world: World) -> None:
        world.commit("release/v0.2.4", {"a": "a"})
        hub = world.serve(protected_branches=("main",))
        assert hub.repo().get_branch("main").protected
        branch = hub.repo().get_branch("release/v0.2.4")
        assert (branch.commit.sha, branch.protected) == (world.sha("release/v0.2.4"), False)
        assert hub.api("GET", "/branches/none").status_code == 404

    def test_protecting(self, hub: Served) -> None:
        body = {
            "required_status_checks": {"strict": True, "contexts": ["ci"]},
            "required_pull_request_reviews": {"required_approving_review_count": 2},
            "enforce_admins": True,
            "restrictions": None,
        }
        rule = hub.api("PUT", "/branches/main/protection", "admin", json=body).json()
        assert rule["enforce_admins"]["enabled"]
        assert rule["required_status_checks"]["contexts"] == ["ci"]
        assert rule["required_pull_request_reviews"]["required_approving_review_count"] == 2
        assert hub.repo("").get_branch("main").protected

    def test_who_may(self, hub: Served) -> None:
        for token, status in (("", 401), ("writer", 403)):
            assert hub.api("PUT", "/branches/main/protection", token, json={}).status_code == status
        missing = hub.api("PUT", "/branches/main/protection", "admin", json={})
        assert (missing.status_code, '"required_status_checks"' in missing.text) == (422, False)

    def test_settings_do_not_undo_what_was_set(self, world: World) -> None:
        first = world.serve(protected_branches=("main",))
        assert first.repo().get_branch("main").protected
        again = world.serve(protected_branches=())
        assert again.repo().get_branch("main").protected
