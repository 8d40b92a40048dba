"""Pointers: monotonic, whatever the order of the releases."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from scripts.core.tags import floating, is_latest, pointers, previous

small = st.tuples(*[st.integers(0, 2)] * 3)
versions = st.builds(
    lambda n, s: Version(".".join(map(str, n)) + s), small, st.sampled_from(["", "", "rc1", "b1"])
)
histories = st.sets(versions, min_size=1, max_size=12)


def made(*texts: str) -> list[Version]:
    return [Version(text) for text in texts]


@pytest.mark.parametrize(
    ("version", "released", "moved"),
    [
        ("0.2.4", [], ("latest", "0", "0.2")),
        ("0.2.4", ["0.2.3"], ("latest", "0", "0.2")),
        ("0.2.4", ["0.2.3", "0.2.4"], ("latest", "0", "0.2")),
        ("0.2.4", ["0.2.3", "0.3.0rc1"], ("latest", "0", "0.2")),
        ("0.2.4", ["0.2.3", "0.3.0"], ("0.2",)),
        ("0.2.4", ["0.2.5"], ()),
        ("1.4.1", ["1.4.0", "2.0.0"], ("1", "1.4")),
        ("1.3.9", ["1.3.8", "1.4.0", "2.0.0"], ("1.3",)),
        ("0.10.0", ["0.9.0", "0.2.0"], ("latest", "0", "0.10")),
        ("0.3.0rc1", ["0.2.3"], ()),
        ("0.3.0rc1", [], ()),
    ],
)
def test_what_a_version_moves(version: str, released: list[str], moved: tuple[str, ...]) -> None:
    assert floating(Version(version), made(*released)) == moved
    assert is_latest(Version(version), made(*released)) is ("latest" in moved)


@pytest.mark.parametrize(
    ("version", "released", "before"),
    [
        ("0.2.4", [], None),
        ("0.2.4", ["0.2.2", "0.2.3"], "0.2.3"),
        ("0.2.4", ["0.2.3", "0.2.4", "0.3.0"], "0.2.3"),
        ("0.3.0", ["0.2.3", "0.3.0rc1"], "0.2.3"),
        ("0.3.0rc2", ["0.2.3", "0.3.0rc1"], "0.3.0rc1"),
        ("0.3.0rc1", ["0.2.3", "0.3.0"], "0.2.3"),
        ("0.10.0", ["0.9.0", "0.2.0"], "0.9.0"),
    ],
)
def test_what_a_version_follows(version: str, released: list[str], before: str | None) -> None:
    assert previous(Version(version), made(*released)) == (before and Version(before))


@given(histories, st.randoms())
def test_releasing_in_any_order_ends_in_the_same_pointers(
    history: set[Version], rng: Random
) -> None:
    order = list(history)
    rng.shuffle(order)
    world: dict[str, Version] = {}
    for count, version in enumerate(order):
        for name in floating(version, order[:count]):
            assert name not in world or version > world[name], "a pointer moved back"
            world[name] = version
    assert world == pointers(history)


@given(histories)
def test_a_pointer_stands_at_the_highest_stable_version_of_its_line(history: set[Version]) -> None:
    for name, at in pointers(history).items():
        numbers = () if name == "latest" else tuple(map(int, name.split(".")))
        line = [v for v in history if not v.is_prerelease and v.release[: len(numbers)] == numbers]
        assert at == max(line)


@given(histories, versions)
def test_what_is_released_already_does_not_depend_on_order(
    history: set[Version], version: Version
) -> None:
    down, up = sorted(history, reverse=True), sorted(history)
    assert floating(version, down) == floating(version, up)
    assert previous(version, down) == previous(version, up)


@given(histories, versions)
def test_what_a_version_follows_is_below_it(history: set[Version], version: Version) -> None:
    before = previous(version, history)
    assert before is None or before < version
    assert before is None or version.is_prerelease or not before.is_prerelease
