"""Cut a release's section out of Unreleased, as a list of edits to the original text."""

import re

from packaging.version import Version

from scripts.core.changelog import headings, links
from scripts.core.changelog.groups import merged
from scripts.core.changelog.markdown import Span, definition, scan
from scripts.core.changelog.problems import says_something, uncuttable
from scripts.core.changelog.sections import Changelog, Section, parse, version_key
from scripts.core.changelog.titles import titled
from scripts.core.errors import Place, ProblemsError, UsageError

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
    """Turn the text under Unreleased into the section of `version`, dated `date` (ISO 8601).

    The heading is written as the file writes its others, a fresh Unreleased stays above it, and
    compare links are maintained if the file has them. A final version takes in the sections of its
    candidates: groups of the same title become one, and the candidates' headings go. The result is
    read back: its sections are those of before and the new one, with the text that was meant.

    Raises UsageError, with the line: Unreleased is missing, empty or there twice; the newest
    version has two headings; the version has a heading already; a heading such as `## Added` cuts
    the section in two; no heading names a version; the new heading could not be read again. Several
    are raised together, as ProblemsError.
    """
    log = parse(text, path)
    candidates = _candidates(log, version)
    match list(uncuttable(log, version, candidates)):
        case [error]:
            raise error
        case [_, *_] as errors:
            raise ProblemsError(errors)
    step = links.Step(tag, previous_tag, repository_url)
    like = headings.example(log)
    title = headings.title(log, str(version), date, step)
    new = headings.written(log, like or log.pending, title)
    edits = _definitions(log, like, title, step)
    edits += _section(log, (_fresh(log, step), new), candidates)
    after = _edited(text, edits)
    _read_back(log, after, version, candidates, edits)
    return after


def _candidates(log: Changelog, version: Version) -> list[Section]:
    """List the sections that a final version includes, in the order of the file."""
    if version.is_prerelease:
        return []
    # Only a name that starts like the final version is read as a version.
    start = version_key(version)
    like = [part for part in log.sections if part.key and part.key.startswith(start)]
    return [
        part
        for part in like
        if (known := part.version) and known.is_prerelease and known.release == version.release
    ]


def _fresh(log: Changelog, step: links.Step) -> str:
    """Write Unreleased's heading again, with its link renewed."""
    span = log.pending.heading
    old = log.text[span.start : span.stop]
    inline = re.search(r"\]\((?P<url>[^()\s]+)\)", old)
    if inline is None:
        return old
    url = links.of_unreleased(inline["url"], step)
    return old[: inline.start("url")] + url + old[inline.end("url") :]


def _read_back(
    before: Changelog, after: str, version: Version, candidates: list[Section], edits: list[Edit]
) -> None:
    """Reject a text that does not read back as the old sections and one new one in its place.

    The text below the newest old section did not change, so it is not read again.
    """
    at = before.sections.index(before.pending) + 1
    below = [part for part in before.sections[at:] if part not in candidates]
    stop = below[1].heading.start if below[1:] else len(before.text)
    stop += sum(len(new) - (span.stop - span.start) for span, new in edits if span.stop <= stop)
    log = parse(after[:stop], before.path)
    new, others = log.sections[at : at + 1], log.sections[:at] + log.sections[at + 1 :]
    same = list(map(_told, others)) == list(map(_told, [*before.sections[:at], *below[:1]]))
    if same and new and new[0].keys == (version_key(version),):
        return
    like = headings.example(before) or before.pending
    raise UsageError(
        f"the heading of {version}, written like that in line {like.line}, could not be read again",
        f"write the heading in line {like.line} in a plain form, such as `## [{like.name}] - DATE`",
        Place(before.path, like.line, 1),
    )


def _told(part: Section) -> str:
    return "Unreleased" if part.unreleased else part.title


# The new section.


def _section(log: Changelog, headings: tuple[str, str], candidates: list[Section]) -> list[Edit]:
    fresh, dated = headings
    unreleased, newline = log.pending, log.newline
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
    """Return where a section's text ends: before the link definitions at the file's end."""
    body, stop = part.body(log.text), part.content.stop
    for found in reversed(scan(body, definitions=True).definitions):
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
    found = titled(title)
    return found.label if found else None


def _edited(text: str, edits: list[Edit]) -> str:
    parts, position = [], 0
    for span, new in sorted(edits):
        parts += [text[position : span.start], new]
        position = span.stop
    return "".join([*parts, text[position:]])
