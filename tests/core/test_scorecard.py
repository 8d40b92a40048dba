"""The scorecard: what counts as a change, and what is written of it."""

import random
from dataclasses import replace

import pytest

from scripts.core import codec, scorecard
from scripts.core.scorecard import Measured, Row, Scorecard
from scripts.tools import measuring

RUNS = 20
ROW = Row("api p50", "ms", 1.31, 1.0, changed=True)
CARD = Scorecard("linux/amd64, 4 processors", "v0.2.3", (ROW,))


def loaded(rng: random.Random, slower: float) -> Measured:
    """Pairs of a machine with other work: both drift together, and each has outliers."""
    before, after = list[float](), list[float]()
    for _ in range(measuring.BLOCKS):
        drift = 2 * rng.lognormvariate(0, 0.3)
        for values, factor in ((before, 1.0), (after, slower)):
            outlier = rng.uniform(1, 4) if rng.random() < 0.1 else 1
            values.append(factor * drift * outlier * rng.lognormvariate(0, 0.1))
    return Measured("api p50", "ms", tuple(before), tuple(after))


def judged(rng: random.Random, slower: float) -> Row:
    first = loaded(rng, slower)
    second = [loaded(rng, slower)] if scorecard.suspected([first]) else None
    (row,) = scorecard.rows([first], second)
    return row


