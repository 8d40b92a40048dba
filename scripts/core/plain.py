"""Write others' text in Markdown: unchanged for the reader, without notifications."""

import re
import unicodedata

LONGEST = 200
"""The most characters of an entry; a longer subject is not a summary."""
# Text that needs no change, such as most commit messages.
_HARMLESS = re.compile(r"[A-Za-z0-9 ,.;'\"()/?=%]*")
_CODE = re.compile(r"(`[^`]+`)")
_URL = re.compile(r"(\bhttps?://[^\s<>`\\\"']*[^\s<>`\\\"'.,;:!?*_~()\[\]])")
_SPECIAL = re.compile(r"([\\`*_\[\]<>|&~$])")
# As GitHub finds them, and more: `x/@name` and `é@name` are mentions too.
_MENTION = re.compile(r"(?<![A-Za-z0-9])@([A-Za-z0-9_][\w-]*(?:/[\w-]+)?)")
_WORD = re.compile(r"[^\W\d_]+(?![\w./\\#@(])(?!:[^\s])|[^\W\d_]+\.(?!\S)")
_BLOCK = re.compile(r"(?:[#+=:-]|\d+(?=[.)]))")


def sentence(text: str) -> str:
    """Write a text so that it can begin an entry: a capital first, and no sign of a block.

    A name such as `read_file` or `iPhone` does not change.
    """
    shown = plain(text)
    if found := _BLOCK.match(shown):
        # A digit cannot be escaped, the sign behind a number can.
        at = found.end() if found[0].isdigit() else 0
        return f"{shown[:at]}\\{shown[at:]}"
    word = _WORD.match(shown)
    return shown[:1].upper() + shown[1:] if word and word[0].islower() else shown


def plain(text: str) -> str:
    """Write a text so that Markdown shows it unchanged and notifies nobody.

    Code between backticks stays code, control characters are removed, and a mention becomes code.
    Bytes that are not UTF-8 become the replacement character.
    """
    if len(text) <= LONGEST and _HARMLESS.fullmatch(text):
        return text.strip()
    shown = " ".join("".join(map(_visible, text[: 2 * LONGEST])).split())
    if len(shown) > LONGEST:
        shown = (shown[:LONGEST].rpartition(" ")[0] or shown[:LONGEST]) + " …"
    parts = _CODE.split(shown)
    # Every second piece is code.
    return "".join(part if i % 2 else _without_markup(part) for i, part in enumerate(parts))


def _visible(character: str) -> str:
    kind = unicodedata.category(character)
    if kind == "Cs":
        return "\ufffd"
    return " " if character.isspace() else "" if kind in ("Cc", "Cf", "Co") else character


def _without_markup(text: str) -> str:
    # Every second piece is an address, which may hold anything but what ends it.
    pieces = _URL.split(text)
    return "".join(f"<{one}>" if i % 2 else _escaped(one) for i, one in enumerate(pieces))


def _escaped(text: str) -> str:
    pieces = _MENTION.split(text)
    # Every second piece is a mentioned name: as code it notifies nobody.
    return "".join(
        f"`@{piece}`" if i % 2 else _SPECIAL.sub(r"\\\1", piece) for i, piece in enumerate(pieces)
    )
