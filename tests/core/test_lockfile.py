"""The lock: read back to the byte, refused when altered."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scripts.core import lockfile, planning
from scripts.core.errors import ConflictError, ReleaseError, UsageError
from tests.core.values import SHA, a_lock


def test_a_lock_reads_back() -> None:
    lock = a_lock()
    assert lockfile.read(lockfile.write(lock)) == lock
    assert lockfile.read(lockfile.write(lock).encode()) == lock


def test_a_runs_mode_is_no_part_of_it() -> None:
    lock = a_lock()
    dry = lockfile.Lock(lock.plan.for_mode(planning.DRY_RUN), lock.commit, lock.dists, lock.images)
    assert lockfile.write(dry) == lockfile.write(lock)


def test_images_are_pinned_by_their_index() -> None:
    lock = a_lock()
    assert lock.references() == {"api": f"docker.io/mari/api@sha256:{SHA}"}


def test_a_file_is_described_by_its_bytes() -> None:
    found = lockfile.locked_dist("a.whl", b"abc")
    assert found.size == 3
    assert found.sha256.startswith("ba7816bf")


def changed(path: str, value: Any) -> str:
    """Set one field, named by its keys with bars between them."""
    data: Any = json.loads(lockfile.write(a_lock()))
    *parents, last = path.split("|")
    inside = data
    for key in parents:
        inside = inside[int(key)] if key.isdigit() else inside[key]
    inside[last] = value
    return json.dumps(data)


ALTERED: list[tuple[str, Any]] = [
    ("plan|version", "0.2.5"),
    ("plan|schema", 9),
    ("commit", "not a commit"),
    ("dists", []),
    ("dists|0|name", "other.whl"),
    ("dists|0|sha256", "short"),
    ("dists|0|size", "many"),
    ("dists|0|size", -1),
    ("images", []),
    ("images|0|name", "web"),
    ("images|0|digest", "latest"),
    ("images|0|platforms", {"linux/amd64": f"sha256:{SHA}"}),
    ("images|0|platforms|linux/arm64", "latest"),
    ("repository", "mari/../other"),
    ("repository", "mari/.."),
    ("repository", "--x/y"),
]


@pytest.mark.parametrize(("path", "value"), ALTERED)
def test_an_altered_lock_is_refused(path: str, value: Any) -> None:
    with pytest.raises(ReleaseError) as raised:
        lockfile.read(changed(path, value))
    assert raised.value.remedy


def test_a_file_named_twice_is_refused() -> None:
    data = json.loads(lockfile.write(a_lock()))
    data["dists"].append(data["dists"][0])
    with pytest.raises(ReleaseError, match="altered"):
        lockfile.read(json.dumps(data))


def test_what_is_no_lock_is_refused() -> None:
    with pytest.raises(UsageError, match=r"release\.json is not JSON"):
        lockfile.read("<html>")


OLD = Path(__file__).with_name("files") / "release-schema-1.json"
"""Written before a lock named its repository."""


def test_an_older_lock_reads_back_to_the_byte() -> None:
    text = OLD.read_text("utf-8")
    old = lockfile.read(text)
    assert old == a_lock()
    assert not old.repository
    assert lockfile.write(old) == text


def test_a_lock_with_a_plan_of_another_schema_says_who_finishes_it() -> None:
    data = json.loads(lockfile.write(a_lock()))
    data["plan"] |= {"schema": 2, "of_schema_2": 1}
    data["of_schema_2"] = 1
    with pytest.raises(UsageError, match="schema 2") as raised:
        lockfile.read(json.dumps(data))
    assert "the version that planned it" in raised.value.remedy


def test_a_lock_is_taken_only_for_what_it_was_made_for() -> None:
    lock = replace(a_lock(), repository="mari/thing")
    assert lockfile.read(lockfile.write(lock)) == lock
    lockfile.bound(lock, "v0.2.4", "mari/thing")
    lockfile.bound(lock, "v0.2.4", "Mari/Thing")
    lockfile.bound(a_lock(), "v0.2.4", "any/where")
    for tag, repository in (("v0.2.5", "mari/thing"), ("v0.2.4", "mari/other")):
        with pytest.raises(ConflictError, match=r"release\.json of release v0\.2") as raised:
            lockfile.bound(lock, tag, repository)
        assert raised.value.remedy


FORGED: list[tuple[str, Any]] = [
    ("base", "--upload-pack=touch x"),
    ("base", "main"),
    ("tag", "v0.2.5"),
    ("version", "0.2"),
    ("version", "--help"),
    ("previous_tag", "--all"),
    ("branch", "-main"),
    ("branch", "a:b"),
    ("branch", "a..b"),
    ("release_branch", "release/other"),
    ("author", "Mari\ncommitter x <a@b>"),
    ("author", "Mari"),
    ("date", "today"),
    ("source_date_epoch", -1),
    ("project", "--index-url=x"),
    ("project", "../x"),
    ("project", ""),
    ("dists", ["../x.whl", "x.tar.gz"]),
    ("title", "\x1b[31m"),
]
FORGED_IMAGE = [
    ("name", "--all"),
    ("dockerfile", "../Dockerfile"),
    ("dockerfile", "/etc/passwd"),
    ("repository", "--tag=x"),
    ("repository", "docker.io/x,push=true"),
    ("platforms", ["--x"]),
    ("tag", "v0.2.5"),
    ("floating", ["--x"]),
]


def forged(plan: dict[str, Any]) -> str:
    """Give a lock with another plan in it, whose id is right."""
    data: Any = json.loads(lockfile.write(a_lock()))
    data["plan"] |= {**plan, "id": "", "mode": ""}
    text = json.dumps(data["plan"], indent=2, sort_keys=True) + "\n"
    data["plan"] |= {"id": hashlib.sha256(text.encode()).hexdigest(), "mode": "release"}
    return json.dumps(data)


@pytest.mark.parametrize(("key", "value"), FORGED)
def test_a_forged_plan_is_refused_though_its_id_is_right(key: str, value: Any) -> None:
    assert lockfile.read(forged({})) == a_lock()
    with pytest.raises(ConflictError, match="was altered"):
        lockfile.read(forged({key: value}))


@pytest.mark.parametrize(("key", "value"), FORGED_IMAGE)
def test_a_forged_image_is_refused_though_the_id_is_right(key: str, value: Any) -> None:
    images = json.loads(lockfile.write(a_lock()))["plan"]["images"]
    with pytest.raises(ConflictError, match="was altered"):
        lockfile.read(forged({"images": [{**images[0], key: value}]}))


@pytest.mark.parametrize("mode", ["", "odd", "Release"])
def test_an_unknown_mode_is_never_a_release(mode: str) -> None:
    with pytest.raises(UsageError, match="mode"):
        lockfile.read(changed("plan|mode", mode))


def test_what_the_files_are_said_to_be_is_compared() -> None:
    digest = lockfile.digest(a_lock())
    lockfile.undisputed("x", digest, lockfile.said(f"text\n\n{lockfile.mark(digest)}\n"))
    lockfile.undisputed("x", digest, "")
    with pytest.raises(ConflictError, match="x says"):
        lockfile.undisputed("x", digest, "0" * 64)


def test_who_signs_is_kept_and_an_older_lock_says_nothing() -> None:
    older = lockfile.write(a_lock())
    assert "signing" not in json.loads(older)
    assert lockfile.read(older).signing is None
    for signing in (
        lockfile.Signing(by=".github/workflows/release-system.yml@refs/heads/a/b"),
        lockfile.Signing(by=".github/workflows/r.yaml@refs/tags/v1"),
        lockfile.Signing(reason="GitHub offers none here"),
    ):
        text = lockfile.write(replace(a_lock(), signing=signing))
        assert lockfile.read(text).signing == signing


@pytest.mark.parametrize(
    "by",
    ["x", ".github/workflows/r.yml", ".github/workflows/r.yml@main", "r.yml@refs/heads/main",
     ".github/workflows/r.yml@refs/heads/main --repo=eve/x"],
)  # fmt: skip
def test_a_signer_that_no_certificate_can_name_is_refused(by: str) -> None:
    text = lockfile.write(replace(a_lock(), signing=lockfile.Signing(by=by)))
    with pytest.raises(ConflictError, match="was altered"):
        lockfile.read(text)
