"""A release's files: store them, and return their digests."""

import asyncio
import hashlib
import re
from pathlib import Path

from aiohttp import web
from aiohttp.http_exceptions import PayloadEncodingError

from rehearsal.github.auth import Caller
from rehearsal.github.call import Call, Endpoints, nothing, reply
from rehearsal.github.errors import ApiError, Json, invalid, not_found, unprocessable
from rehearsal.github.hub import Hub
from rehearsal.github.people import node_id, user
from rehearsal.github.store import Asset, Release, now

endpoints = Endpoints()
uploads = Endpoints()

CHUNK = 1 << 16
BINARY = "application/octet-stream"


@endpoints.on("GET", "/releases/{release}/assets")
async def list_assets(call: Call) -> web.Response:
    """List a release's files."""
    release = release_in(call, call.number("release"))
    files = assets_of(call.hub, release.id)
    return call.listing(files, lambda asset: show_asset(call.hub, asset, release.public_tag))


@endpoints.on("GET", "/releases/assets/{asset}")
async def get_asset(call: Call) -> web.StreamResponse:
    """Return a file's data, or with `Accept: application/octet-stream` the file itself."""
    asset, release = asset_in(call)
    if BINARY in call.request.headers.get("Accept", ""):
        return download(call.hub, asset)
    return reply(show_asset(call.hub, asset, release.public_tag))


@endpoints.on("DELETE", "/releases/assets/{asset}", needs="contents:write")
async def delete_asset(call: Call) -> web.Response:
    """Delete a file."""
    asset, release = asset_in(call)
    check_mutable(release)
    remove(call.hub, asset)
    return nothing()


@uploads.on("POST", "/releases/{release}/assets", needs="contents:write")
async def upload(call: Call) -> web.Response:
    """Store a file.

    It takes its name with the first byte, and is a `starter` until the last. The lock is held only
    at both ends, so that a slow upload does not block others.
    """
    async with call.hub.lock:
        asset, release = begin(call)
    new = call.hub.store.asset_file(asset.id).with_suffix(".new")
    try:
        size, digest = await receive(call.request, new)
        async with call.hub.lock:
            finish(call.hub, asset, new, size, digest)
    finally:
        new.unlink(missing_ok=True)
    shown = show_asset(call.hub, asset, release.public_tag)
    return reply(shown, 201, {"Location": shown["url"]})


def begin(call: Call) -> tuple[Asset, Release]:
    """Reserve a name for a file that is about to arrive."""
    release = release_in(call, call.number("release"))
    check_mutable(release)
    if not call.query("name"):
        raise invalid("ReleaseAsset", "name", "missing_field")
    name, moment = asset_name(call.query("name")), now()
    check_free(call.hub, release.id, name)
    asset = Asset(
        id=call.hub.store.new_id(),
        release=release.id,
        name=name,
        label=call.query("label") or None,
        content_type=call.request.headers.get("Content-Type", BINARY),
        uploader=call.caller.name,
        created_at=moment,
        updated_at=moment,
    )
    call.state.assets[asset.id] = asset
    call.hub.store.save()
    return asset, release


async def receive(request: web.Request, file: Path) -> tuple[int, str]:
    """Write a request's body to a file; return its size and digest; raise 400 if it was cut."""
    digest, size = hashlib.sha256(), 0
    try:
        with file.open("wb") as target:
            async for chunk in request.content.iter_chunked(CHUNK):
                digest.update(chunk)
                size += len(chunk)
                await asyncio.to_thread(target.write, chunk)
    except (ConnectionError, PayloadEncodingError) as error:
        raise ApiError(400, "Bad Size: the upload ended early") from error
    if request.content_length not in (None, size):
        raise ApiError(400, "Bad Size: the upload ended early")
    return size, f"sha256:{digest.hexdigest()}"


def finish(hub: Hub, asset: Asset, new: Path, size: int, digest: str) -> None:
    """Make a file that has arrived part of its release, if both are still there to take it."""
    release = hub.state.releases.get(asset.release)
    if release is None or asset.id not in hub.state.assets:
        raise not_found()
    check_mutable(release)
    new.replace(hub.store.asset_file(asset.id))
    asset.state, asset.size, asset.digest, asset.updated_at = "uploaded", size, digest, now()
    hub.store.save()


def check_mutable(release: Release) -> None:
    """Raise 422 if the release's files are fixed."""
    if release.immutable:
        raise unprocessable("Cannot upload assets to an immutable release.")


def check_free(hub: Hub, release: int, name: str, besides: int | None = None) -> None:
    """Raise 422 if the release has a file of this name, even one that never arrived whole."""
    if any(a.name == name and a.id != besides for a in assets_of(hub, release)):
        raise invalid("ReleaseAsset", "name", "already_exists")


def asset_name(wanted: str) -> str:
    """Return the name a file gets: anything but letters, digits and `._+-` becomes a dot.

    Consecutive dots become one, a name does not end with a dot, and a name that would begin with
    one gets `default` before it. GitHub documents only that it renames; this is its observed
    behaviour.
    """
    name = re.sub(r"[^A-Za-z0-9_+-]+", ".", wanted).rstrip(".")
    return f"default{name}" if name.startswith(".") else name or "default"


def assets_of(hub: Hub, release: int) -> list[Asset]:
    """Return a release's files in the order they came."""
    return [asset for asset in hub.state.assets.values() if asset.release == release]


def remove_assets(hub: Hub, release: int) -> None:
    """Delete all of a release's files."""
    for asset in assets_of(hub, release):
        remove(hub, asset)


def remove(hub: Hub, asset: Asset) -> None:
    """Delete one file."""
    del hub.state.assets[asset.id]
    hub.store.asset_file(asset.id).unlink(missing_ok=True)


def release_in(call: Call, number: int) -> Release:
    """Return a release by id, if it exists for the caller."""
    release = call.state.releases.get(number)
    if release is None or not may_see(release, call.caller):
        raise not_found()
    return release


def may_see(release: Release, caller: Caller) -> bool:
    """Return whether a release exists for a caller: a draft does for those who may write only."""
    return not release.draft or caller.may("contents")


def asset_in(call: Call) -> tuple[Asset, Release]:
    """Return the file in the path and its release, if they exist for the caller."""
    asset = call.state.assets.get(call.number("asset"))
    if asset is None:
        raise not_found()
    return asset, release_in(call, asset.release)


def download(hub: Hub, asset: Asset) -> web.FileResponse:
    """Return a file's bytes and count the download."""
    if asset.state != "uploaded":
        raise not_found()
    asset.download_count += 1
    hub.store.save()
    headers = {
        "Content-Type": asset.content_type,
        "Content-Disposition": f"attachment; filename={asset.name}",
        "X-Content-Type-Options": "nosniff",
    }
    return web.FileResponse(hub.store.asset_file(asset.id), headers=headers)


def show_asset(hub: Hub, asset: Asset, tag: str) -> Json:
    """Return a file in GitHub's form."""
    return {
        "url": hub.settings.api(f"/releases/assets/{asset.id}"),
        "id": asset.id,
        "node_id": node_id("ReleaseAsset", asset.id),
        "name": asset.name,
        "label": asset.label or "",
        "uploader": user(hub.settings, asset.uploader),
        "content_type": asset.content_type,
        "state": asset.state,
        "size": asset.size,
        "digest": asset.digest,
        "download_count": asset.download_count,
        "created_at": asset.created_at,
        "updated_at": asset.updated_at,
        "browser_download_url": hub.settings.html(f"/releases/download/{tag}/{asset.name}"),
    }
