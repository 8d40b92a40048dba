"""One filter for every text that leaves the process: it hides secrets in every spelling."""

import base64
import json
import re
from collections.abc import Callable, Iterable, Iterator
from urllib.parse import quote, quote_plus

Clean = Callable[[str], str]
HIDDEN = "***"
SHORTEST = 4
"""The length of the shortest hidden secret: a shorter one is in every text."""
TELLING = 8
"""The shortest hidden piece of Base64: a shorter one reveals nothing and matches too much."""
# Of an address, `user:password@` and `token@` (RFC 3986, 3.2.1).
_USER = re.compile(r"(?<=://)[^\s/@]+@")


def cleaner(secrets: Iterable[str]) -> Clean:
    """Return the filter that hides these secrets, and the text before the `@` of an address."""
    found = {one for secret in secrets for one in spellings(secret)}
    longest = sorted(found, key=lambda one: (-len(one), one))
    # Include a text that never occurs, so that an empty list hides nothing.
    known = re.compile("|".join(map(re.escape, longest)) or "(?!)", re.IGNORECASE)
    return lambda text: _USER.sub(f"{HIDDEN}@", known.sub(HIDDEN, text))


def spellings(secret: str) -> Iterator[str]:
    """Yield a secret as programs write it: unchanged, stripped, escaped, percent-encoded, Base64.

    Base64 includes the secret as a part of a longer text, such as `user:secret` (RFC 7617).
    """
    import html  # noqa: PLC0415 - start-up counts

    for form in {secret, secret.strip()}:
        if len(form) >= SHORTEST:
            content = form.encode("utf-8", "surrogateescape")
            yield from (
                form,
                form.translate(_TEXT),
                form.translate(_PROPERTY),
                html.escape(form),
                html.escape(form, False),
            )
            yield from (repr(form)[1:-1], ascii(form)[1:-1], repr(content)[2:-1])
            yield from (json.dumps(form)[1:-1], json.dumps(form, ensure_ascii=False)[1:-1])
            yield from (quote(content, safe=""), quote(content), quote_plus(content))
            yield from (one for one in _base64(content) if len(one) >= TELLING)


# How a workflow command escapes its text, and its properties (GitHub Docs, Workflow commands).
_TEXT = {ord(sign): f"%{ord(sign):02X}" for sign in "%\r\n"}
_PROPERTY = {ord(sign): f"%{ord(sign):02X}" for sign in "%\r\n:,"}


def _base64(content: bytes) -> Iterator[str]:
    """Return the part that neighbours do not change: three bytes are four characters."""
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for before in range(3):
            text = encode(bytes(before) + content).decode()
            begin = (0, 2, 3)[before]
            end = len(text) - (0, 3, 2)[(before + len(content)) % 3]
            yield text[begin:end]
