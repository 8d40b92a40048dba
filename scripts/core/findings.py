"""Findings of the doctor before a release, and of the audit after it."""

from dataclasses import dataclass

OK = "ok"
PROBLEM = "problem"
ADVICE = "advice"
NOT_CHECKED = "not checked"


@dataclass(frozen=True)
class Finding:
    """The result of one check. A problem stops a release, advice does not."""

    what: str
    status: str
    found: str
    why: str = ""
    """Why it matters for a release."""
    remedy: str = ""
    page: str = ""
    """The page on which it is set."""
    foreign: bool = False
    """Whether somebody else made it: no lock of a release explains it."""


def ok(what: str, found: str) -> Finding:
    """Report that a check passed."""
    return Finding(what, OK, found)


def problem(what: str, found: str, why: str, remedy: str, page: str = "") -> Finding:
    """Report a problem that stops the release."""
    return Finding(what, PROBLEM, found, why, remedy, page)


def advice(what: str, found: str, why: str, remedy: str, page: str = "") -> Finding:
    """Report an improvement that a release does not require."""
    return Finding(what, ADVICE, found, why, remedy, page)


def compared(what: str, expected: object, found: object, remedy: str) -> Finding:
    """Compare the found value with the expected one."""
    if expected == found:
        return ok(what, str(found))
    return Finding(what, PROBLEM, f"{found}, expected {expected}", remedy=remedy)


def foreign(what: str, found: str, remedy: str) -> Finding:
    """Report what is public and no release made."""
    return Finding(what, PROBLEM, found, remedy=remedy, foreign=True)


def not_checked(what: str, found: str, why: str = "", page: str = "") -> Finding:
    """Report that a check was not possible, and why: it neither passed nor failed."""
    return Finding(what, NOT_CHECKED, found, why, page=page)
