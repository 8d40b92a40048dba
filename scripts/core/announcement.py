"""The announcement of a release: its text, and the format that each service accepts."""

import re
from collections.abc import Mapping

from scripts.core.planning import Plan

BODIES: Mapping[str, str] = {
    # Slack, Incoming webhooks; Discord, Execute webhook; Matrix, Hookshot's generic webhooks;
    # Mastodon, POST /api/v1/statuses.
    "slack": "text",
    "discord": "content",
    "matrix": "text",
    "mastodon": "status",
}
"""Each kind of webhook, with the field of its JSON that holds the text."""
LONGEST = 500  # characters of a post on Mastodon; the others accept more
_NUMBER = re.compile(r"(?<![\w&/#])#(?P<short>[1-9]\d{0,8})\b")


def text(plan: Plan, page: str) -> str:
    """Write the announcement: project, version, headline and the release's address.

    `page` is the address of the repository's page.
    """
    where = f"{page}/releases/tag/{plan.tag}"
    said = plan.named(f"{plan.project} {plan.version} is released")
    return f"{said[: LONGEST - len(where) - 1]}\n{where}"


def payload(kind: str, said: str) -> dict[str, str]:
    """Return the JSON that a webhook of this kind takes."""
    return {BODIES[kind]: said}


def mentioned(section: str, page: str) -> tuple[int, ...]:
    """List the issues and pull requests that a changelog section names, each once, in order."""
    linked = re.compile(rf"{re.escape(page)}/(?:issues|pull)/(?P<linked>[1-9]\d{{0,8}})\b")
    both = re.compile(f"{linked.pattern}|{_NUMBER.pattern}")
    found = (int(one["linked"] or one["short"]) for one in both.finditer(section))
    return tuple(dict.fromkeys(found))
