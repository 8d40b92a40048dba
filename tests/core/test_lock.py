"""The lock: read back to the byte, refused when altered."""

import json
from typing import Any

import pytest

from scripts.core import lock as locking
from scripts.core import plan as planning
from scripts.core.errors import ReleaseError, UsageError
from tests.core.values import SHA, a_lock


def test_a_lock_reads_back() -> None:
    lock = a_lock()
    assert locking.read(locking.write(lock)) == lock
    assert locking.read(locking.write(lock).encode()) == lock


def test_a_runs_mode_is_no_part_of_it() -> None:
    lock = a_lock()
    dry = locking.Lock(lock.plan.for_mode(planning.DRY_RUN), lock.commit, lock.dists, lock.images)
    assert locking.write(dry) == locking.write(lock)


def test_images_are_pinned_by_their_index() -> None:
    lock = a_lock()
    assert lock.references() == {"api": f"docker.io/mari/api@sha256:{SHA}"}


def test_a_file_is_described_by_its_bytes() -> None:
    found = locking.locked_dist("a.whl", b"abc")
    assert found.size == 3
    assert found.sha256.startswith("ba7816bf")


def changed(path: str, value: Any) -> str:
    """Set one field, named by its keys with bars between them."""
    data: Any = json.loads(locking.write(a_lock()))
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
]


@pytest.mark.parametrize(("path", "value"), ALTERED)
def test_an_altered_lock_is_refused(path: str, value: Any) -> None:
    with pytest.raises(ReleaseError) as raised:
        locking.read(changed(path, value))
    assert raised.value.remedy


def test_a_file_named_twice_is_refused() -> None:
    data = json.loads(locking.write(a_lock()))
    data["dists"].append(data["dists"][0])
    with pytest.raises(ReleaseError, match="altered"):
        locking.read(json.dumps(data))


def test_what_is_no_lock_is_refused() -> None:
    with pytest.raises(UsageError, match=r"release\.json is not JSON"):
        locking.read("<html>")