@pytest.mark.parametrize("seed", range(5))
def test_equal_releases_on_a_loaded_machine_do_not_differ(seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 - to repeat it
    assert sum(judged(rng, 1.0).changed for _ in range(RUNS)) <= 1


@pytest.mark.parametrize("slower", [1.3, 1 / 1.3])
@pytest.mark.parametrize("seed", range(5))
def test_a_difference_of_a_third_is_found(seed: int, slower: float) -> None:
    rng = random.Random(seed)  # noqa: S311 - to repeat it
    assert sum(judged(rng, slower).changed for _ in range(RUNS)) >= RUNS - 1


@pytest.mark.parametrize(
    ("before", "after"), [(0, 3), (120, 123), (800.0, 850.0), (15000.0, 15050.0)]
)
def test_what_is_counted_differs_by_any_amount(before: float, after: float) -> None:
    (row,) = scorecard.rows([scorecard.counted("packages", "", [before, after])], None)
    assert row.changed
    (row,) = scorecard.rows([scorecard.counted("packages", "", [after, after])], None)
    assert not row.changed


def test_a_few_bytes_are_no_other_size() -> None:
    (row,) = scorecard.rows([scorecard.counted("install size", "MB", [0.01, 0.02])], None)
    assert not row.changed
    (row,) = scorecard.rows([scorecard.counted("install size", "MB", [10.0, 10.5])], None)
    assert row.changed


def test_a_difference_that_a_second_pass_does_not_show_does_not_count() -> None:
    slower = Measured("x", "ms", (1.0,) * 6, (2.0,) * 6)
    same = replace(slower, after=slower.before)
    faster = replace(slower, after=(0.5,) * 6)
    assert [
        next(scorecard.rows([slower], second)).changed
        for second in (None, [same], [faster], [slower])
    ] == [False, False, False, True]


def test_a_few_pairs_must_differ_by_a_quarter() -> None:
    assert scorecard.differs(Measured("x", "s", (10.0,), (12.0,))) == 0
    assert scorecard.differs(Measured("x", "s", (10.0,), (13.0,))) == 1
    assert scorecard.differs(Measured("x", "s", (10.0,), (7.0,))) == -1


@pytest.mark.parametrize(("pairs", "least"), [(4, 1.3), (5, 1.3), (6, 1.2)])
def test_pairs_that_are_too_few_for_the_sign_test_can_differ_all_the_same(
    pairs: int, least: float
) -> None:
    """All of five pairs have one sign by chance in 6 % of the cases, of six in 3 %."""
    assert scorecard.differs(Measured("x", "s", (1.0,) * pairs, (least,) * pairs)) == 1
    assert scorecard.differs(Measured("x", "s", (1.0,) * pairs, (least - 0.11,) * pairs)) == 0


def test_pairs_that_do_not_agree_do_not_differ_however_much_most_of_them_rose() -> None:
    assert scorecard.differs(Measured("x", "s", (1.0,) * 6, (1.5,) * 4 + (0.9,) * 2)) == 0
    assert scorecard.differs(Measured("x", "s", (1.0,) * 6, (0.5,) * 4 + (1.1,) * 2)) == 0


def test_what_only_one_release_has_does_not_differ() -> None:
    assert scorecard.differs(scorecard.counted("packages", "", [5.0])) == 0


def test_nothing_differs_from_zero() -> None:
    assert scorecard.differs(Measured("x", "s", (0.0,), (1.0,))) == 0


def test_a_few_megabytes_of_one_start_do_not_count() -> None:
    assert scorecard.differs(Measured("memory", "MB", (4.0,), (6.0,))) == 0
    assert scorecard.differs(Measured("memory", "MB", (40.0,), (60.0,))) == 1
    assert scorecard.differs(Measured("import", "MB", (4.0,) * 6, (6.0,) * 6)) == 1


def test_a_small_part_does_not_count_however_steady_it_is() -> None:
    assert scorecard.differs(Measured("x", "s", (10.0,) * 20, (10.9,) * 20)) == 0
    assert scorecard.differs(Measured("x", "s", (10.0,) * 20, (11.1,) * 20)) == 1


@pytest.mark.parametrize(
    ("same", "pairs", "expected"), [(6, 6, 0.03125), (15, 20, 0.0414), (3, 6, 1)]
)
def test_the_sign_test_has_the_values_of_its_tables(same: int, pairs: int, expected: float) -> None:
    assert scorecard.chance(same, pairs) == pytest.approx(expected, abs=1e-4)


def test_without_a_last_release_there_are_values_and_no_difference() -> None:
    first = list(scorecard.paired([{"import": [3.0, 1.0, 2.0]}], {"import": "ms"}))
    assert list(scorecard.rows(first, None)) == [Row("import", "ms", 2.0)]
    assert not scorecard.suspected(first)
    assert scorecard.line(replace(CARD, since="", rows=())) == "Speed: measured for the first time"


def test_a_name_that_only_this_release_has_is_compared_with_nothing() -> None:
    found = scorecard.paired([{"a": [1.0]}, {"a": [1.0], "b": [2.0]}], {})
    assert [(one.name, one.before) for one in found] == [("a", (1.0,)), ("b", ())]


@pytest.mark.parametrize(
    ("card", "line"),
    [
        (CARD, "Speed: api p50 +31%"),
        (replace(CARD, rows=(replace(ROW, changed=False),)), "Speed: unchanged"),
        (replace(CARD, failures=("no engine",)), "Speed: api p50 +31%, 1 not measured"),
        (replace(CARD, rows=(Row("packages", "", 123, 120, changed=True),)), "Speed: packages +3"),
    ],
)
def test_one_line_says_what_it_comes_to(card: Scorecard, line: str) -> None:
    assert scorecard.line(card) == line


def test_the_details_have_both_values_and_the_course() -> None:
    text = scorecard.details(replace(CARD, rows=(replace(ROW, history=(0.5, 1.0)),)))
    assert "| api p50 | 1 ms | 1.31 ms | **+31%** | ▄▆█ |" in text
    assert "with v0.2.3 on linux/amd64, 4 processors" in text
    assert "⚠️ not measured: no engine" in scorecard.details(replace(CARD, failures=("no engine",)))


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [(3, 6, "| +3 |"), (75.73, 96.47, "| +27% |"), (1.5, 3, "| +100% |")],
)
def test_what_is_counted_has_its_number_and_what_is_measured_a_part(
    before: float, after: float, told: str
) -> None:
    card = Scorecard("here", "v1", (Row("frames", "", after, before),))
    assert told in scorecard.details(card)


def test_the_course_has_the_last_ten_releases() -> None:
    card: Scorecard | None = None
    for number in range(1, 15):
        made = replace(CARD, rows=(replace(ROW, after=float(number)),))
        card = scorecard.following(made, card)
    assert card
    assert card.rows[0].history == tuple(map(float, range(5, 14)))
    assert len(scorecard.bars([*card.rows[0].history, 14.0])) == scorecard.KEPT


@pytest.mark.parametrize("values", [[], [1.0], [0.0, 0.0]])
def test_nothing_is_drawn_of_what_has_no_course(values: list[float]) -> None:
    assert scorecard.bars(values) == ""


def test_a_scorecard_is_read_back_as_it_was_written() -> None:
    assert codec.decode(Scorecard, codec.encode(CARD), "scorecard.json") == CARD
