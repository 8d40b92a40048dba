"""Write a run's report as one HTML file without scripts, fonts or requests."""

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rehearsal import markdown

STYLES = (markdown.STYLE, Path(__file__).with_name("report_page.css"))
BAR = re.compile(r"^ {2}(?P<name>.*) :(?P<crit>crit, )?(?P<start>[\d :-]+), (?P<seconds>\d+)s$")
_DIAGRAM = re.compile(r'<pre><code class="language-mermaid">(.*?)</code></pre>', re.DOTALL)
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
    """Render the report, and below it the folded summaries of the other jobs. All are Markdown."""
    more = "\n".join(
        f"<details><summary>{html.escape(job)}</summary>\n{body(text)}</details>"
        for job, text in others
    )
    style = "".join(path.read_text("utf-8") for path in STYLES)
    return f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{html.escape(title)}</title>
<style>
{style}</style>
<main class="notes">
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
    """Render Markdown as GitHub would; a Gantt diagram becomes a chart, signs become letters."""
    rendered = _DIAGRAM.sub(_drawn, markdown.rendered(text))
    for sign, (kind, drawn) in SIGNS.items():
        rendered = rendered.replace(sign, f'<b class="{kind}">{drawn}</b>')
    return rendered


def _drawn(diagram: re.Match[str]) -> str:
    return chart(list(bars(html.unescape(diagram[1]))))


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
        f'<div class="wide chart" role="region" aria-label="Chart" tabindex="0">'
        f'<svg class="gantt" viewBox="0 0 {WIDE} {high}" role="img" aria-label="{said}">'
        + "".join(lines)
        + "</svg></div>\n"
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
