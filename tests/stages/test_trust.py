"""A release's lock is taken for that release alone, and an exchanged one is noticed."""

import json
from pathlib import Path

import pytest
from github.GitRelease import GitRelease

from scripts.core import codec, lockfile
from scripts.core.errors import ConflictError
from scripts.core.findings import PROBLEM
from scripts.release.released import find
from scripts.stages import audit, notes, plan, rollback, verify
from tests.support.project import git
from tests.support.releases import Releases

pytestmark = pytest.mark.service


def release_of(bench: Releases, version: str) -> GitRelease:
    found = bench.context().forge.release(f"v{version}")
    assert found
    return found


def asset(bench: Releases, version: str) -> bytes:
    found = bench.context().forge.asset(release_of(bench, version), lockfile.NAME)
    assert found
    return found


def exchange(bench: Releases, version: str, content: bytes, name: str = lockfile.NAME) -> None:
    """Put another `release.json` into a release, as who may write there can."""
    release = release_of(bench, version)
    next(one for one in release.get_assets() if one.name == name).delete_asset()
    path = bench.folder / name
    path.write_bytes(content)
    release.upload_asset(str(path), name=name)


def forget_mark(bench: Releases, version: str) -> None:
    """Take the mark out of the notes, as an edit of a person can."""
    release = release_of(bench, version)
    body = (release.body or "").partition("<!--")[0]
    release.update_release(release.name or "", body, prerelease=release.prerelease)


def refused(bench: Releases, stage: object, version: str, **more: str) -> ConflictError:
    bench.begin()
    before = bench.state()
    with pytest.raises(ConflictError) as raised:
        stage.run(bench.context(RELEASE_VERSION=version, **more))  # type: ignore[attr-defined]
    assert bench.state() == before
    assert raised.value.remedy
    return raised.value


READERS = {"rollback": rollback, "notes": notes, "plan": plan}


@pytest.mark.parametrize("reader", READERS)
def test_another_releases_lock_is_not_taken(released: Releases, reader: str) -> None:
    exchange(released, "0.3.0", asset(released, "0.2.5"))
    forget_mark(released, "0.3.0")
    error = refused(released, READERS[reader], "0.3.0", RELEASE_DRY_RUN="true")
    assert "release v0.3.0 of mari/sample_thing is that of mari/sample_thing v0.2.5" in error.cause


def test_the_audit_finds_another_releases_lock(released: Releases) -> None:
    exchange(released, "0.3.0", asset(released, "0.2.5"))
    forget_mark(released, "0.3.0")
    context = released.context(RELEASE_VERSION="0.3.0", GITHUB_TOKEN="")
    found = {one.what: one for one in audit.examine(context, find(context))}
    assert found[lockfile.NAME].status == PROBLEM
    assert "v0.2.5" in found[lockfile.NAME].found


def test_another_repositorys_lock_is_not_taken(released: Releases) -> None:
    data = {**json.loads(asset(released, "0.3.0")), "repository": "mari/other"}
    text = json.dumps(data, indent=2, sort_keys=True) + "\n"
    exchange(released, "0.3.0", text.encode())
    forget_mark(released, "0.3.0")
    assert "mari/other" in refused(released, notes, "0.3.0").cause


@pytest.mark.parametrize("where", ["the notes", "the message"])
def test_an_exchanged_lock_is_noticed_by_its_hash(released: Releases, where: str) -> None:
    """One hash in it is another: by its form alone nothing can tell."""
    text = asset(released, "0.3.0").decode()
    digest = released.digest("0.3.0")
    other = f"sha256:{digest[7:][::-1]}"
    exchange(released, "0.3.0", text.replace(digest, other).encode())
    if where == "the message":
        forget_mark(released, "0.3.0")
    assert where in refused(released, notes, "0.3.0").cause
    assert where in refused(released, rollback, "0.3.0", RELEASE_DRY_RUN="true").cause
    assert where in refused(released, plan, "0.3.0").cause


def test_an_older_release_without_any_mark_is_fine(
    released: Releases, capsys: pytest.CaptureFixture[str]
) -> None:
    data = json.loads(asset(released, "0.3.0"))
    del data["repository"]
    exchange(released, "0.3.0", (json.dumps(data, indent=2, sort_keys=True) + "\n").encode())
    forget_mark(released, "0.3.0")
    bare = released.project.bare
    head = git("cat-file", "-p", "v0.3.0", cwd=bare).partition("\n\n")[0]
    old = bare.parent / "tag"
    old.write_text(f"{head}\n\nsample_thing 0.3.0\n")
    sha = git("hash-object", "-t", "tag", "-w", str(old), cwd=bare)
    git("update-ref", "refs/tags/v0.3.0", sha, cwd=bare)
    released.begin()
    notes.run(released.context(RELEASE_VERSION="0.3.0"))
    assert "0.3.0" in capsys.readouterr().out


def test_the_tag_and_the_notes_say_which_lock_is_theirs(released: Releases) -> None:
    content = asset(released, "0.3.0")
    said = lockfile.mark(lockfile.digest(lockfile.read(content)))
    message = git("cat-file", "-p", "v0.3.0", cwd=released.project.bare).partition("\n\n")[2]
    assert message == f"sample_thing 0.3.0\n\n{said}"
    assert said in (release_of(released, "0.3.0").body or "").rpartition("<!--")[2]
    assert json.loads(content)["repository"] == "mari/sample_thing"


def test_a_lock_whose_commit_is_not_the_tags_has_no_notes(released: Releases) -> None:
    released.project.git("push", "-qf", "origin", "origin/main~:refs/tags/v0.3.0")
    assert "disagrees with git tag v0.3.0: names" in refused(released, notes, "0.3.0").cause


def test_what_is_verified_is_this_runs(released: Releases) -> None:
    context = released.context()
    inputs = context.inputs
    (inputs / "assets").mkdir(parents=True)
    (inputs / "plan.json").write_text(
        codec.encode(lockfile.read(asset(released, "0.3.0")).plan), "utf-8"
    )
    Path(inputs, "assets", lockfile.NAME).write_bytes(asset(released, "0.2.5"))
    with pytest.raises(ConflictError, match="of another plan"):
        verify.install(context, verify.PUBLISHED)


@pytest.mark.parametrize("content", [b"no list", b"\xff\xfe"])
def test_a_list_of_hashes_that_is_none_is_drift(released: Releases, content: bytes) -> None:
    exchange(released, "0.3.0", content, "SHA256SUMS")
    context = released.context(RELEASE_VERSION="0.3.0", GITHUB_TOKEN="")
    found = audit.examine(context, find(context))
    assert [one for one in found if one.status == PROBLEM]
