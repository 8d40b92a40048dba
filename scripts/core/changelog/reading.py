"""Read one version's section back, as it is and so that it can stand alone."""

import re

from packaging.version import Version

from scripts.core.changelog.groups import trimmed
from scripts.core.changelog.markdown import Span, definitions, scan
from scripts.core.changelog.problems import twice
from scripts.core.changelog.sections import Section, parse, version_key
from scripts.core.errors import Place, UsageError


def section(text: str, version: Version, path: str = "CHANGELOG.md") -> Section:
    """Find the section of a version.

    Raises UsageError if there is none, or more than one.
    """
    key = version_key(version)
    found = [part for part in parse(text, path).sections if part.key == key]
    if not found:
        raise UsageError(
            f"the changelog has no section of {version}",
            f"add the heading `## [{version}] - DATE` and below it what changed",
            Place(path),
        )
    if len(found) > 1:
        raise twice(path, found[1], found[0])
    return found[0]


def excerpt(text: str, part: Section) -> str:
    """Return a section's body so that it can stand alone, in release notes.

    The blank lines around it and the link definitions in it are left out. Those that it uses,
    wherever in the changelog they stand, follow it.
    """
    body = _without_definitions(part.body(text))
    prose = _without(body, [lines.span for lines in scan(body).hidden])
    used = [
        text[found.span.start : found.span.stop].strip()
        for found in definitions(text, scan(text).hidden)
        if re.search(rf"\[{re.escape(found.label)}\]", prose, re.I)
    ]
    return "\n\n".join([body, "\n".join(dict.fromkeys(used))]) if used else body


def _without_definitions(body: str) -> str:
    """Take the link definitions out of a body, and the blank lines around it."""
    spans = [found.span for found in definitions(body, scan(body).hidden)]
    return trimmed(_without(body, spans))


def _without(text: str, spans: list[Span]) -> str:
    """Take out whole lines."""
    for span in reversed(spans):
        text = text[: span.start] + re.sub(r"\A\r?\n", "", text[span.stop :])
    return text
