"""The blocks of a Markdown text that matter to a changelog, by position in the original text.

Read as CommonMark reads them: ATX and setext headings, and what hides a heading: fenced code, HTML
blocks, comments, the inside of list items. Nothing is rendered and nothing is normalised, so a
text can be edited at these positions and stay the same everywhere else.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple


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
    """Lines that Markdown does not read as text. `closed` is false where the end is missing."""

    span: Span
    closed: bool


class Blocks(NamedTuple):
    """What `scan` found, in the order of the text."""

    headings: list[Heading]
    hidden: list[Hidden]


# A line that matters starts with one of few signs. To look for the newline before it and for those
# first makes the search some times faster than `^`: most lines of a changelog do not matter.
_START = r"\n(?=[#`~<=\- \ufeff])\ufeff? {0,3}"
_OTHERS = (
    r"(?P<fence>`{3,}(?=[^`\n]*(?:\n|\Z))|~{3,})|(?P<html><)"
    r"|(?P<under>=+|-(?! \S)-*)[ \t]*\r?(?=\n|\Z)"
)
_ATX = r"(?P<atx>%s)(?P<title>[ \t][^\n]*|\r?(?=\n|\Z))"
_EVERY_LEVEL = re.compile(rf"{_START}(?:{_ATX % '#{1,6}'}|{_OTHERS})")
# Third-level headings matter only where they name a version; most are "### Added".
_HIGH = r"#{1,2}|#{3}(?=[ \t]+\[?(?:[vV]?\d|[uU]nreleased))"
_SECTIONS = re.compile(rf"{_START}(?:{_ATX % _HIGH}|{_OTHERS})")
_HIDING = re.compile(rf"\n(?=[`~< \ufeff])\ufeff? {{0,3}}(?:{_OTHERS})")
_CLOSING_HASHES = re.compile(r"(?:^|[ \t]+)#+$")

_LIST_ITEM = re.compile(r"[ \t]*(?:[-+*]|\d{1,9}[.)])(?:[ \t]+|\r?$)")
# What stands behind a list item's mark without starting a paragraph that could go on below.
_NO_PARAGRAPH = re.compile(r"\s*(?:$|`{3}|~{3}|#{1,6}(?:\s|$)|<)")
_NESTED = -1
_QUOTE = re.compile(r" {0,3}>")
_RULE = re.compile(r" {0,3}(?:(?:-[ \t]*){3,}|(?:\*[ \t]*){3,}|(?:_[ \t]*){3,})\r?$")
_DEFINITION = re.compile(
    r"^\ufeff? {0,3}\[(?P<label>(?:[^\[\]\\\n]|\\.)+)\]:"
    r"[ \t]*(?:\r?\n[ \t]*)?(?P<url><[^<>\n]*>|[^\s<]\S*)"
    r"""(?:[ \t]+(?:"[^"\n]*"|'[^'\n]*'|\([^()\n]*\)))?[ \t]*(?=\r?$)""",
    re.MULTILINE,
)
# CommonMark's HTML blocks, kind by kind: how they start, and what ends them.
_ENDED_BY_TEXT = tuple(
    (re.compile(begins, re.I), re.compile(ends, re.I))
    for begins, ends in (
        (r"<(?:script|pre|style|textarea)(?=[\s>]|$)", "</(?:script|pre|style|textarea)>"),
        ("<!--", "-->"),
        (r"<\?", r"\?>"),
        (r"<!\[(?-i:CDATA)\[", r"\]\]>"),
        ("<![A-Za-z]", ">"),
    )
)
_BLOCK_TAG = re.compile(
    r"</?(?:address|article|aside|base|basefont|blockquote|body|caption|center|col|colgroup|dd|details|dialog|dir|div"
    r"|dl|dt|fieldset|figcaption|figure|footer|form|frame|frameset|h[1-6]|head|header|hr|html|iframe|legend|li|link"
    r"|main|menu|menuitem|nav|noframes|ol|optgroup|option|p|param|search|section|summary|table|tbody|td|tfoot|th"
    r"|thead|title|tr|track|ul)(?=[\s/>]|$)",
    re.I,
)
_LONE_TAG = re.compile(r"<(?:/[A-Za-z][\w-]*\s*|[A-Za-z][\w-]*(?:\s+[^<>]*)?/?)>[ \t]*\r?$")
_BLANK_LINE = re.compile(r"\n[ \t\r]*(?=\n|\Z)")


