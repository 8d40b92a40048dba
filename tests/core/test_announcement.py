"""What is told of a release, and of which issues and pull requests it speaks."""

import pytest

from scripts.core import announcement
from tests.core.values import a_plan

PAGE = "https://github.com/mari/sample_thing"


def test_the_text_has_the_version_and_the_page() -> None:
    said = announcement.text(a_plan("0.2.4"), PAGE)
    assert said == f"Sample.Thing 0.2.4 is released\n{PAGE}/releases/tag/v0.2.4"


@pytest.mark.parametrize(
    ("kind", "field"),
    [("slack", "text"), ("discord", "content"), ("matrix", "text"), ("mastodon", "status")],
)
def test_each_service_has_its_field(kind: str, field: str) -> None:
    assert announcement.payload(kind, "out") == {field: "out"}


@pytest.mark.parametrize(
    ("section", "numbers"),
    [
        ("- A (#12), B ([#7](x)), again #12", (12, 7)),
        (f"- see {PAGE}/pull/31 and {PAGE}/issues/4", (31, 4)),
        ("- other/repo#5, a&#39;b, x#6, /#8, #0, ##9", ()),
        ("- [#3](https://github.com/mari/sample_thing/pull/3)", (3,)),
    ],
)
def test_the_numbers_that_a_section_names(section: str, numbers: tuple[int, ...]) -> None:
    assert announcement.mentioned(section, PAGE) == numbers
