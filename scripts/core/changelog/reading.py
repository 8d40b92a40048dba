"""Read one version's section, as written and as a separate text."""

import re

from packaging.version import Version

from scripts.core.changelog import headings
from scripts.core.changelog.groups import trimmed
from scripts.core.changelog.markdown import Span, scan
from scripts.core.changelog.problems import twice
from scripts.core.changelog.sections import Section, parse, version_key
from scripts.core.errors import Place, UsageError

_LABEL = re.compile(r"\[((?:[^\[\]\\]|\\.)+)\]")


def section(text: str, version: Version, path: str = "CHANGELOG.md") -> Section:
    """Find the section of a version.

    Raises UsageError if there is none, or more than one.
    """
    key = version_key(version)
    log = parse(text, path)
    found = [part for part in log.sections if key in part.keys]
    if not found:
        heading = headings.of_version(log, str(version), "DATE")
        raise UsageError(
            f"the changelog has no section for {version}",
            f"add the heading `{heading}` and below it what changed",
            Place(path),
        )
    if len(found) > 1:
        raise twice(path, found[1], found[0])
    return found[0]


def excerpt(text: str, part: Section) -> str:
    """Return a section's body as a separate text for release notes.

    The blank lines around it and its link definitions are removed. The definitions that it uses
    follow it, from any place in the changelog.
    """
    body = _without_definitions(part.body(text))
    prose = _without(body, [lines.span for lines in scan(body).hidden])
    labels = {label.casefold() for label in _LABEL.findall(prose)}
    used = [
        text[found.span.start : found.span.stop].strip()
        for found in scan(text, definitions=True).definitions
        if found.label.casefold() in labels
    ]
    return "\n\n".join([body, "\n".join(dict.fromkeys(used))]) if used else body


def _without_definitions(body: str) -> str:
    """Remove the link definitions from a body, and the blank lines around it."""
    spans = [found.span for found in scan(body, definitions=True).definitions]
    return trimmed(_without(body, spans))


def _without(text: str, spans: list[Span]) -> str:
    """Remove whole lines."""
    parts, at = list[str](), 0
    for span in spans:
        parts.append(text[at : span.start])
        at = span.stop
        at += 2 if text.startswith("\r\n", at) else text.startswith("\n", at)
    return "".join([*parts, text[at:]])
