"""References, annotated tags, commits, trees and blobs: git's own, through the API."""

import base64

import github
import pytest
from github.InputGitTreeElement import InputGitTreeElement

from tests.rehearsal.github.conftest import Served, World, git


def test_refs_are_what_git_has(hub: Served, world: World) -> None:
    ref = hub.repo().get_git_ref("heads/main")
    assert (ref.ref, ref.object.type, ref.object.sha) == (
        "refs/heads/main",
        "commit",
        world.sha("main"),
    )
    tag = hub.repo().get_git_ref("tags/v0.2.3")
    assert (tag.object.type, tag.object.sha) == ("tag", world.sha("refs/tags/v0.2.3"))


@pytest.mark.parametrize("name", ["heads/mai", "tags/v0.2", "heads", "heads/no//good", "x"])
def test_a_ref_that_is_not_there_is_a_404(hub: Served, name: str) -> None:
    assert hub.api("GET", f"/git/ref/{name}").status_code == 404


def test_matching_refs_begin_so(hub: Served, world: World) -> None:
    for tag in ("v1.0.0", "v1.0.1", "v10"):
        world.git("push", "-q", "origin", f"origin/main:refs/tags/{tag}")
    names = [ref.ref for ref in hub.repo().get_git_matching_refs("tags/v1.")]
    assert names == ["refs/tags/v1.0.0", "refs/tags/v1.0.1"]
    assert hub.api("GET", "/git/matching-refs/tags/zz").json() == []


def test_refs_are_made_moved_forward_and_deleted(hub: Served, world: World) -> None:
    new, old = world.sha("main"), world.sha("main~1")
    ref = hub.repo().create_git_ref("refs/heads/release/v1", old)
    ref.edit(new)
    assert world.sha("refs/heads/release/v1") == new
    ref.delete()
    assert hub.api("GET", "/git/ref/heads/release/v1").status_code == 404


def test_moving_back_needs_force(hub: Served, world: World) -> None:
    ref = hub.repo().create_git_ref("refs/heads/x", world.sha("main"))
    with pytest.raises(github.GithubException) as caught:
        ref.edit(world.sha("main~1"))
    assert (caught.value.status, caught.value.message) == (422, "Update is not a fast forward")
    ref.edit(world.sha("main~1"), force=True)
    assert world.sha("refs/heads/x") == world.sha("main~1")


@pytest.mark.parametrize(
    ("ref", "sha", "said"),
    [
        ("refs/heads/main", None, "Reference already exists"),
        ("refs/heads/x", "0" * 40, "Object does not exist"),
        ("refs/heads/x", "main", "Object does not exist"),
        ("heads/x", None, "Reference name"),
        ("refs/x", None, "Reference name"),
        ("refs/heads/a..b", None, "Reference name"),
    ],
)
def test_a_wrong_new_ref_is_refused(
    hub: Served, world: World, ref: str, sha: str | None, said: str
) -> None:
    answer = hub.api("POST", "/git/refs", json={"ref": ref, "sha": sha or world.sha("main")})
    assert answer.status_code == 422
    assert answer.json()["message"].startswith(said)


def test_refs_that_are_not_there_can_not_be_changed(hub: Served, world: World) -> None:
    change = {"sha": world.sha("main")}
    for answer in (
        hub.api("PATCH", "/git/refs/heads/none", json=change),
        hub.api("DELETE", "/git/refs/heads/none"),
    ):
        assert (answer.status_code, answer.json()["message"]) == (422, "Reference does not exist")


def test_the_default_branch_and_protected_ones_stay(world: World) -> None:
    world.commit("kept", {"a": "b"})
    hub = world.serve(protected_branches=("kept",))
    assert hub.api("DELETE", "/git/refs/heads/main").status_code == 422
    assert hub.api("DELETE", "/git/refs/heads/kept").status_code == 422
    change = {"sha": world.sha("main"), "force": True}
    answer = hub.api("PATCH", "/git/refs/heads/kept", json=change)
    assert answer.json()["message"] == "Changes must be made through a pull request."


def test_an_annotated_tag_is_a_function_of_what_was_asked(hub: Served, world: World) -> None:
    tagger = github.InputGitAuthor("Mari", "m@x.org", "2026-01-05T10:00:00+02:00")
    repo, target = hub.repo(), world.sha("main")
    tags = [repo.create_git_tag("v1", "Release 1\n", target, "commit", tagger) for _ in "ab"]
    assert tags[0].sha == tags[1].sha
    assert world.git("fetch", "-q", "origin", check=False).returncode == 0
    repo.create_git_ref("refs/tags/v1", tags[0].sha)
    shown = git("cat-file", "tag", "v1", cwd=world.bare).stdout
    assert f"object {target}\n" in shown
    assert "tagger Mari <m@x.org> 1767600000 +0200\n\nRelease 1\n" in shown
    read = repo.get_git_tag(tags[0].sha)
    assert (read.tag, read.message.strip(), read.object.sha) == ("v1", "Release 1", target)
    assert read.raw_data["tagger"]["date"] == "2026-01-05T08:00:00Z"


def test_a_commit_is_built_from_blobs_and_trees(hub: Served, world: World) -> None:
    repo, head = hub.repo(), world.sha("main")
    blob = repo.create_git_blob(base64.b64encode(b"\0binary").decode(), "base64")
    base = repo.get_git_tree("main")
    tree = repo.create_git_tree(
        [
            InputGitTreeElement("a/b.bin", "100755", "blob", sha=blob.sha),
            InputGitTreeElement("text", "100644", "blob", content="words\n"),
            InputGitTreeElement("CHANGELOG.md", "100644", "blob", sha=None),
        ],
        base,
    )
    commit = repo.create_git_commit("Built", tree, [repo.get_git_commit(head)])
    assert [parent.sha for parent in commit.parents] == [head]
    names = git("ls-tree", "-r", "--name-only", commit.sha, cwd=world.bare).stdout.split()
    assert names == [".github/workflows/release.yml", "a/b.bin", "docs/guide.md", "text"]
    assert base64.b64decode(repo.get_git_blob(blob.sha).content) == b"\0binary"
    paths = [entry.path for entry in repo.get_git_tree(commit.sha, recursive=True).tree]
    assert "a" in paths
    assert "a/b.bin" in paths


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/git/commits", {"message": "x", "tree": "0" * 40}),
        ("/git/tags", {"tag": "v", "message": "m", "object": "0" * 40, "type": "commit"}),
        ("/git/trees", {"tree": []}),
        ("/git/trees", {"tree": [{"path": "../x", "mode": "100644", "content": "x"}]}),
        ("/git/blobs", {"content": "%%%", "encoding": "base64"}),
    ],
)
def test_wrong_objects_are_refused(hub: Served, path: str, body: object) -> None:
    assert hub.api("POST", path, json=body).status_code == 422


@pytest.mark.parametrize("kind", ["commits", "tags", "blobs", "trees"])
def test_objects_that_are_not_there_are_404(hub: Served, kind: str) -> None:
    assert hub.api("GET", f"/git/{kind}/{'0' * 40}").status_code == 404
    assert hub.api("GET", f"/git/{kind}/nonsense").status_code == 404
