"""The blocks of a Markdown text that matter to a changelog, by position in the original text.

markdown-it-py reads the text as CommonMark does: ATX and setext headings, link definitions, and all
that hides a heading: fenced code, HTML blocks, comments. It renders nothing, so a text can be
edited at these positions and keep all its other bytes.
"""

import re
from bisect import bisect
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token


class Span(NamedTuple):
    """A stretch of the text, from `start` up to but without `stop`."""

    start: int
    stop: int


class Heading(NamedTuple):
    """A heading: `span` holds all of it, underline included, without its line ending."""

    level: int
    title: str
    span: Span


class Definition(NamedTuple):
    """A link reference definition, `[label]: url`. `span` is without its line ending."""

    label: str
    url: str
    span: Span
    url_span: Span


class Hidden(NamedTuple):
    """Lines that Markdown does not read as text. `closed` is false if the end is missing."""

    span: Span
    closed: bool


class Blocks(NamedTuple):
    """The results of `scan`, in the order of the text."""

    headings: list[Heading]
    hidden: list[Hidden]
    definitions: list[Definition]


_LINE_END = re.compile(r"\r\n?|\n")
_FRONT_MATTER = re.compile(r"---[ \t]*\r?\n(?:.*\S.*\n)*?---[ \t]*\r?(?=\n|\Z)")
# A heading at the start of a line. It ends every block but code, a comment and HTML.
_ATX = re.compile(r"\n(#{1,6})(?=[ \t\r\n]|\Z)([^\n]*)")
_CLOSING_HASHES = re.compile(r"(?:^|[ \t]+)#+$")
# Text that may hide such a heading, or change how one is read, is split here. The literal
# starts make the search fast.
_NOTABLE = [
    re.compile(pattern)
    for pattern in (
        "<",
        "```",
        "~~~",
        r"\n(?: (?=[ #=-]) {0,2})(?:#|(?:-+|=+)[ \t]*\r?(?=\n|\Z))",
        r"\n-(?! \S)-*[ \t]*\r?(?=\n|\Z)",
        r"\n=+[ \t]*\r?(?=\n|\Z)",
        r"\r(?!\n)",
    )
]
_DEFINING = re.compile(r"\]:")
_INDENT = re.compile(r"(?:\A|\n)\ufeff? {0,3}\Z")
_ADDRESS = re.compile(r"\s*(<[^<>\n]*>|\S+)")
HIGH = 2  # the levels on which most changelogs have their versions
_ABOVE, _BELOW = 20, 3  # lines around a definition that are read to judge it alone


def scan(text: str, *, definitions: bool = False, deep: re.Pattern[str] | None = None) -> Blocks:
    """Find the headings outside of code, HTML, lists and quotes; the definitions if asked for.

    With `deep`, skip the headings below the second level in which it finds nothing.
    The text is split at the headings that start a line. markdown-it-py judges each piece that has
    more than plain lines in it, with as many pieces below as its last block may reach into.
    """
    found = Blocks([], _front_matter(text), [])
    start = found.hidden[-1].span.stop if found.hidden else int(text.startswith("\ufeff"))
    source, shift = "\n" + text[start:], start - 1
    marks = list(_ATX.finditer(source))
    edges = [0, *[mark.start() for mark in marks], len(source)]
    done = 0
    for piece in _notable(source, edges, definitions=definitions):
        if piece >= done:
            found.headings.extend(_plain(marks[max(done - 1, 0) : max(piece - 1, 0)], shift, deep))
            read, done = _read(source, edges, piece, shift)
            found.headings.extend(read.headings)
            found.hidden.extend(read.hidden)
            found.definitions.extend(read.definitions)
    found.headings.extend(_plain(marks[max(done - 1, 0) :], shift, deep))
    return found


def definition(text: str, label: str, hidden: Sequence[Hidden]) -> Definition | None:
    """Find one label's definition, whatever its case, without reading all others."""
    for mark in re.finditer(rf"\[{re.escape(label)}\]:", text, re.I):
        at = mark.start()
        if not _INDENT.search(text, max(at - 5, 0), at):
            continue
        near = _around(text, at)
        for found in _parsed(text[near.start : near.stop], near.start)[0].definitions:
            same = found.label.casefold() == label.casefold()
            if same and found.span.start <= at < found.span.stop and not covers(hidden, at):
                return found
    return None


def covers(hidden: Sequence[Hidden], position: int) -> bool:
    """Tell whether a position is in hidden lines, which are in the order of the text."""
    before = bisect(hidden, position, key=lambda lines: lines.span.start) - 1
    return before >= 0 and position < hidden[before].span.stop


