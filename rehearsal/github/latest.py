"""Publishing, and which release bears the mark Latest."""

from packaging.version import InvalidVersion, Version

from rehearsal.github.hub import Hub
from rehearsal.github.store import Release, State, now


def publish(hub: Hub, release: Release) -> None:
    """Do what happens at the moment a release becomes public."""
    release.published_at = now()
    if hub.settings.immutable_releases:
        release.immutable = True
        hub.state.burned_tags.append(release.tag_name)
    choose_latest(hub.state, release)


def choose_latest(state: State, release: Release) -> None:
    """Move the mark Latest as the release's `make_latest` says."""
    if release.make_latest == "true" and may_be_latest(release):
        state.latest = release.id
    elif release.make_latest == "legacy" or state.latest == release.id:
        state.latest = None


def latest(state: State) -> Release | None:
    """Return the release marked Latest, or else the newest candidate, by date, then version.

    A draft, a pre-release and a release published with `make_latest: "false"` are not candidates.
    """
    marked = state.releases.get(state.latest or 0)
    if marked is not None and may_be_latest(marked):
        return marked
    candidates = [r for r in state.releases.values() if may_be_latest(r)]
    candidates = [r for r in candidates if r.make_latest != "false"]
    return max(candidates, key=lambda r: (r.created_at, version_of(r.tag_name)), default=None)


def may_be_latest(release: Release) -> bool:
    """Return whether a release can be the latest."""
    return not release.draft and not release.prerelease


def version_of(tag: str) -> Version:
    """Return a tag's version; a tag without one is lower than all."""
    try:
        return Version(tag)
    except InvalidVersion:
        return Version("0.dev0")
