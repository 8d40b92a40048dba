"""The addresses that a changelog's version headings point to, made in the file's own form."""

import re
from typing import NamedTuple

from scripts.core.changelog.markdown import Definition

# GitHub's, Gitea's and GitLab's pages: .../compare/OLD...NEW, and .../releases/tag/TAG.
_COMPARE = re.compile(r"(?P<base>.*/)compare/(?P<old>.+?)(?P<dots>\.{2,3})(?P<new>.+)")
_TAG = re.compile(r"(?P<base>.*/(?:releases/tag|releases|tree|tags)/)[^/]+")

_LONGEST = 2_000  # characters


class Step(NamedTuple):
    """One release in a row: its tag, the tag before it (None for the first), the repository."""

    tag: str
    previous: str | None
    repository_url: str | None


def of_version(example: str, step: Step) -> str | None:
    """Make a version's address in the form of `example`, another version's or Unreleased's.

    If the form of the example is unknown, use the repository's address; without one, return None.
    """
    if found := _compared(example):
        return _compare(found["base"], step, found["dots"])
    if found := _TAG.fullmatch(example):
        return found["base"] + step.tag
    base = step.repository_url
    return _compare(base.rstrip("/") + "/", step, "...") if base else None


def of_unreleased(example: str, step: Step) -> str:
    """Make Unreleased's comparison start at the new tag; do not change any other address."""
    found = _compared(example)
    if not found:
        return example
    return f"{found['base']}compare/{step.tag}{found['dots']}{found['new']}"


def defined(like: Definition, text: str, label: str, url: str) -> str:
    """Write a link reference definition laid out like another one of the text."""
    layout = text[like.span.start : like.url_span.start]
    return layout.replace(f"[{like.label}]", f"[{label}]") + url


def _compared(address: str) -> re.Match[str] | None:
    """Read a comparison; skip a text that browsers do not accept as an address."""
    return _COMPARE.fullmatch(address) if len(address) <= _LONGEST else None


def _compare(base: str, step: Step, dots: str) -> str:
    if step.previous is None:
        return f"{base}releases/tag/{step.tag}"
    return f"{base}compare/{step.previous}{dots}{step.tag}"
