"""Check the configured files: each is there, and none is outside the repository."""

import posixpath
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.core.errors import Place, ReleaseError, UsageError
from scripts.release import version_files, version_source
from scripts.release.configuration import FILE, TABLE, Config, Examined, completed, examine
from scripts.release.context import Context, utf8

LINK = "120000"
"""The mode of a symbolic link in a tree (git-fast-import)."""
HOPS = 10


@dataclass(frozen=True)
class Tree:
    """The files of a commit, or of a working tree."""

    name: str
    """What messages call it."""
    has: Callable[[str], bool]
    """Tells whether it has a file or a folder of that path."""
    link: Callable[[str], str | None]
    """Gives the target of a symbolic link; None for anything else."""
    read: version_source.Read

    def led(self, path: str, hops: int = HOPS) -> str | None:
        """Follow the links of a path; None if they leave the repository or form a cycle."""
        parts = path.split("/")
        for i in range(1, len(parts) + 1):
            name = "/".join(parts[:i])
            if (to := self.link(name)) is not None:
                there = posixpath.join(posixpath.dirname(name), to, *parts[i:])
                found = posixpath.normpath(there)
                outside = found.startswith(("/", "../")) or found == ".."
                return None if outside or not hops else self.led(found, hops - 1)
        return path


def of_commit(context: Context, commit: str) -> Tree:
    """List a commit's files."""
    text = context.git.run("ls-tree", "-r", "-t", "-z", "--end-of-options", commit)
    lines = (line.partition("\t") for line in text.split("\0") if line)
    modes = {path: said.split(" ")[0] for said, _, path in lines}

    def link(path: str) -> str | None:
        return context.git.show(commit, path) if modes.get(path) == LINK else None

    def read(path: str) -> str | None:
        return context.text_at(commit, path) if path in modes else None

    return Tree(f"commit {commit[:12]}", lambda path: path == "." or path in modes, link, read)


def of_folder(root: Path) -> Tree:
    """Look at the files of a working tree. Reading one raises UsageError if it is not UTF-8."""

    def link(path: str) -> str | None:
        return str((root / path).readlink()) if (root / path).is_symlink() else None

    def read(path: str) -> str | None:
        if not (root / path).resolve().is_relative_to(root.resolve()):
            return None
        try:
            return utf8((root / path).read_bytes(), path)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None

    return Tree("the working tree", lambda path: (root / path).exists(), link, read)


def with_files(tree: Tree, name: str, files: Mapping[str, str]) -> Tree:
    """Return the tree with other texts of some files."""

    def read(path: str) -> str | None:
        return files[path] if path in files else tree.read(path)

    return Tree(name, lambda path: path in files or tree.has(path), tree.link, read)


def problems_at(context: Context, commit: str) -> Iterator[ReleaseError]:
    """Find the files that a release of this commit would miss."""
    return problems(examine(context.text_at(commit, FILE)), of_commit(context, commit))


def problems(found: Examined, tree: Tree) -> Iterator[ReleaseError]:
    """Find every file, folder, module and service of the table that a release would miss."""
    for key, path in _written_on(found.config):
        if tree.link(path) is not None:
            yield wrong(found, key, f"{path} is a link", "use the path of the file itself")
        elif not tree.has(path):
            yield _missing(found, tree, key, path)
    for key, path in _used(found.config):
        led = tree.led(path)
        if led is None:
            cause = f"{path} leads out of the repository"
            yield wrong(found, key, cause, "replace it with the file that it leads to")
        elif not tree.has(led):
            yield _missing(found, tree, key, path)
    yield from _modules(found, tree)
    yield from _services(found, tree)


def _written_on(config: Config) -> Iterator[tuple[str, str]]:
    """Yield each key whose file is read from the commit by its own path."""
    for key in ("changelog", "compose", "notes_template"):
        if (path := getattr(config, key)) and (key != "changelog" or config.keeps_changelog):
            yield key.replace("_", "-"), path
    for i, file in enumerate(config.version_files):
        yield f"version-files[{i}].path", file.path


def _used(config: Config) -> Iterator[tuple[str, str]]:
    """Yield each key whose file or folder a program uses in a checkout, where links work."""
    for i, image in enumerate(config.images):
        yield f"images[{i}].dockerfile", image.dockerfile
        yield f"images[{i}].context", image.context
    if config.acceptance:
        yield "acceptance", config.acceptance


def _modules(found: Examined, tree: Tree) -> Iterator[ReleaseError]:
    for module in found.config.package.modules if found.config.package else ():
        paths = (module, f"{module}.py", f"src/{module}", f"src/{module}.py")
        written = {*found.config.source.paths} if found.config.from_tags else set()
        if not (written & {*paths} or any(map(tree.has, paths))):
            yield _missing(found, tree, "package.modules", module)


def _services(found: Examined, tree: Tree) -> Iterator[ReleaseError]:
    path = found.config.compose
    text = tree.read(path) if path and tree.link(path) is None else None
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
            cause = f"image {image.name} is not a service of {path}"
            names = ", ".join(map(str, services)) or "none"
            yield wrong(found, f"images[{i}].name", cause, f"use the service's name: {names}")


def unsettable(found: Examined, tree: Tree) -> Iterator[ReleaseError]:
    """Check that each file states the version where the release will set it."""
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
            yield wrong(found, f"version-files[{i}].path", error.cause, error.remedy)


def _missing(found: Examined, tree: Tree, key: str, path: str) -> UsageError:
    remedy = f"add it, or take it out of [{TABLE}]"
    return wrong(found, key, f"{path} is not in {tree.name}", remedy)


def wrong(found: Examined, key: str, cause: str, remedy: str) -> UsageError:
    """Describe the problem of a key of the table, with its line."""
    return UsageError(cause, remedy, Place(FILE, found.line(f"{TABLE}.{key}")))
