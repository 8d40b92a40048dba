"""Write a run's report as one HTML file without scripts, fonts or requests."""

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from markdown_it import MarkdownIt

STYLE = Path(__file__).with_name("report_page.css")
BAR = re.compile(r"^ {2}(?P<name>.*) :(?P<crit>crit, )?(?P<start>[\d :-]+), (?P<seconds>\d+)s$")
REPORT = "report"
# The report's marks, in characters that every font has.
SIGNS = {
    "✅": ("done", "✓"),
    "❌": ("failed", "✗"),
    "⚠️": ("doubt", "!"),
    "❔": ("doubt", "?"),
}
LEFT, WIDE, HIGH = 210, 800, 22  # of the chart: names, all of it, a line; in its own units


@dataclass(frozen=True)
class Bar:
    """One job in the chart. Seconds since 1970."""

    name: str
    start: float
    seconds: int
    failed: bool


def page(title: str, report: str, others: Sequence[tuple[str, str]] = ()) -> str:
    """Render the report, and below it what the other jobs wrote, closed up. All are Markdown."""
    more = "\n".join(
        f"<details><summary>{html.escape(job)}</summary>\n{body(text)}</details>"
        for job, text in others
    )
    return f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>{html.escape(title)}</title>
<style>
{STYLE.read_text("utf-8")}</style>
<main>
{body(report)}
{more}
</main>
</html>
"""


def write(path: Path, version: str, summaries: Sequence[tuple[str, str]]) -> None:
    """Write the page of a run from what its jobs wrote, the report's own first."""
    report = "\n".join(text for job, text in summaries if job == REPORT)
    others = [(job, text) for job, text in summaries if job != REPORT]
    path.write_text(page(f"Report: {version}", report, others), encoding="utf-8")


def body(text: str) -> str:
    """Render Markdown as GitHub would, without HTML of its own; a Gantt diagram becomes a chart."""
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse(text)
    for token in tokens:
        if token.type == "fence" and token.info == "mermaid":
            token.type, token.content = "html_block", chart(list(bars(token.content)))
    rendered = str(parser.renderer.render(tokens, parser.options, {}))
    for sign, (kind, drawn) in SIGNS.items():
        rendered = rendered.replace(sign, f'<b class="{kind}">{drawn}</b>')
    return rendered.replace("<table>", '<div class="wide"><table>').replace(
        "</table>", "</table></div>"
    )


def bars(diagram: str) -> Iterator[Bar]:
    """Read the lines that the report writes for Mermaid."""
    for line in diagram.splitlines():
        if found := BAR.match(line):
            moment = datetime.strptime(found["start"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
            yield Bar(found["name"], moment.timestamp(), int(found["seconds"]), bool(found["crit"]))


def chart(shown: Sequence[Bar]) -> str:
    """Draw when each job ran, as SVG."""
    if not shown:
        return ""
    began = min(bar.start for bar in shown)
    whole = max(bar.start + bar.seconds for bar in shown) - began
    scale = (WIDE - LEFT - 60) / max(whole, 1)
    lines = [_line(n, bar, (bar.start - began) * scale, scale) for n, bar in enumerate(shown)]
    high = HIGH * len(shown)
    said = f"When each of {len(shown)} jobs ran; {whole:.0f} seconds in all"
    return (
        f'<svg class="gantt" viewBox="0 0 {WIDE} {high}" role="img" aria-label="{said}">'
        + "".join(lines)
        + "</svg>\n"
    )


def _line(number: int, bar: Bar, left: float, scale: float) -> str:
    top, width = number * HIGH, max(bar.seconds * scale, 2)
    kind, name = "failed" if bar.failed else "done", html.escape(bar.name)
    return (
        f'<text class="name" x="{LEFT - 8}" y="{top + 15}">{name}</text>'
        f'<rect class="{kind}" x="{LEFT + left:.1f}" y="{top + 4}" width="{width:.1f}" '
        f'height="{HIGH - 8}" rx="3"/>'
        f'<text x="{LEFT + left + width + 5:.1f}" y="{top + 15}">{bar.seconds} s</text>'
    )
