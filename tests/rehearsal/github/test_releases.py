"""Releases as GitHub has them, through PyGithub."""

import github
import pytest

from rehearsal.github.latest import version_of
from tests.rehearsal.github.conftest import Served, World, git


def errors(caught: pytest.ExceptionInfo[github.GithubException]) -> list[tuple[str, str]]:
    return [(error.get("field", ""), error["code"]) for error in caught.value.data["errors"]]


def test_a_draft_is_made_with_a_stand_in_tag_and_no_git_tag(hub: Served, world: World) -> None:
    draft = hub.repo().create_git_release("v0.2.4", "StreamPoseML 0.2.4", "Notes", draft=True)
    assert draft.draft
    assert draft.published_at is None
    assert draft.html_url.startswith(f"{hub.settings.html('/releases/tag/')}untagged-")
    assert world.git("ls-remote", "--tags", "origin", "v0.2.4").stdout == ""


@pytest.mark.parametrize("token", ["", "reader"])
def test_a_draft_exists_for_writers_only(hub: Served, token: str) -> None:
    draft = hub.repo().create_git_release("v0.2.4", "x", "y", draft=True)
    assert [r.id for r in hub.repo().get_releases()] == [draft.id]
    assert list(hub.repo(token).get_releases()) == []
    assert hub.api("GET", f"/releases/{draft.id}", token).status_code == 404
    assert hub.api("GET", f"/releases/{draft.id}/assets", token).status_code == 404


def test_a_draft_is_not_found_by_tag_even_by_its_author(hub: Served) -> None:
    hub.repo().create_git_release("v0.2.3", "x", "y", draft=True)
    assert hub.api("GET", "/releases/tags/v0.2.3").status_code == 404


def test_two_drafts_may_share_a_tag_but_one_of_them_is_published(hub: Served) -> None:
    first, second = (hub.repo().create_git_release("v0.2.4", n, "", draft=True) for n in "ab")
    first.update_release("a", "notes", draft=False)
    with pytest.raises(github.GithubException) as caught:
        second.update_release("b", "notes", draft=False)
    assert caught.value.status == 422
    assert errors(caught) == [("tag_name", "already_exists")]


def test_a_second_release_of_a_tag_is_refused(hub: Served) -> None:
    hub.repo().create_git_release("v0.2.4", "x", "y")
    with pytest.raises(github.GithubException) as caught:
        hub.repo().create_git_release("v0.2.4", "x", "y")
    assert (caught.value.status, errors(caught)) == (422, [("tag_name", "already_exists")])


def test_publishing_makes_a_missing_tag_at_the_target(hub: Served, world: World) -> None:
    target = world.sha("main~1")
    draft = hub.repo().create_git_release("v9", "x", "y", draft=True, target_commitish=target)
    release = draft.update_release("x", "y", draft=False)
    assert world.sha("refs/tags/v9") == target
    assert release.html_url == hub.settings.html("/releases/tag/v9")
    assert hub.repo().get_release("v9").id == release.id
    assert release.created_at.isoformat() == "2026-01-02T10:00:00+00:00"


def test_an_existing_tag_is_used_and_the_target_is_not(hub: Served, world: World) -> None:
    before = world.sha("refs/tags/v0.2.3")
    hub.repo().create_git_release("v0.2.3", "x", "y", target_commitish="main")
    assert world.sha("refs/tags/v0.2.3") == before != world.sha("main")


@pytest.mark.parametrize("target", ["no-such-branch", "0" * 40, "main~1"])
def test_a_target_that_is_nothing_is_refused(hub: Served, target: str) -> None:
    with pytest.raises(github.GithubException) as caught:
        hub.repo().create_git_release("v9", "x", "y", target_commitish=target)
    assert errors(caught) == [("target_commitish", "invalid")]
    assert list(hub.repo().get_releases()) == []


@pytest.mark.parametrize("tag", ["", "  ", "a b", "v1..2", "x.lock", "-"])
def test_a_tag_that_git_can_not_have_is_refused(hub: Served, tag: str) -> None:
    answer = hub.api("POST", "/releases", json={"tag_name": tag})
    # git takes a dash for a name; everything else it refuses.
    assert answer.status_code == (201 if tag == "-" else 422)


