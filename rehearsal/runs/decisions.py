"""Decisions on the jobs that wait for their environment, and the clock that they wait by.

The standard library is all it needs: a job's own step uses it as well. The rules: GitHub Docs,
"Reviewing deployments" and "Managing environments for deployment" (wait timer).
"""

import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from secrets import token_hex

from scripts.core.errors import UsageError

APPROVED, REJECTED = "approved", "rejected"
FOLDER, WAITING = "approvals", ".waiting"
"""Below a run's folder: a file for each job that was decided upon, one for each that waits."""
CLOCK = "clock"
"""In a world's folder: the seconds that its clock is ahead."""
LONGEST = 30 * 24 * 3600
"""Seconds that GitHub waits for an approval: 30 days."""


def now(run: Path) -> float:
    """Return the time of the world that a run's folder belongs to, in seconds since the epoch."""
    return time.time() + _ahead(run.parents[1])


def put_forward(world: Path, seconds: float) -> None:
    """Put a world's clock forward, so that nobody has to wait as long as GitHub does."""
    draft = world / f".{CLOCK}-{token_hex(8)}"
    draft.write_text(str(_ahead(world) + seconds))
    draft.replace(world / CLOCK)


def _ahead(world: Path) -> float:
    file = world / CLOCK
    return float(file.read_text()) if file.exists() else 0.0


def leave(run: Path, job: str, environment: str, reviewers: Sequence[str], until: float) -> None:
    """Record that a job waits for its reviewers, and for the time `until` besides."""
    (run / FOLDER).mkdir(parents=True, exist_ok=True)
    waiting = {"environment": environment, "reviewers": list(reviewers)}
    times = {"since": now(run), "until": until}
    draft = run / FOLDER / f"{job}.{token_hex(8)}"
    draft.write_text(json.dumps({**waiting, **times}))
    draft.replace(run / FOLDER / f"{job}{WAITING}")


def began(run: Path, job: str) -> float:
    """Return since when a job waits; now, if it does not wait for anybody."""
    file = run / FOLDER / f"{job}{WAITING}"
    return float(json.loads(file.read_text())["since"]) if file.exists() else now(run)


def record(
    run: Path, job: str, decision: str, by: Sequence[str] = (), *, why: str = "", until: float = 0
) -> None:
    """Record a decision, once. Raises `UsageError` if there is one already.

    An approved job still waits for the time `until`.
    """
    (run / FOLDER).mkdir(parents=True, exist_ok=True)
    file = run / FOLDER / f"{job}.json"
    draft = file.with_suffix(f".{token_hex(8)}")
    draft.write_text(json.dumps({"decision": decision, "by": list(by), "why": why, "until": until}))
    try:
        os.link(draft, file)
    except FileExistsError:
        known = json.loads(file.read_text())
        who = ", ".join(known["by"]) or "the rules"
        raise UsageError(
            f"{job} is {known['decision']} already, by {who}", "start the run again to decide again"
        ) from None
    finally:
        draft.unlink()


def decide(run: Path, decision: str, login: str) -> list[str]:
    """Approve or reject all waiting jobs of a run; return their names.

    Raises `UsageError` if none waits, or if the person is not a reviewer of each; then nothing is
    decided.
    """
    waiting = sorted((run / FOLDER).glob(f"*{WAITING}"))
    open_ = [one for one in waiting if not one.with_suffix(".json").exists()]
    if not open_:
        raise UsageError(f"no job of run {run.name} waits for approval", "start one with --hold")
    known = {file.stem: json.loads(file.read_text()) for file in open_}
    for one in known.values():
        if login not in one["reviewers"]:
            raise UsageError(
                f"{login} may not review deployments to {one['environment']}",
                f"its reviewers: {', '.join(one['reviewers']) or 'none'}",
            )
    for job, one in known.items():
        record(run, job, decision, (login,), until=one["until"])
    return list(known)
