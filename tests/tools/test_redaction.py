"""A secret is found in every spelling, and nothing else is touched."""

import base64
import html
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scripts.tools.error_output import _escape
from scripts.tools.redaction import HIDDEN, cleaner

SECRETS = st.text(min_size=8, max_size=60).filter(lambda text: len(text.strip()) >= 8)
SPELT = {
    "as it is": lambda text: text,
    "stripped": str.strip,
    "repr": repr,
    "ascii": ascii,
    "JSON": json.dumps,
    "JSON with every letter": lambda text: json.dumps(text, ensure_ascii=False),
    "HTML": html.escape,
    "percent": lambda text: quote(text, safe=""),
    "percent, lower case": lambda text: quote(text, safe="").lower(),
    "form": quote_plus,
    "workflow command": _escape,
    "bytes": lambda text: repr(text.encode()),
    "header": lambda text: f"{{'Authorization': {'token ' + text!r}}}",
}


@pytest.mark.parametrize("spelling", SPELT)
@settings(deadline=None)
@given(secret=SECRETS)
@example(secret="ghp_secret\n")
@example(secret="päss%wörd€")
@example(secret="a'b\"c\\d:,e f")
def test_every_spelling_is_hidden(spelling: str, secret: str) -> None:
    shown = cleaner([secret])(f"<<{SPELT[spelling](secret)}>>")
    assert HIDDEN in shown
    assert secret.strip() not in shown
    assert SPELT[spelling](secret) not in shown


@settings(deadline=None)
@given(
    secret=st.text(st.characters(codec="utf-8"), min_size=12),
    before=st.binary(max_size=5),
    after=st.binary(max_size=5),
)
def test_base64_is_hidden_wherever_the_secret_stands(
    secret: str, before: bytes, after: bytes
) -> None:
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        text = encode(before + secret.encode() + after).decode()
        shown = cleaner([secret])(text)
        assert HIDDEN in shown
        # Of the ends no more is left than what the neighbours made of them.
        assert len(shown) <= len(HIDDEN) + 4 * (len(before) + len(after)) // 3 + 10


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://user:pass@host/x", "https://***@host/x"),
        ("https://token@host/x", "https://***@host/x"),
        ("mari@example.org", "mari@example.org"),
        ("https://host/@mari/x", "https://host/@mari/x"),
        ("git@github.com:mari/thing", "git@github.com:mari/thing"),
    ],
)
def test_an_addresss_user_is_hidden_without_being_known(text: str, shown: str) -> None:
    assert cleaner([])(text) == shown


@settings(deadline=None)
@given(text=st.text())
def test_what_holds_no_secret_stays(text: str) -> None:
    if "://" not in text:
        assert cleaner(["s3cret-token", "", "abc"])(text) == text
