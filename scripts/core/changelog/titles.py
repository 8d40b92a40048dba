"""The parts of a heading's title: a version with its link and date, or Unreleased."""

import re
from typing import NamedTuple

ISO_DATE = re.compile(r"\b\d{4}-\d{2}-\d{2}\b")
YANKED = re.compile(r"[ \t]*\[yanked\]", re.I)
TAG = re.compile(r"<[^<>]*>")
_NUMBERS = r"\d+(?:\.\d+)*\.\{[\d, ]+\}|\d+(?:\.\d+)+(?:[\w.+!-]*[^\W_])?"
# The first version in a title, with or without a `v`. Text in an HTML tag is skipped.
_NAME = re.compile(rf"<[^<>]*>|(?<![^\W_])(?<!\d\.)(?:v\.?\s?)?(?P<version>{_NUMBERS})", re.I)
_REST = re.compile(
    rf"(?P<joined>(?:[/,]\s?v?(?:{_NUMBERS}))*)"
    r"(?P<after>(?:[*_~`]|</[^<>]*>|\\?\])*)"
    r"(?P<link>(?<=\])(?:\([^()\s]*\)|\[[^\[\]]*\]))?(?P<rest>.*)",
    re.I | re.S,
)
_VERSION_WORDS = re.compile(r"\b(?:version|release|ver|rel|v)\b|<[^<>]*>", re.I)
_LETTER = re.compile(r"[^\W_]")
_WORD = re.compile(r"[^\W\d_]+|\d+")
_DATE_WORDS = re.compile(
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*|st|nd|rd|th|of|on|"
    r"released?|releasedate|unreleased|date|tbd|tba|t|z|utc|\d{1,8}",
    re.I,
)
_UNRELEASED = re.compile(r"(?:[^\w<]|_|<[^<>]*>)*+unreleased(?![^\W_])(?P<rest>.*)", re.I | re.S)
_TARGET = re.compile(r"(?<=\])\([^()]*\)")
_FEW = 500  # characters of a title that are read


class Title(NamedTuple):
    """A title that names a version, in parts: together they are the title again.

    `joined` are versions that directly follow the first one, as in `1.2.0/0.45b0`.
    """

    before: str
    version: str
    joined: str
    after: str
    link: str
    rest: str

    @property
    def first(self) -> bool:
        """Whether only punctuation and words such as "Version" come before the version."""
        return not _LETTER.search(_VERSION_WORDS.sub("", self.before))

    @property
    def alone(self) -> bool:
        """Whether only a date follows the version."""
        return _dates_only(self.rest)

    @property
    def date(self) -> str | None:
        """The date as written, an ISO date if there is one."""
        if iso := ISO_DATE.search(self.rest):
            return iso[0]
        words = TAG.sub("", YANKED.sub("", self.rest))
        letters = [found.start() for found in _LETTER.finditer(words)]
        return words[letters[0] : letters[-1] + 1] if letters else None

    @property
    def label(self) -> str | None:
        """The link definition that the title refers to: `0.2.3` of `[0.2.3] - date`."""
        opened = self.before.rfind("[")
        if opened < 0 or self.link or not self.after.startswith("]"):
            return None
        return self.before[opened + 1 :] + self.version + self.joined


def titled(title: str) -> Title | None:
    """Read a title; None if it does not name a version."""
    title = title[:_FEW]
    found = next((one for one in _NAME.finditer(title) if one["version"]), None)
    rest = _REST.match(title, found.end()) if found else None
    if found is None or rest is None:
        return None
    start = found.start("version")
    joined, after, link, more = rest.groups(default="")
    return Title(title[:start], found["version"], joined, after, link, more)


def unreleased(title: str) -> tuple[bool, bool]:
    """Tell whether a title says Unreleased, and whether it has only a date besides."""
    found = _UNRELEASED.match(title[:_FEW])
    return bool(found), bool(found and _dates_only(_TARGET.sub("", found["rest"])))


def _dates_only(text: str) -> bool:
    words = _WORD.findall(TAG.sub("", YANKED.sub("", text)))
    return all(_DATE_WORDS.fullmatch(word) for word in words)
