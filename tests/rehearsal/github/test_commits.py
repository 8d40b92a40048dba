"""Tags, files, the repository and its settings: read as git has them."""

import subprocess

import github
import pytest

from tests.rehearsal.github.conftest import Served, World, git


def test_tags_are_listed_with_their_commits(hub: Served, world: World) -> None:
    world.git("push", "-q", "origin", "origin/main:refs/tags/v0.10.0")
    tags = [(tag.name, tag.commit.sha) for tag in hub.repo().get_tags()]
    assert tags == [("v0.10.0", world.sha("main")), ("v0.2.3", world.sha("main~1"))]


def test_a_tag_is_read_with_its_message(hub: Served, world: World) -> None:
    world.git("tag", "-a", "-m", "The title\n\nThe rest", "v0.9.0", "origin/main")
    world.git("push", "-q", "origin", "v0.9.0")
    repo = hub.repo("reader")
    ref = repo.get_git_ref("tags/v0.9.0")
    assert ref.object.type == "tag"
    tag = repo.get_git_tag(ref.object.sha)
    assert tag.message.strip() == "The title\n\nThe rest"
    assert (tag.object.type, tag.object.sha) == ("commit", world.sha("main"))
    assert repo.get_git_ref("heads/main").object.type == "commit"


@pytest.mark.parametrize("path", ["git/ref/tags/v9", f"git/tags/{'0' * 40}", "git/ref/heads"])
def test_an_unknown_reference_or_tag_is_absent(hub: Served, path: str) -> None:
    assert hub.api("GET", f"/{path}", "reader").status_code == 404


def test_a_commit_is_read_and_an_unknown_one_is_unprocessable(hub: Served, world: World) -> None:
    assert hub.repo("reader").get_commit(world.sha("main")).sha == world.sha("main")
    answer = hub.api("GET", f"/commits/{'0' * 40}", "reader")
    assert answer.status_code == 422
    assert answer.json()["message"] == f"No commit found for SHA: {'0' * 40}"


def test_the_repository_tells_of_itself(hub: Served) -> None:
    repo = hub.repo("reader")
    assert repo.default_branch == "main"
    assert repo.clone_url == hub.settings.html(".git")
    assert (repo.permissions.push, repo.permissions.pull) == (False, True)
    assert hub.repo("writer").permissions.push


def test_an_empty_repository_says_so(world: World) -> None:
    subprocess.run(["rm", "-r", str(world.bare)], check=True)
    git("init", "-q", "--bare", "-b", "main", str(world.bare), cwd=world.folder)
    hub = world.serve()
    assert hub.api("GET", "/tags").json() == []
    assert hub.api("POST", "/releases", json={"tag_name": "v1"}).status_code == 422


class TestContents:
    """Files at a commit."""

    def test_a_file_and_a_folder(self, hub: Served, world: World) -> None:
        file = hub.repo().get_contents("docs/guide.md", ref="v0.2.3")
        assert not isinstance(file, list)
        assert file.decoded_content == b"# Guide\n"
        assert file.sha == world.sha("v0.2.3:docs/guide.md")
        top = hub.repo().get_contents("")
        assert isinstance(top, list)
        assert [(entry.name, entry.type) for entry in top] == [
            (".github", "dir"),
            ("CHANGELOG.md", "file"),
            ("docs", "dir"),
        ]

    def test_the_bytes_alone(self, hub: Served) -> None:
        headers = {"Accept": "application/vnd.github.raw+json"}
        answer = hub.api("GET", "/contents/docs/guide.md", "", headers=headers)
        assert answer.content == b"# Guide\n"
        assert hub.page("/raw/main/docs/guide.md").content == b"# Guide\n"

    @pytest.mark.parametrize("path", ["nope", "docs/nope", "docs/*", "docs/guide.md/x", "../x"])
    def test_nothing_there(self, hub: Served, path: str) -> None:
        assert hub.api("GET", f"/contents/{path}").status_code == 404
        assert hub.api("GET", f"/contents/docs?ref={path}").status_code == 404

    def test_a_file_is_made_and_changed_by_commits(self, hub: Served, world: World) -> None:
        repo, before = hub.repo(), world.sha("main")
        made = repo.create_file("docs/new.md", "Add", "one\n", branch="main")
        repo.update_file("docs/new.md", "Change", "two\n", made["content"].sha, branch="main")
        assert git("show", "main:docs/new.md", cwd=world.bare).stdout == "two\n"
        assert git("rev-list", "--count", f"{before}..main", cwd=world.bare).stdout == "2\n"

    def test_a_changed_file_keeps_its_mode(self, hub: Served, world: World) -> None:
        world.git("update-index", "--chmod=+x", "docs/guide.md")
        world.git("commit", "-qm", "Executable")
        world.git("push", "-q", "origin", "HEAD:main")
        blob = world.sha("main:docs/guide.md")
        hub.repo().update_file("docs/guide.md", "Change", "x", blob)
        assert git("ls-tree", "main", "docs/guide.md", cwd=world.bare).stdout.startswith("100755")

    def test_a_wrong_or_missing_sha_is_refused(self, hub: Served) -> None:
        body = {"message": "x", "content": "eA=="}
        assert hub.api("PUT", "/contents/CHANGELOG.md", json=body).status_code == 422
        body["sha"] = "0" * 40
        assert hub.api("PUT", "/contents/CHANGELOG.md", json=body).status_code == 409
        body |= {"sha": "", "content": "§"}
        assert hub.api("PUT", "/contents/CHANGELOG.md", json=body).status_code == 422

    def test_workflow_files_and_protected_branches_are_kept_from_it(self, world: World) -> None:
        hub = world.serve(protected_branches=("main",))
        with pytest.raises(github.GithubException) as caught:
            hub.repo().create_file("x", "m", "c")
        assert caught.value.status == 409
        world.commit("open", {"a": "b"})
        with pytest.raises(github.GithubException) as caught:
            hub.repo("workflow").create_file(".github/workflows/x.yml", "m", "c", branch="open")
        assert caught.value.status == 403
        with pytest.raises(github.GithubException) as caught:
            hub.repo().create_file("x", "m", "c", branch="none")
        assert caught.value.status == 404


class TestSettings:
    """What can be read of the repository's settings, and its labels."""

    def test_labels(self, hub: Served) -> None:
        label = hub.repo().create_label("no-changelog", "c0ffee", "Excused")
        assert [found.name for found in hub.repo().get_labels()] == ["no-changelog"]
        assert hub.repo().get_label("No-Changelog").color == label.color
        answer = hub.api("POST", "/labels", json={"name": "NO-CHANGELOG"})
        assert answer.json()["errors"][0]["code"] == "already_exists"

    def test_environments(self, world: World) -> None:
        hub = world.serve(environments={"release": ("olga",), "pypi": ()})
        gate, pypi = hub.repo().get_environments()
        assert (gate.name, pypi.name) == ("release", "pypi")
        assert gate.protection_rules[0].type == "required_reviewers"

    def test_switches(self, world: World) -> None:
        hub = world.serve(immutable_releases=True, actions_may_open_pulls=False)
        assert hub.api("GET", "/immutable-releases", "admin").json()["enabled"] is True
        path = "/actions/permissions/workflow"
        may = hub.api("GET", path, "admin").json()["can_approve_pull_request_reviews"]
        assert may is False
        assert hub.api("GET", path, "writer").status_code == 403
