"""Headings are found where CommonMark finds them: another implementation of it is the judge."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from scripts.core.changelog.markdown import definition, scan

Found = list[tuple[int, int, str]]
COMMONMARK = MarkdownIt("commonmark")
DEFINING = MarkdownIt("commonmark", {"inline_definitions": True})


def by_commonmark(text: str) -> Found:
    """List level, line and title of every heading that stands in nothing else."""
    tokens = COMMONMARK.parse(text)
    return [
        (int(token.tag[1]), token.map[0], " ".join(tokens[at + 1].content.split()))
        for at, token in enumerate(tokens)
        if token.type == "heading_open" and token.level == 0 and token.map
    ]


def line(text: str, position: int) -> int:
    return len(re.findall(r"\r\n?|\n", text[:position]))


def by_scan(text: str) -> Found:
    return [
        (head.level, line(text, head.span.start), " ".join(head.title.split()))
        for head in scan(text).headings
    ]


words = st.sampled_from(["Unreleased", "[0.2.3] - 2024-01-01", "Added", "v1.0", "a # b", "x_y", ""])
inside = st.lists(
    st.sampled_from(["## [9.9.9] - 2030-01-01", "# x", "text", "---", "9.9.9\n===", "- item"]),
    max_size=3,
).map("\n".join)


def blocks() -> st.SearchStrategy[str]:
    """Make one block of Markdown; headings inside of others must not be found."""
    return st.one_of(
        st.builds("{}{} {}{}".format, *_atx()),
        st.builds("\n{}\n{}".format, st.sampled_from(["0.2.3", "A b\n c"]), _underlines()),
        st.builds("{0}{1}\n{2}\n{0}{1}".format, _indents(), st.just("```"), inside),
        st.builds("~~~~ sh\n{}\n~~~\n~~~~~".format, inside),
        st.builds("<!--\n{}\n-->".format, inside),
        st.builds("<!-- {} -->".format, words),
        st.builds("<pre>\n\n{}\n</pre>".format, inside),
        st.builds("\n<details>\n# not a heading\n\n{}\n</details>\n".format, words),
        st.builds("- a\n\n  ```\n  {}\n  ```".format, words.map(lambda word: f"## {word}")),
        st.builds("- a\n  - b\n\n    ```\n    # {}\n    ```".format, words),
        st.builds("1. a\n\n   ## {}\n".format, words),
        st.builds("- a\n\n  0.2.3\n  -----\n".format),
        st.builds("> # {}\n".format, words),
        st.builds("\n    ## {}\n".format, words),
        st.builds("\n[{}]: https://example.org".format, st.sampled_from(["a", "0.2.3"])),
        st.sampled_from(["text", "####### x", "#x", "***", "\n---\n", "- item", "| a |\n|---|"]),
    )


def _atx() -> tuple[st.SearchStrategy[str], ...]:
    marks = st.integers(1, 6).map("#".__mul__)
    return _indents(), marks, words, st.sampled_from(["", " ##", "#", " \t"])


def _indents() -> st.SearchStrategy[str]:
    return st.integers(0, 3).map(" ".__mul__)


def _underlines() -> st.SearchStrategy[str]:
    return st.sampled_from(["=", "-", "=====", "-----  "])


documents = st.builds(
    lambda parts, gap, newline: gap.join(parts).replace("\n", newline),
    st.lists(blocks(), max_size=8),
    st.sampled_from(["\n\n", "\n\n\n"]),
    st.sampled_from(["\n", "\r\n"]),
)


@given(documents)
def test_headings_are_those_of_commonmark(text: str) -> None:
    assert by_scan(text) == by_commonmark(text)


@given(documents)
def test_spans_hold_the_headings_and_nothing_else(text: str) -> None:
    for head in scan(text).headings:
        raw = text[head.span.start : head.span.stop]
        assert by_commonmark(raw) == [(head.level, 0, " ".join(head.title.split()))]
        assert not raw.endswith(("\n", "\r"))


@given(documents, st.sampled_from(["a", "0.2.3"]))
def test_one_definition_is_found_as_among_all(text: str, label: str) -> None:
    hidden = scan(text).hidden
    every = [found for found in scan(text, definitions=True).definitions if found.label == label]
    assert definition(text, label, hidden) == (every[0] if every else None)


@given(st.text(alphabet="#-=`~<>![]() \t\n\rab1.", max_size=60))
def test_any_text_can_be_scanned(text: str) -> None:
    for head in scan(text).headings:
        assert 0 <= head.span.start < head.span.stop <= len(text)


@pytest.mark.parametrize(
    ("text", "titles"),
    [
        ("\ufeff# A\n## B", ["A", "B"]),
        ("\ufeffA\n===\n", ["A"]),
        ("---\ntitle: x\n---\n# A\n", ["A"]),
        ("---\n\ntext\n\n---\n# A\n", ["A"]),
        ("- a\n  ```\n## B\n", ["B"]),
        ("- a\n  <!--\n## B\n", ["B"]),
        ("- a\nlazy\n===\n## B\n", ["B"]),
        ("> a\nlazy\n---\n## B\n", ["B"]),
        ("##\tB\n", ["B"]),
        ("a `code\n## B\n", ["B"]),
        ("```a`b\n## B\n", ["B"]),
    ],
)
def test_odd_places_of_headings(text: str, titles: list[str]) -> None:
    assert [head.title for head in scan(text).headings] == titles


@pytest.mark.parametrize(
    ("text", "closed"),
    [
        ("```\n# a\n", False),
        ("```\n# a\n```", True),
        ("````\n```\n", False),
        ("~~~\n```\n", False),
        ("<!-- a\n\n# b", False),
        ("<!-- a -->\n# b", True),
        ("- a\n  ```\n  b\nc", True),
        ("<div>\na", True),
        ("<x>\na", True),
    ],
)
def test_what_never_ends_is_told(text: str, closed: bool) -> None:
    assert [lines.closed for lines in scan(text).hidden] == [closed]


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("[0.2.3]: https://a/b", "https://a/b"),
        ("x\n\n  [0.2.3]:https://a/b  \r\n", "https://a/b"),
        ("[0.2.3]:\n  https://a/b", "https://a/b"),
        ('[0.2.3]: <https://a/b> "title"', "<https://a/b>"),
        ("[V]: x\n[0.2.3]: https://a/b", "https://a/b"),
    ],
)
def test_definitions_are_read_in_every_layout(text: str, url: str) -> None:
    found = definition(text, "0.2.3", [])
    assert found
    assert found.url == url
    assert text[found.url_span.start : found.url_span.stop] == url
    assert found in scan(text, definitions=True).definitions


@pytest.mark.parametrize("text", ["```\n[a]: b\n```\n", "```\n\n[a]: b\n```\n"])
def test_definitions_in_code_are_none(text: str) -> None:
    assert scan(text, definitions=True).definitions == []
    assert definition(text, "a", scan(text).hidden) is None


def test_text_that_follows_code_is_read_after_it_however_often_it_is_cut() -> None:
    """A block of code or HTML reaches across the lines at which the text is split."""
    code = "```\n" + "# a\n" * 20 + "```\n"
    html = "<div>\n" + "# a\n" * 5 + "\n"
    text = f"# A\n{code}# B\n{html}# C\n<!--\n{'# a' + chr(10)}-->\n# D\n"
    assert [head.title for head in scan(text).headings] == ["A", "B", "C", "D"]
    assert by_scan(text) == by_commonmark(text)


fragments = st.sampled_from(
    [
        *("# a\n", "## b\n", " # c\n", "\t# t\n", "# x #\n", "#\n", "    code\n", "text\n", "\n"),
        *("```\n", "~~~\n", "  ```\n", "> ```\n", "- ```\n", "- item\n", "  - n\n", "1. x\n"),
        *("<!--\n", "-->\n", "a --> b\n", "`<!--`\n", "<div>\n", "</div>\n", "<a>\n", "<pre>\n"),
        *("</pre>\n", "<?x\n", "?>\n", "<!X\n", "> q\n", "---\n", "===\n", "\r"),
        *("[a]: b\n", "[a]:\n", "'t\n", "[u]: c\n"),
    ]
)


@given(st.lists(fragments, max_size=14).map("".join), st.sampled_from(["\n", "\r\n"]))
def test_whatever_is_split_is_read_as_one_reading_of_it_all_does(text: str, newline: str) -> None:
    text = "x\n\n" + text.replace("\n", newline)
    assert by_scan(text) == by_commonmark(text)
    tokens = [token for token in DEFINING.parse(text) if token.map]
    found = scan(text, definitions=True)
    assert [(line(text, one.span.start), one.label) for one in found.definitions] == [
        (token.map[0], token.meta["label"]) for token in tokens if token.type == "definition"
    ]
    assert [line(text, one.span.start) for one in found.hidden] == [
        token.map[0] for token in tokens if token.type in ("fence", "html_block")
    ]
