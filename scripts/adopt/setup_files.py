"""What a package says in setup.py and setup.cfg, which a release cannot ask: files are not run."""

import ast
import re
from collections.abc import Callable, Collection, Iterator
from configparser import ConfigParser, Error
from typing import NamedTuple

from scripts.release import version_source

SETUP, SETTINGS = "setup.py", "setup.cfg"
USUAL = ("__init__.py", "_version.py", "version.py", "__version__.py", "__about__.py")
"""Where in a package its version usually stands."""
EXTENSIONS = {"ext_modules", "cffi_modules", "rust_extensions"}
Read = Callable[[str], str]


class Told(NamedTuple):
    """What the two files say; empty where they do not, or not in so many words."""

    name: str = ""
    version: str = ""
    """That of setup.cfg: a version, or where it is."""
    in_setup: bool = False
    """Whether setup.py passes a version."""
    extensions: bool = False
    """Whether something is compiled."""
    version_in: str = ""
    """The file that states the version, once the packages are known."""


def look(paths: Collection[str], read: Read) -> Told:
    """Read them."""
    metadata = dict(_metadata(read(SETTINGS))) if SETTINGS in paths else {}
    tree = _parsed(read(SETUP)) if SETUP in paths else ast.Module([], [])
    called = dict(_called(tree))
    name = metadata.get("name") or _constant(called.get("name"), tree) or ""
    compiled = bool(EXTENSIONS & called.keys()) or _compiles(tree)
    return Told(name, metadata.get("version", ""), "version" in called, compiled)


def located(told: Told, paths: Collection[str], read: Read, modules: Collection[str]) -> Told:
    """Find the file that states the version; `modules` are the packages in whose files it may."""
    candidates = _candidates(told, modules)
    stated = (path for path in candidates if path in paths and _states(path, read(path)))
    return told._replace(version_in=next(stated, ""))


def _candidates(told: Told, modules: Collection[str]) -> Iterator[str]:
    said = told.version
    if said.startswith("file:"):
        yield said.removeprefix("file:").strip()
    elif said.startswith("attr:"):
        module = said.removeprefix("attr:").strip().rpartition(".")[0]
        yield from version_source.files(module)
    elif said:
        yield SETTINGS
    if told.in_setup:
        yield SETUP
    for module in modules:
        yield from (f"{top}{module}/{file}" for file in USUAL for top in ("", "src/"))


def _states(path: str, text: str) -> bool:
    return re.search(version_source.usual(path), text, re.MULTILINE) is not None


def _metadata(text: str) -> Iterator[tuple[str, str]]:
    parser = ConfigParser(interpolation=None)
    try:
        parser.read_string(text)
    except Error:
        return
    if parser.has_section("metadata"):
        yield from parser.items("metadata")


def _parsed(text: str) -> ast.Module:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError):
        return ast.Module([], [])


def _called(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """Yield the arguments of the calls of `setup`."""
    for call in ast.walk(tree):
        named = isinstance(call, ast.Call) and ast.unparse(call.func).rpartition(".")[2] == "setup"
        if isinstance(call, ast.Call) and named:
            yield from ((one.arg, one.value) for one in call.keywords if one.arg)


def _compiles(tree: ast.Module) -> bool:
    """Tell whether extensions are made anywhere: `setup` may get them by `**`."""
    calls = (one.func for one in ast.walk(tree) if isinstance(one, ast.Call))
    return any(ast.unparse(one).endswith(("Extension", "cythonize")) for one in calls)


def _constant(node: ast.expr | None, tree: ast.Module) -> str | None:
    """Return a text, or that of a name which the module sets to a text."""
    named = {
        ast.unparse(one.targets[0]): one.value for one in tree.body if isinstance(one, ast.Assign)
    }
    node = named.get(node.id) if isinstance(node, ast.Name) else node
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
