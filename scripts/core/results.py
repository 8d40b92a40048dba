"""The result of a job: `results/<job>.json`, one file per job or matrix leg."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from scripts.core.converge import Outcome


@dataclass(frozen=True)
class Failure:
    """Why a job stopped, and what to do."""

    cause: str
    remedy: str
    kind: str


@dataclass(frozen=True)
class Result:
    """One job's part of the report. Times are seconds since 1970."""

    job: str
    leg: str
    """The leg of a matrix, such as `api-amd64`; empty without a matrix."""
    started: float
    finished: float
    outcomes: tuple[Outcome, ...]
    facts: dict[str, str]
    """Facts that later jobs need: the commit, a digest."""
    failure: Failure | None
    attempt: int = 1
    """The attempt of the run that wrote it, from 1."""

    @property
    def name(self) -> str:
        """The job with its leg, as in its file's name."""
        return f"{self.job}-{self.leg}" if self.leg else self.job


def current(results: Sequence[Result], ended: Mapping[str, str], attempt: int) -> list[Result]:
    """Drop results of an earlier attempt, unless their job did not have to run again.

    `ended` says how each job ended now: With *Re-run failed jobs*, GitHub keeps a success, and
    reports `skipped` for each job that this attempt did not reach.
    """
    return [
        one
        for one in results
        if one.attempt == attempt or ended.get(of_job(one, ended), "success") == "success"
    ]


def of_job(result: Result, jobs: Iterable[str]) -> str:
    """Name the job of a result: the longest job name that starts the result's name."""
    own = (job for job in jobs if result.name == job or result.name.startswith(f"{job}-"))
    return max(own, key=len, default=result.job)


@dataclass(frozen=True)
class Done:
    """The result of a finished stage."""

    outcomes: tuple[Outcome, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, came_to: "Done | BaseException") -> "Done":
        """Return the outcomes; for an error, those from before it."""
        return came_to if isinstance(came_to, Done) else cls(getattr(came_to, "outcomes", ()))
