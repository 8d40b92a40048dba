"""The step in which a job waits for its environment's rules, and fails if they refuse it."""

import json
import time
from pathlib import Path

from rehearsal.actions.toolkit import StandInError, run, variable

LONGEST = 30 * 24 * 3600
"""Seconds that GitHub waits for an approval: 30 days."""
POLL = 0.1


def main() -> None:
    """Wait until the job is decided upon."""
    folder = Path(variable("REHEARSAL_RUN")) / "approvals"
    workflow, job = variable("GITHUB_WORKFLOW"), variable("GITHUB_JOB")
    file = folder / f"{workflow}--{job}.json"
    deadline = time.monotonic() + LONGEST
    while not file.exists():
        if time.monotonic() > deadline:
            raise StandInError("nobody approved within 30 days")
        time.sleep(POLL)
    known = json.loads(file.read_text())
    if known["decision"] != "approved":
        raise StandInError(
            "The deployment was rejected or didn't satisfy other protection rules. "
            f"{known['why'] or 'By ' + ', '.join(known['by'])}"
        )
    print(f"approved by {', '.join(known['by']) or 'the rules'}")


if __name__ == "__main__":
    run(main)
