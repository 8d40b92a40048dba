"""Mark a version's heading as withdrawn: `## [0.2.4] - 2026-11-22 [YANKED]`."""

from packaging.version import Version

from scripts.core.changelog.reading import section
from scripts.core.changelog.sections import parse, version_key

MARK = "[YANKED]"  # Keep a Changelog, "What about yanked releases?"


def is_yanked(text: str, version: Version, path: str = "CHANGELOG.md") -> bool | None:
    """Tell whether the section of `version` has the mark; None if there is no such section."""
    key = version_key(version)
    found = [part.yanked for part in parse(text, path).sections if key in part.keys]
    return all(found) if found else None


def yank(text: str, version: Version, path: str = "CHANGELOG.md") -> str:
    """Add the mark to the heading of `version`, if it is not there; change no other byte.

    Raises UsageError if the version has no section, or more than one.
    """
    part = section(text, version, path)
    if part.yanked:
        return text
    end = text.index(part.title, part.heading.start) + len(part.title)
    return f"{text[:end]} {MARK}{text[end:]}"
