"""What answers may be anything, such as a captive portal: that is no answer, and no defect."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from scripts.core.errors import ServiceError
from scripts.surfaces import registry_access
from scripts.surfaces.github_release import Forge
from scripts.surfaces.image_registry import ImageRegistry
from scripts.surfaces.package_index import PackageIndex
from tests.support.odd_service import JSON, ODD, OddService, odd_service


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OddService]:
    with odd_service(tmp_path_factory.mktemp("odd")) as made:
        yield made


@pytest.fixture
def forge(service: OddService) -> Iterator[Forge]:
    made = Forge(service.url, "mari/sample_thing", "token")
    yield made
    made._github.close()


def of_release(forge: Forge) -> object:
    """Read what is read of a release."""
    return [(r.tag_name, r.name, r.body, r.draft, r.prerelease, r.id) for r in forge.releases()]


QUESTIONS: dict[str, Callable[[Forge], object]] = {
    "rules": lambda forge: forge.rules("main"),
    "tag rulesets": lambda forge: forge.tag_rulesets(),
    "environments": lambda forge: forge.environments(),
    "protected": lambda forge: forge.protected("main"),
    "setting": lambda forge: forge.setting("immutable-releases"),
    "releases": of_release,
    "release": lambda forge: forge.release("v0.2.4"),
    "latest": lambda forge: forge.latest(),
    "same": lambda forge: forge.same("mari/other"),
    "find pull request": lambda forge: forge.find_pull_request("a", "b"),
    "open pull request": lambda forge: forge.open_pull_request("a", "b", "c", "d"),
}


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize(("kind", "body"), ODD)
def test_github_says_another_thing(
    service: OddService, forge: Forge, question: str, kind: str, body: bytes
) -> None:
    service.kind, service.body = kind, body
    with suppress(ServiceError):  # nothing else may come
        QUESTIONS[question](forge)


@pytest.mark.parametrize("question", ["releases", "latest", "protected", "same"])
def test_a_page_for_people_is_no_answer(service: OddService, forge: Forge, question: str) -> None:
    service.kind, service.body = ODD[0]
    with pytest.raises(ServiceError, match="GitHub did not answer"):
        QUESTIONS[question](forge)


@pytest.mark.parametrize(("kind", "body"), ODD)
def test_the_index_says_another_thing(service: OddService, kind: str, body: bytes) -> None:
    for form in (kind, "application/vnd.pypi.simple.v1+json"):
        service.kind, service.body = form, body
        index = PackageIndex(f"{service.url}/simple/", None)
        with suppress(ServiceError):
            index.hashes("sample_thing", "0.2.4")


@pytest.mark.parametrize(("kind", "body"), ODD)
def test_the_registry_says_another_thing(service: OddService, kind: str, body: bytes) -> None:
    service.kind, service.body = kind, body
    host = service.url.removeprefix("http://")
    with suppress(ServiceError):
        assert registry_access.may_push(f"{host}/mari/api", "mari", "token")


def test_a_repositorys_earlier_name_is_its_own(service: OddService, forge: Forge) -> None:
    service.kind, service.body = JSON, b'{"full_name": "else/where"}'
    service.moved = {"/repos/mari/old": "/repositories/1"}
    ours = b'{"full_name": "mari/sample_thing", "url": "/repos/mari/sample_thing"}'
    service.paths = {"/repositories/1": ours, "/repos/mari/sample_thing": ours}
    try:
        assert forge.same("mari/old")
        assert not forge.same("mari/other")
    finally:
        service.moved, service.paths = {}, {}


NO_BUILDX = """#!/bin/sh
test "$1" = version && exit 0
echo "unknown flag: --format" >&2
echo "Usage:  docker [OPTIONS] COMMAND [ARG...]" >&2
exit 125
"""


def docker(folder: Path, script: str) -> ImageRegistry:
    """Give a registry that is asked through another program of docker's name."""
    program = folder / "docker"
    program.write_text(script)
    program.chmod(0o755)
    return ImageRegistry({"PATH": f"{folder}:/usr/bin:/bin"})


def test_a_docker_without_buildx_is_named(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="docker has no buildx here") as raised:
        docker(tmp_path, NO_BUILDX).find("localhost:1/mari/api:v1")
    assert "buildx" in raised.value.remedy


@pytest.mark.parametrize("printed", ["", "null", "[]", "{}", "7", "<html>", '{"manifests": [1]}'])
def test_the_builder_prints_another_thing(tmp_path: Path, printed: str) -> None:
    registry = docker(tmp_path, f"#!/bin/sh\nprintf %s '{printed}'\n")
    with pytest.raises(ServiceError, match="did not answer"):
        registry.find("localhost:1/mari/api:v1")
    for ask in (registry.labels, registry.size):
        with suppress(ServiceError):
            ask("localhost:1/mari/api:v1")
