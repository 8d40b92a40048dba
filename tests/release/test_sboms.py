"""SBOMs in a release: one archive, always the same bytes, each document bound by the lock."""

import hashlib
import io
import zipfile
from dataclasses import replace

import pytest

from scripts.core import lockfile, sbom
from scripts.core.errors import ConflictError, ReleaseError, UsageError
from scripts.core.lockfile import Lock, LockedBase, LockedSbom
from scripts.release import sboms
from scripts.release.context import Context
from tests.conftest import Bench
from tests.core.values import SHA, a_lock

TEXTS = {name: f"{name}\n".encode() for name in lockfile.sbom_names(a_lock().plan)}


def locked() -> Lock:
    return replace(
        a_lock(),
        sboms=tuple(
            LockedSbom(name, hashlib.sha256(text).hexdigest()) for name, text in TEXTS.items()
        ),
    )


@pytest.fixture
def context(bench: Bench) -> Context:
    made = bench.context().knowing(plan=a_lock().plan)
    folder = made.inputs / "sboms"
    folder.mkdir(parents=True)
    for name, text in TEXTS.items():
        (folder / name).write_bytes(text)
    return made


def test_each_planned_document_is_locked_and_packed(context: Context) -> None:
    assert list(TEXTS) == [
        "api-linux-amd64.cdx.json",
        "api-linux-arm64.cdx.json",
        "package.cdx.json",
    ]
    assert sboms.locked(context) == locked().sboms
    packed = sboms.archive(context, locked())
    assert packed == sboms.archive(context, locked())
    assert dict(sboms.unpacked(packed, locked())) == TEXTS


def test_a_missing_document_names_the_job_that_writes_it(context: Context) -> None:
    (context.inputs / "sboms" / sbom.PACKAGE).unlink()
    with pytest.raises(UsageError, match=r"package\.cdx\.json is missing.*`dists`"):
        sboms.locked(context)


def archive(**texts: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as target:
        for name, text in {**TEXTS, **texts}.items():
            target.writestr(name, text)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (archive(**{"package.cdx.json": b"other"}), r"package\.cdx\.json in sboms\.zip has sha256"),
        (archive()[:50], "is not an archive"),
        (b"", "is not an archive"),
    ],
    ids=["other content", "cut off", "empty"],  # an archive states the time
)
def test_an_altered_archive_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(ConflictError, match=said) as raised:
        list(sboms.unpacked(content, locked()))
    assert raised.value.remedy


def test_a_lock_with_the_new_fields_reads_back_and_an_older_one_too() -> None:
    base = LockedBase("api", "linux/amd64", "docker.io/library/python:3.13", f"sha256:{SHA}")
    for one in (replace(locked(), bases=(base,)), a_lock()):
        assert lockfile.read(lockfile.write(one)) == one
    for field in ("sboms", "bases", "scan"):
        assert f'"{field}"' not in lockfile.write(a_lock())


@pytest.mark.parametrize(
    "changed",
    [
        {"sboms": locked().sboms[1:]},
        {"sboms": (*locked().sboms[1:], LockedSbom("api-linux-amd64.cdx.json", "short"))},
        {"bases": (LockedBase("api", "linux/amd64", "python", "latest"),)},
    ],
)
def test_a_lock_whose_new_fields_were_altered_is_refused(changed: dict[str, object]) -> None:
    with pytest.raises(ReleaseError, match="was altered"):
        lockfile.read(lockfile.write(replace(locked(), **changed)))  # type: ignore[arg-type]