def test_latest_is_the_one_marked_and_never_a_prerelease_or_draft(hub: Served) -> None:
    repo = hub.repo()
    repo.create_git_release("v1.0.0", "x", "y")
    repo.create_git_release("v1.1.0rc1", "x", "y", prerelease=True)
    repo.create_git_release("v1.1.0", "x", "y", draft=True)
    assert repo.get_latest_release().tag_name == "v1.0.0"
    repo.create_git_release("v0.9.9", "x", "y", make_latest="false")
    assert repo.get_latest_release().tag_name == "v1.0.0"
    repo.create_git_release("v1.2.0", "x", "y")
    assert repo.get_latest_release().tag_name == "v1.2.0"


def test_latest_can_go_back_and_falls_to_the_next_when_its_release_goes(hub: Served) -> None:
    repo = hub.repo()
    old, new = (repo.create_git_release(tag, "x", "y") for tag in ("v1.0.0", "v1.1.0"))
    old.update_release("x", "y", make_latest="true")
    assert repo.get_latest_release().id == old.id
    new.update_release("x", "y", prerelease=True)
    old.delete_release()
    assert hub.api("GET", "/releases/latest").status_code == 404


def test_a_release_that_was_not_to_be_latest_does_not_inherit_it(hub: Served) -> None:
    hub.repo().create_git_release("v0.9.9", "x", "y", make_latest="false")
    latest = hub.repo().create_git_release("v1.0.0", "x", "y")
    latest.delete_release()
    assert hub.api("GET", "/releases/latest").status_code == 404


def test_legacy_takes_the_highest_version_among_equal_dates(hub: Served) -> None:
    for tag in ("v1.10.0", "v1.9.0"):
        hub.repo().create_git_release(tag, "x", "y", make_latest="legacy")
    assert hub.repo().get_latest_release().tag_name == "v1.10.0"
    assert version_of("nightly") < version_of("v0.0.1a1")


def test_titles_and_notes_change_and_the_release_stays(hub: Served) -> None:
    release = hub.repo().create_git_release("v1", "Old", "old")
    changed = release.update_release("New", "new")
    assert (changed.id, changed.name, changed.body) == (release.id, "New", "new")
    assert changed.published_at == release.published_at


def test_deleting_a_release_takes_its_files_and_leaves_its_tag(hub: Served, world: World) -> None:
    release = hub.repo().create_git_release("v1", "x", "y")
    asset = hub.api("POST", "", headers={}, data=b"")
    assert asset.status_code == 404
    release.delete_release()
    assert list(hub.repo().get_releases()) == []
    assert world.sha("refs/tags/v1") == world.sha("main")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, '"tag_name" wasn\'t supplied'),
        ({"tag_name": 7}, "is not a string"),
        ({"tag_name": "v1", "draft": "yes"}, "is not a boolean"),
        ({"tag_name": "v1", "make_latest": "perhaps"}, "Validation Failed"),
    ],
)
def test_a_wrong_body_is_told_what_is_wrong(hub: Served, body: object, said: str) -> None:
    answer = hub.api("POST", "/releases", json=body)
    assert answer.status_code == 422
    assert said in answer.json()["message"]
    assert answer.json()["documentation_url"]


@pytest.mark.parametrize(
    ("raw", "message"), [(b"{", "Problems parsing JSON"), (b"[]", "Body should be a JSON object")]
)
def test_a_body_that_is_no_object_is_a_400(hub: Served, raw: bytes, message: str) -> None:
    answer = hub.api("POST", "/releases", data=raw)
    assert (answer.status_code, answer.json()["message"]) == (400, message)


