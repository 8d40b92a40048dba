"""The one loop behind publish, promote, resume and rollback: apply only what is missing."""

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
"""Not a surface: a job's finding about the release."""
ANNOUNCEMENT = "announcement"
"""Not part of the release: it tells people about the release."""
INTERNAL = "internal"
"""A surface for the release itself: its branch, its draft, its builds."""


@dataclass(frozen=True)
class Matches:
    """The surface is as planned."""

    detail: str


@dataclass(frozen=True)
class Missing:
    """The surface does not exist yet, and nothing else has its name."""

    detail: str


@dataclass(frozen=True)
class Conflict:
    """The name already has different content. Names never move, so a person must decide."""

    cause: str
    remedy: str


State = Matches | Missing | Conflict


class Surface(ABC):
    """One place where the release is visible."""

    kind: ClassVar[str] = INTERNAL
    """`NAME`, `POINTER` or `INTERNAL`."""

    @property
    @abstractmethod
    def title(self) -> str:
        """Its name for people: `image tag v0.2.4 of api`."""

    @property
    def planned(self) -> str:
        """Its planned state, for a person to compare with the actual one."""
        return ""

    @property
    def link(self) -> str:
        """The address of its page, or empty if no page shows it."""
        return ""

    @abstractmethod
    def observe(self) -> State:
        """Read the current state, and change nothing."""

    @abstractmethod
    def apply(self) -> None:
        """Create what is missing. Called only after `Missing`; safe to repeat."""


class Patience(Protocol):
    """How long to retry."""

    def wait(self, after: float = 0) -> bool:
        """Pause for at least `after` seconds; return whether there is time for another attempt."""


@dataclass(frozen=True)
class Outcome:
    """The result of one surface or one check, and whether this run wrote it.

    `skipped` means that the check did not run here, and so proves nothing.
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
    """Call `read` until it answers; retry transient failures until the deadline."""
    while True:
        try:
            return read()
        except TransientError as error:
            if not patience.wait(error.after):
                raise


def converge(surfaces: Iterable[Surface], patience: Callable[[], Patience]) -> list[Outcome]:
    """Bring each surface, in order, to its planned state.

    `patience` gives each surface a fresh deadline. Raises `ConflictError` before it would overwrite
    anything, and `ServiceError` if a surface stays missing. A repeated run then continues from
    there. Every error contains the outcomes of the surfaces before it.
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
        # Applied but not visible yet is lag: read again. Only a transient failure is retried,
        # and only after another read, since its effect may become visible late.
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
    """Apply, then read the state even after an error: a lost answer may hide finished work."""
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
            f"{surface.title}: was written but did not become visible before the deadline "
            f"({state.detail})",
            "run the release again with the same version: it continues from here",
        )
    return state.detail
