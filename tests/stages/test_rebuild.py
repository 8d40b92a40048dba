"""A past release is built again elsewhere: the same bytes, or the member that differs is named."""

import json
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from scripts.core import lockfile
from scripts.core.errors import CheckError, UsageError
from scripts.release import archives
from scripts.stages import rebuild
from tests.conftest import WRITER
from tests.support.releases import Releases

pytestmark = pytest.mark.service
WHEEL, SDIST = "sample_thing-0.3.0-py3-none-any.whl", "sample_thing-0.3.0.tar.gz"


def rebuilt(bench: Releases, capsys: pytest.CaptureFixture[str], version: str = "0.3.0") -> str:
    """Rebuild without a builder for images; give what the verb prints."""
    alone = {"DOCKER_CONFIG": str(bench.folder / "none"), "DOCKER_HOST": "tcp://127.0.0.1:9"}
    before = bench.state()
    try:
        rebuild.run(bench.context(RELEASE_VERSION=version, **alone))
    finally:
        assert bench.state() == before
    return capsys.readouterr().out


def allowed(*words: str) -> bool:
    """Tell whether this machine can change a circumstance."""
    program = shutil.which(words[0])
    return bool(program) and not subprocess.run([*words, "true"], check=False).returncode


def test_a_release_is_built_again_byte_for_byte(
    released: Releases, capsys: pytest.CaptureFixture[str]
) -> None:
    text = rebuilt(released, capsys)
    assert f"✅ {WHEEL}" in text
    assert f"✅ {SDIST}" in text
    for what, words in (("user", rebuild.USER), ("clock", rebuild.CLOCK)):
        assert f"{'✅' if allowed(*words) else '❔'} {what} |" in text
    assert "❔ images | not checked: no builder here" in text


def publish(bench: Releases, name: str, content: bytes) -> None:
    """Put another file into index and lock, as if it had been released."""
    bench.index.files[name] = content
    forge = bench.context(GITHUB_TOKEN=WRITER).forge
    release = forge.release("v0.3.0")
    assert release
    lock = json.loads(forge.asset(release, lockfile.NAME) or b"")
    made = lockfile.locked_dist(name, content)
    lock["dists"] = [one if one["name"] != name else vars(made) for one in lock["dists"]]
    text = json.dumps(lock, indent=2, sort_keys=True) + "\n"
    for asset in release.get_assets():
        if asset.name == lockfile.NAME:
            asset.delete_asset()
    path = bench.folder / lockfile.NAME
    path.write_text(text)
    release.upload_asset(str(path), name=path.name)
    release.update_release(release.name or "", "", prerelease=release.prerelease)
    bench.project.git("fetch", "-q", "--tags", "origin")
    git = ("-c", "user.name=A", "-c", "user.email=a@b.c")
    bench.project.git(*git, "tag", "-af", "-m", "v0.3.0", "v0.3.0", "v0.3.0^{}")
    bench.project.git("push", "-qf", "origin", "v0.3.0")


def test_the_file_that_differs_is_named(
    released: Releases, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / WHEEL
    path.write_bytes(released.index.files[WHEEL])
    with zipfile.ZipFile(path, "a") as wheel:
        wheel.writestr("sample_thing/planted.py", "x = 1\n")
    publish(released, WHEEL, path.read_bytes())
    with pytest.raises(CheckError, match=rf"{WHEEL}: sample_thing/planted.py: only in ") as raised:
        rebuilt(released, capsys)
    assert SDIST not in raised.value.cause
    kept = released.project.clone / "release" / "out" / "rebuild"
    assert (kept / "published" / WHEEL).read_bytes() == path.read_bytes()
    assert list(archives.differences(kept / "published" / WHEEL, kept / "again" / WHEEL))


def test_a_release_without_a_lock_is_refused(
    released: Releases, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UsageError, match="choose a release that this system made"):
        rebuilt(released, capsys, "0.2.3")


def test_images_are_built_on_the_locked_base_of_their_platform(released: Releases) -> None:
    locked = rebuild.read(released.context(RELEASE_VERSION="0.3.0"))
    source = "docker-image://docker.io/library/python:3.13-slim"
    assert {(one.image, one.platform) for one in locked.bases} == {
        ("api", "linux/amd64"),
        ("api", "linux/arm64"),
    }
    (rule,) = rebuild.bases(locked, "api", "linux/arm64")["rules"]
    assert rule == {
        "action": "CONVERT",
        "selector": {"identifier": source},
        "updates": {"identifier": f"{source}@sha256:{'b' * 64}"},
    }
    assert rebuild.bases(locked, "web", "linux/arm64") == {"rules": []}
