"""What a job came to: `results/<job>.json`, one file a job or matrix leg."""

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

    @property
    def name(self) -> str:
        """The job with its leg, as in its file's name."""
        return f"{self.job}-{self.leg}" if self.leg else self.job


@dataclass(frozen=True)
class Done:
    """What a stage gives back when it comes to its end."""

    outcomes: tuple[Outcome, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, came_to: "Done | BaseException") -> "Done":
        """Give what there is of it: of an error, as far as the stage came."""
        return came_to if isinstance(came_to, Done) else cls(getattr(came_to, "outcomes", ()))
