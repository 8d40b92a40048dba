"""What must be found before anything is public, on images really started."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.core.errors import ConflictError
from scripts.stages import image, verify
from tests.support.proving import (
    PLATFORMS,
    SERVES,
    Proving,
    dockerfile,
    files,
    proving,
    surroundings,
)

pytestmark = pytest.mark.world


@pytest.fixture
def bench(template: Path, tmp_path: Path, pytestconfig: pytest.Config) -> Iterator[Proving]:
    with proving(template, tmp_path, surroundings(pytestconfig)) as made:
        yield made


@pytest.fixture(scope="module")
def published(
    template: Path, tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Proving:
    """A release whose names are out, for both platforms: a folder to copy, its services ended."""
    folder = tmp_path_factory.mktemp("published")
    with proving(template, folder, surroundings(pytestconfig)) as made:
        made.staged(files(prefix="out_"))
        for verb in ("publish-tags", "publish-package"):
            made.step(verb)
    shutil.rmtree(folder / "clone" / "release" / "source")
    return made


@pytest.fixture
def out(published: Proving, tmp_path: Path) -> Iterator[Proving]:
    with proving(published.folder, tmp_path, published.around) as made:
        made.index.files.update(published.index.files)
        yield made


@pytest.mark.parametrize("moment", ["staged", "published"])
def test_what_works_is_installed_started_and_asked(out: Proving, moment: str) -> None:
    out.verify(moment)
    said = dict(out.outcomes())
    compared = ["published files on the index"] if moment == "published" else []
    assert list(said) == [
        *compared,
        f"{moment} package installed and imported",
        *(f"{moment} {name} for linux/amd64" for name in references(out, moment)),
        f"{moment} services on linux/amd64",
        *(f"{moment} {name} answers" for name in ("api", "web")),
        f"{moment} acceptance",
        *(["published attestations"] if moment == "published" else []),
    ]
    unsigned = said.pop("published attestations", "this run signed nothing")
    assert unsigned == "this run signed nothing"
    assert said[f"{moment} services on linux/amd64"].startswith("healthy after ")
    assert all(text.startswith("ok, ") for text in list(said.values()) if "healthy" not in text)
    seen = out.project.clone / "release" / "in" / "acceptance" / f"{moment}-amd64" / "seen.txt"
    assert seen.read_text() == '{"version": "0.2.4"}'


def references(bench: Proving, moment: str) -> list[str]:
    context = bench.context()
    return [name for i in context.plan.images for name in verify.references(context, i, moment)]


def test_a_platform_that_does_not_run_here_is_said_and_not_passed(out: Proving) -> None:
    out.verify(platform="linux/arm64")
    said = out.outcomes()
    last = list(said)[-1]
    assert last == "staged services on linux/arm64"
    assert said[last] == "not started here: this engine is linux/amd64"
    assert out.skipped() == [last]
    assert not (out.project.clone / "release" / "in" / "acceptance").exists()


def test_an_unhealthy_image_is_refused_with_its_log(bench: Proving) -> None:
    bench.staged({"Dockerfile.api": dockerfile("api", SAY_HEALTH="503")})
    found = bench.refused()
    assert "unhealthy" in found.cause
    assert "the model is missing" in found.cause
    assert "the service's log above" in found.remedy


def test_an_image_whose_default_command_crashes_is_refused_with_its_log(bench: Proving) -> None:
    crash = dockerfile("api", command="raise RuntimeError('no weights in the image')")
    bench.staged({"Dockerfile.api": crash})
    assert "RuntimeError: no weights in the image" in bench.refused().cause


def test_a_service_that_says_another_version_is_refused(bench: Proving) -> None:
    bench.staged({"Dockerfile.web": dockerfile("web", SAY_VERSION="0.2.3")})
    cause = bench.refused().cause
    assert """web says '{"version": "0.2.3"}' on /version, expected version 0.2.4""" in cause


def test_a_health_that_only_the_outside_sees_is_asked(bench: Proving) -> None:
    """The image's own health check looks at something else than the project's configuration."""
    other = dockerfile("api", SAY_HEALTH="500").replace("/health')", "/version')")
    bench.staged({"Dockerfile.api": other})
    found = bench.refused(RELEASE_DEADLINE="5")
    assert "api answers 500 on /health, expected 200" in found.cause
    assert "the model is missing" in found.cause


@pytest.mark.parametrize("label", ["version", "revision"])
def test_a_wrong_label_is_refused(
    bench: Proving, monkeypatch: pytest.MonkeyPatch, label: str
) -> None:
    real = image.labels
    wrong = {f"org.opencontainers.image.{label}": "other"}
    monkeypatch.setattr(image, "labels", lambda context: {**real(context), **wrong})
    bench.staged()
    assert f"has the label {label}=other, expected " in bench.refused().cause


@pytest.mark.parametrize("moment", ["staged", "published"])
def test_a_lock_of_other_platform_images_is_refused(out: Proving, moment: str) -> None:
    api, web = out.context().lock.images
    out.relock(images=(type(api)(api.name, api.digest, web.platforms), web))
    cause = out.refused(moment).cause
    assert references(out, moment)[0] in cause
    assert web.platforms["linux/arm64"] in cause
    assert api.platforms["linux/arm64"] in cause


def test_an_image_that_the_registry_does_not_have_is_refused(out: Proving) -> None:
    api, web = out.context().lock.images
    out.relock(images=(type(api)(api.name, f"sha256:{'0' * 64}", api.platforms), web))
    assert "is not there, the lock says" in out.refused().cause


def test_a_version_tag_that_was_moved_is_refused(out: Proving) -> None:
    context = out.context()
    planned = context.plan.images[0]
    other = context.lock.image(planned.name).platforms["linux/amd64"]
    # The registry's door refuses to move a version's tag, so the storage itself is changed.
    storage = out.around.folder / "world"
    (link,) = storage.glob("**/repositories/mari/out_api/_manifests/tags/v0.2.4/current/link")
    before = link.read_text()
    link.write_text(other)
    try:
        cause = out.refused("published").cause
    finally:
        link.write_text(before)
    assert cause.startswith(f"{planned.reference} is ")
    assert other in cause


def test_a_failing_acceptance_is_refused_in_its_own_words(bench: Proving) -> None:
    said = "the page is blank: connection refused by the API"
    bench.staged({"acceptance.py": f"raise SystemExit({said!r})"})
    found = bench.refused()
    assert said in found.cause
    assert "acceptance.py" in found.cause


def test_a_package_that_cannot_be_imported_is_refused(bench: Proving) -> None:
    bench.staged({"sample_thing/__init__.py": "import nothing_of_this_name"})
    assert "No module named 'nothing_of_this_name'" in bench.refused().cause


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("sample_thing-0.2.4-py3-none-any.whl", "the file on the index differs from the lock"),
        ("sample_thing-0.2.4.tar.gz", "the index holds sample_thing-0.2.4.tar.gz with sha256"),
    ],
)
def test_other_bytes_on_the_index_are_refused_by_their_hash(
    out: Proving, name: str, said: str
) -> None:
    out.index.files[name] += b"\0"
    found = out.refused("published", ConflictError)
    assert said in found.cause


def test_a_dry_run_starts_no_image(bench: Proving) -> None:
    bench.staged()
    before = bench.around.writes()
    context = bench.context()
    plan = context.inputs / "plan.json"
    plan.write_text(plan.read_text().replace('"mode": "release"', '"mode": "dry-run"'))
    bench.verify()
    assert list(bench.outcomes()) == ["staged package installed and imported"]
    assert bench.around.writes() == before


def without_compose() -> dict[str, str]:
    """Give the configuration of a project that names no compose file."""
    text = files(PLATFORMS[:1])["pyproject.toml"]
    kept = (one for one in text.splitlines() if not one.startswith(("compose", "acceptance")))
    return {"pyproject.toml": "\n".join(kept)}


def test_images_without_a_compose_file_are_started_and_asked(bench: Proving) -> None:
    bench.staged(without_compose())
    bench.verify()
    said = bench.outcomes()
    assert said["staged services on linux/amd64"].startswith("healthy after ")
    assert [name for name in said if name.endswith("answers")] == [
        "staged api answers",
        "staged web answers",
    ]


def unchecked(command: str) -> str:
    """Write the Dockerfile of a service whose image has no health check."""
    lines = dockerfile("api", command=command).splitlines()
    checked = next(i for i, line in enumerate(lines) if line.startswith("HEALTHCHECK"))
    return "\n".join(lines[:checked] + lines[checked + 2 :])


def test_a_service_without_a_health_check_is_asked_until_it_answers(bench: Proving) -> None:
    """It takes its time to listen, and nothing in its image says when it does."""
    bench.staged({"Dockerfile.api": unchecked("import time; time.sleep(4); " + SERVES)})
    bench.verify()
    assert bench.outcomes()["staged api answers"].startswith("ok, ")


def test_a_service_that_never_answers_is_refused_with_its_log(bench: Proving) -> None:
    silent = "import time; print('no port here', flush=True); time.sleep(600)"
    bench.staged({"Dockerfile.api": unchecked(silent)})
    cause = bench.refused(RELEASE_DEADLINE="5").cause
    assert "api does not answer on /health" in cause
    assert "no port here" in cause
