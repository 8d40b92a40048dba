"""Releases: listing, drafting, publishing, changing, deleting."""

import secrets

from aiohttp import web

from rehearsal.github.assets import may_see, release_in, remove_assets
from rehearsal.github.auth import Caller
from rehearsal.github.call import Call, Endpoints, nothing, reply
from rehearsal.github.errors import invalid, not_found
from rehearsal.github.git import ZERO
from rehearsal.github.latest import choose_latest, latest, publish
from rehearsal.github.release_rules import check, check_immutable, published
from rehearsal.github.release_views import show_release, url_of
from rehearsal.github.store import Release, State, now

endpoints = Endpoints()
DISCUSSION_CATEGORIES = ("Announcements", "General", "Ideas", "Polls", "Q&A", "Show and tell")
"""The categories of a repository with new discussions (GitHub Docs, Categories)."""


@endpoints.on("GET", "/releases")
async def list_releases(call: Call) -> web.Response:
    """List releases, newest first; drafts for writers only."""
    return call.listing(
        visible(call.state, call.caller), lambda release: show_release(call.hub, release)
    )


@endpoints.on("POST", "/releases", needs="contents:write")
async def create_release(call: Call) -> web.Response:
    """Make a draft, or a release that is public at once."""
    moment = now()
    release = Release(
        id=0,
        tag_name=call.text("tag_name"),
        target_commitish=call.text("target_commitish", call.settings.default_branch),
        name=call.text("name", "") or None,
        body=call.text("body", "") or None,
        draft=call.flag("draft", False),
        prerelease=call.flag("prerelease", False),
        author=call.caller.name,
        untagged=f"untagged-{secrets.token_hex(10)}",
        created_at=moment,
        updated_at=moment,
        make_latest=make_latest_of(call, "true"),
    )
    await check(call, release)
    release.created_at, new_tag = await tag_of(call, release)
    await make_tag(call, release, new_tag)
    release.id = call.hub.store.new_id()
    call.state.releases[release.id] = release
    if not release.draft:
        publish(call.hub, release)
    return reply(show_release(call.hub, release), 201, {"Location": url_of(call.hub, release)})


@endpoints.on("GET", "/releases/latest")
async def get_latest(call: Call) -> web.Response:
    """Return the release that is marked Latest."""
    release = latest(call.state)
    if release is None:
        raise not_found()
    return reply(show_release(call.hub, release))


@endpoints.on("GET", "/releases/tags/{tag:.+}")
async def get_by_tag(call: Call) -> web.Response:
    """Return the published release of a tag; drafts are not found by tag, whoever asks."""
    release = published(call.state, call.part("tag"))
    if release is None:
        raise not_found()
    return reply(show_release(call.hub, release))


@endpoints.on("GET", "/releases/{release}")
async def get_release(call: Call) -> web.Response:
    """Return a release by id."""
    return reply(show_release(call.hub, release_of(call)))


@endpoints.on("PATCH", "/releases/{release}", needs="contents:write")
async def update_release(call: Call) -> web.Response:
    """Change a release; a draft that stops being one is published."""
    release = release_of(call)
    wanted = changed(call, release)
    if release.immutable:
        check_immutable(release, wanted)
    else:
        await check(call, wanted)
        wanted.created_at, new_tag = await tag_of(call, wanted)
        await make_tag(call, wanted, new_tag)
    call.state.releases[release.id] = wanted
    if release.draft and not wanted.draft:
        publish(call.hub, wanted)
    elif call.has("make_latest"):
        choose_latest(call.state, wanted)
    return reply(show_release(call.hub, wanted))


@endpoints.on("DELETE", "/releases/{release}", needs="contents:write")
async def delete_release(call: Call) -> web.Response:
    """Delete a release and its files; its git tag stays."""
    release = release_of(call)
    del call.state.releases[release.id]
    remove_assets(call.hub, release.id)
    if call.state.latest == release.id:
        call.state.latest = None
    return nothing()


def release_of(call: Call) -> Release:
    """Return the release in the path."""
    return release_in(call, call.number("release"))


def visible(state: State, caller: Caller) -> list[Release]:
    """Return the releases that exist for a caller, newest first."""
    shown = [release for release in state.releases.values() if may_see(release, caller)]
    return sorted(shown, key=lambda release: (release.created_at, release.id), reverse=True)


def make_latest_of(call: Call, default: str) -> str:
    """Return the body's `make_latest`."""
    value = call.text("make_latest", default)
    if value not in ("true", "false", "legacy"):
        raise invalid("Release", "make_latest", "invalid")
    return value


def changed(call: Call, release: Release) -> Release:
    """Return the release as the body wants it."""
    draft = call.flag("draft", release.draft)
    default = "true" if release.draft else release.make_latest
    return Release(
        **vars(release)
        | {
            "tag_name": call.text("tag_name", release.tag_name),
            "target_commitish": call.text("target_commitish", release.target_commitish),
            "name": call.text("name", release.name or "") or None,
            "body": call.text("body", release.body or "") or None,
            "draft": draft,
            "prerelease": call.flag("prerelease", release.prerelease),
            "make_latest": make_latest_of(call, default),
            "updated_at": now(),
            "discussion": release.discussion or _discussion(call),
        }
    )


def _discussion(call: Call) -> int | None:
    """Open the discussion that the body asks for; its category must be there."""
    category = call.text("discussion_category_name", "")
    if category and category not in DISCUSSION_CATEGORIES:
        raise invalid("Release", "discussion_category_name", "invalid")
    return call.state.new_number() if category else None


async def tag_of(call: Call, release: Release) -> tuple[str, str | None]:
    """Return a release's date, which is its commit's, and the commit for a tag still to be made.

    With an existing tag `target_commitish` is not used; without one it must name a commit.
    """
    existing = await call.git.revision(f"refs/tags/{release.tag_name}^{{commit}}")
    commit = existing or await call.git.commit(release.target_commitish)
    if commit is None:
        raise invalid("Release", "target_commitish", "invalid")
    if release.draft:
        return release.created_at, None
    date = await call.git.text(
        "show", "--no-patch", "--format=%cd", "--date=format-local:%Y-%m-%dT%H:%M:%SZ", commit
    )
    return date, None if existing else commit


async def make_tag(call: Call, release: Release, commit: str | None) -> None:
    """Make the tag that publishing makes."""
    if commit is not None:
        await call.git.update_ref(f"refs/tags/{release.tag_name}", commit, ZERO)
