"""Write headings as a changelog writes its own: level, dress, brackets, link and date."""

import datetime
import re
import time
from itertools import islice

from scripts.core.changelog import links
from scripts.core.changelog.sections import Changelog, Section
from scripts.core.changelog.titles import ISO_DATE, YANKED, Title, titled

_ATX = re.compile(r"(?P<hashes> {0,3}#+[ \t]+)(?P<title>.*?)(?P<closing>[ \t]+#+)?[ \t]*", re.S)
_CLOSERS = re.compile(r"(?:[)\]*_~`]|\\\]|</[^<>]*>)*")
_EMPHASIS = re.compile(r"[*_~`]+\Z")
_MARKS_BEFORE = re.compile(r"(?:[^\w<>]|_|<[^<>]*>)*\Z")
_ANCHOR = re.compile(r"<a\b[^<>]*>\s*</a>\s*", re.I)
# Other date formats. Forms that may be read in two ways (03/04/2025) are not imitated.
_FORMS = (
    *("%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y", "%B %d, %Y", "%b %d, %Y"),
    *("%d %B %Y", "%d %b %Y", "%d %B, %Y", "%d %b, %Y", "%d. %B %Y", "%d. %B, %Y"),
)
_LATEST = 3  # headings that are looked through for one with a date
_ORDINAL = re.compile(r"(?<=\d)(?:st|nd|rd|th)\b")


def example(log: Changelog) -> Section | None:
    """Choose the heading to imitate: the newest with a date, of the latest of its level.

    A hotfix without a date must not hide the format of the others. Without any date: the newest.
    """
    newest = log.newest or next(iter(log.versions), None)
    if newest is None:
        return None
    later = (part for part in log.versions if part.line >= newest.line)
    beside = islice((part for part in later if part.level == newest.level), _LATEST)
    return next((part for part in beside if part.dated), newest)


def of_version(log: Changelog, version: str, date: str, step: links.Step | None = None) -> str:
    """Write the heading of a version, imitating `example`; `date` is ISO 8601."""
    like = example(log)
    return written(log, like or log.pending, title(log, version, date, step))


def of_unreleased(log: Changelog) -> str:
    """Write the heading of Unreleased on the level and in the brackets of `example`."""
    like = example(log)
    found = titled(like.title) if like else None
    plain = found and (found.label is None and not found.link)
    words = "Unreleased" if plain else "[Unreleased]"
    return written(log, like, words) if like else f"## {words}"


def title(log: Changelog, version: str, date: str, step: links.Step | None = None) -> str:
    """Write the title of a version as that of `example`; without one, as Unreleased's."""
    like = example(log)
    found = titled(like.title) if like else None
    if found is None:
        bracketed = not log.unreleased or log.pending.title.startswith("[")
        return f"[{version}] - {date}" if bracketed else f"{version} - {date}"
    inline = found.link.startswith("(") and step
    url = links.of_version(found.link.strip("()"), step) if inline and step else None
    link = f"({url})" if url else ""
    return f"{_before(found, version)}{version}{found.after}{link}{_dated(found, date)}"


def written(log: Changelog, like: Section, words: str) -> str:
    """Write a heading with this title in the form of another: its hashes, or its underline."""
    old = log.text[like.heading.start : like.heading.stop]
    if found := _ATX.fullmatch(old):
        return f"{found['hashes']}{words}{found['closing'] or ''}"
    return f"{words}{log.newline}{old.rstrip()[-1] * len(words)}"


def _before(like: Title, version: str) -> str:
    """Keep the text before the version; keep an anchor only if it can name the new version."""
    old = like.version + like.joined

    def renewed(found: re.Match[str]) -> str:
        return found[0].replace(old, version) if old in found[0] else ""

    return _ANCHOR.sub(renewed, like.before)


def _dated(like: Title, date: str) -> str:
    """Write the date in the format of another, with the same signs around it."""
    rest = YANKED.sub("", like.rest)
    found = like.date
    if not found or not re.search(r"\d", found) or found not in rest:
        return _closers(like, rest)
    before, _, after = rest.partition(found)
    signs = "".join(_MARKS_BEFORE.findall(before)) or " - "
    return signs + _formed(found, date) + _closers(like, after)


def _closers(like: Title, rest: str) -> str:
    """Return the signs that close what is open; behind a name, those that the title began with."""
    more = _CLOSERS.sub("", rest, count=1)
    opened = _EMPHASIS.search(like.before)
    ended = opened[0] if opened and more.rstrip().endswith(opened[0]) else ""
    return rest[: len(rest) - len(more)] + ended


def _formed(like: str, date: str) -> str:
    """Write an ISO date in the format of another one; unchanged if that format is unknown."""
    if not ISO_DATE.fullmatch(date):
        return date
    day = datetime.date.fromisoformat(date)
    form = next((form for form in _FORMS if _is_of(_ORDINAL.sub("", like), form)), None)
    if form is None:
        return date
    text = day.strftime(form)
    if not re.search(r"(?<!\d)0\d(?!\d)", like) and not form.startswith("%Y"):
        text = re.sub(r"\b0(?=\d\b)", "", text)
    if not _ORDINAL.search(like):
        return text
    ends = {1: "st", 2: "nd", 3: "rd", 21: "st", 22: "nd", 23: "rd", 31: "st"}
    return re.sub(rf"\b{day.day}\b", f"{day.day}{ends.get(day.day, 'th')}", text)


def _is_of(text: str, form: str) -> bool:
    try:
        time.strptime(text, form)
    except ValueError:
        return False
    return True
