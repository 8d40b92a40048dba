"""Where a project states its name and version: in pyproject.toml, in another file, or in its tags.

Each build backend has its own place for a dynamic version (their documentation: Hatchling, "Dynamic
metadata"; setuptools, "Dynamic Metadata"; Flit, "Build config"; PDM, "Dynamic project version").
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from scripts.core.errors import Place, UsageError

STATIC, IN_FILE, TAGS = "static", "in file", "tags"
PLACE = "{version}"
TABLES = (("project",), ("tool", "poetry"))
"""The tables of pyproject.toml that have a static name and version, the standard's first."""
REMEDY = (
    'write version = "…" in [project]; or state it in a file, by [tool.hatch.version] path or '
    "setuptools' attr, or version-in of [tool.release]; or take it from the tags, by hatch-vcs or "
    "setuptools-scm"
)
_ASSIGNED = r"^[ \t]*{}(?:[ \t]*:[ \t]*[\w.]+)?[ \t]*=[ \t]*(['\"])v?(?P<version>\d[^'\"\n]*)\1"
_UNQUOTED = r"^version[ \t]*[=:][ \t]*v?(?P<version>\d\S*)[ \t]*$"
_ARGUMENT = (
    r"(?:^|(?<=[\s,(]))(?:__version__|VERSION|version)(?:[ \t]*:[ \t]*[\w.]+)?[ \t]*=[ \t]*"
    r"(['\"])v?(?P<version>\d[^'\"\n]*)\1"
)
_WHOLE = r"(?P<version>\S+)(?=\s*\Z)"
_FROM_TAGS = re.compile(r"\s*(?:hatch-vcs|setuptools[-_]scm)\b", re.IGNORECASE)
Read = Callable[[str], str | None]
"""Returns a file's text by its path; None if the file does not exist."""


@dataclass(frozen=True)
class Source:
    """The place of the version."""

    kind: str = STATIC
    paths: tuple[str, ...] = ()
    """`IN_FILE`: the possible files, the likeliest first; `TAGS`: the files that a build writes."""
    pattern: str = ""
    """Of `IN_FILE` what finds `version` in its text."""


class Stated(NamedTuple):
    """A version that a file states, and how."""

    version: str
    path: str
    line: str
    """The text around the version, with `{version}` for the version."""


def inside(table: Any, *keys: str) -> dict[str, Any]:
    """Return a table of a table; an empty one if the value is not a table."""
    for key in keys:
        table = table.get(key) if isinstance(table, dict) else None
    return table if isinstance(table, dict) else {}


def static(data: dict[str, Any], key: str) -> Any:
    """Return the value of the key in the first of `TABLES` that has it."""
    found = (inside(data, *path).get(key) for path in TABLES)
    return next((value for value in found if value is not None), None)


def dynamic(data: dict[str, Any], name: str) -> Source | None:
    """Find the source of a version that pyproject.toml does not state.

    None if a release cannot read or set it there.
    """
    return next((one for one in _sources(data, name) if one), None)


def _sources(data: dict[str, Any], name: str) -> Iterator[Source | None]:
    told = inside(data, "tool", "release").get("version-in")
    yield _named(told, usual(str(told)))
    tool, build = inside(data, "tool"), inside(data, "build-system")
    hatch, pdm = inside(tool, "hatch", "version"), inside(tool, "pdm", "version")
    scm = tool.get("setuptools_scm")
    written = (
        inside(tool, "hatch", "build", "hooks", "vcs").get("version-file"),
        *((scm.get("version_file"), scm.get("write_to")) if isinstance(scm, dict) else ()),
        pdm.get("write_to"),
    )
    from_tags = Source(TAGS, tuple(path for path in written if isinstance(path, str)))
    if hatch.get("source") == "vcs" or pdm.get("source") == "scm" or isinstance(scm, dict):
        yield from_tags
    yield _named(hatch.get("path"), hatch.get("pattern"))
    yield _named(pdm.get("path"), None) if pdm.get("source") == "file" else None
    yield _of_setuptools(inside(tool, "setuptools", "dynamic").get("version"))
    if str(build.get("build-backend", "")).startswith("flit"):
        module = inside(tool, "flit", "module").get("name") or name.replace("-", "_")
        yield Source(IN_FILE, files(str(module)), _ASSIGNED.format("__version__"))
    requires = build.get("requires")
    if isinstance(requires, list) and any(_FROM_TAGS.match(str(one)) for one in requires):
        yield from_tags


def _named(path: Any, pattern: Any) -> Source | None:
    if not isinstance(path, str):
        return None
    assigned = _ASSIGNED.format("(?:__version__|VERSION|version)")
    return Source(IN_FILE, (path,), pattern if isinstance(pattern, str) else assigned)


def usual(path: str) -> str:
    """Give the pattern of a version in a file of that name: in quotes, or as setup.cfg has it."""
    if path.endswith((".cfg", ".ini")):
        return _UNQUOTED
    return _ARGUMENT if path.endswith((".py", ".pyi", ".toml")) else _WHOLE


def _of_setuptools(table: Any) -> Source | None:
    table = table if isinstance(table, dict) else {}
    if isinstance(attribute := table.get("attr"), str) and "." in attribute:
        module, _, name = attribute.rpartition(".")
        return Source(IN_FILE, files(module), _ASSIGNED.format(re.escape(name)))
    file = table.get("file")
    path = file[0] if isinstance(file, list) and len(file) == 1 else file
    return Source(IN_FILE, (path,), _WHOLE) if isinstance(path, str) else None


def files(module: str) -> tuple[str, ...]:
    """Return the possible paths of a module, from the repository's root."""
    path = module.replace(".", "/")
    ends = (f"{path}/__init__.py", f"{path}.py")
    return (*ends, *(f"src/{end}" for end in ends))


def stated(source: Source, read: Read) -> Stated:
    """Read the version out of the file that has it.

    Raises UsageError if no file is there, or none states a version.
    """
    for path in source.paths:
        found = _search(source.pattern, read(path) or "", path)
        if found:
            start, end = (at - found.start() for at in found.span("version"))
            line = found[0][:start] + PLACE + found[0][end:]
            return Stated(found["version"], path, line)
    raise UsageError(
        f"no text in {' or '.join(source.paths)} states a version, and one of them must",
        f'write it there, such as __version__ = "0.1.0"; or else {REMEDY}',
        Place(source.paths[0]),
    )


def _search(pattern: str, text: str, path: str) -> "re.Match[str] | None":
    try:
        found = re.search(pattern, text, re.MULTILINE)
        return found if found and found["version"] else None
    except (re.error, IndexError) as error:
        raise UsageError(
            f"the pattern for the version in {path} cannot be used: {error}",
            "give it a regular expression with a group `version`",
            Place("pyproject.toml"),
        ) from error
