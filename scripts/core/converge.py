"""The one loop behind publish, promote, resume and rollback: do what is missing, and only that."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import ClassVar, Protocol, TypeVar

from scripts.core.errors import ConflictError, ReleaseError, ServiceError, TransientError

Result = TypeVar("Result")
NAME = "name"
"""A surface that never moves once it is public: the git tag, a version tag, a file on the index."""
POINTER = "pointer"
"""A surface that leads people to the newest release: it comes last, and moves."""
CHECK = "check"
"""No surface: what a job found out about the release."""
ANNOUNCEMENT = "announcement"
"""Tells people of the release; no part of it."""
INTERNAL = "internal"
"""What only the release itself needs: its branch, its draft, its builds."""


@dataclass(frozen=True)
class Matches:
    """What is there is what was planned."""

    detail: str


@dataclass(frozen=True)
class Missing:
    """It is not there yet, and nothing stands in its place."""

    detail: str


@dataclass(frozen=True)
class Conflict:
    """The same name stands for something else. Names never move: a person decides."""

    cause: str
    remedy: str


State = Matches | Missing | Conflict


class Surface(ABC):
    """One place the release is seen in."""

    kind: ClassVar[str] = INTERNAL
    """`NAME`, `POINTER` or `INTERNAL`."""

    @property
    @abstractmethod
    def title(self) -> str:
        """What a person calls it: `image tag v0.2.4 of api`."""

    @property
    def planned(self) -> str:
        """What it is to be, for a person to compare with what was found."""
        return ""

    @property
    def link(self) -> str:
        """Where a person sees it: an address, or empty if no page shows it."""
        return ""

    @abstractmethod
    def observe(self) -> State:
        """Look, and change nothing."""

    @abstractmethod
    def apply(self) -> None:
        """Make what is missing. Called only after `observe` said so; safe to repeat."""


class Patience(Protocol):
    """How long to go on asking."""

    def wait(self, after: float = 0) -> bool:
        """Pause for a while, at least `after` seconds; say whether there is time to try again."""


@dataclass(frozen=True)
class Outcome:
    """What one surface, or one check, came to, and whether this run wrote it.

    `skipped` says of a check that it was not made here: it proves nothing.
    """

    title: str
    detail: str
    written: bool
    skipped: bool = False
    kind: str = INTERNAL
    """The surface's, or `CHECK`."""
    planned: str = ""
    link: str = ""


def patiently(read: Callable[[], Result], patience: Patience) -> Result:
    """Ask until there is an answer; a failure that passes is asked again until the deadline."""
    while True:
        try:
            return read()
        except TransientError as error:
            if not patience.wait(error.after):
                raise


def converge(surfaces: Iterable[Surface], patience: Callable[[], Patience]) -> list[Outcome]:
    """Bring each surface, in order, to what is planned.

    `patience` gives each surface a fresh deadline. Raises `ConflictError` before anything is
    written over, and `ServiceError` if a surface stays missing: then the same run may be started
    again, and goes on from there. Any error carries the outcomes of the surfaces before.
    """
    outcomes: list[Outcome] = []
    for surface in surfaces:
        try:
            outcomes.append(_converge(surface, patience()))
        except ReleaseError as error:
            error.outcomes = tuple(outcomes)
            raise
    return outcomes


def _converge(surface: Surface, patience: Patience) -> Outcome:
    state = patiently(surface.observe, patience)
    written = isinstance(state, Missing)
    failed: ServiceError | None = None
    if written:
        failed, state = _try(surface, patience)
    while isinstance(state, Missing) and _worth_waiting(failed, patience):
        # Applied and not seen yet is lag: look again. Only what failed in passing is done again,
        # and that too after a look, since its effect may show late.
        state = patiently(surface.observe, patience)
        if failed and isinstance(state, Missing):
            failed, state = _try(surface, patience)
    return Outcome(
        surface.title,
        _settled(surface, state),
        written,
        kind=surface.kind,
        planned=surface.planned,
        link=surface.link,
    )


def _try(surface: Surface, patience: Patience) -> tuple[ServiceError | None, State]:
    """Apply, and look whatever came of it: a lost answer may stand for work that was done."""
    failed: ServiceError | None = None
    try:
        surface.apply()
    except ServiceError as error:
        failed = error
    return failed, patiently(surface.observe, patience)


def _worth_waiting(failed: ServiceError | None, patience: Patience) -> bool:
    passing = failed is None or isinstance(failed, TransientError)
    if passing and patience.wait(failed.after if isinstance(failed, TransientError) else 0):
        return True
    if failed:
        raise failed
    return False


def _settled(surface: Surface, state: State) -> str:
    if isinstance(state, Conflict):
        raise ConflictError(f"{surface.title}: {state.cause}", state.remedy)
    if isinstance(state, Missing):
        raise ServiceError(
            f"{surface.title}: written, and not to be seen before the deadline ({state.detail})",
            "run the release again with the same version: it goes on from here",
        )
    return state.detail