class TestWorkflowFiles:
    """A workflow's own token can't release a commit that brings other workflow files."""

    @pytest.fixture
    def target(self, world: World) -> str:
        return world.commit("release/v1", {".github/workflows/release.yml": "on: release\n"})

    def test_creating_and_publishing_is_refused(self, hub: Served, target: str) -> None:
        with pytest.raises(github.GithubException) as caught:
            hub.repo("workflow").create_git_release("v1", "x", "y", target_commitish=target)
        assert caught.value.status == 403
        draft = hub.repo("workflow").create_git_release("v1", "x", "y", draft=True)
        with pytest.raises(github.GithubException) as caught:
            draft.update_release("x", "y", draft=False, target_commitish=target)
        assert caught.value.status == 403

    def test_a_token_with_the_permission_may(self, hub: Served, target: str, world: World) -> None:
        hub.repo("admin").create_git_release("v1", "x", "y", target_commitish=target)
        assert world.sha("refs/tags/v1") == target

    def test_the_way_out_is_an_existing_tag_and_main(
        self, hub: Served, world: World, target: str
    ) -> None:
        world.git("push", "-q", "origin", f"{target}:refs/tags/v1")
        release = hub.repo("workflow").create_git_release("v1", "x", "y", target_commitish="main")
        assert release.tag_name == "v1"

    def test_a_commit_without_them_is_no_matter(self, hub: Served, world: World) -> None:
        target = world.commit("release/v1", {"CHANGELOG.md": "new\n"})
        hub.repo("workflow").create_git_release("v1", "x", "y", target_commitish=target)


class TestImmutable:
    """Immutable releases: files and tag are fixed, words are not, the name is used up."""

    @pytest.fixture
    def hub(self, world: World) -> Served:
        return world.serve(immutable_releases=True)

    def test_a_draft_is_not_yet_and_a_published_one_is(self, hub: Served) -> None:
        draft = hub.repo().create_git_release("v1", "x", "y", draft=True)
        assert draft.raw_data["immutable"] is False
        assert draft.update_release("x", "y", draft=False).raw_data["immutable"] is True

    def test_title_and_notes_stay_editable(self, hub: Served) -> None:
        release = hub.repo().create_git_release("v1", "x", "y")
        assert release.update_release("new", "notes").body == "notes"

    @pytest.mark.parametrize("change", [{"tag_name": "v2"}, {"draft": True}])
    def test_its_tag_and_state_are_not(self, hub: Served, change: dict[str, object]) -> None:
        release = hub.repo().create_git_release("v1", "x", "y")
        answer = hub.api("PATCH", f"/releases/{release.id}", json=change)
        assert answer.status_code == 422

    def test_no_file_can_be_added_changed_or_removed(self, hub: Served) -> None:
        draft = hub.repo().create_git_release("v1", "x", "y", draft=True)
        asset = draft.upload_asset(__file__, name="a")
        draft.update_release("x", "y", draft=False)
        with pytest.raises(github.GithubException) as caught:
            draft.upload_asset(__file__, name="b")
        assert caught.value.status == 422
        assert caught.value.message == "Cannot upload assets to an immutable release."
        with pytest.raises(github.GithubException) as caught:
            asset.delete_asset()
        assert caught.value.status == 422

    def test_its_tag_name_is_used_up_even_after_it_is_deleted(
        self, hub: Served, world: World
    ) -> None:
        hub.repo().create_git_release("v1", "x", "y").delete_release()
        git("update-ref", "-d", "refs/tags/v1", cwd=world.bare)
        with pytest.raises(github.GithubException) as caught:
            hub.repo().create_git_release("v1", "x", "y")
        messages = [error.get("message") for error in caught.value.data["errors"]]
        assert "tag_name was used by an immutable release" in messages


def test_releases_made_before_the_switch_stay_as_they_were(world: World) -> None:
    before = world.serve()
    release = before.repo().create_git_release("v1", "x", "y")
    after = world.serve(immutable_releases=True)
    after.repo().get_release(release.id).upload_asset(__file__, name="late")


def test_a_kept_world_is_the_same_after_a_restart(world: World) -> None:
    first = world.serve()
    release = first.repo().create_git_release("v1", "x", "y", draft=True)
    release.upload_asset(__file__, name="file")
    again = world.serve().repo().get_release(release.id)
    assert [asset.name for asset in again.get_assets()] == ["file"]
    assert again.draft
