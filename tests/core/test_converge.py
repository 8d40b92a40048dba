"""The one loop: what is missing is done, once, whatever goes wrong on the way."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.core.converge import Conflict, Matches, Missing, State, Surface, converge, patiently
from scripts.core.errors import CheckError, ConflictError, ServiceError, TransientError

PASSING = TransientError("503", "wait", after=7)
REFUSED = ServiceError("403", "ask")


class Turns:
    """Patience that is counted in turns, not in seconds."""

    def __init__(self, turns: int = 20) -> None:
        self.left = turns
        self.asked: list[float] = []

    def wait(self, after: float = 0) -> bool:
        self.asked.append(after)
        self.left -= 1
        return self.left >= 0


def of(turns: int = 20) -> Callable[[], Turns]:
    return lambda: Turns(turns)


@dataclass
class Place(Surface):
    """A surface whose faults are written down beforehand.

    `applies`: what each apply does: `ok`, `lost` (done, and an error told), `failed` (an error, and
    nothing done), `refused`, `refused-after` (refused because it is there).
    `lag`: how many looks do not show what is there.
    """

    applies: Iterator[str] = field(default_factory=lambda: iter(()))
    looks: Iterator[str] = field(default_factory=lambda: iter(()))
    there: bool = False
    taken: bool = False
    lag: int = 0
    title: str = "the place"
    calls: list[str] = field(default_factory=list)
    effects: int = 0
    hidden: int = 0
    seen: State | None = None

    def observe(self) -> State:
        self.seen = None
        self.seen = self.look()
        return self.seen

    def look(self) -> State:
        self.calls.append("observe")
        if next(self.looks, "ok") == "failed":
            raise PASSING
        if self.taken:
            return Conflict("names other bytes", "release the next version")
        if self.there and self.hidden == 0:
            return Matches("as planned")
        self.hidden = max(self.hidden - 1, 0)
        return Missing("not there")

    def apply(self) -> None:
        assert isinstance(self.seen, Missing), "applied although the last look did not say so"
        self.seen = None
        self.calls.append("apply")
        outcome = next(self.applies, "ok")
        if outcome in ("ok", "lost", "refused-after"):
            if not self.there:
                self.effects, self.hidden = self.effects + 1, self.lag
            self.there = True
        if outcome in ("lost", "failed"):
            raise PASSING
        if outcome in ("refused", "refused-after"):
            raise REFUSED


def place(*applies: str, **more: object) -> Place:
    return Place(iter(applies), **more)  # type: ignore[arg-type]


def test_what_matches_is_left_alone() -> None:
    surface = place(there=True)
    (outcome,) = converge([surface], of())
    assert (outcome.title, outcome.detail, outcome.written) == ("the place", "as planned", False)
    assert surface.calls == ["observe"]


def test_what_is_missing_is_applied_and_looked_at_again() -> None:
    surface = place()
    (outcome,) = converge([surface], of())
    assert outcome.written
    assert surface.calls == ["observe", "apply", "observe"]


def test_a_conflict_stops_before_anything_is_written() -> None:
    surface, later = place(taken=True), place()
    with pytest.raises(ConflictError) as raised:
        converge([surface, later], of())
    assert raised.value.cause == "the place: names other bytes"
    assert raised.value.remedy == "release the next version"
    assert surface.calls == ["observe"]
    assert later.calls == []


def test_a_conflict_that_appears_after_the_write_is_one_too() -> None:
    surface = place("failed")
    surface.looks = iter(["ok"])

    def taken() -> None:
        surface.taken = True
        raise REFUSED

    surface.apply = taken  # type: ignore[method-assign]
    with pytest.raises(ConflictError):
        converge([surface], of())


def test_what_shows_late_is_awaited_and_applied_once() -> None:
    surface = place(lag=5)
    (outcome,) = converge([surface], of())
    assert outcome.written
    assert surface.calls.count("apply") == 1
    assert surface.calls.count("observe") == 7


def test_what_never_shows_ends_at_the_deadline() -> None:
    surface = place(lag=1000)
    with pytest.raises(ServiceError, match="did not become visible before the deadline") as raised:
        converge([surface], of(3))
    assert "same version" in raised.value.remedy
    assert surface.calls.count("apply") == 1


def test_an_answer_lost_after_the_effect_is_a_success() -> None:
    surface = place("lost")
    (outcome,) = converge([surface], of())
    assert outcome.written
    assert surface.calls == ["observe", "apply", "observe"]
    assert surface.effects == 1


def test_an_answer_lost_and_an_effect_seen_late_is_not_applied_again() -> None:
    surface = place("lost", lag=1)
    converge([surface], of())
    assert surface.calls.count("apply") == 1


def test_what_failed_in_passing_is_applied_again_after_the_asked_pause() -> None:
    surface, turns = place("failed", "failed"), Turns()
    converge([surface], lambda: turns)
    assert surface.calls.count("apply") == 3
    assert turns.asked == [7, 7]


def test_a_refusal_is_raised_only_after_a_look() -> None:
    surface = place("refused")
    with pytest.raises(ServiceError) as raised:
        converge([surface], of())
    assert raised.value is REFUSED
    assert surface.calls == ["observe", "apply", "observe"]


def test_a_refusal_of_what_is_there_is_a_success() -> None:
    surface = place("refused-after")
    (outcome,) = converge([surface], of())
    assert outcome.detail == "as planned"


def test_the_last_error_is_raised_at_the_deadline() -> None:
    surface = place(*["failed"] * 50)
    with pytest.raises(TransientError) as raised:
        converge([surface], of(3))
    assert raised.value is PASSING


def test_another_error_is_not_caught() -> None:
    surface = place()

    def broken() -> None:
        raise CheckError("a defect", "mend it")

    surface.apply = broken  # type: ignore[method-assign]
    with pytest.raises(CheckError):
        converge([surface], of())


def test_each_surface_has_a_deadline_of_its_own() -> None:
    given: list[Turns] = []

    def fresh() -> Turns:
        given.append(Turns(4))
        return given[-1]

    converge([place(lag=3), place(lag=3)], fresh)
    assert len(given) == 2


def test_reading_goes_on_until_there_is_an_answer() -> None:
    answers = iter([PASSING, PASSING, "here"])

    def read() -> str:
        answer = next(answers)
        if isinstance(answer, TransientError):
            raise answer
        return str(answer)

    turns = Turns()
    assert patiently(read, turns) == "here"
    assert turns.asked == [7, 7]


def test_reading_ends_at_the_deadline_or_with_a_refusal() -> None:
    def fails(error: ServiceError) -> Callable[[], None]:
        def read() -> None:
            raise error

        return read

    with pytest.raises(TransientError):
        patiently(fails(PASSING), Turns(2))
    turns = Turns()
    with pytest.raises(ServiceError):
        patiently(fails(REFUSED), turns)
    assert turns.asked == []


outcomes = st.sampled_from(["ok", "lost", "failed", "refused", "refused-after"])
places = st.builds(
    lambda applies, looks, there, lag: Place(iter(applies), iter(looks), there=there, lag=lag),
    st.lists(outcomes, max_size=6),
    st.lists(st.sampled_from(["ok", "ok", "failed"]), max_size=12),
    st.booleans(),
    st.integers(0, 4),
)


@given(st.lists(places, min_size=1, max_size=3), st.integers(0, 8))
def test_whatever_fails_it_ends_as_planned_or_with_an_error(
    surfaces: Iterable[Place], turns: int
) -> None:
    """`Place.apply` itself refuses to be called when the last look did not find it missing."""
    surfaces = list(surfaces)
    began = [surface.there for surface in surfaces]
    try:
        outcomes = converge(surfaces, of(turns))
    except ServiceError:
        return
    assert all(surface.there for surface in surfaces)
    assert [outcome.written for outcome in outcomes] == [not there for there in began]
    assert all(surface.effects <= 1 for surface in surfaces)


@given(st.lists(places, min_size=1, max_size=3))
def test_running_it_again_comes_to_the_same_end(surfaces: list[Place]) -> None:
    for _ in range(60):
        try:
            converge(surfaces, of(1))
            break
        except ServiceError:
            continue
    for surface in surfaces:
        assert surface.there
        before = surface.effects
        surface.calls.clear()
        converge([surface], of())
        assert "apply" not in surface.calls
        assert surface.effects == before <= 1


def test_an_error_carries_what_was_done_before() -> None:
    class Fine(Surface):
        title = "fine"
        kind = "name"
        planned = "as it is"
        link = "https://example.org"

        def observe(self) -> State:
            return Matches("there")

        def apply(self) -> None:
            raise AssertionError

    class Taken(Fine):
        title = "taken"

        def observe(self) -> State:
            return Conflict("other bytes", "the next version")

    with pytest.raises(ConflictError) as raised:
        converge([Fine(), Taken(), Fine()], lambda: None)  # type: ignore[arg-type,return-value]
    (outcome,) = raised.value.outcomes
    assert (outcome.title, outcome.detail) == ("fine", "there")
    assert (outcome.kind, outcome.planned, outcome.link) == (Fine.kind, Fine.planned, Fine.link)
