"""Find the package and the images of a repository in its tracked files."""

import re
import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from scripts.core.errors import Place, UsageError

PYPROJECT = "pyproject.toml"
COMPOSE = re.compile(r"(docker-)?compose(\.[\w-]+)*\.ya?ml")
DOCKERFILE = re.compile(r"Dockerfile(\.(?!dockerignore$)[\w-]+)?|[\w-]+\.Dockerfile")
CHANGELOG = re.compile(r"(CHANGELOG|CHANGES|HISTORY|NEWS)(\.(md|rst|txt))?", re.IGNORECASE)
NOT_RELEASED = {"test", "tests", "example", "examples", "docs", "doc", "benchmarks", ".github"}
"""Folders whose packages and Dockerfiles serve the work on the project."""
ASKED = re.compile(r"https?://(?:localhost|127\.0\.0\.1|0\.0\.0\.0):(\d+)(/[^\s\"'|&\],;)]*)")
PUBLISHES = re.compile(r"gh-action-pypi-publish|twine upload|uv publish|docker/build-push-action")
IMAGE = re.compile(r"(?:docker\.io/)?([a-z0-9][\w.-]*(?:/[a-z0-9][\w.-]*)+)(?::[\w.-]+)?")
Read = Callable[[str], str]


@dataclass(frozen=True)
class Image:
    """One Dockerfile, as compose builds it where it does."""

    name: str
    dockerfile: str
    context: str
    repository: str | None = None
    port: int | None = None
    health: str | None = None


@dataclass(frozen=True)
class Found:
    """The facts of a repository. Paths start at its root."""

    project: Mapping[str, Any]
    """`[project]` of pyproject.toml, or its equivalent; empty without one."""
    is_package: bool
    modules: tuple[str, ...]
    images: tuple[Image, ...]
    compose: str | None
    changelog: str | None
    checks: tuple[str, ...] | None
    configured: bool
    """Whether `[tool.release]` exists already."""
    publishers: tuple[str, ...]
    """Workflows that publish today."""
    odd: tuple[str, ...] = field(default=())
    """What could not be read, for a person."""


def look(paths: Collection[str], read: Read) -> Found:
    """Look at a repository: `paths` are its files, `read` gives the text of one.

    Raises UsageError if its pyproject.toml is no TOML.
    """
    settings = _pyproject(read(PYPROJECT)) if PYPROJECT in paths else {}
    tool = settings.get("tool", {})
    odd: list[str] = []
    services = dict(_compose_files(paths, read, odd))
    images = tuple(_images(paths, read, services))
    is_package = "build-system" in settings or "setup.py" in paths
    top = (path for path in sorted(paths) if "/" not in path)
    return Found(
        project=settings.get("project") or tool.get("poetry", {}),
        is_package=is_package,
        modules=_modules(settings, paths) if is_package else (),
        images=images,
        compose=_compose_of(images, services),
        changelog=next((one for one in top if CHANGELOG.fullmatch(one)), None),
        checks=_checks(paths, read),
        configured="release" in tool,
        publishers=tuple(
            one
            for one in sorted(paths)
            if one.startswith(".github/workflows/") and PUBLISHES.search(read(one))
        ),
        odd=tuple(odd),
    )


