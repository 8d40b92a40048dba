"""What GitHub takes of a step, and no more: the size of a summary, outputs without a secret.

The rules: GitHub Docs, "Workflow commands" (job summaries) and "Passing information between jobs".
"""

from collections.abc import Iterable

SUMMARY = 1024 * 1024
"""Bytes of a step's summary."""
MASK = "***"
"""What act shows in a secret's place."""


def summary_problem(job: str, text: str) -> str:
    """Say what is wrong with a step's summary, "" if nothing is. GitHub shows none of one too long.

    The step stays green there, so that nobody would notice.
    """
    size = len(text.encode())
    if size <= SUMMARY:
        return ""
    return (
        f"{job}: $GITHUB_STEP_SUMMARY upload aborted, supports content up to a size of "
        f"{SUMMARY // 1024}k, got {size // 1024}k. Write less of it, the rest into an artifact"
    )


def output_problem(job: str, name: str, text: str, secrets: Iterable[str]) -> str:
    """Say what is wrong with an output that other jobs read, "" if nothing is."""
    if not holds_secret(text, secrets):
        return ""
    return (
        f"{job}: Skip output '{name}' since it may contain secret. Later jobs get an empty text: "
        "hand over nothing that holds a secret's value"
    )


def holds_secret(text: str, secrets: Iterable[str]) -> bool:
    """Say whether a text has a secret in it, or the mask of one."""
    return MASK in text or any(secret in text for secret in secrets if secret)
