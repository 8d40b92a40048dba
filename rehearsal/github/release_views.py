"""How GitHub shows a release."""

from rehearsal.github.assets import show_asset
from rehearsal.github.errors import Json
from rehearsal.github.hub import Hub
from rehearsal.github.people import node_id, user
from rehearsal.github.store import Release


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
        **_discussion(hub, release),
    }


def _discussion(hub: Hub, release: Release) -> Json:
    """Return the address of the release's discussion, if it has one."""
    number = release.discussion
    return {"discussion_url": hub.settings.html(f"/discussions/{number}")} if number else {}
