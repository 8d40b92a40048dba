"""No changelog takes more than a time in proportion to its bytes."""

import pytest

from benchmarks.worst import BUDGET, INPUTS, SIZES, seconds


@pytest.mark.parametrize("name", INPUTS)
def test_twenty_kilobytes_never_take_seconds(name: str) -> None:
    text = INPUTS[name](SIZES[0])
    took = seconds(text)
    assert max(took.values()) <= BUDGET * len(text), took
