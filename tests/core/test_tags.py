"""Pointers: monotonic, whatever the order of the releases."""

import re
import time
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from scripts.core import tags
from scripts.core.tags import floating, is_latest, pointer_targets, previous

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
    assert world == pointer_targets(history)


@given(histories)
def test_a_pointer_stands_at_the_highest_stable_version_of_its_line(history: set[Version]) -> None:
    for name, at in pointer_targets(history).items():
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


@pytest.mark.parametrize(
    ("names", "template", "others"),
    [
        (["v1.2.3", "v1.3.0"], "v{version}", ()),
        (["1.2.3", "1.3.0rc1", "2.x"], "{version}", ()),
        (["thing-1.2.3", "charts-9.0.0"], "thing-{version}", ()),
        (["the.thing/v1.2.3", "1.0.0"], "{version}", ()),
        (["my_thing/v1.2.3", "other/v2.0.0"], "other/v{version}", ("my_thing/v{version}",)),
        (["thing@1.2.3"], "thing@{version}", ()),
        (["release-1.2.3"], "release-{version}", ()),
        (["v.1.2.3"], "v.{version}", ()),
        (["v1.2.3", "1.3.0"], "{version}", ("v{version}",)),
        (["0.1.0", *(f"v1.{n}.0" for n in range(10))], "v{version}", ()),
        (["0.1.0", *(f"v1.{n}.0" for n in range(9))], "v{version}", ("{version}",)),
        (["1.2.3-rc1", "1.2.3.post1", "nightly", "v1", "dev1.2.3"], "{version}", ()),
        ([], "v{version}", ()),
        (["nightly", "v1"], "v{version}", ()),
        (["1.2", "1.2.1", "1.3"], "{short}", ()),
        (["1.0.0", "1.2", "1.3.1"], "{short}", ()),
        (["v4.1", "v4.2", "v4.2.0", "v4.2.1", "v4"], "v{version}", ()),
        (["v4.2.0-rc1", "v4.1.0"], "v{version}", ()),
        (["26.3rc1", "26.2"], "{short}", ()),
        (["-x-9.0.0", "/9.0.0", "\u202ea-9.0.0", "1.0.0"], "{version}", ()),
    ],
)
def test_the_style_of_tags_is_found(
    names: list[str], template: str, others: tuple[str, ...]
) -> None:
    for order in (names, names[::-1]):
        found = tags.detect(order, project="Thing")
        assert (found.style.template, found.others) == (template, others)
        assert bool(found.warning) == bool(others)


def test_the_configured_style_is_taken_as_it_is() -> None:
    found = tags.detect(["v1.2.3", "x-1.0.0"], "x-{version}")
    assert (found.style.template, found.warning) == ("x-{version}", None)
    assert found.style.versions(["v1.2.3", "x-1.0.0", "x-1"]) == {Version("1.0.0"): "x-1.0.0"}


@given(st.sampled_from(["v", "", "a-", "a/v", "a_b@", "v."]), st.integers(0, 99), st.booleans())
def test_what_a_style_writes_it_reads(prefix: str, number: int, candidate: bool) -> None:
    version = Version(f"1.{number}.0" + "rc1" * candidate)
    tag = tags.Style(f"{prefix}{{version}}").tag(version)
    found = tags.detect([tag])
    assert found.style.prefix == prefix
    assert found.style.read(tag) == version
    assert re.fullmatch(tags.TEMPLATE, found.style.template)


def test_a_short_style_leaves_out_a_third_number_of_zero() -> None:
    style = tags.Style("v{short}")
    found = {
        text: style.tag(Version(text)) for text in ("26.3.0", "26.3.1", "26.3.0rc1", "1.10.10")
    }
    assert list(found.values()) == ["v26.3", "v26.3.1", "v26.3rc1", "v1.10.10"]
    assert [str(style.read(tag)) for tag in found.values()] == list(found)
    assert style.read("v26") is None


@pytest.mark.parametrize("mean", ["-x{version}", "/{version}", "a b{version}", "v", ".{version}"])
def test_a_template_is_no_option_and_no_path(mean: str) -> None:
    assert not re.fullmatch(tags.TEMPLATE, mean)


def test_long_names_take_no_time() -> None:
    began = time.process_time()
    tags.detect(["-" * 10**5, "v" * 10**5, "1" * 10**5, "a-" * 10**5, "_v" * 10**5])
    assert time.process_time() - began < 1
