"""Commits, comparisons, tags, files, the repository: read as git has them."""

import subprocess

import github
import pytest

from tests.rehearsal.github.conftest import Served, World, git


def test_commits_come_newest_first(hub: Served, world: World) -> None:
    commits = list(hub.repo().get_commits())
    expected = git("rev-list", "main", cwd=world.bare).stdout.split()
    assert [commit.sha for commit in commits] == expected
    newest = commits[0].commit
    assert newest.message == "Change 3\n\nWith a body."
    assert newest.author.date.isoformat() == "2026-01-03T10:00:00+00:00"
    assert commits[0].author is not None
    assert commits[0].author.login == "mari"


def test_commits_are_filtered(hub: Served, world: World) -> None:
    assert len(list(hub.repo().get_commits(path="docs/guide.md"))) == 1
    assert len(list(hub.repo().get_commits(sha=world.sha("main~1")))) == 2
    assert len(list(hub.repo().get_commits(sha="v0.2.3"))) == 2


def test_a_commit_has_its_files(hub: Served, world: World) -> None:
    sha = world.commit(
        "x",
        {"docs/guide.md": None, "docs/book.md": "# Guide\n", "CHANGELOG.md": "a\nb\n"},
    )
    commit = hub.repo().get_commit("x")
    files = {file.filename: file for file in commit.files}
    assert commit.sha == sha
    assert files["docs/book.md"].status == "renamed"
    assert files["docs/book.md"].previous_filename == "docs/guide.md"
    changed = files["CHANGELOG.md"]
    assert (changed.additions, changed.deletions) == (2, 3)
    assert changed.patch.startswith("@@ -1,3 +1,2 @@")
    assert commit.stats.total == 5


def test_odd_files_are_shown_too(hub: Served, world: World) -> None:
    (world.checkout / "CHANGELOG.md").unlink()
    (world.checkout / "CHANGELOG.md").symlink_to("docs/guide.md")
    (world.checkout / "binary").write_bytes(b"\0\1\2")
    (world.checkout / 'qu"ote\nä').write_text("diff --git a/x b/x\n")
    world.git("add", "--all")
    world.git("commit", "-qm", "Odd")
    world.git("push", "-q", "origin", "HEAD:refs/heads/odd")
    files = {file.filename: file for file in hub.repo().get_commit("odd").files}
    assert files["CHANGELOG.md"].status == "changed"
    assert files["binary"].patch is None
    assert files['qu"ote\nä'].additions == 1


def test_a_first_commit_is_all_new(hub: Served, world: World) -> None:
    first = git("rev-list", "--max-parents=0", "main", cwd=world.bare).stdout.strip()
    assert {file.status for file in hub.repo().get_commit(first).files} == {"added"}


@pytest.mark.parametrize("name", ["nope", "0" * 40, "main~1", "--all", "main^{tree}"])
def test_what_is_no_commit_is_a_422(hub: Served, name: str) -> None:
    assert hub.api("GET", f"/commits/{name}").status_code == 422


def test_a_short_sha_and_the_sha_media_type(hub: Served, world: World) -> None:
    sha = world.sha("main")
    assert hub.repo().get_commit(sha[:7]).sha == sha
    headers = {"Accept": "application/vnd.github.sha"}
    assert hub.api("GET", "/commits/main", headers=headers).text == sha


@pytest.mark.parametrize(
    ("base", "head", "expected"),
    [
        ("v0.2.3", "main", ("ahead", 1, 0)),
        ("main", "v0.2.3", ("behind", 0, 1)),
        ("main", "main", ("identical", 0, 0)),
        ("main", "side", ("diverged", 1, 1)),
    ],
)
def test_two_commits_compare(
    hub: Served, world: World, base: str, head: str, expected: tuple[str, int, int]
) -> None:
    world.git("checkout", "-q", "-B", "side", "v0.2.3")
    world.git("commit", "-q", "--allow-empty", "-m", "Aside")
    world.git("push", "-q", "origin", "side")
    found = hub.repo().compare(base, head)
    assert (found.status, found.ahead_by, found.behind_by) == expected
    only = [world.sha(f"{head}^{{commit}}")] if expected[1] else []
    assert [commit.sha for commit in found.commits] == only


@pytest.mark.parametrize("basehead", ["main...nope", "main..main", "main", "...main"])
def test_what_can_not_be_compared_is_a_404(hub: Served, basehead: str) -> None:
    assert hub.api("GET", f"/compare/{basehead}").status_code == 404


def test_unrelated_histories_have_nothing_to_compare(hub: Served, world: World) -> None:
    world.git("checkout", "-q", "--orphan", "other")
    world.git("commit", "-qm", "Elsewhere")
    world.git("push", "-q", "origin", "other")
    answer = hub.api("GET", "/compare/main...other")
    assert (answer.status_code, "No common ancestor" in answer.json()["message"]) == (404, True)


def test_tags_are_listed_with_their_commits(hub: Served, world: World) -> None:
    world.git("push", "-q", "origin", "origin/main:refs/tags/v0.10.0")
    tags = [(tag.name, tag.commit.sha) for tag in hub.repo().get_tags()]
    assert tags == [("v0.10.0", world.sha("main")), ("v0.2.3", world.sha("main~1"))]


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
    assert hub.api("GET", "/commits").status_code == 409
    assert hub.api("GET", "/branches").json() == []
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

    def test_a_file_is_made_changed_and_deleted_by_commits(self, hub: Served, world: World) -> None:
        repo, before = hub.repo(), world.sha("main")
        made = repo.create_file("docs/new.md", "Add", "one\n", branch="main")
        changed = repo.update_file(
            "docs/new.md", "Change", "two\n", made["content"].sha, branch="main"
        )
        assert git("show", "main:docs/new.md", cwd=world.bare).stdout == "two\n"
        repo.delete_file("docs/new.md", "Delete", changed["content"].sha, branch="main")
        assert git("rev-list", "--count", f"{before}..main", cwd=world.bare).stdout == "3\n"
        assert git("diff", before, "main", cwd=world.bare).stdout == ""

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
        names = [environment.name for environment in hub.repo().get_environments()]
        assert names == ["release", "pypi"]
        gate = hub.repo().get_environment("release")
        assert gate.protection_rules[0].type == "required_reviewers"
        assert hub.api("GET", "/environments/none").status_code == 404

    def test_switches(self, world: World) -> None:
        hub = world.serve(immutable_releases=True, actions_may_open_pulls=False)
        assert hub.api("GET", "/immutable-releases", "admin").json()["enabled"] is True
        path = "/actions/permissions/workflow"
        may = hub.api("GET", path, "admin").json()["can_approve_pull_request_reviews"]
        assert may is False
        assert hub.api("GET", path, "writer").status_code == 403
