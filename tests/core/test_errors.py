"""Errors say where, what and what to do, and have four exit codes."""

import pytest

from scripts.core.errors import (
    CheckError,
    ConflictError,
    Place,
    ProblemsError,
    ReleaseError,
    ServiceError,
    TransientError,
    UsageError,
)


@pytest.mark.parametrize(
    ("place", "text"),
    [
        (Place("a.md"), "a.md"),
        (Place("a.md", 3), "a.md:3"),
        (Place("a.md", 3, 7), "a.md:3:7"),
    ],
)
def test_a_place_is_written_as_compilers_do(place: Place, text: str) -> None:
    assert str(place) == text


def test_an_error_says_where_what_and_what_to_do() -> None:
    error = UsageError("it is 3", "make it 4", Place("a.md", 3))
    assert str(error) == "a.md:3: it is 3\n  remedy: make it 4"
    assert str(ReleaseError("it is 3", "make it 4")) == "it is 3\n  remedy: make it 4"


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (ReleaseError, 1),
        (CheckError, 1),
        (UsageError, 2),
        (ConflictError, 3),
        (ServiceError, 4),
        (TransientError, 4),
    ],
)
def test_each_kind_has_its_exit_code(kind: type[ReleaseError], code: int) -> None:
    assert kind("cause", "remedy").exit_code == code


def test_several_problems_are_one_error_that_tells_them_all() -> None:
    errors = [UsageError("first", "one", Place("a", 1)), UsageError("second", "two", Place("b", 2))]
    together = ProblemsError(errors)
    assert together.exit_code == 2
    assert str(together).count("remedy: ") == 2
    # What a result file and a job's summary are made from tells them all too.
    for part in ("a:1: first", "b:2: second"):
        assert part in together.cause
    for part in ("one", "two"):
        assert part in together.remedy


def test_one_problem_is_told_as_itself() -> None:
    alone = ProblemsError([UsageError("first", "one", Place("a", 1))])
    assert (alone.cause, alone.remedy, str(alone.place)) == ("first", "one", "a:1")


def test_what_an_error_quotes_does_nothing_to_a_terminal() -> None:
    error = UsageError("\x1b[31mred\r\udcff\r\n", "a\x07\n\tb")
    assert (error.cause, error.remedy) == ("\ufffd[31mred\ufffd\ufffd\n", "a\ufffd\n\tb")
    assert "\x1b" not in str(error)
