"""What a job came to: `results/<job>.json`, one file a job or matrix leg."""

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
    """Which leg of a matrix: `api-amd64`; empty where there is none."""
    started: float
    finished: float
    outcomes: tuple[Outcome, ...]
    facts: dict[str, str]
    """What later jobs need to know of it: the commit, a digest."""
    failure: Failure | None
    attempt: int = 1
    """Of the run, by which it was written: from 1."""

    @property
    def name(self) -> str:
        """The job with its leg, as in its file's name."""
        return f"{self.job}-{self.leg}" if self.leg else self.job


def current(results: Sequence[Result], ended: Mapping[str, str], attempt: int) -> list[Result]:
    """Leave out what an earlier attempt left, unless its job did not have to run again.

    `ended` says how each job ended now: GitHub carries a success over to *Re-run failed jobs*, and
    says `skipped` of what this attempt did not come to.
    """
    return [
        one
        for one in results
        if one.attempt == attempt or ended.get(of_job(one, ended), "success") == "success"
    ]


def of_job(result: Result, jobs: Iterable[str]) -> str:
    """Name the job that a result is of: the longest name that its own begins with."""
    own = (job for job in jobs if result.name == job or result.name.startswith(f"{job}-"))
    return max(own, key=len, default=result.job)


@dataclass(frozen=True)
class Done:
    """What a stage gives back when it comes to its end."""

    outcomes: tuple[Outcome, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, came_to: "Done | BaseException") -> "Done":
        """Give what there is of it: of an error, as far as the stage came."""
        return came_to if isinstance(came_to, Done) else cls(getattr(came_to, "outcomes", ()))
