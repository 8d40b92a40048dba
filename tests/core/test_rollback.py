"""Which pointers go where: pure, for any releases."""

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from packaging.version import Version

from scripts.core import rollback, tags
from scripts.core.errors import UsageError
from tests.core.values import a_lock

V = Version
STABLE = {V("0.1.9"), V("0.2.4"), V("0.2.5"), V("0.3.0")}
versions = st.builds(
    lambda a, b, c: V(f"{a}.{b}.{c}"), st.integers(0, 1), st.integers(0, 2), st.integers(0, 2)
)


def test_the_default_is_the_highest_below() -> None:
    assert rollback.choose(V("0.3.0"), None, STABLE) == V("0.2.5")
    assert rollback.choose(V("0.3.0"), V("0.1.9"), STABLE) == V("0.1.9")
    # One that was rolled back before is no longer among the stable ones.
    assert rollback.choose(V("0.3.0"), None, STABLE - {V("0.3.0")}) == V("0.2.5")


@pytest.mark.parametrize(
    ("bad", "asked", "cause"),
    [
        ("0.3.0", "0.3.0", "to itself"),
        ("0.3.0", "0.2.6rc1", "release candidate"),
        ("0.3.0", "0.2.6", "not a release that pointers can lead to"),
        ("0.1.9", None, "no stable release below"),
    ],
)
def test_what_cannot_be_gone_back_to(bad: str, asked: str | None, cause: str) -> None:
    with pytest.raises(UsageError, match=cause):
        rollback.choose(V(bad), V(asked) if asked else None, STABLE)


@pytest.mark.parametrize(
    ("bad", "good", "targets"),
    [
        ("0.3.0", "0.2.5", {"latest": "0.2.5", "0": "0.2.5", "0.3": None}),
        ("0.3.0", "0.2.4", {"latest": "0.2.4", "0": "0.2.4", "0.3": None}),
        ("0.2.5", "0.2.4", {"0.2": "0.2.4"}),
        ("0.2.4", "0.1.9", {}),
        ("1.0", "0.3.0", {"latest": "0.3.0", "1": None, "1.0": None}),
        ("0.3.1rc1", "0.3.0", {}),
    ],
)
def test_where_each_pointer_goes(bad: str, good: str, targets: dict[str, str | None]) -> None:
    found = rollback.targets(V(bad), V(good), STABLE | {V(bad)})
    assert found == {name: V(to) if to else None for name, to in targets.items()}


@given(st.sets(versions, min_size=2), st.data())
def test_by_default_pointers_end_where_the_bad_one_had_never_been(
    released: set[Version], data: st.DataObject
) -> None:
    bad = data.draw(st.sampled_from(sorted(released)))
    assume(any(one < bad for one in released))
    good = rollback.choose(bad, None, released)
    before, never = tags.pointer_targets(released), tags.pointer_targets(released - {bad})
    moved = rollback.targets(bad, good, released)
    # Exactly the pointers that led to the bad one are looked at.
    assert set(moved) == {name for name, to in before.items() if to == bad}
    for name, to in moved.items():
        assert to == never.get(name)
        assert to is None or to < bad


def test_the_moves_name_digests_and_what_stays() -> None:
    bad, good = a_lock("0.3.0"), a_lock("0.2.4")
    bad = replace(bad, images=(replace(bad.images[0], digest=f"sha256:{'b' * 64}"),))
    found = rollback.decide(
        bad, V("0.2.4"), {V("0.2.4"), V("0.3.0")}, {V("0.3.0"): bad, V("0.2.4"): good}
    )
    assert [(m.tag, m.version, m.bad, m.good) for m in found.moves] == [
        (tag, "0.2.4", f"sha256:{'b' * 64}", good.images[0].digest) for tag in ("latest", "0")
    ]
    assert found.staying == ("docker.io/mari/api:0.3",)


def test_an_image_that_the_good_release_does_not_have_stays() -> None:
    bad, good = a_lock("0.3.0"), replace(a_lock("0.2.4"), images=())
    locks = {V("0.3.0"): bad, V("0.2.4"): good}
    found = rollback.decide(bad, V("0.2.4"), set(locks), locks)
    assert found.moves == ()
    assert found.staying == tuple(f"docker.io/mari/api:{tag}" for tag in ("latest", "0", "0.3"))
