"""What a release says of its changes: its section of the changelog, or what the history has."""

from packaging.version import Version

from scripts.core import changelog
from scripts.core.commits import changes
from scripts.core.entries import Sources, entries
from scripts.release import history
from scripts.release.configuration import Config
from scripts.release.context import Context

FIRST = "The first release."
INTERNAL = "Only internal changes."


def body(
    context: Context, config: Config, commit: str, wanted: Version, previous: str | None
) -> str:
    """Return the section of `wanted` in `commit`, or the changes since `previous`, as Markdown."""
    if not config.keeps_changelog:
        return from_history(context, config, commit, previous)
    text = context.read_at(commit, config.changelog)
    return changelog.excerpt(text, changelog.section(text, wanted, config.changelog))


def from_history(context: Context, config: Config, commit: str, previous: str | None) -> str:
    """Write the entries of what `commit` has and `previous` has not.

    From git alone, so that every job writes the same.
    """
    if previous is None:
        return FIRST
    history.complete(context, commit, previous)
    found = changes(history.since(context, previous, commit))
    leave_out = config.draft
    sources = Sources(context.endpoints.page_url, leave_out.skip_authors, leave_out.skip_subjects)
    return changelog.preview("", entries(found, sources)).strip() or INTERNAL
