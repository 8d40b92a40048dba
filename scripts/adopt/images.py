"""Which Dockerfiles of a repository are its images, and where each is pushed."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from scripts.adopt.workflows import Built
from scripts.tools.environment import host_of

COMPOSE = re.compile(r"(docker-)?compose(\.[\w-]+)*\.ya?ml")
DOCKERFILE = re.compile(r"Dockerfile(\.(?!dockerignore$)[\w-]+)?|[\w-]+\.Dockerfile", re.IGNORECASE)
NOT_RELEASED = {"test", "tests", "example", "examples", "docs", "doc", "benchmarks", ".github"}
"""Folders whose packages and Dockerfiles serve the work on the project."""
HELPERS = {"dev", "demo", "demos", "extra", "extras", "contrib", "ci", "scripts", "tools", "hack"}
HELPERS |= {"action", "github-action", "devcontainer"}
"""Folders whose Dockerfiles seldom are a product."""
OF_DOCKER = {"docker", "dockerfiles", "container", "containers", "deploy", "packaging"}
"""Folders that hold a Dockerfile and nothing that it copies: it is built from the root."""
ASKED = re.compile(r"https?://(?:localhost|127\.0\.0\.1|0\.0\.0\.0):(\d+)(/[^\s\"'|&\],;)]*)")
IMAGE = re.compile(r"((?:[\w.-]+/)?[a-z0-9][\w.-]*(?:/[a-z0-9][\w.-]*)+)(?::[\w.-]+)?")
HUB = "docker.io/"
PLATFORMS = ("linux/amd64", "linux/arm64")
"""Those that have a runner."""
SELDOM = re.compile(r"override|dev|local|test|traefik", re.IGNORECASE)
"""Compose files of such names are for the work on the project."""
GUESSED = (
    "no workflow and no compose file builds {} today: take its table out if it is not a product"
)
Read = Callable[[str], str]
Services = Mapping[str, dict[str, Any]]


@dataclass(frozen=True)
class Image:
    """One Dockerfile, as compose or a workflow builds it where one does."""

    name: str
    dockerfile: str
    context: str
    repository: str | None = None
    port: int | None = None
    health: str | None = None
    target: str | None = None
    platforms: tuple[str, ...] = PLATFORMS
    suffix: str = ""
    """The end of its tags, where a workflow pushes several images to one repository."""


@dataclass(frozen=True)
class Images:
    """The images, the compose file that users get, and remarks for a person."""

    images: tuple[Image, ...]
    compose: str | None
    told: tuple[str, ...]
    left: tuple[str, ...] = ()
    """Dockerfiles that look like no product."""


def look(paths: Collection[str], read: Read, pushed: Sequence[Built]) -> Images:
    """Find the images. `pushed` is what workflows build."""
    odd: list[str] = []
    composed = dict(_compose_files(paths, read, odd))
    known: dict[str, Built] = {}
    # A matrix may name the Dockerfile, and then the step says nothing about it.
    there = [one for one in pushed if one.dockerfile in paths]
    for one in sorted(there, key=lambda one: one.suffix):
        known.setdefault(one.dockerfile, one)
    all_of_them = [_named(one, composed, known) for one in sorted(paths) if _is_dockerfile(one)]
    chosen = list(_own_names(list(_chosen(all_of_them, composed, known)), odd))
    images = tuple(replace(one, **_health(one, read, composed)) for one in chosen)
    left = [one.dockerfile for one in all_of_them if one.dockerfile not in _files(chosen)]
    odd += [f"left out: {one}; add a table [[tool.release.images]] to release it" for one in left]
    built = {*known, *(one for one in _files(chosen) if _service(one, composed)[0])}
    odd += [GUESSED.format(one) for one in sorted(_files(chosen) - built)]
    odd += [said for one in chosen for said in _remarks(one, known.get(one.dockerfile))]
    return Images(images, _compose_of(images, composed), tuple(odd), tuple(left))


def _is_dockerfile(path: str) -> bool:
    *folders, file = PurePosixPath(path).parts
    hidden = any(part.startswith(".") for part in folders)
    return bool(DOCKERFILE.fullmatch(file)) and not hidden and not {*folders} & NOT_RELEASED


def _files(images: Sequence[Image]) -> set[str]:
    return {one.dockerfile for one in images}


def _compose_files(
    paths: Collection[str], read: Read, odd: list[str]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each compose file at the top, with its services."""
    for path in sorted(one for one in paths if COMPOSE.fullmatch(one)):
        try:
            services = (YAML(typ="safe", pure=True).load(read(path)) or {}).get("services")
        except (YAMLError, AttributeError):
            odd.append(f"{path} is not YAML with services, and is ignored")
            continue
        if isinstance(services, dict):
            yield path, {k: v for k, v in services.items() if isinstance(v, dict)}


def _chosen(
    found: Sequence[Image], composed: Mapping[str, Services], known: Mapping[str, Built]
) -> Iterator[Image]:
    """Choose the product's Dockerfiles: what is pushed or composed today, else the likely ones."""
    built = {one.dockerfile for one in found if _service(one.dockerfile, composed)[0]}
    sure = {one for one in {*built, *known} if not _helps(one)} or {*known}
    tops = {one.dockerfile for one in found if "/" not in one.dockerfile}
    for one in found:
        if one.dockerfile in sure or (not sure and _likely(one.dockerfile, tops)):
            yield one


