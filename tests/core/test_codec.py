"""Every field is checked on reading, and what was written reads back."""

import json
from dataclasses import dataclass, field, fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.core import codec
from scripts.core.errors import UsageError


@dataclass(frozen=True)
class Inner:
    name: str
    size: int


@dataclass(frozen=True)
class Outer:
    text: str
    number: float
    flag: bool
    maybe: str | None
    many: tuple[Inner, ...]
    by_name: dict[str, str]
    one: Inner | None


texts = st.text(max_size=10)
inners = st.builds(Inner, texts, st.integers())
outers = st.builds(
    Outer,
    texts,
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.none() | texts,
    st.lists(inners, max_size=3).map(tuple),
    st.dictionaries(texts, texts, max_size=3),
    st.none() | inners,
)
GOOD = Outer("t", 1.5, True, None, (Inner("a", 1),), {"k": "v"}, Inner("b", 2))


@given(outers)
def test_what_is_written_reads_back(value: Outer) -> None:
    assert codec.decode(Outer, codec.encode(value), "x.json") == value


@dataclass(frozen=True)
class Named:
    by_name: dict[str, Inner]


def test_what_has_a_name_is_read_as_its_kind() -> None:
    value = Named({"k": Inner("a", 1)})
    assert codec.decode(Named, codec.encode(value), "x.json") == value


def test_the_text_is_the_same_every_time() -> None:
    text = codec.encode(GOOD)
    assert text == codec.encode(codec.decode(Outer, text, "x.json"))
    assert text.endswith("}\n")
    assert list(json.loads(text)) == sorted(json.loads(text))


WRONG: list[tuple[str, Any, str]] = [
    ("text", 1, "x.json.text: expected str, found 1"),
    ("text", None, "x.json.text"),
    ("number", "1", "x.json.number: expected float"),
    ("number", True, "x.json.number: expected float"),
    ("flag", 1, "x.json.flag: expected bool"),
    ("maybe", 1, "x.json.maybe: expected str"),
    ("many", {}, "x.json.many: expected list"),
    ("many", [{"name": "a", "size": True}], r"x.json.many\[0\].size: expected int"),
    ("many", [{"name": "a"}], r"x.json.many\[0\]: unknown or absent: size"),
    ("by_name", {"k": 1}, "x.json.by_name.k: expected str"),
    ("by_name", [], "x.json.by_name: expected dict"),
    ("one", {"name": "b", "size": 2, "more": 1}, "x.json.one: unknown or absent: more"),
]


@pytest.mark.parametrize(("key", "value", "said"), WRONG)
def test_a_wrong_field_is_named(key: str, value: Any, said: str) -> None:
    data = {**json.loads(codec.encode(GOOD)), key: value}
    with pytest.raises(UsageError, match=said):
        codec.decode(Outer, json.dumps(data), "x.json")


@pytest.mark.parametrize("key", [f.name for f in fields(Outer)])
def test_every_field_must_be_there(key: str) -> None:
    data = json.loads(codec.encode(GOOD))
    del data[key]
    with pytest.raises(UsageError, match=f"unknown or absent: {key}"):
        codec.decode(Outer, json.dumps(data), "x.json")


@pytest.mark.parametrize("text", ["", "{", "[]", "nothing", b"\xff\xfe", "[" * 100_000])
def test_what_is_no_such_file_is_refused(text: str | bytes) -> None:
    with pytest.raises(UsageError, match=r"x\.json"):
        codec.decode(Outer, text, "x.json")


@pytest.mark.parametrize("text", ['{"a": 1, "a": 2}', '{"a": NaN}', '{"a": Infinity}'])
def test_what_json_does_not_know_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"x\.json is not JSON"):
        codec.decode(dict[str, float], text, "x.json")


@dataclass(frozen=True)
class Grown:
    name: str
    more: str = field(default="", metadata=codec.LATER)


def test_a_key_that_came_later_may_be_absent_and_is_then_not_written() -> None:
    old = codec.encode(Inner("a", 1)).replace(',\n  "size": 1', "")
    assert codec.decode(Grown, old, "x.json") == Grown("a")
    assert codec.encode(Grown("a")) == old
    assert codec.decode(Grown, codec.encode(Grown("a", "b")), "x.json") == Grown("a", "b")
    with pytest.raises(UsageError, match="unknown or absent: name"):
        codec.decode(Grown, "{}", "x.json")


@dataclass(frozen=True)
class Around:
    one: Grown
    many: tuple[Grown, ...]


def test_a_key_that_came_later_is_left_out_inside_another_dataclass_too() -> None:
    value = Around(Grown("a"), (Grown("b"), Grown("c", "d")))
    text = codec.encode(value)
    assert json.loads(text) == {
        "one": {"name": "a"},
        "many": [{"name": "b"}, {"name": "c", "more": "d"}],
    }
    assert codec.decode(Around, text, "x.json") == value
