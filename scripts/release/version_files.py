"""The version in the project's files: texts in, texts out; all is known before any write."""

import re
import tomllib
from typing import Any

import tomlkit

from scripts.core.errors import Place, UsageError
from scripts.core.planning import normalised
from scripts.release import version_source


def pyproject(text: str, version: str) -> str:
    """Set the version in [project], in [tool.poetry] or in both; do not change anything else."""
    document: Any = tomlkit.parse(text)
    for path in version_source.TABLES:
        table = version_source.inside(document, *path)
        if "version" in table:
            table["version"] = version
    return tomlkit.dumps(document)


def line(text: str, path: str, template: str, old: str, new: str) -> str:
    """Set the version in the only line that has `template` with the old version.

    Raises `UsageError` if there is none, or more than one.
    """
    before, after = (template.replace("{version}", version) for version in (old, new))
    # Only whole words count: 0.2.30 does not contain 0.2.3.
    place = re.compile(rf"(?<![0-9A-Za-z]){re.escape(before)}(?!\.?[0-9A-Za-z])")
    count = len(place.findall(text))
    if count != 1:
        raise UsageError(
            f"{path} holds {before!r} {count} times, expected once",
            f"set the version in {path} to {old}, or correct its `line` in [tool.release]",
            Place(path),
        )
    return place.sub(lambda _: after, text)


def uv_lock(text: str, project: str, version: str) -> str:
    """Set the version of the root package's own entry in a `uv.lock`.

    Edited in place, since a lock can have thousands of entries, and checked by reading it again.
    """
    name = normalised(project)
    entry = re.compile(
        rf'(\[\[package\]\]\r?\nname = "{re.escape(name)}"\r?\nversion = ")[^"]*(")', re.MULTILINE
    )
    edited = entry.sub(rf"\g<1>{version}\g<2>", text)
    try:
        expected = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"uv.lock: {error}", "run `uv lock`", Place("uv.lock")) from error
    root = [package for package in expected.get("package", []) if package.get("name") == name]
    if len(root) != 1:
        raise UsageError(
            f"uv.lock has {len(root)} entries for {name}, expected one",
            "run `uv lock`, and commit it",
            Place("uv.lock"),
        )
    if "version" not in root[0]:
        return text  # uv leaves a dynamic version out
    root[0]["version"] = version
    if tomllib.loads(edited) != expected:
        raise UsageError("uv.lock is not as uv writes it", "run `uv lock`", Place("uv.lock"))
    return edited
