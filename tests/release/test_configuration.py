"""The configuration: every mistake at once, each with its line."""

from pathlib import Path

import pytest

from scripts.core.errors import ProblemsError, UsageError
from scripts.release import configuration

GOOD = """\
[project]
name = "thing"
version = "1.2.3"

[tool.release]
branch = "main"
version-files = [{ path = "CITATION.cff", line = "version: {version}" }]

[tool.release.package]
modules = ["thing"]

[[tool.release.images]]
name = "api"
dockerfile = "Dockerfile.api"
repository = "mari/api"
platforms = ["linux/amd64"]
port = 5001
health = "/health"
"""


def problems(text: str) -> list[str]:
    with pytest.raises(ProblemsError) as raised:
        configuration.parse(text)
    for error in raised.value.errors:
        assert error.remedy
        assert error.place
        assert error.place.path == "pyproject.toml"
    return [f"{e.place.line if e.place else 0}: {e.cause}" for e in raised.value.errors]


def test_a_right_configuration_is_read() -> None:
    found = configuration.parse(GOOD)
    assert (found.project, found.version, found.branch) == ("thing", "1.2.3", "main")
    assert found.changelog == "CHANGELOG.md"
    assert found.package
    assert found.package.modules == ("thing",)
    (image,) = found.images
    assert (image.platforms, image.port, image.version) == (("linux/amd64",), 5001, None)
    assert found.version_files[0].line == "version: {version}"


def test_this_projects_own_configuration_is_right() -> None:
    found = configuration.parse((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))
    ports = {image.name: image.port for image in found.images}
    assert ports.items() >= {"api": 5001, "web": 3000, "mlflow": 5002}.items()


def test_three_mistakes_are_three_problems_each_with_its_line() -> None:
    text = (
        GOOD.replace('branch = "main"', 'brunch = "main"')
        .replace('modules = ["thing"]', "modules = []")
        .replace("port = 5001", 'port = "5001"')
    )
    found = problems(text)
    assert len(found) == 3
    assert found[0].startswith("6: tool.release.brunch is not a key")
    assert found[1].startswith("10: tool.release.package.modules is []")
    assert found[2].startswith("17: tool.release.images[0].port is '5001'")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('name = "thing"', "", "1: project.name is missing"),
        ('version = "1.2.3"', "version = 1", "3: project.version is missing"),
        ('name = "api"\n', "", "12: tool.release.images[0].name is missing"),
        ('"linux/amd64"', '"linux/riscv64"', "16: tool.release.images[0].platforms is"),
        ('"linux/amd64"', '"linux/amd64", "linux/amd64"', "16: tool.release.images[0].platforms"),
        ('"mari/api"', '"docker.io/mari/API"', "15: tool.release.images[0].repository is"),
        ('"mari/api"', '"api"', "15: tool.release.images[0].repository is"),
        ("port = 5001", "port = true", "17: tool.release.images[0].port is True"),
        ("port = 5001", "port = 70000", "17: tool.release.images[0].port is 70000"),
        ('"/health"', '"health"', "18: tool.release.images[0].health is"),
        ("version: {version}", "version: 1", "7: tool.release.version-files[0].line is"),
        ("line =", "lines =", "7: tool.release.version-files[0].lines is not a key"),
        ('[tool.release.package]\nmodules = ["thing"]', "", None),
        ("[[tool.release.images]]", "[tool.release.images]", "12: tool.release.images is"),
    ],
)
def test_each_mistake_is_found_where_it_stands(old: str, new: str, said: str | None) -> None:
    assert old in GOOD
    text = GOOD.replace(old, new, 1)
    if said is None:
        assert configuration.parse(text).package is None
        return
    assert any(one.startswith(said) for one in problems(text)), problems(text)


@pytest.mark.parametrize(
    ("old", "new", "remedy"),
    [
        ('"mari/api"', '"docker.io/mari/api"', "of the variable IMAGE_REGISTRY"),
        ('"mari/api"', '"registry-1.docker.io/mari/api"', "such as ghcr.io/owner/name"),
        ('"mari/api"', '"https://ghcr.io/mari/api"', "such as ghcr.io/owner/name"),
        ('"mari/api"', '"ghcr.io"', "such as ghcr.io/owner/name"),
        ('"mari/api"', '"quay.io:x/mari/api"', "such as ghcr.io/owner/name"),
        ('"linux/amd64"', '"linux/arm/v7"', "no runner builds another platform"),
    ],
)
def test_the_remedy_is_in_words_where_a_form_says_little(old: str, new: str, remedy: str) -> None:
    with pytest.raises(ProblemsError) as raised:
        configuration.parse(GOOD.replace(old, new))
    (error,) = raised.value.errors
    assert new.strip('"') in error.cause
    assert remedy in error.remedy


def test_two_images_of_one_name_are_refused() -> None:
    second = GOOD[GOOD.index("[[tool.release.images]]") :]
    assert [one.partition(" is ")[0] for one in problems(GOOD + "\n" + second)] == [
        "21: tool.release.images[1].name",
        "23: tool.release.images[1].repository",
    ]


def test_a_version_of_the_tags_has_no_development_version() -> None:
    text = GOOD.replace('version = "1.2.3"', 'dynamic = ["version"]')
    text = text.replace('branch = "main"', 'next-dev = "minor"') + "[tool.setuptools_scm]\n"
    (found,) = problems(text)
    assert found.startswith("6: tool.release.next-dev is set, but no file states the version")
    assert configuration.parse(GOOD.replace('branch = "main"', 'next-dev = "patch"'))


def test_a_project_that_releases_nothing_is_refused() -> None:
    assert "tool.release" in problems('[project]\nname = "thing"\nversion = "1.0.0"\n')[0]


@pytest.mark.parametrize(
    "text",
    ["tool = 3", "[tool]\nrelease = 3", "project = 3\n[tool.release.package]\nmodules = ['a']"],
)
def test_a_value_in_the_place_of_a_table_is_a_problem(text: str) -> None:
    assert problems(text)


def test_what_is_not_toml_is_refused_with_its_line() -> None:
    with pytest.raises(UsageError, match="not valid TOML") as raised:
        configuration.parse("[project]\nname = thing\n")
    assert str(raised.value.place) == "pyproject.toml:2"


@pytest.mark.parametrize(
    "name", ["ghcr.io/mari/api", "quay.io:443/mari/api", "1.dkr.ecr.eu-west-1.amazonaws.com/api"]
)
def test_an_image_may_have_its_own_registry(name: str) -> None:
    config = configuration.parse(GOOD.replace('"mari/api"', f'"{name}"'))
    assert config.images[0].repository == name
