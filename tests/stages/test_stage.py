"""The lock, the assets, the draft: what is made of what was built."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from scripts.core import lockfile, sbom
from scripts.core.errors import ConflictError, UsageError
from scripts.release import sboms
from tests.support.proving import PLATFORMS, PORTS, Proving, files, proving, surroundings

pytestmark = pytest.mark.world
ASSETS = {
    "release.json",
    "SHA256SUMS",
    "compose.yaml",
    "sboms.zip",
    "verify.py",
    "sample_thing-0.2.4-py3-none-any.whl",
    "sample_thing-0.2.4.tar.gz",
}


@pytest.fixture
def bench(template: Path, tmp_path: Path, pytestconfig: pytest.Config) -> Iterator[Proving]:
    with proving(template, tmp_path, surroundings(pytestconfig)) as made:
        yield made


@pytest.fixture(scope="module")
def kept(
    template: Path, tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Proving:
    folder = tmp_path_factory.mktemp("staged")
    with proving(template, folder, surroundings(pytestconfig)) as made:
        made.staged(platforms=PLATFORMS)
    return made


@pytest.fixture
def staged(kept: Proving, tmp_path: Path) -> Iterator[Proving]:
    with proving(kept.folder, tmp_path, kept.around) as made:
        yield made


def downloaded(bench: Proving, folder: Path) -> Path:
    """Everything that the draft holds, as GitHub gives it."""
    forge = bench.context().forge
    release = forge.release("v0.2.4")
    assert release
    assert release.draft
    folder.mkdir()
    for asset in release.assets:
        (folder / asset.name).write_bytes(forge.asset(release, asset.name) or b"")
    return folder


def test_the_draft_holds_everything_and_its_sums_are_right(staged: Proving, tmp_path: Path) -> None:
    folder = downloaded(staged, tmp_path / "assets")
    assert {one.name for one in folder.iterdir()} == ASSETS
    done = subprocess.run(
        ["sha256sum", "--check", "--strict", "SHA256SUMS"],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    checked = {line.removesuffix(": OK") for line in done.stdout.splitlines()}
    assert checked == ASSETS - {"SHA256SUMS"}


def test_the_lock_is_uploaded_last(staged: Proving) -> None:
    """So that where the lock is, everything is: an earlier attempt is known by it."""
    release = staged.context().forge.release("v0.2.4")
    assert release
    assert max(release.assets, key=lambda asset: asset.id).name == lockfile.NAME


def test_the_lock_says_what_the_registry_and_the_dists_are(staged: Proving) -> None:
    context = staged.context()
    made = context.lock
    assert made.commit == staged.project.sha("release/v0.2.4")
    for dist in made.dists:
        content = (context.inputs / "dist" / dist.name).read_bytes()
        assert lockfile.locked_dist(dist.name, content) == dist
    for planned, locked in zip(context.plan.images, made.images, strict=True):
        found = context.registry.find(f"{planned.repository}@{locked.digest}")
        assert found
        assert found.platforms == locked.platforms
        assert list(locked.platforms) == list(PLATFORMS)
        # Nothing has a name yet.
        assert context.registry.find(planned.reference) is None


def test_the_archive_holds_the_locked_sboms_and_others_accept_them(
    staged: Proving, tmp_path: Path
) -> None:
    folder = downloaded(staged, tmp_path / "assets")
    made = staged.context().lock
    found = dict(sboms.unpacked((folder / "sboms.zip").read_bytes(), made))
    assert set(found) == {
        *(f"{name}-linux-{arch}.cdx.json" for name in PORTS for arch in ("amd64", "arm64")),
        "package.cdx.json",
    }
    for text in found.values():
        assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text.decode()) is None
    assert {(one.image, one.platform) for one in made.bases} == {
        (name, platform) for name in PORTS for platform in PLATFORMS
    }
    assert {one.reference for one in made.bases} == {"docker.io/library/python:3.13-slim"}


def test_an_sbom_is_what_is_installed_in_the_image(staged: Proving) -> None:
    made = staged.context().lock
    listing = (
        "import importlib.metadata as m, json; "
        "print(json.dumps(sorted({(d.metadata['Name'], d.version) for d in m.distributions()})))"
    )
    reference = f"{staged.context().plan.images[0].repository}@"
    reference += made.image("api").platforms["linux/amd64"]
    inside = json.loads(
        staged.around.run("docker", "run", "--rm", reference, "python3", "-c", listing)
    )
    status = staged.around.run("docker", "run", "--rm", reference, "cat", "/var/lib/dpkg/status")
    packages = {line[9:] for line in status.splitlines() if line.startswith("Package: ")}
    found = sboms.inventories(staged.context())["api-linux-amd64.cdx.json"]
    said = {one.package for one in found.components}
    assert {(one.name, one.version) for one in said if one.kind == "pypi"} == {
        (sbom.normalised(name), version) for name, version in inside
    }
    assert {one.name for one in said if one.kind == "deb"} == packages
    assert len(packages) > 20
    assert {one.origin for one in found.components} == {sbom.BASE}


def test_the_compose_file_is_pinned_and_compose_takes_it(staged: Proving, tmp_path: Path) -> None:
    folder = downloaded(staged, tmp_path / "assets")
    shown = staged.around.run("docker", "compose", "config", "--format", "json", cwd=folder)
    services = json.loads(shown)["services"]
    context = staged.context()
    assert set(services) == set(PORTS)
    for image in context.plan.images:
        assert services[image.name]["image"] == context.lock.pinned(image)
        assert "build" not in services[image.name]
    assert (folder / "compose.yaml").read_text().startswith("# Start it: docker compose up\n")


def test_staging_again_writes_nothing(bench: Proving) -> None:
    bench.staged()
    before = (bench.github.writes(), bench.around.writes())
    bench.step("stage")
    assert (bench.github.writes(), bench.around.writes()) == before


def test_other_bytes_than_those_of_an_earlier_try_are_a_conflict(staged: Proving) -> None:
    context = staged.context()
    earlier = context.inputs / "earlier"
    earlier.mkdir()
    shutil.copy(context.inputs / "assets" / lockfile.NAME, earlier)
    staged.step("stage")
    wheel = context.inputs / "dist" / context.plan.dists[0]
    wheel.write_bytes(wheel.read_bytes() + b"\0")
    before = staged.github.writes()
    with pytest.raises(ConflictError, match="does not match its lock"):
        staged.step("stage")
    assert staged.github.writes() == before


@pytest.mark.parametrize(
    ("missing", "named"),
    [
        ("results/image-web-arm64.json", "the result of `image` web for linux/arm64 is missing"),
        ("dist/sample_thing-0.2.4.tar.gz", r"sample_thing-0\.2\.4\.tar\.gz is missing"),
    ],
)
def test_what_an_earlier_job_did_not_bring_is_named(
    staged: Proving, missing: str, named: str
) -> None:
    (staged.context().inputs / missing).unlink()
    before = staged.github.writes()
    with pytest.raises(UsageError, match=named):
        staged.step("stage")
    assert staged.github.writes() == before


def test_a_dry_run_writes_nothing(bench: Proving) -> None:
    bench.project.commit(files())
    before = (bench.project.refs(), bench.github.writes(), bench.around.writes())
    said = {"RELEASE_DRY_RUN": "true"}
    for verb in ("plan", "prepare", "dists"):
        bench.step(verb, **said)
    bench.build()
    bench.step("stage", **said)
    assert (bench.project.refs(), bench.github.writes(), bench.around.writes()) == before
    assert not (bench.context().inputs / "assets").exists()
    # The images were built all the same: a Dockerfile's mistake shows in a dry run.
    assert len(bench.context().results("image-*")) == len(PORTS) * len(PLATFORMS)
