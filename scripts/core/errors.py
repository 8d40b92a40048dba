"""The four kinds of errors. Each says what was found and what to do next."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Place:
    """The place of a problem in the repository.

    `line` and `column` count from 1; 0 means unknown.
    """

    path: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        """Write `path:line:column`, as compilers do, without unknown parts."""
        return ":".join([self.path, *(str(n) for n in (self.line, self.column) if n)])


def shown(text: str) -> str:
    """Replace characters that control a terminal or cannot be written, since errors quote input."""
    text = text.replace("\r\n", "\n")
    return "".join(sign if sign.isprintable() or sign in "\n\t" else "\ufffd" for sign in text)


class ReleaseError(Exception):
    """A step of the release cannot continue.

    `cause` says what was found and what was expected, `remedy` what to do or type next. `place`
    makes it an annotation on that file and line.
    """

    exit_code = 1

    def __init__(self, cause: str, remedy: str, place: Place | None = None) -> None:
        cause, remedy = shown(cause), shown(remedy)
        super().__init__(cause, remedy, place)
        self.cause = cause
        self.remedy = remedy
        self.place = place
        self.outcomes: tuple[Any, ...] = ()
        """The outcomes of the surfaces before, if surfaces were being applied."""

    def __str__(self) -> str:
        """Write the place, the cause and the remedy, each on a line of its own."""
        where = f"{self.place}: " if self.place else ""
        return f"{where}{self.cause}\n  remedy: {self.remedy}"


class CheckError(ReleaseError):
    """A check failed: a test, a health check, a wheel's content."""

    exit_code = 1


class UsageError(ReleaseError):
    """The input is wrong: a version, a configuration key, a changelog."""

    exit_code = 2


class ConflictError(ReleaseError):
    """A name already has different content, and names never move."""

    exit_code = 3


class ServiceError(ReleaseError):
    """A service refused, or did not answer in time."""

    exit_code = 4


class TransientError(ServiceError):
    """A service failed for a short time: no connection, a 5xx, a 429.

    It may have done the work anyway, so check before you repeat the request.

    `after` is the number of seconds that the service asked to wait, 0 if it did not.
    """

    def __init__(self, cause: str, remedy: str, after: float = 0) -> None:
        super().__init__(cause, remedy)
        self.after = after


UNRESOLVED = re.compile(
    r"could not resolve|name or service not known|no such host|name resolution|"
    r"nodename nor servname",
    re.IGNORECASE,
)
"""What programs and libraries say of a host's name that has no address."""


def unresolved(error: TransientError) -> bool:
    """Say whether a service failed because its name has no address."""
    return UNRESOLVED.search(error.cause) is not None


class ProblemsError(UsageError):
    """Several problems found at once, so that one run reports all of them."""

    def __init__(self, errors: Iterable[ReleaseError]) -> None:
        self.errors = list(errors)
        first = self.errors[0]
        self.exit_code = first.exit_code
        if len(self.errors) == 1:
            super().__init__(first.cause, first.remedy, first.place)
            return
        places = [f"{error.place}: " if error.place else "" for error in self.errors]
        causes = [f"{place}{e.cause}" for place, e in zip(places, self.errors, strict=True)]
        remedies = dict.fromkeys(error.remedy for error in self.errors)
        super().__init__("\n".join(causes), "; ".join(remedies), first.place)

    def __str__(self) -> str:
        """Write every problem, one after another."""
        return "\n".join(str(error) for error in self.errors)