def _front_matter(text: str) -> list[Hidden]:
    mark = int(text.startswith("\ufeff"))
    found = _FRONT_MATTER.match(text, mark)
    return [Hidden(Span(0, found.end()), closed=True)] if found else []


def _notable(source: str, edges: Sequence[int], *, definitions: bool) -> list[int]:
    """Number the pieces that are not plain."""
    patterns = [*_NOTABLE, _DEFINING] if definitions else _NOTABLE
    places = (mark.start() for pattern in patterns for mark in pattern.finditer(source))
    return sorted({bisect(edges, place) - 1 for place in places})


def _plain(
    marks: Iterable[re.Match[str]], shift: int, deep: re.Pattern[str] | None
) -> Iterator[Heading]:
    for mark in marks:
        before, after = mark.span(1)
        if deep and after - before > HIGH and not deep.search(mark.string, after, mark.end()):
            continue
        written = mark[2]
        title = written.strip(" \t\r")
        if title.endswith("#"):
            title = _CLOSING_HASHES.sub("", title)
        stop = mark.end() - written.endswith("\r")
        yield Heading(after - before, title, Span(before + shift, stop + shift))


def _read(source: str, edges: Sequence[int], piece: int, shift: int) -> tuple[Blocks, int]:
    """Read a piece and the pieces of its last block; return the number of the next piece."""
    count, last = 1, len(edges) - 1
    while True:
        stop = min(piece + count, last)
        start = edges[piece] + 1
        lines = source[start : edges[stop]].removesuffix("\r")
        found, ended = _parsed(lines, start + shift)
        if stop == last:
            return found, stop
        if ended:
            # The heading below ends an open list or quote.
            ends = [lines._replace(closed=True) for lines in found.hidden]
            return found._replace(hidden=ends), stop
        count *= 2


def _parsed(source: str, shift: int) -> tuple[Blocks, bool]:
    """Read blocks, and tell whether the last of them surely ends with the text given."""
    tokens = list["Token"]()
    lines = [*_LINE_END.split(source), ""]
    _reader().block.parse("\n".join(lines), _reader(), {}, tokens)
    starts = [shift, *(shift + end.end() for end in _LINE_END.finditer(source))]
    found, ended = Blocks([], [], []), True
    for at, token in enumerate(tokens):
        if not token.map or token.type not in ("heading_open", "definition", "fence", "html_block"):
            continue
        first, below = token.map
        span = Span(starts[first], starts[below - 1] + len(lines[below - 1]))
        if token.type == "heading_open" and token.level == 0:
            words = tokens[at + 1].content.split("\n")
            title = " ".join(word.strip(" \t") for word in words)
            found.headings.append(Heading(int(token.tag[1]), title, span))
        elif token.type == "definition":
            found.definitions.extend(_defined(source, shift, span, token.meta["label"]))
        elif token.type in ("fence", "html_block"):
            closed, certain = _closed(token, below < len(starts))
            found.hidden.append(Hidden(span, closed or below < len(lines) - 1))
            ended = certain or token is not tokens[-1]
    return found, ended


@cache
def _reader() -> "MarkdownIt":
    from markdown_it import MarkdownIt  # noqa: PLC0415 - verbs that read no changelog start faster

    return MarkdownIt("commonmark", {"inline_definitions": True})


def _closed(token: "Token", more: bool) -> tuple[bool, bool]:
    """Tell whether a block has an end, and whether no line below it can belong to it."""
    first, below = token.map or (0, 0)
    if token.type == "fence":
        closed = token.content.count("\n") == below - first - 2
        return closed, closed
    from markdown_it.rules_block.html_block import HTML_SEQUENCES  # noqa: PLC0415 - as below

    head, *_ = content = token.content.split("\n")
    ends = next(ends for begins, ends, _ in HTML_SEQUENCES if begins.search(head.strip()))
    if ends.pattern == "^$":  # The last two kinds end with a blank line, or with the text.
        return True, more
    closed = any(ends.search(line) for line in content)
    return closed, closed


def _defined(source: str, shift: int, span: Span, label: str) -> Iterator[Definition]:
    """Find the address in a definition, as it is written."""
    mark = source.find(f"[{label}]:", span.start - shift)
    if mark >= 0 and (url := _ADDRESS.match(source, mark + len(label) + 3)):
        yield Definition(label, url[1], span, Span(url.start(1) + shift, url.end(1) + shift))


def _around(text: str, at: int) -> Span:
    """Choose the lines that tell whether the one at a position is a definition."""
    start = stop = at
    for _ in range(_ABOVE):
        above = text.rfind("\n", 0, start) + 1
        if start != at and not text[above:start].strip():
            break
        start = max(above - 1, 0)
        if not above:
            break
    for _ in range(_BELOW):
        stop = text.find("\n", stop) + 1 or len(text)
    return Span(start, stop)
