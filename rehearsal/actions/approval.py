"""The step in which a job waits for its environment's rules, and fails if they refuse it."""

import json
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from rehearsal.actions.toolkit import StandInError, run, variable
from rehearsal.runs.decisions import APPROVED, FOLDER, LONGEST, REJECTED, began, now, record
from scripts.core.errors import UsageError

POLL = 0.1


def main() -> None:
    """Wait until the job is decided upon, and until its environment's timer has run."""
    folder = Path(variable("REHEARSAL_RUN"))
    job = f"{variable('GITHUB_WORKFLOW')}--{variable('GITHUB_JOB')}"
    known = _decision(folder, job)
    if known["decision"] != APPROVED:
        raise StandInError(
            "The deployment was rejected or didn't satisfy other protection rules. "
            f"{known['why'] or 'By ' + ', '.join(known['by'])}"
        )
    while now(folder) < known["until"]:
        time.sleep(POLL)
    print(f"approved by {', '.join(known['by']) or 'the rules'}")


def _decision(run_folder: Path, job: str) -> Any:
    """Return the decision; without one after 30 days the job is rejected."""
    file = run_folder / FOLDER / f"{job}.json"
    while not file.exists():
        if now(run_folder) > began(run_folder, job) + LONGEST:
            why = "Nobody approved it within 30 days: start the run again"
            with suppress(UsageError):  # somebody decided at this moment
                record(run_folder, job, REJECTED, why=why)
        time.sleep(POLL)
    return json.loads(file.read_text())


if __name__ == "__main__":
    run(main)