def scan(text: str, *, every_level: bool = False) -> Blocks:
    """Find the headings outside of code, HTML and lists.

    Without `every_level` only those that can head a changelog's section: the first two levels, and
    the third where it starts with a version.
    """
    found = Scan(text, every_level=every_level)
    return Blocks(list(found), found.hidden)


def definitions(text: str, hidden: Sequence[Hidden]) -> list[Definition]:
    """List the link reference definitions outside of `hidden` lines."""
    return [
        _defined(found)
        for found in _DEFINITION.finditer(text)
        if not _covers(hidden, found.start())
    ]


def definition(text: str, label: str, hidden: Sequence[Hidden]) -> Definition | None:
    """Find one label's definition, whatever its case, without reading all others."""
    for mark in re.finditer(rf"\[{re.escape(label)}\]:", text, re.I):
        start = text.rfind("\n", 0, mark.start()) + 1
        found = _DEFINITION.match(text, start)
        if found and found.start("label") == mark.start() + 1 and not _covers(hidden, start):
            return _defined(found)
    return None


def _defined(found: re.Match[str]) -> Definition:
    return Definition(found["label"], found["url"], Span(*found.span()), Span(*found.span("url")))


def _covers(hidden: Sequence[Hidden], position: int) -> bool:
    return any(lines.span.start <= position < lines.span.stop for lines in hidden)


