"""The one loop behind publish, promote, resume and rollback: do what is missing, and only that."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from scripts.core.errors import ConflictError, ServiceError, TransientError

Result = TypeVar("Result")


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


class Surface(Protocol):
    """One place the release is seen in."""

    @property
    def title(self) -> str:
        """What a person calls it: `image tag v0.2.4 of api`."""

    def observe(self) -> State:
        """Look, and change nothing."""

    def apply(self) -> None:
        """Make what is missing. Called only after `observe` said so; safe to repeat."""


class Patience(Protocol):
    """How long to go on asking."""

    def wait(self, after: float = 0) -> bool:
        """Pause for a while, at least `after` seconds; say whether there is time to try again."""


@dataclass(frozen=True)
class Outcome:
    """What one surface came to, and whether this run wrote it."""

    title: str
    detail: str
    written: bool


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
    again, and goes on from there.
    """
    return [_converge(surface, patience()) for surface in surfaces]


def _converge(surface: Surface, patience: Patience) -> Outcome:
    state = patiently(surface.observe, patience)
    written = isinstance(state, Missing)
    lost: TransientError | None = None
    if written:
        lost = _apply(surface)
        state = patiently(surface.observe, patience)
    while isinstance(state, Missing) and patience.wait(lost.after if lost else 0):
        # Applied and not seen yet is lag: look again. Only an answer that was lost is asked again.
        lost = _apply(surface) if lost else None
        state = patiently(surface.observe, patience)
    return Outcome(surface.title, _settled(surface, state, lost), written)


def _apply(surface: Surface) -> TransientError | None:
    try:
        surface.apply()
    except TransientError as error:
        return error
    return None


def _settled(surface: Surface, state: State, lost: TransientError | None) -> str:
    if isinstance(state, Conflict):
        raise ConflictError(f"{surface.title}: {state.cause}", state.remedy)
    if isinstance(state, Missing):
        why = f": {lost.cause}" if lost else ""
        raise ServiceError(
            f"{surface.title}: still missing after the deadline ({state.detail}){why}",
            "run the release again with the same version: it goes on from here",
        )
    return state.detail
