"""Write the table into pyproject.toml, below the unchanged rest."""

from collections.abc import Mapping, Sequence
from typing import Any

import tomlkit

from scripts.adopt.repository import Found, Image

PLATFORMS = ["linux/amd64", "linux/arm64"]


def write(text: str, found: Found, answers: Mapping[str, str], branch: str) -> str:
    """Add `[tool.release]`, and `[project]` if it is missing, at the end of a text."""
    parts: list[dict[str, Any]] = []
    if not found.project:
        parts.append({"project": {key: answers[key] for key in ("name", "version")}})
    parts.append({"tool": {"release": _release(found, answers, branch)}})
    added = "\n".join(tomlkit.dumps(_laid_out(part)) for part in parts)
    before = f"{text.rstrip()}\n\n" if text.strip() else ""
    # The text was read with its own line endings.
    return before + f"{added.strip()}\n".replace("\n", "\r\n" if "\r\n" in text else "\n")


def _release(found: Found, answers: Mapping[str, str], branch: str) -> dict[str, Any]:
    table: dict[str, Any] = {"branch": branch} if branch != "main" else {}
    if found.changelog and found.changelog != "CHANGELOG.md":
        table["changelog"] = found.changelog
    if found.compose:
        table["compose"] = found.compose
    checks = answers.get("checks", "").split() or list(found.checks or ())
    if checks != ["make", "check"]:
        table["checks"] = checks
    if modules := found.modules or tuple(answers.get("modules", "").replace(",", " ").split()):
        table["package"] = {"modules": list(modules)}
    if found.images:
        table["images"] = [_image(one, answers, found.images) for one in found.images]
    return table


def _image(image: Image, answers: Mapping[str, str], images: Sequence[Image]) -> dict[str, Any]:
    """Write one image; the name of a repository is the project's, or the project's and its own."""
    project = answers.get("project", "")
    own = project if len(images) == 1 else f"{project}-{image.name}"
    table: dict[str, Any] = {"name": image.name, "dockerfile": image.dockerfile}
    if image.context != ".":
        table["context"] = image.context
    table["repository"] = image.repository or f"{answers['namespace']}/{own}".lower()
    table["platforms"] = PLATFORMS
    if image.port and image.health:
        table |= {"port": image.port, "health": image.health}
    return table


def _laid_out(part: Mapping[str, Any]) -> tomlkit.TOMLDocument:
    """Make a document of tables; `tool` itself has no line, since others may have it already."""
    document = tomlkit.document()
    for name, value in part.items():
        if name == "tool":
            above = tomlkit.table(is_super_table=True)
            above.add("release", tomlkit.item(value["release"]))
            document.add("tool", above)
        else:
            document.add(name, tomlkit.item(value))
    return document