class Scan:
    """One pass over a text, heading by heading, as far as it is asked for.

    `hidden` are the lines found up to there, `position` the end of the last of them.
    """

    def __init__(self, text: str, *, every_level: bool = False) -> None:
        # A newline in front lets the first line be found as every other; positions are one less.
        self.text = "\n" + text
        self.marks = _EVERY_LEVEL if every_level else _SECTIONS
        self.headings: list[Heading] = []
        self.hidden: list[Hidden] = []
        self.position = 0

    def __iter__(self) -> Iterator[Heading]:
        """Find the headings, one after another."""
        self._front_matter()
        for mark in self.marks.finditer(self.text):
            if mark.start() >= self.position and (heading := self._read(mark)):
                self.headings.append(heading)
                yield heading

    def hide_rest(self) -> list[Hidden]:
        """Find the hidden lines below the last heading without finding any more headings."""
        start = self.headings[-1].span.stop + 1 if self.headings else 0
        for mark in _HIDING.finditer(self.text, start):
            if mark.start() >= self.position and mark.lastgroup != "under":
                self._hide(mark)
        return self.hidden

    def _read(self, mark: re.Match[str]) -> Heading | None:
        if mark.lastgroup == "title":
            return self._atx(mark)
        if mark.lastgroup == "under":
            return self._setext(mark)
        self._hide(mark)
        return None

    def _front_matter(self) -> None:
        found = re.match(r"\n\ufeff?---[ \t]*\r?\n(?:.*\S.*\n)*?---[ \t]*\r?(?=\n|\Z)", self.text)
        if found:
            self._add_hidden(0, found.end(), closed=True)

    def _atx(self, mark: re.Match[str]) -> Heading | None:
        before, stop = mark.span()  # `before` is the heading's start in the text as it was given
        if self._inside_list(before + 1):
            return None
        hashes, written = mark.group("atx", "title")
        title = written.strip(" \t\r")
        if title.endswith("#"):
            title = _CLOSING_HASHES.sub("", title)
        stop -= 1 + written.endswith("\r")
        before += before == 0 and self.text.startswith("\ufeff", 1)
        return Heading(len(hashes), title, Span(before, stop))

    def _setext(self, mark: re.Match[str]) -> Heading | None:
        """Read the paragraph above an underline, if that is what the line is."""
        under = mark.start() + 1
        start = self._paragraph_start(under)
        if start is None or start == _NESTED or self._inside_list(start):
            return None
        level = 1 if mark["under"].startswith("=") else 2
        lines = self.text[start : under - 1].lstrip("\ufeff").split("\n")
        title = " ".join(line.strip(" \t\r") for line in lines)
        start += self.text[start] == "\ufeff"
        stop = mark.end() - self.text.endswith("\r", under, mark.end())
        return Heading(level, title, Span(start - 1, stop - 1))

    def _paragraph_start(self, under: int) -> int | None:
        """Find where the paragraph above `under` starts; None if none is, _NESTED in a list."""
        floor = self._floor()
        start = None
        for at in self._lines_above(under):
            line = self.text[at : self._line_end(at)]
            if at <= floor or not line.strip() or _RULE.match(line):
                break
            if nested := _LIST_ITEM.match(line) or _QUOTE.match(line):
                if _NO_PARAGRAPH.match(line, nested.end()):
                    break
                return _NESTED
            start = at
        return start if start is None else self._paragraph_only(start, under)

    def _floor(self) -> int:
        """Tell where the last heading or hidden lines end; no paragraph reaches across."""
        ends = [heading.span.stop + 1 for heading in self.headings[-1:]]
        ends += [lines.span.stop + 1 for lines in self.hidden[-1:]]
        return max(ends, default=0)

    def _paragraph_only(self, start: int, under: int) -> int | None:
        """Skip the indented code and the link definitions that a paragraph may follow at once."""
        while start < under:
            found = _DEFINITION.match(self.text, start, under - 1)
            if not found and not self.text.startswith(("    ", "\t"), start):
                return start
            start = self._line_end(found.end() if found else start) + 1
        return None

    def _hide(self, mark: re.Match[str]) -> None:
        start = mark.start() + 1
        self.position = self._line_end(start)
        content = self._list_content(start) if self.text.startswith(" ", start) else 0
        limit = self._list_end(content)
        if mark["fence"] is not None:
            self._hide_until(_fence_end(mark["fence"], content), self.position, start, limit)
        else:
            self._hide_html(mark.start("html"), start, limit)

    def _hide_html(self, opened: int, start: int, limit: int) -> None:
        for begins, ends in _ENDED_BY_TEXT:
            if begins.match(self.text, opened):
                self._hide_until(ends, opened, start, limit)
                return
        lone = (
            _LONE_TAG.match(self.text[opened : self.position])
            and self._paragraph_start(start) is None
        )
        if lone or _BLOCK_TAG.match(self.text, opened):
            blank = _BLANK_LINE.search(self.text, self.position)
            stop = min(blank.start() if blank else len(self.text), limit)
            self._add_hidden(start, stop, closed=True)

    def _hide_until(self, ends: re.Pattern[str], search_from: int, start: int, limit: int) -> None:
        found = ends.search(self.text, search_from, limit)
        # The end of the list item ends what was opened in it.
        closed = bool(found) or limit < len(self.text)
        stop = self._line_end(found.end()) if found else limit
        self._add_hidden(start, stop, closed=closed)

    def _add_hidden(self, start: int, stop: int, *, closed: bool) -> None:
        self.position = stop
        self.hidden.append(Hidden(Span(max(start - 1, 0), max(stop - 1, 0)), closed))

    def _list_end(self, content: int) -> int:
        """Find where a list item ends that starts at a column; without one, the text's end."""
        if not content:
            return len(self.text)
        outside = re.compile(rf"\n {{0,{content - 1}}}(?=\S)").search(self.text, self.position)
        return outside.start() if outside else len(self.text)

    def _inside_list(self, start: int) -> bool:
        return self.text.startswith(" ", start) and self._list_content(start) > 0

    def _list_content(self, start: int) -> int:
        """Tell the column where the list item around an indented line starts; 0 if none is."""
        least = _indent(self.text[start : self._line_end(start)])
        below = least  # how far the line below is indented, if it may start a block
        for at in self._lines_above(start):
            if not least:
                return 0
            line = self.text[at : self._line_end(at)]
            hidden = [block.span for block in self.hidden[-2:] if _covers((block,), at - 1)]
            # Only a block's first line says where it belongs; others may be indented less.
            if hidden or not line.strip():
                least = below = min(least, below)
            if hidden and hidden[0].start < at - 1:
                continue
            if self._ends_lists(at, line):
                return 0
            item = _LIST_ITEM.match(line)
            if item and item.end() <= least:
                return item.end()
            below = _indent(line) if line.strip() else below
        return 0

    def _ends_lists(self, at: int, line: str) -> bool:
        if at < max((heading.span.stop + 1 for heading in self.headings[-1:]), default=0):
            return True
        unindented = not line.startswith(" ")
        return unindented and bool(_RULE.match(line) or _covers(self.hidden[-1:], at - 1))

    def _lines_above(self, start: int) -> Iterator[int]:
        while start > 1:
            start = self.text.rfind("\n", 0, start - 1) + 1
            yield start

    def _line_end(self, start: int) -> int:
        end = self.text.find("\n", start)
        return len(self.text) if end < 0 else end


@lru_cache(maxsize=64)
def _fence_end(fence: str, content: int) -> re.Pattern[str]:
    """Return what ends code that a fence opened, in a list item that starts at a column."""
    sign, count = re.escape(fence[0]), len(fence)
    return re.compile(rf"\n {{0,{3 + content}}}{sign}{{{count},}}[ \t]*\r?(?=\n|\Z)")


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
