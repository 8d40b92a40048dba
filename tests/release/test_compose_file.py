"""The users' compose file: pinned, without `build`, and otherwise the project's own."""

from pathlib import Path

import pytest
import yaml

from scripts.core.errors import UsageError
from scripts.release import compose_file

TEXT = """\
# What users start.
name: thing
x-service: &service
  restart: unless-stopped
services:
  api:
    <<: *service
    image: mari/api:latest  # the API
    build:
      context: .
    ports: ["${API_PORT:-5001}:5001"]
  cache:
    image: redis:7
"""
PINNED = {"api": "docker.io/mari/api@sha256:" + "0" * 64}


def test_images_are_pinned_and_nothing_is_built() -> None:
    text = compose_file.pinned(TEXT, "compose.yaml", PINNED)
    services = yaml.safe_load(text)["services"]
    assert services["api"]["image"] == PINNED["api"]
    assert "build" not in services["api"]
    expected = yaml.safe_load(TEXT)["services"]
    del expected["api"]["build"]
    expected["api"]["image"] = PINNED["api"]
    assert services == expected


def test_comments_anchors_and_quotes_stay() -> None:
    text = compose_file.pinned(TEXT, "compose.yaml", PINNED)
    for part in ("# What users start.", "&service", "<<: *service", '["${API_PORT:-5001}:5001"]'):
        assert part in text
    assert "image: redis:7" in text


def test_this_projects_own_file_can_be_pinned() -> None:
    text = (Path(__file__).parents[2] / "compose.yaml").read_text("utf-8")
    names = yaml.safe_load(text)["services"]
    references = {name: f"{name}@sha256:{'1' * 64}" for name in names}
    services = yaml.safe_load(compose_file.pinned(text, "compose.yaml", references))["services"]
    assert {name: services[name]["image"] for name in services} == references
    assert all("build" not in service for service in services.values())


def test_an_image_without_a_service_is_refused() -> None:
    with pytest.raises(UsageError, match="has no service 'web'") as raised:
        compose_file.pinned(TEXT, "compose.yaml", {"web": "x"})
    assert str(raised.value.place) == "compose.yaml"


@pytest.mark.parametrize("text", ["a: [", "", "- 1\n", "services:\n", "services: {api: }\n", "x"])
def test_what_is_no_compose_file_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"compose\.yaml"):
        compose_file.pinned(text, "compose.yaml", PINNED)
