"""Write the table into pyproject.toml, below the unchanged rest."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import tomlkit

from scripts.adopt.images import Image
from scripts.adopt.repository import Found
from scripts.core.errors import UsageError


def write(text: str, found: Found, answers: Mapping[str, str], branch: str) -> str:
    """Add `[tool.release]` at the end of a text.

    Never a `[project]`: it would take the place of what setup.py says, dependencies and all.
    """
    added = tomlkit.dumps(_laid_out(_release(found, answers, branch)))
    before = f"{text.rstrip()}\n\n" if text.strip() else ""
    # The text was read with its own line endings.
    return before + f"{added.strip()}\n".replace("\n", "\r\n" if "\r\n" in text else "\n")


def _release(found: Found, answers: Mapping[str, str], branch: str) -> dict[str, Any]:
    table: dict[str, Any] = {"branch": branch} if branch != "main" else {}
    if found.is_package and not found.project.get("name") and found.setup.name:
        table["name"] = found.setup.name
    if found.is_package and found.setup.version_in and not found.version_known:
        table["version-in"] = found.setup.version_in
    if step := answers.get("next-dev"):
        table["next-dev"] = step
    if (log := answers.get("changelog") or found.changelog.path) != "CHANGELOG.md":
        table["changelog"] = log
    if found.compose:
        table["compose"] = found.compose
    table |= _commands(found, answers)
    if modules := found.modules or tuple(answers.get("modules", "").replace(",", " ").split()):
        table["package"] = {"modules": list(modules)}
    if found.images:
        table["images"] = [_image(one, answers, found.images) for one in found.images]
    return table


def _commands(found: Found, answers: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the commands that check a commit; an answer replaces what the files show."""
    told = _words(answers, "checks")
    checks = told or list(found.checking.checks)
    setup = _words(answers, "setup") or ([] if told else list(found.checking.setup))
    commands = {"setup": setup, "checks": [] if checks == ["make", "check"] else checks}
    return {key: words for key, words in commands.items() if words}


def _words(answers: Mapping[str, str], key: str) -> list[str]:
    try:
        return shlex.split(answers.get(key, ""))
    except ValueError as error:
        cause = f"--answer {key}={answers[key]}: {error}"
        raise UsageError(cause, "quote it as a shell would read it") from error


def _image(image: Image, answers: Mapping[str, str], images: Sequence[Image]) -> dict[str, Any]:
    """Write one image; the name of a repository is the project's, or the project's and its own."""
    project = answers.get("project", "")
    own = project if len(images) == 1 else f"{project}-{image.name}"
    table: dict[str, Any] = {"name": image.name, "dockerfile": image.dockerfile}
    if image.context != ".":
        table["context"] = image.context
    table["repository"] = image.repository or f"{answers['namespace']}/{own}".lower()
    table["platforms"] = list(image.platforms)
    if image.target:
        table["target"] = image.target
    if image.port and image.health:
        table |= {"port": image.port, "health": image.health}
    return table


def _laid_out(release: Mapping[str, Any]) -> tomlkit.TOMLDocument:
    """Make a document of it; `tool` itself has no line, since others may have it already."""
    document = tomlkit.document()
    above = tomlkit.table(is_super_table=True)
    above.add("release", tomlkit.item(release))
    document.add("tool", above)
    return document
