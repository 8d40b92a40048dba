"""Releases: drafts, publishing, which one is the latest, what immutability forbids."""

import secrets

from aiohttp import web
from packaging.version import InvalidVersion, Version

from rehearsal.github.assets import may_see, release_in, remove_assets, show_asset
from rehearsal.github.auth import Caller
from rehearsal.github.call import Call, Endpoints, nothing, reply
from rehearsal.github.errors import ApiError, Json, fault, forbidden, invalid, not_found
from rehearsal.github.git import ZERO
from rehearsal.github.hub import Hub
from rehearsal.github.people import node_id, user
from rehearsal.github.push_rules import CREATION_REFUSED
from rehearsal.github.store import Release, State, now
from rehearsal.github.workflow_files import touches_workflows

endpoints = Endpoints()


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
    """Take a release and its files away; its git tag stays."""
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


def published(state: State, tag: str) -> Release | None:
    """Return the published release of a tag."""
    candidates = state.releases.values()
    return next((r for r in candidates if r.tag_name == tag and not r.draft), None)


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
        }
    )


def check_immutable(release: Release, wanted: Release) -> None:
    """Raise 422 if more changes than title, notes and the marks Latest and Pre-release.

    That the marks may still move is a reading of «assets and tag»: GitHub's documents say no more.
    """
    for field in ("tag_name", "target_commitish", "draft"):
        if getattr(release, field) != getattr(wanted, field):
            message = f"{field} cannot be changed on an immutable release"
            raise invalid("Release", field, "custom", message)


async def check(call: Call, release: Release) -> None:
    """Raise 422 for a tag that can't be this release's, 403 for workflow files beyond the token."""
    if not release.tag_name.strip():
        raise invalid("Release", "tag_name", "missing_field")
    if not await call.git.well_formed(f"refs/tags/{release.tag_name}"):
        raise ApiError(422, "Validation Failed", bad_tag("tag_name is not a valid tag"))
    if not release.draft:
        check_tag_is_free(call.state, release)
    target = await call.git.commit(release.target_commitish)
    if target and not call.caller.may("workflows") and await touches_workflows(call.hub, target):
        raise forbidden()


def check_tag_is_free(state: State, release: Release) -> None:
    """Raise 422 if another published release has the tag, or an immutable one ever had it."""
    other = published(state, release.tag_name)
    if other is not None and other.id != release.id:
        raise invalid("Release", "tag_name", "already_exists")
    if other is None and release.tag_name in state.burned_tags:
        refused = "pre_receive Repository rule violations found\n\n" + CREATION_REFUSED
        errors = [fault("Release", "pre_receive", "custom", refused)]
        errors += bad_tag("tag_name was used by an immutable release")
        raise ApiError(422, "Validation Failed", errors)


def bad_tag(message: str) -> list[Json]:
    """Return the errors for a tag that no release can be published with."""
    general = {"resource": "Release", "code": "custom"}
    return [
        fault("Release", "tag_name", "custom", message),
        general | {"message": "Published releases must have a valid tag"},
    ]


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
    """Return the release marked Latest, else the newest that may be it, by date, then version.

    A draft or a pre-release never is; nor one that was published with `make_latest: "false"`.
    """
    marked = state.releases.get(state.latest or 0)
    if marked is not None and may_be_latest(marked):
        return marked
    candidates = [r for r in state.releases.values() if may_be_latest(r)]
    candidates = [r for r in candidates if r.make_latest != "false"]
    return max(candidates, key=lambda r: (r.created_at, version_of(r.tag_name)), default=None)


def may_be_latest(release: Release) -> bool:
    """Return whether a release can be the latest at all."""
    return not release.draft and not release.prerelease


def version_of(tag: str) -> Version:
    """Return a tag's version; a tag without one is lower than all."""
    try:
        return Version(tag)
    except InvalidVersion:
        return Version("0.dev0")


def url_of(hub: Hub, release: Release) -> str:
    """Return a release's REST address."""
    return hub.settings.api(f"/releases/{release.id}")


def show_release(hub: Hub, release: Release) -> Json:
    """Return a release in GitHub's form."""
    settings, url = hub.settings, url_of(hub, release)
    files = [asset for asset in hub.state.assets.values() if asset.release == release.id]
    archive = None if release.draft else release.tag_name
    return {
        "url": url,
        "assets_url": f"{url}/assets",
        "upload_url": settings.upload(f"/releases/{release.id}/assets{{?name,label}}"),
        "html_url": settings.html(f"/releases/tag/{release.public_tag}"),
        "id": release.id,
        "author": user(settings, release.author),
        "node_id": node_id("Release", release.id),
        "tag_name": release.tag_name,
        "target_commitish": release.target_commitish,
        "name": release.name,
        "draft": release.draft,
        "immutable": release.immutable,
        "prerelease": release.prerelease,
        "created_at": release.created_at,
        "updated_at": release.updated_at,
        "published_at": release.published_at,
        "assets": [show_asset(hub, asset, release.public_tag) for asset in files],
        "tarball_url": archive and settings.api(f"/tarball/{archive}"),
        "zipball_url": archive and settings.api(f"/zipball/{archive}"),
        "body": release.body,
    }
