"""Check the configured files: each is in the commit, and none is outside the repository."""

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass

from scripts.core.errors import Place, ReleaseError, UsageError
from scripts.release.config import FILE, TABLE, Config
from scripts.release.context import Context

LINK = "120000"
"""The mode of a symbolic link in a tree (git-fast-import)."""
HOPS = 10


@dataclass(frozen=True)
class Tree:
    """The files of a commit."""

    context: Context
    commit: str
    modes: dict[str, str]
    """Each file's path and mode."""

    @classmethod
    def of(cls, context: Context, commit: str) -> "Tree":
        """List a commit's files."""
        text = context.git.run("ls-tree", "-r", "-z", "--end-of-options", commit)
        lines = (line.partition("\t") for line in text.split("\0") if line)
        return cls(context, commit, {path: said.split(" ")[0] for said, _, path in lines})

    def has(self, path: str) -> bool:
        """Tell whether it has a file or a folder of that path."""
        return path == "." or any(f"{one}/".startswith(f"{path}/") for one in self.modes)

    def led(self, path: str, hops: int = HOPS) -> str | None:
        """Follow the links of a path; None if they leave the repository or form a cycle."""
        parts = path.split("/")
        for i in range(1, len(parts) + 1):
            name = "/".join(parts[:i])
            if self.modes.get(name) == LINK:
                to = self.context.git.show(self.commit, name)
                there = posixpath.join(posixpath.dirname(name), to, *parts[i:])
                found = posixpath.normpath(there)
                outside = found.startswith(("/", "../")) or found == ".."
                return None if outside or not hops else self.led(found, hops - 1)
        return path


def problems(context: Context, config: Config, commit: str) -> Iterator[ReleaseError]:
    """Find every file, folder and module of the table that a release of this commit would miss."""
    tree = Tree.of(context, commit)
    for path in (config.changelog, config.compose, config.notes_template):
        if path and tree.modes.get(path) == LINK:
            yield _wrong(f"{path} is a link", "use the path of the file itself")
        elif path:
            yield from _absent(tree, path)
    used = [path for image in config.images for path in (image.dockerfile, image.context)]
    for path in dict.fromkeys([*used, *([config.acceptance] if config.acceptance else [])]):
        led = tree.led(path)
        if led is None:
            yield _wrong(
                f"{path} leads out of the repository", "replace it with the file that it leads to"
            )
        else:
            yield from _absent(tree, path, led)
    tops = {path.removeprefix("src/").split("/")[0].removesuffix(".py") for path in tree.modes}
    for module in config.package.modules if config.package else ():
        if module not in tops:
            yield _missing(tree, module)


def _absent(tree: Tree, path: str, led: str | None = None) -> Iterator[ReleaseError]:
    if not tree.has(led or path):
        yield _missing(tree, path)


def _missing(tree: Tree, path: str) -> ReleaseError:
    remedy = f"add it, or take it out of [{TABLE}]"
    return _wrong(f"{path} is not in commit {tree.commit[:12]}", remedy)


def _wrong(cause: str, remedy: str) -> ReleaseError:
    return UsageError(cause, remedy, Place(FILE))
