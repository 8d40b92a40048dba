import json
import re
from pathlib import Path

import pytest

from rehearsal.world import base_images
from scripts.core.errors import UsageError
from tests.rehearsal.conftest import World


@pytest.mark.parametrize(
    ("text", "images"),
    [
        ("FROM python:3.13-slim\n", {"python:3.13-slim"}),
        ("from --platform=$BUILDPLATFORM python:3.13 as build\nFROM build\n", {"python:3.13"}),
        ("ARG V=1.29\nFROM nginx:${V}\n", {"nginx:1.29"}),
        ('ARG V="1.29"\nFROM nginx:$V AS a\nFROM A\nFROM scratch\n', {"nginx:1.29"}),
        ("FROM \\\n  python:3.13\n", {"python:3.13"}),
        ("# FROM debian\nRUN echo FROM debian\nFROM nginx:1\n", {"nginx:1"}),
        ("", set()),
    ],
)
def test_the_images_of_a_dockerfile_are_found(text: str, images: set[str]) -> None:
    assert base_images.images_of(text) == images


def test_the_images_of_all_dockerfiles_are_named_once(tmp_path: Path) -> None:
    for name, text in (("a", "FROM nginx:1\n"), ("b", "FROM nginx:1\nFROM python:3.13\n")):
        (tmp_path / name).write_text(text)
    found = base_images.named_in([tmp_path / "a", tmp_path / "b"])
    assert found == ["nginx:1", "python:3.13"]


@pytest.mark.parametrize(
    ("image", "suite"),
    [
        ("python:3.13-slim", "trixie"),
        ("docker.io/library/python:3.11", "bookworm"),
        ("nginx:1.29-alpine", "trixie"),
        ("nginx", "trixie"),
    ],
)
def test_a_stand_in_has_a_recipe(image: str, suite: str) -> None:
    assert base_images.recipe(image).suite == suite


@pytest.mark.parametrize(
    "image", ["debian:13", "python:3.9", "python", "ghcr.io/x/python:3.13", "nginx:1@sha256:00"]
)
def test_an_image_without_a_stand_in_is_an_error_with_its_remedy(image: str) -> None:
    with pytest.raises(UsageError, match=re.escape(image)) as error:
        base_images.recipe(image)
    assert "docker.io" in error.value.remedy


@pytest.mark.world
def test_a_stand_in_is_there_for_both_platforms_and_starts(world: World) -> None:
    image = f"{world.endpoints.registry}/library/python:3.13-slim"
    shown = world.run("docker", "buildx", "imagetools", "inspect", "--raw", image)
    platforms = [one["platform"]["architecture"] for one in json.loads(shown.stdout)["manifests"]]
    assert platforms == ["amd64", "arm64"]
    for command in (["python", "--version"], ["pip", "--version"], ["python3", "-c", "import ssl"]):
        done = world.run("docker", "run", "--rm", image, *command)
        assert done.returncode == 0, done.stderr
        assert command[0] != "python" or done.stdout.startswith("Python 3.13")
