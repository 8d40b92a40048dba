"""Whether what the table names is there: found by `check` and by `plan`, before any build."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from scripts.core.errors import Place, ReleaseError, UsageError
from scripts.release import version_files, version_source
from scripts.release.config import FILE, TABLE, Config, Examined, completed


@dataclass(frozen=True)
class Tree:
    """The files of a checkout, or of a commit."""

    there: Callable[[str], bool]
    """Says whether a path is there, of a file or a folder."""
    read: version_source.Read


def lacking(found: Examined, tree: Tree) -> list[ReleaseError]:
    """Find what the table names for a build or a later job, and the tree does not hold."""
    keys = ("compose", "acceptance", "notes_template")
    named = [(key.replace("_", "-"), path) for key in keys if (path := getattr(found.config, key))]
    missing = _missing(found, tree, [*named, *_of_images(found.config)])
    return [*missing, *_modules(found, tree), *_services(found, tree)]


def unsettable(found: Examined, tree: Tree) -> list[ReleaseError]:
    """Find what the release commit would be made of, and is not there or states no version."""
    files = enumerate(found.config.version_files)
    named = [("changelog", found.config.changelog)]
    named += [(f"version-files[{i}].path", file.path) for i, file in files]
    return [*_missing(found, tree, named), *_versions(found, tree)]


def _missing(found: Examined, tree: Tree, named: list[tuple[str, str]]) -> Iterator[ReleaseError]:
    for key, path in named:
        if not tree.there(path):
            what, remedy = f"is {path!r}, which is not there", "add it, or name the right path"
            yield wrong(found, key, what, remedy)


def _of_images(config: Config) -> Iterator[tuple[str, str]]:
    for i, image in enumerate(config.images):
        yield f"images[{i}].dockerfile", image.dockerfile
        yield f"images[{i}].context", image.context


def _modules(found: Examined, tree: Tree) -> Iterator[ReleaseError]:
    for module in found.config.package.modules if found.config.package else ():
        ends = (module, f"{module}.py", f"src/{module}", f"src/{module}.py")
        if not any(map(tree.there, ends)):
            what = f"has {module!r}, and none of {', '.join(ends)} is there"
            remedy = "name the top-level packages and modules that the wheel holds"
            yield wrong(found, "package.modules", what, remedy)


def _services(found: Examined, tree: Tree) -> Iterator[ReleaseError]:
    path = found.config.compose
    text = tree.read(path) if path else None
    if path is None or text is None:
        return
    from ruamel.yaml import YAML  # noqa: PLC0415 - start-up counts
    from ruamel.yaml.error import YAMLError  # noqa: PLC0415

    try:
        document: Any = YAML(typ="safe").load(text)
    except YAMLError as error:
        yield UsageError(f"{path} is not YAML: {error}", "correct it", Place(path))
        return
    services = version_source.inside(document, "services")
    for i, image in enumerate(found.config.images):
        if not isinstance(services.get(image.name), dict):
            what = f"is {image.name!r}, which is not a service of {path}"
            names = ", ".join(map(str, services)) or "none"
            yield wrong(found, f"images[{i}].name", what, f"use the service's name: {names}")


def _versions(found: Examined, tree: Tree) -> Iterator[ReleaseError]:
    """Look whether the version stands where it will be set."""
    try:
        config = completed(found.config, found.config.project or "x", tree.read)
    except UsageError as error:
        yield error
        return
    for i, file in enumerate(config.version_files):
        text = tree.read(file.path)
        if text is None:
            continue
        try:
            version_files.line(text, file.path, file.line, config.version, config.version)
        except UsageError as error:
            line = found.line(f"{TABLE}.version-files[{i}].path")
            yield UsageError(error.cause, error.remedy, Place(FILE, line))


def wrong(found: Examined, key: str, what: str, remedy: str) -> UsageError:
    """Write what is wrong with a key of the table, with its line."""
    path = f"{TABLE}.{key}"
    return UsageError(f"{path} {what}", remedy, Place(FILE, found.line(path)))