def _helps(path: str) -> bool:
    return bool({*PurePosixPath(path.lower()).parts[:-1]} & HELPERS)


def _likely(path: str, tops: Collection[str]) -> bool:
    """Tell whether an unused Dockerfile looks like a product: by its name, and not too deep."""
    *folders, file = PurePosixPath(path).parts
    plain = file.lower() == "dockerfile"
    if not folders:
        return plain or not any(one.lower() == "dockerfile" for one in tops)
    return len(folders) == 1 and plain and not _helps(path)


def _order(image: Image) -> tuple[bool, bool, str]:
    """Put the image that users know first among those of one repository."""
    *_, file = image.dockerfile.split("/")
    return bool(image.suffix), file.lower() != "dockerfile", image.dockerfile


def _own_names(images: Sequence[Image], odd: list[str]) -> Iterator[Image]:
    """Yield each image with a name of its own; leave out the second one of a repository."""
    names, repositories = set[str](), set[str]()
    for one in sorted(images, key=_order):
        if one.repository and one.repository in repositories:
            told = f"{one.dockerfile} is another image of {one.repository}"
            odd.append(f"{told}: a release has one for each repository; give it one of its own")
            continue
        name = one.name if one.name not in names else f"{one.name}-{len(names) + 1}"
        names.add(name)
        repositories.add(one.repository or "")
        yield replace(one, name=name)


def _named(path: str, composed: Mapping[str, Services], known: Mapping[str, Built]) -> Image:
    """Return name, context and repository of a Dockerfile."""
    name, context = _service(path, composed)
    folder, _, file = path.rpartition("/")
    pushed = known.get(path)
    name = name or _name_of(folder, file, pushed.names if pushed else ())
    if pushed or not context:
        context = pushed.context if pushed else "." if folder in OF_DOCKER else folder or "."
    names = [*(pushed.names if pushed else ()), *_images_of(name, composed)]
    image = Image(name, path, context, _repository(names))
    if pushed is None:
        return image
    platforms = tuple(one for one in PLATFORMS if one in pushed.platforms) or PLATFORMS
    return replace(image, target=pushed.target, suffix=pushed.suffix, platforms=platforms)


def _name_of(folder: str, file: str, pushed: Sequence[str]) -> str:
    """Name an image by its Dockerfile, else by its folder, else by its repository."""
    ending = re.sub(r"(?i)\.?dockerfile\.?|^(default|prod|production)(?=\.)", "", file)
    above = "-".join(part for part in folder.split("/") if part not in {*OF_DOCKER, *HELPERS})
    repository = next(iter(pushed), "").rpartition("/")[2]
    name = re.sub(r"[^a-z0-9_-]+", "-", (ending or above or repository).lower())
    return name.strip("-_0123456789") or "app"


def _service(path: str, composed: Mapping[str, Services]) -> tuple[str, str]:
    """Return the name and the context of the service that is built by a Dockerfile."""
    for services in composed.values():
        for name, service in services.items():
            context, dockerfile = _build(service)
            usable = re.fullmatch(r"[a-z][a-z0-9_-]*", str(name))
            if usable and context and _joined(context, dockerfile) == path:
                return str(name), _joined(context, ".")
    return "", ""


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


def _images_of(name: str, composed: Mapping[str, Services]) -> Iterator[str]:
    for services in composed.values():
        if found := IMAGE.fullmatch(str(services.get(name, {}).get("image", ""))):
            yield found[1]


def _repository(names: Sequence[str]) -> str | None:
    """Choose the path of a repository: of Docker Hub, else the first with another host."""
    plain = [one.removeprefix(HUB) for one in names]
    here = [one for one in plain if "/" in one and not host_of(one)]
    return next(iter([*here, *plain]), None)


def _remarks(image: Image, pushed: Built | None) -> Iterator[str]:
    """Say what a workflow does with an image that a release will not do."""
    if pushed is None:
        return
    others = {one.removeprefix(HUB) for one in pushed.names} - {image.repository}
    for other in sorted(one for one in others if host_of(one)):
        yield (
            f"{image.dockerfile} is pushed to {other} too today, which is left out: "
            "a second table [[tool.release.images]] with that repository and another name has it"
        )
    if left := [one for one in pushed.platforms if one not in PLATFORMS]:
        yield f"{image.dockerfile} is built for {', '.join(left)} too: no runner builds that"


def _health(image: Image, read: Read, composed: Mapping[str, Services]) -> dict[str, Any]:
    checks = (one.get(image.name, {}).get("healthcheck", "") for one in composed.values())
    asked = ASKED.search("\n".join([read(image.dockerfile), *map(str, checks)]))
    return {"port": int(asked[1]), "health": asked[2]} if asked else {}


def _compose_of(images: tuple[Image, ...], composed: Mapping[str, Services]) -> str | None:
    """Choose the compose file that users get: with every image, the fewest of them built."""
    whole = [
        (bool(SELDOM.search(path)), sum("build" in services[one.name] for one in images), path)
        for path, services in composed.items()
        if images and all(one.name in services for one in images)
    ]
    return min(whole, default=(False, 0, None))[2]
