"""Markdown as GitHub shows it (GitHub Docs, Basic writing and formatting syntax).

It applies only the HTML for folding and for line breaks, hides comments, and shows other HTML as
text.
"""

import html
import re
from collections.abc import Sequence
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

STYLE = Path(__file__).with_name("markdown.css")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_USED = re.compile(r"&lt;(/?(?:details|summary)|br ?/?)&gt;")
_ALERT = re.compile(r"\[!(NOTE|TIP|IMPORTANT|WARNING|CAUTION)\][ \t]*(?:\n|\Z)")
_ALIGNED = re.compile(r'style="text-align:(\w+)"')
_CELL = re.compile(r"<t[dh][ >].*?</t[dh]>", re.DOTALL)
_LONG = re.compile(r"(?<=>)[^<]{20,}(?=<)")
"""The text of a cell that may be too wide for a narrow screen."""
_JOINT = re.compile(r"(?<=[/_:=@+-])(?=\w)|(?<=\.)(?=[^\W\d])")
_DIGEST = re.compile(r"[0-9a-f]{32,}")


def rendered(text: str) -> str:
    """Return Markdown as HTML without scripts and without styles."""
    found = _ALIGNED.sub(r'align="\1"', str(_PARSER.render(text)))
    found = _CELL.sub(lambda cell: _LONG.sub(_jointed, cell[0]), found)
    wide = '<div class="wide" role="region" aria-label="Table" tabindex="0"><table>'
    return found.replace("<table>", wide).replace("</table>", "</table></div>")


def _jointed(text: re.Match[str]) -> str:
    """Allow line breaks within long words, and after every 16 digits of a digest."""
    found = _DIGEST.sub(lambda one: "<wbr>".join(re.findall(".{1,16}", one[0])), text[0])
    return _JOINT.sub("<wbr>", found)


def _alerts(state: StateCore) -> None:
    """Make an alert of each quote whose first line names its kind."""
    for quote, _, first in zip(state.tokens, state.tokens[1:], state.tokens[2:], strict=False):
        if quote.type == "blockquote_open" and (found := _ALERT.match(first.content)):
            quote.meta["alert"] = found[1].capitalize()
            first.content = first.content[found.end() :]


def _quote(
    renderer: RendererHTML,
    tokens: Sequence[Token],
    index: int,
    options: OptionsDict,
    _: EnvType,
) -> str:
    if kind := tokens[index].meta.get("alert"):
        return f'<blockquote class="alert {kind.lower()}">\n<p class="kind">{kind}</p>\n'
    return renderer.renderToken(tokens, index, options, {})


def _harmless(
    _: RendererHTML, tokens: Sequence[Token], index: int, __: OptionsDict, ___: EnvType
) -> str:
    shown = html.escape(_COMMENT.sub("", tokens[index].content), quote=False)
    return _USED.sub(r"<\1>", shown)


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    parser.core.ruler.after("block", "alerts", _alerts)
    parser.add_render_rule("blockquote_open", _quote)
    parser.add_render_rule("html_block", _harmless)
    parser.add_render_rule("html_inline", _harmless)
    return parser


_PARSER = _parser()