def _pyproject(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        cause = f"{PYPROJECT} is not valid TOML: {error}"
        raise UsageError(cause, "correct the file", Place(PYPROJECT)) from error


def _modules(settings: Mapping[str, Any], paths: Collection[str]) -> tuple[str, ...]:
    """Name the packages in the wheel: those of the build's configuration, or the existing ones."""
    tool = settings.get("tool", {})
    wheel = tool.get("hatch", {}).get("build", {}).get("targets", {}).get("wheel", {})
    setuptools = tool.get("setuptools", {})
    told = wheel.get("packages") or setuptools.get("py-modules") or setuptools.get("packages")
    if isinstance(told, list) and told:
        tops = (str(one).removeprefix("src/").replace("/", ".").split(".")[0] for one in told)
        return tuple(dict.fromkeys(tops))
    inside = re.compile(r"(?:src/)?([A-Za-z_]\w*)/__init__\.py")
    found = {match[1] for path in paths if (match := inside.fullmatch(path))} - NOT_RELEASED
    named = re.sub(r"[-.]+", "_", str(settings.get("project", {}).get("name", "")))
    alone = f"{named}.py" in paths or f"src/{named}.py" in paths
    return (named,) if alone or named in found else tuple(sorted(found))


def _compose_files(
    paths: Collection[str], read: Read, odd: list[str]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each compose file at the top, with its services."""
    for path in sorted(one for one in paths if COMPOSE.fullmatch(one)):
        try:
            services = (YAML(typ="safe", pure=True).load(read(path)) or {}).get("services")
        except (YAMLError, AttributeError):
            odd.append(f"{path} is no YAML of services, and is left out")
            continue
        if isinstance(services, dict):
            yield path, {k: v for k, v in services.items() if isinstance(v, dict)}


def _images(
    paths: Collection[str], read: Read, composed: Mapping[str, dict[str, Any]]
) -> Iterator[Image]:
    taken = set[str]()
    for path in sorted(paths):
        parts = PurePosixPath(path).parts
        if not DOCKERFILE.fullmatch(parts[-1]) or {*parts[:-1]} & NOT_RELEASED:
            continue
        if any(part.startswith(".") for part in parts):
            continue
        name, context, service = _built(path, composed)
        name = name if name not in taken else f"{name}-{len(taken) + 1}"
        taken.add(name)
        asked = ASKED.search(f"{read(path)}\n{service.get('healthcheck', '')}")
        yield Image(
            name,
            path,
            context,
            _repository(name, composed),
            int(asked[1]) if asked else None,
            asked[2] if asked else None,
        )


def _built(path: str, composed: Mapping[str, dict[str, Any]]) -> tuple[str, str, dict[str, Any]]:
    """Return name, context and service of a Dockerfile, from the service that builds it."""
    for services in composed.values():
        for name, service in services.items():
            context, dockerfile = _build(service)
            usable = re.fullmatch(r"[a-z][a-z0-9_-]*", str(name))
            if usable and context and _joined(context, dockerfile) == path:
                return str(name), _joined(context, "."), service
    folder, _, file = path.rpartition("/")
    ending = file.removeprefix("Dockerfile").removesuffix(".Dockerfile").strip(".")
    name = re.sub(r"[^a-z0-9_-]+", "-", (ending or folder or "app").lower()).strip("-_0123456789")
    return name or "app", folder or ".", {}


def _build(service: Mapping[str, Any]) -> tuple[str | None, str]:
    build = service.get("build")
    if isinstance(build, str):
        return build, "Dockerfile"
    if isinstance(build, dict):
        return str(build.get("context", ".")), str(build.get("dockerfile", "Dockerfile"))
    return None, "Dockerfile"


def _joined(folder: str, path: str) -> str:
    """Join two paths as compose does, without `.` and `..`; `.` is the root."""
    parts: list[str] = []
    for part in PurePosixPath(folder, path).parts:
        parts = parts[:-1] if part == ".." else [*parts, part]
    return "/".join(part for part in parts if part not in (".", "/")) or "."


def _repository(name: str, composed: Mapping[str, dict[str, Any]]) -> str | None:
    """Return the repository of a service's image, if it is on Docker Hub."""
    for services in composed.values():
        found = IMAGE.fullmatch(str(services.get(name, {}).get("image", "")))
        if found and "." not in found[1].partition("/")[0]:
            return found[1]
    return None


def _compose_of(images: tuple[Image, ...], composed: Mapping[str, dict[str, Any]]) -> str | None:
    """Choose the compose file for users: it has every image, and builds the fewest."""
    whole = [
        (sum("build" in services[one.name] for one in images), path)
        for path, services in composed.items()
        if images and all(one.name in services for one in images)
    ]
    return min(whole, default=(0, None))[1]


def _checks(paths: Collection[str], read: Read) -> tuple[str, ...] | None:
    """Return the command that checks the project, as its own files have it."""
    if "Makefile" in paths:
        targets = set(re.findall(r"^([\w-]+):(?!=)", read("Makefile"), re.MULTILINE))
        for target in ("check", "test", "tests"):
            if target in targets:
                return ("make", target)
    known = {"tox.ini": ("tox",), "noxfile.py": ("nox",)}
    return next((known[one] for one in known if one in paths), None)
