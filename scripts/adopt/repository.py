"""Find the package and the images of a repository in its tracked files."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from scripts.adopt import changelogs, checking, images, setup_files, workflows
from scripts.adopt.changelogs import Log
from scripts.adopt.checking import Checking
from scripts.adopt.images import NOT_RELEASED, Image
from scripts.adopt.setup_files import SETTINGS, SETUP, Told
from scripts.release import configuration
from scripts.release.version_source import dynamic, inside, static

PYPROJECT = "pyproject.toml"
COMPILED = re.compile(r"maturin|mesonpy|scikit_build_core|py_?build_?cmake|setuptools_rust")
"""Build backends that make a wheel for each platform."""
COMPILERS = re.compile(r"(cython|cffi|pybind11|nanobind|numpy|setuptools[-_]rust)\b", re.IGNORECASE)
"""What a build requires that compiles extensions."""
NOT_UPLOADED = (
    "no workflow uploads the package to an index today, and a release does: to release the images "
    "alone, take [tool.release.package] out"
)
Read = Callable[[str], str]


@dataclass(frozen=True)
class Found:
    """The facts of a repository. Paths start at its root."""

    project: Mapping[str, Any]
    """`[project]` of pyproject.toml, or its equivalent; empty without one."""
    setup: Told
    """The same facts from setup.py and setup.cfg."""
    version_known: bool
    """Whether pyproject.toml states the version, or its source."""
    is_package: bool
    modules: tuple[str, ...]
    images: tuple[Image, ...]
    compose: str | None
    changelog: Log
    checking: Checking
    configured: bool
    """Whether `[tool.release]` exists already."""
    publishers: tuple[str, ...]
    """Workflows that publish today."""
    unfit: str = ""
    """Why the package cannot be released; empty if it can."""
    folders: tuple[str, ...] = ()
    """Where packages are whose pyproject.toml is not at the root."""
    odd: tuple[str, ...] = ()
    """What a person should know of it."""
    left: tuple[str, ...] = ()
    """Dockerfiles that look like helpers."""


def look(paths: Collection[str], read: Read, repository: str) -> Found:
    """Look at a repository: `paths` are its files, `read` gives the text of one.

    `repository` is `owner/name` on the forge. Raises UsageError if its pyproject.toml is not TOML.
    """
    settings = configuration.loaded(read(PYPROJECT)) if PYPROJECT in paths else {}
    tool = settings.get("tool", {})
    is_package = "build-system" in settings or SETUP in paths
    told = setup_files.look(paths, read) if is_package else Told()
    modules = _modules(settings, paths, told.name) if is_package else ()
    of_images = images.look(paths, read, list(workflows.built(paths, read, repository)))
    doubt = bool(is_package and of_images.images and not workflows.uploads(paths, read))
    return Found(
        project=settings.get("project") or tool.get("poetry", {}),
        setup=setup_files.located(told, paths, read, modules),
        version_known=_version_known(settings),
        is_package=is_package,
        modules=modules,
        images=of_images.images,
        compose=of_images.compose,
        changelog=changelogs.look(paths, read, towncrier="towncrier" in tool),
        checking=checking.look(settings, paths, read),
        configured="release" in tool,
        publishers=workflows.publishers(paths, read),
        unfit=_compiled(settings, told) if is_package else "",
        folders=tuple(_folders(paths, read)),
        odd=(*of_images.told, *([NOT_UPLOADED] if doubt else [])),
        left=of_images.left,
    )


def _version_known(settings: dict[str, Any]) -> bool:
    named = str(static(settings, "name") or "")
    return bool(static(settings, "version") or dynamic(settings, named))


def _compiled(settings: Mapping[str, Any], setup: Told) -> str:
    """Say what makes the package's wheels differ from platform to platform."""
    build = inside(settings, "build-system")
    backend = str(build.get("build-backend", ""))
    needs = [str(one) for one in build.get("requires", ()) if COMPILERS.match(str(one))]
    extensions = inside(settings, "tool", "setuptools").get("ext-modules")
    if COMPILED.search(backend):
        return f"build-backend is {backend}"
    if needs:
        return f"the build requires {needs[0]}"
    return f"{SETUP} or {SETTINGS} compiles extensions" if setup.extensions or extensions else ""


def _folders(paths: Collection[str], read: Read) -> Iterator[str]:
    for path in sorted(one for one in paths if one.endswith(f"/{PYPROJECT}")):
        folder = path.removesuffix(f"/{PYPROJECT}")
        if not {*folder.split("/")} & NOT_RELEASED and "[build-system]" in read(path):
            yield folder


def _modules(settings: Mapping[str, Any], paths: Collection[str], project: str) -> tuple[str, ...]:
    """Name the packages in the wheel: those of the build's configuration, or the existing ones."""
    tool = settings.get("tool", {})
    wheel = tool.get("hatch", {}).get("build", {}).get("targets", {}).get("wheel", {})
    setuptools = tool.get("setuptools", {})
    told = wheel.get("packages") or setuptools.get("py-modules") or setuptools.get("packages")
    told = told or [one["include"] for one in _included(tool) if "include" in one]
    if isinstance(told, list) and told:
        tops = (str(one).removeprefix("src/").replace("/", ".").split(".")[0] for one in told)
        return tuple(dict.fromkeys(tops))
    if whole := _all_of_src(settings, paths):
        return whole
    package = re.compile(r"(?:src/)?([A-Za-z_]\w*)/__init__\.py")
    found = {match[1] for path in paths if (match := package.fullmatch(path))} - NOT_RELEASED
    named = re.sub(r"[-.]+", "_", str(settings.get("project", {}).get("name", "")) or project)
    alone = f"{named}.py" in paths or f"src/{named}.py" in paths
    return (named,) if alone or named in found else tuple(sorted(found))


def _all_of_src(settings: Mapping[str, Any], paths: Collection[str]) -> tuple[str, ...]:
    """Name all packages and modules in `src`, if the build takes that folder whole.

    The rules: setuptools, "Automatic discovery", and Hatch, "Build configuration".
    """
    hatch = inside(settings, "tool", "hatch", "build")
    backend = str(inside(settings, "build-system").get("build-backend", ""))
    whole = inside(hatch, "targets", "wheel").get("only-include") == ["src"]
    if not (whole or backend.startswith("setuptools")):
        return ()
    written = str(inside(hatch, "hooks", "vcs").get("version-file", ""))
    module = re.compile(r"src/([A-Za-z_]\w*)(?:/__init__)?\.py")
    return tuple(
        sorted({found[1] for one in (*paths, written) if (found := module.fullmatch(one))})
    )


def _included(tool: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield Poetry's packages, without those of the sdist alone."""
    listed = inside(tool, "poetry").get("packages")
    for one in listed if isinstance(listed, list) else ():
        if isinstance(one, dict) and one.get("format") != "sdist":
            yield one
