"""What the package is built with, and how its services are published."""

import re
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]


def test_a_release_and_an_image_build_the_wheel_with_the_same_builder():
    """A release asks pyproject.toml, the image of a bare checkout its lock file."""
    (asked,) = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    locked = (ROOT / "requirements/build.txt").read_text()
    assert asked in re.findall(r"^hatchling==[\w.]+", locked, re.MULTILINE)


def test_every_port_is_published_on_this_machine_unless_told_otherwise():
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert len(ports) == 4
    for port in ports:
        assert re.fullmatch(r"\$\{BIND_ADDRESS:-127\.0\.0\.1\}:\$\{[A-Z]+_PORT:-\d+\}:\d+", port)
