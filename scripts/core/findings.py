"""What a look at the world shows: of the doctor, before a release, and of the audit, after it."""

from dataclasses import dataclass

OK = "ok"
PROBLEM = "problem"
ADVICE = "advice"
NOT_CHECKED = "not checked"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. A problem stops a release, advice does not."""

    what: str
    status: str
    found: str
    why: str = ""
    """Why it matters for a release."""
    remedy: str = ""
    page: str = ""
    """The page on which it is set."""


def ok(what: str, found: str) -> Finding:
    """Say that a thing is as it must be."""
    return Finding(what, OK, found)


def problem(what: str, found: str, why: str, remedy: str, page: str = "") -> Finding:
    """Say what would stop the release."""
    return Finding(what, PROBLEM, found, why, remedy, page)


def advice(what: str, found: str, why: str, remedy: str, page: str = "") -> Finding:
    """Say what a release can do without, and would be better with."""
    return Finding(what, ADVICE, found, why, remedy, page)


def compared(what: str, expected: object, found: object, remedy: str) -> Finding:
    """Compare what is there with what must be."""
    if expected == found:
        return ok(what, str(found))
    return Finding(what, PROBLEM, f"{found}, expected {expected}", remedy=remedy)


def not_checked(what: str, found: str, why: str = "", page: str = "") -> Finding:
    """Say that a thing could not be looked at, and why: it is neither well nor ill."""
    return Finding(what, NOT_CHECKED, found, why, page=page)
