"""Cut a release's section out of Unreleased, as a list of edits to the original text."""

import re

from packaging.version import Version

from scripts.core.changelog import links
from scripts.core.changelog.glance import names_are_fine
from scripts.core.changelog.groups import merged
from scripts.core.changelog.markdown import Span, definition, definitions
from scripts.core.changelog.problems import says_something, uncuttable
from scripts.core.changelog.sections import (
    TITLE,
    YANKED,
    Changelog,
    Section,
    parse,
    parse_top,
    version_key,
)
from scripts.core.errors import ProblemsError

_ATX = re.compile(r"(?P<hashes>#+[ \t]+)(?P<title>.*?)(?P<closing>[ \t]+#+)?", re.S)
Edit = tuple[Span, str]


def cut(
    text: str,
    version: Version,
    date: str,
    *,
    tag: str,
    previous_tag: str | None,
    repository_url: str | None = None,
    path: str = "CHANGELOG.md",
) -> str:
    """Turn what stands under Unreleased into the section of `version`, dated `date` (ISO 8601).

    The heading is written as the file writes its others, a fresh Unreleased stays above it, and
    compare links are maintained if the file has them. A final version takes in the sections of its
    candidates: groups of the same title become one, and the candidates' headings go.

    Raises UsageError, with the line: Unreleased is missing, empty or there twice; two headings of
    one version; the version has a heading already; a heading such as `## Added` that cuts the
    section in two. Several are raised together, as ProblemsError.
    """
    log = parse_top(text, path)
    if not names_are_fine(text, version, log.hidden):
        log = parse(text, path)
    candidates = _candidates(log, version)
    errors = list(uncuttable(log, version, candidates))
    if errors:
        raise errors[0] if len(errors) == 1 else ProblemsError(errors)
    step = links.Step(tag, previous_tag, repository_url)
    like = _example(log)
    title = _title(log, like, version, date, step)
    edits = _definitions(log, like, title, step)
    edits += _section(log, _heading(log, title, step), candidates)
    return _edited(text, edits)


def _candidates(log: Changelog, version: Version) -> list[Section]:
    """List the sections that a final version takes in, newest first as they stand."""
    if version.is_prerelease:
        return []
    # Only what starts as the final version does is worth reading as a version.
    start = version_key(version)
    like = [part for part in log.sections if part.key and part.key.startswith(start)]
    return [
        part
        for part in like
        if (known := part.version) and known.is_prerelease and known.release == version.release
    ]


def _example(log: Changelog) -> Section | None:
    """Choose the heading to imitate: the newest one with a date, else the newest one."""
    versions = [part for part in log.sections if part.key]
    dated = (part for part in versions if part.dated)
    return next(dated, versions[0] if versions else None)


# The new heading.


def _title(
    log: Changelog,
    like: Section | None,
    version: Version,
    date: str,
    step: links.Step,
) -> str:
    found = TITLE.match(like.title) if like else None
    if found is None:
        bracketed = log.unreleased[0].title.startswith("[")
        return f"[{version}] - {date}" if bracketed else f"{version} - {date}"
    inline = (found["link"] or "").startswith("(")
    url = links.of_version(found["link"][1:-1], step) if inline else None
    link = f"({url})" if url else ""
    return f"{found['before']}{version}{found['after']}{link}{_dated(found['rest'], date)}"


def _dated(like: str, date: str) -> str:
    """Write the date with the signs that stand around another one: ` - DATE`, ` (DATE)`."""
    like = YANKED.sub("", like)
    if not re.search(r"\d", like):
        return ""
    between = re.match(r"\W*", like)
    before = between[0] if between else " - "
    return before + date + (")" if "(" in before else "")


def _heading(log: Changelog, title: str, step: links.Step) -> tuple[str, str]:
    """Write the two headings, Unreleased's with its link renewed and the version's, alike."""
    span = log.unreleased[0].heading
    old = log.text[span.start : span.stop]
    inline = re.search(r"\]\((?P<url>[^()\s]+)\)", old)
    if inline:
        url = links.of_unreleased(inline["url"], step)
        fresh = old[: inline.start("url")] + url + old[inline.end("url") :]
    else:
        fresh = old
    if found := _ATX.fullmatch(old):
        return fresh, f"{found['hashes']}{title}{found['closing'] or ''}"
    underline = old.rstrip()[-1] * max(len(title), 3)
    return fresh, f"{title}{log.newline}{underline}"


# The new section.


def _section(log: Changelog, headings: tuple[str, str], candidates: list[Section]) -> list[Edit]:
    fresh, dated = headings
    unreleased, newline = log.unreleased[0], log.newline
    if not candidates:
        return [(unreleased.heading, f"{fresh}{newline * 2}{dated}")]
    parts = [own(log, unreleased), *(own(log, part) for part in candidates)]
    bodies = [log.text[span.start : span.stop] for span in parts]
    body = merged([body for body in bodies if says_something(body)], newline)
    gone: list[Edit] = [
        (Span(part.heading.start, own.stop), "")
        for part, own in zip(candidates, parts[1:], strict=True)
    ]
    follows = _edited(log.text, [(Span(0, parts[0].stop), ""), *gone]).strip()
    end = newline * (2 if follows else 1)
    text = f"{fresh}{newline * 2}{dated}{newline * 2}{body}{end}"
    return [(Span(unreleased.heading.start, parts[0].stop), text), *gone]


def own(log: Changelog, part: Section) -> Span:
    """Tell where a section's own text ends: before the link definitions that end the file."""
    body, stop = part.body(log.text), part.content.stop
    for found in reversed(definitions(body, ())):
        end = part.content.start + found.span.stop
        if log.text[end:stop].strip():
            break
        stop = part.content.start + found.span.start
    return Span(part.content.start, stop)


# The link definitions.


def _definitions(
    log: Changelog,
    like: Section | None,
    title: str,
    step: links.Step,
) -> list[Edit]:
    """Renew Unreleased's definition and add the version's, in a file that defines such links."""
    label = _label(title)
    unreleased = definition(log.text, "unreleased", log.hidden)
    known = definition(log.text, _label(like.title) or "", log.hidden) if like else None
    edits: list[Edit] = []
    if unreleased:
        edits.append((unreleased.url_span, links.of_unreleased(unreleased.url, step)))
    beside = unreleased or known
    if beside is None or label is None or definition(log.text, label, log.hidden):
        return edits
    url = links.of_version((known if known else beside).url, step)
    if url is None:
        return edits
    line = links.defined(beside, log.text, label, url)
    if unreleased:
        edits.append((Span(beside.span.stop, beside.span.stop), log.newline + line))
    else:
        edits.append((Span(beside.span.start, beside.span.start), line + log.newline))
    return edits


def _label(title: str) -> str | None:
    """Tell which definition a heading such as `[0.2.3] - date` refers to; None if to none."""
    found = TITLE.match(title)
    if not found or "[" not in found["before"] or found["link"]:
        return None
    return str(found["before"].rpartition("[")[2] + found["version"]).strip()


def _edited(text: str, edits: list[Edit]) -> str:
    parts, position = [], 0
    for span, new in sorted(edits):
        parts += [text[position : span.start], new]
        position = span.stop
    return "".join([*parts, text[position:]])
