"""One image for one platform: reproducible, labelled, without a name, and never built twice."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.core import lockfile
from scripts.core.errors import ServiceError, UsageError
from scripts.release.runners import NO_IMAGE
from tests.support.proving import (
    PLATFORMS,
    PORTS,
    Proving,
    dockerfile,
    files,
    proving,
    surroundings,
)

pytestmark = pytest.mark.world


@pytest.fixture
def bench(template: Path, tmp_path: Path, pytestconfig: pytest.Config) -> Iterator[Proving]:
    """Everything that comes before the images is done."""
    with proving(template, tmp_path, surroundings(pytestconfig)) as made:
        made.project.commit(files())
        for verb in ("plan", "prepare", "dists"):
            made.step(verb)
        yield made


def digest(bench: Proving, name: str = "api", platform: str = PLATFORMS[0]) -> str:
    bench.leg(name, platform)
    (result,) = bench.context().results(f"image-{name}-{platform.partition('/')[2]}")
    assert result.facts["image"] == name
    assert result.facts["platform"] == platform
    return result.facts["digest"]


@pytest.mark.parametrize("platform", PLATFORMS)
def test_two_builds_from_a_cold_cache_give_the_same_digest(bench: Proving, platform: str) -> None:
    first = digest(bench, platform=platform)
    bench.around.forget()
    shutil.rmtree(bench.context().root / "release" / "source")
    assert digest(bench, platform=platform) == first


def test_an_image_says_what_it_is_on_each_platform_and_has_no_name(bench: Proving) -> None:
    context = bench.context()
    for platform in PLATFORMS:
        (planned,) = (one for one in context.plan.images if one.name == "api")
        reference = f"{planned.repository}@{digest(bench, platform=platform)}"
        labels = context.registry.labels(reference)
        assert labels == {
            "org.opencontainers.image.created": f"{context.plan.date}T00:00:00Z",
            "org.opencontainers.image.revision": bench.project.sha("release/v0.2.4"),
            "org.opencontainers.image.source": context.endpoints.page_url,
            "org.opencontainers.image.version": "0.2.4",
        }
        found = context.registry.find(reference)
        assert found
        assert found.platforms == {}, "a single image: no attestation beside it"
        assert context.registry.find(planned.reference) is None


def test_the_proven_wheel_is_in_the_image(bench: Proving) -> None:
    """Not one that the Dockerfile built again."""
    context = bench.context()
    (planned,) = (one for one in context.plan.images if one.name == "api")
    reference = f"{planned.repository}@{digest(bench)}"
    run = ("docker", "run", "--rm", reference, "sh", "-c", "sha256sum /*.whl")
    shown = bench.around.run(*run)
    (wheel,) = (context.inputs / "dist").glob("*.whl")
    assert shown.split()[0] == lockfile.locked_dist(wheel.name, wheel.read_bytes()).sha256


def with_an_earlier_try(bench: Proving) -> str:
    """Stage once, and hand its lock to the next run as `plan` does."""
    bench.build()
    bench.step("stage")
    inputs = bench.context().inputs
    (inputs / "earlier").mkdir()
    shutil.copy(inputs / "assets" / lockfile.NAME, inputs / "earlier")
    return bench.context().lock.image("api").platforms[PLATFORMS[0]]


def test_what_an_earlier_try_built_is_taken(bench: Proving) -> None:
    known = with_an_earlier_try(bench)
    bench.around.forget()
    before = bench.around.writes()
    assert digest(bench) == known
    assert bench.around.writes() == before
    (result,) = bench.context().results("image-api-amd64")
    assert [one.written for one in result.outcomes] == [False]
    assert bench.around.cached() == "0B", "nothing was built"


def test_what_the_registry_lost_is_built_again(bench: Proving) -> None:
    known = with_an_earlier_try(bench)
    earlier = bench.context().inputs / "earlier" / lockfile.NAME
    lost = f"sha256:{'0' * 64}"
    earlier.write_text(earlier.read_text().replace(known, lost))
    assert digest(bench) == known
    (result,) = bench.context().results("image-api-amd64")
    assert [one.written for one in result.outcomes] == [True]


def test_a_build_that_fails_in_passing_is_tried_again(bench: Proving) -> None:
    """BuildKit tries some requests again by itself; here its client does not find the registry."""
    failing = bench.folder / "failing" / "docker"
    failing.parent.mkdir()
    docker = shutil.which("docker", path=bench.around.environment()["PATH"])
    said = "dial tcp: lookup registry.invalid: no such host"
    failing.write_text(
        f'#!/bin/sh\ntest -e {failing}.once && exec {docker} "$@"\n'
        f'touch {failing}.once\necho "ERROR: {said}" >&2\nexit 1\n'
    )
    failing.chmod(0o755)
    path = f"{failing.parent}:{bench.around.environment()['PATH']}"
    context = bench.step("image", "api-amd64", name="api", platform=PLATFORMS[0], PATH=path)
    assert failing.with_suffix(".once").exists()
    (result,) = context.results("image-api-amd64")
    assert result.facts["digest"].startswith("sha256:")


def test_a_build_that_fails_says_why(bench: Proving) -> None:
    broken = dockerfile("api").replace("COPY serve.py /", "COPY not_there.py /")
    bench.project.commit({"Dockerfile.api": broken})
    for verb in ("plan", "prepare", "dists"):
        bench.step(verb)
    with pytest.raises(ServiceError, match=r"not_there\.py"):
        bench.leg("api", PLATFORMS[0])


@pytest.mark.parametrize(("name", "platform"), [("other", PLATFORMS[0]), ("api", "linux/riscv64")])
def test_a_leg_that_is_not_planned_is_refused(bench: Proving, name: str, platform: str) -> None:
    with pytest.raises(UsageError, match="the plan has no image"):
        bench.leg(name, platform)


def test_every_image_of_the_matrix_is_its_own(bench: Proving) -> None:
    found = [digest(bench, name, platform) for name in PORTS for platform in PLATFORMS]
    assert len(set(found)) == len(found)
    assert NO_IMAGE not in PORTS


def test_an_image_is_built_from_its_own_folder_stage_and_arguments(
    template: Path, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    """As a repository has it whose services each have a folder."""
    first, wheel, *rest = dockerfile("api").splitlines()
    staged = f"{first}\n{wheel} AS served\nARG WHOSE\nENV WHOSE=$WHOSE\n" + "\n".join(rest)
    moved = files() | {"api/Dockerfile": f"{staged}\nFROM scratch AS last\nCOPY absent /\n"}
    moved["api/serve.py"] = moved.pop("serve.py")
    del moved["Dockerfile.api"]
    keys = 'dockerfile = "api/Dockerfile"\ncontext = "api"\ntarget = "served"\n'
    moved["pyproject.toml"] = moved["pyproject.toml"].replace(
        'dockerfile = "Dockerfile.api"\n', keys + 'build-args = ["WHOSE=mari and friends"]\n'
    )
    with proving(template, tmp_path, surroundings(pytestconfig)) as bench:
        bench.project.commit(moved)
        for verb in ("plan", "prepare", "dists"):
            bench.step(verb)
        (planned,) = (one for one in bench.context().plan.images if one.name == "api")
        reference = f"{planned.repository}@{digest(bench)}"
        shown = bench.around.run("docker", "run", "--rm", reference, "sh", "-c", "echo $WHOSE")
    assert shown.strip() == "mari and friends"
