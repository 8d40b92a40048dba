"""The report as a page: everything is in it, nothing is fetched, and no text becomes markup."""

import re
import xml.etree.ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from rehearsal.verdict.report_page import Bar, bars, body, chart, page
from scripts.core import report
from scripts.core.results import Failure, Result


def result(job: str, start: float, seconds: float, *, failed: bool = False) -> Result:
    failure = Failure("<b>why</b>", "do", "E") if failed else None
    return Result(job, "", start, start + seconds, (), {}, failure)


def test_the_page_holds_the_report_and_fetches_nothing() -> None:
    results = [result("plan", 1767312000, 3), result("stage", 1767312003, 9, failed=True)]
    text = page("Report & all", report.run(None, results, "https://example.org/1"), [("gate", "x")])
    assert "<title>Report &amp; all</title>" in text
    assert "prefers-color-scheme: dark" in text
    assert "<details><summary>gate</summary>" in text
    assert "<svg" in text
    assert "mermaid" not in text
    assert not re.search(r"<script|<link|<img|src=|url\(|@import", text)
    assert "&lt;b&gt;why&lt;/b&gt;" in text
    # Not every machine has a font with pictures.
    assert '<h3><b class="failed">✗</b> stage</h3>' in text
    assert not set("✅❌❔⚠️") & set(text)


def test_a_table_and_a_link_are_rendered() -> None:
    text = body("| a | b |\n| --- | --- |\n| x \\| y | [open](https://example.org) |\n")
    assert "<td>x | y</td>" in text
    assert '<a href="https://example.org">open</a>' in text


def test_the_bars_are_those_of_the_report() -> None:
    results = [result("b", 1767312004, 2.4, failed=True), result("a", 1767312000, 3)]
    found = list(bars(report.timeline(results)))
    assert found == [Bar("a", 1767312000, 3, False), Bar("b", 1767312004, 2, True)]


@given(
    st.lists(
        st.tuples(
            st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=12),
            st.integers(0, 4_000_000_000),
            st.integers(1, 100_000),
            st.booleans(),
        ),
        max_size=8,
    )
)
def test_a_chart_is_sound_whatever_the_jobs(jobs: list[tuple[str, int, int, bool]]) -> None:
    drawn = chart([Bar(*job) for job in jobs])
    if not jobs:
        assert drawn == ""
        return
    root = ET.fromstring(drawn)  # noqa: S314 - we wrote it
    rects = [one for one in root.iter() if one.tag == "rect"]
    assert len(rects) == len(jobs)
    for one in rects:
        assert float(one.attrib["x"]) >= 210
        assert float(one.attrib["x"]) + float(one.attrib["width"]) <= 800


def test_what_is_wide_scrolls_in_a_place_of_its_own() -> None:
    assert '<div class="wide" role="region"' in body("| a |\n|---|\n| b |\n")
    assert '<div class="wide chart" role="region"' in body(report.timeline([result("a", 0, 3)]))


def test_the_page_hides_comments_and_folds_as_github_does() -> None:
    text = body("<!-- mark -->\n\n<details>\n<summary>More</summary>\n\nx\n\n</details>\n")
    assert "mark" not in text
    assert "<summary>More</summary>" in text
