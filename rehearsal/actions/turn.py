"""The steps in which a job waits for its turn in a concurrency group, and gives the turn on."""

import os
import sys
from pathlib import Path

from rehearsal.actions.toolkit import StandInError, run, variable
from rehearsal.runs.turns import FOLDER, CancelledError, Group, Place, Queue


def main() -> None:
    """Take the turn, or with the argument `leave` give it on."""
    name, cancels = variable("GROUP_NAME"), os.environ.get("GROUP_CANCELS") == "true"
    group = Group(name, cancels, os.environ.get("GROUP_QUEUE") or "single")
    queue = Queue(Path(variable("REHEARSAL_RUN")).parents[1] / FOLDER, group)
    mine = Place(int(variable("GITHUB_RUN_ID")), _runner(), variable("GITHUB_JOB"))
    if sys.argv[1:] == ["leave"]:
        queue.leave(mine)
        return
    try:
        if ahead := queue.enter(mine):
            print(f"waits for run {ahead.run} in the group {name}", flush=True)
        queue.wait(mine)
    except CancelledError as error:
        raise StandInError(error.cause) from error


def _runner() -> int:
    """Return the process that runs the job's steps: the parent of this step's shell."""
    stat = Path(f"/proc/{os.getppid()}/stat").read_text()
    return int(stat.rpartition(")")[2].split()[1])


if __name__ == "__main__":
    run(main)
