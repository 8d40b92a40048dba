"""GitHub's limits: the time of a job, the size of a summary, and outputs without a secret.

The rules: GitHub Docs, "Workflow commands" (job summaries) and "Passing information between jobs".
"""

from collections.abc import Iterable

SUMMARY = 1024 * 1024
"""Bytes of a step's summary."""
LONGEST = 360.0
"""Minutes of a job that says nothing else (GitHub Docs, `jobs.<job_id>.timeout-minutes`)."""
MASK = "***"
"""What act shows in a secret's place."""


def summary_problem(job: str, text: str) -> str:
    """Return the problem of a step's summary, or "".

    GitHub does not show a summary that is too long, and the step still succeeds there.
    """
    size = len(text.encode())
    if size <= SUMMARY:
        return ""
    return (
        f"{job}: $GITHUB_STEP_SUMMARY upload aborted, supports content up to a size of "
        f"{SUMMARY // 1024}k, got {size // 1024}k. Write less of it, the rest into an artifact"
    )


def time_problem(job: str, seconds: float, minutes: float) -> str:
    """Return the problem of a job that took longer than it may, or ""."""
    if seconds <= 60 * minutes:
        return ""
    return (
        f"{job}: The job has exceeded the maximum execution time of {minutes:g} minutes: it took "
        f"{seconds / 60:.1f}. Raise its timeout-minutes, or do less in it"
    )


def output_problem(job: str, name: str, text: str, secrets: Iterable[str]) -> str:
    """Return the problem of an output that other jobs read, or ""."""
    if not holds_secret(text, secrets):
        return ""
    return (
        f"{job}: Skip output '{name}' since it may contain secret. Later jobs get an empty text: "
        f"do not write a secret's value into an output"
    )


def holds_secret(text: str, secrets: Iterable[str]) -> bool:
    """Say whether a text has a secret in it, or the mask of one."""
    return MASK in text or any(secret in text for secret in secrets if secret)
