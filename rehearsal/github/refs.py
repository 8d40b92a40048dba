"""References: branches and tags as git keeps them."""

import re

from aiohttp import web

from rehearsal.github.auth import Caller
from rehearsal.github.call import Call, Endpoints, nothing, reply
from rehearsal.github.errors import Json, forbidden, not_found, unprocessable
from rehearsal.github.git import ZERO
from rehearsal.github.hub import Hub
from rehearsal.github.people import node_id
from rehearsal.github.protection import PULL_REQUEST_NEEDED, keeps_out
from rehearsal.github.push_rules import CREATION_REFUSED
from rehearsal.github.workflow_files import brings_workflows

endpoints = Endpoints()

FULL_NAME = re.compile(r"refs/[^/]+/.+")


@endpoints.on("GET", "/git/ref/{ref:.+}")
async def get_ref(call: Call) -> web.Response:
    """Return one reference by its name without `refs/`."""
    found = await refs_like(call.hub, f"refs/{call.part('ref')}", exact=True)
    if not found:
        raise not_found()
    return reply(show_ref(call.hub, *found[0]))


@endpoints.on("GET", "/git/matching-refs/{ref:.*}")
async def matching_refs(call: Call) -> web.Response:
    """List the references whose names begin so."""
    found = await refs_like(call.hub, f"refs/{call.part('ref')}", exact=False)
    return reply([show_ref(call.hub, *ref) for ref in found])


@endpoints.on("POST", "/git/refs", needs="contents:write")
async def create_ref(call: Call) -> web.Response:
    """Make a branch or tag."""
    ref, sha = call.text("ref"), call.text("sha")
    if not FULL_NAME.fullmatch(ref) or not await call.git.well_formed(ref):
        raise unprocessable("Reference name must start with 'refs' and have at least two slashes.")
    kind = await call.git.kind(sha)
    if kind is None:
        raise unprocessable("Object does not exist")
    if await call.git.ref(ref):
        raise unprocessable("Reference already exists")
    await check_new(call.hub, call.caller, ref, sha)
    await call.git.update_ref(ref, sha, ZERO)
    shown = show_ref(call.hub, ref, sha, kind)
    return reply(shown, 201, {"Location": shown["url"]})


@endpoints.on("PATCH", "/git/refs/{ref:.+}", needs="contents:write")
async def update_ref(call: Call) -> web.Response:
    """Move a branch or tag: forward, or with `force` anywhere."""
    ref, old = await existing(call)
    sha = call.text("sha")
    kind = await call.git.kind(sha)
    if kind is None:
        raise unprocessable("Object does not exist")
    check_may_move(call.hub, call.caller, ref)
    if not call.flag("force", False) and not await forward(call.hub, old, sha):
        raise unprocessable("Update is not a fast forward")
    await check_workflows(call.hub, call.caller, sha)
    await call.git.update_ref(ref, sha, old)
    return reply(show_ref(call.hub, ref, sha, kind))


@endpoints.on("DELETE", "/git/refs/{ref:.+}", needs="contents:write")
async def delete_ref(call: Call) -> web.Response:
    """Take a branch or tag away."""
    ref, _ = await existing(call)
    check_may_move(call.hub, call.caller, ref)
    branch = ref.removeprefix("refs/heads/")
    if branch == call.settings.default_branch:
        raise unprocessable("Cannot delete the default branch")
    if branch in call.state.protection:
        raise unprocessable("Cannot delete this protected branch")
    await call.git.delete_ref(ref)
    return nothing()


async def existing(call: Call) -> tuple[str, str]:
    """Return the reference in the path and what it holds; raise 422 if there is none."""
    ref = f"refs/{call.part('ref')}"
    sha = await call.git.ref(ref)
    if sha is None:
        raise unprocessable("Reference does not exist")
    return ref, sha


async def refs_like(hub: Hub, prefix: str, exact: bool) -> list[tuple[str, str, str]]:
    """Return name, object and its type of the references that are, or begin with, `prefix`."""
    # for-each-ref matches whole parts of a path, so the last part is compared here.
    folder = prefix.rpartition("/")[0]
    out = await hub.git.text(
        "for-each-ref", "--format=%(refname) %(objectname) %(objecttype)", folder
    )
    rows = [line.split(" ") for line in out.splitlines()]
    wanted = [r for r in rows if (r[0] == prefix if exact else r[0].startswith(prefix))]
    return [(name, sha, kind) for name, sha, kind in wanted]


async def forward(hub: Hub, old: str, new: str) -> bool:
    """Return whether moving from `old` to `new` loses nothing."""
    if await hub.git.kind(old) != "commit" or await hub.git.kind(new) != "commit":
        return False
    return await hub.git.ancestor(old, new)


async def check_new(hub: Hub, caller: Caller, ref: str, sha: str) -> None:
    """Raise 422 for a used-up tag name, 403 for workflow files beyond the token."""
    if ref.removeprefix("refs/tags/") in hub.state.burned_tags:
        raise unprocessable(f"Repository rule violations found\n\n{CREATION_REFUSED}")
    await check_workflows(hub, caller, sha)


def check_may_move(hub: Hub, caller: Caller, ref: str) -> None:
    """Raise 422 for the tag of an immutable release and for a branch behind pull requests."""
    tag = ref.removeprefix("refs/tags/")
    if any(r.immutable and r.tag_name == tag for r in hub.state.releases.values()):
        raise unprocessable("Cannot move or delete the tag of an immutable release.")
    if keeps_out(hub, caller, ref.removeprefix("refs/heads/")):
        raise unprocessable(PULL_REQUEST_NEEDED)


async def check_workflows(hub: Hub, caller: Caller, sha: str) -> None:
    """Raise 403 if a reference would bring workflow files that the token may not."""
    commit = await hub.git.revision(f"{sha}^{{commit}}")
    if commit and not caller.may("workflows") and await brings_workflows(hub, commit):
        raise forbidden(caller.described, "workflows", "write")


def show_ref(hub: Hub, ref: str, sha: str, kind: str) -> Json:
    """Return a reference in GitHub's form."""
    return {
        "ref": ref,
        "node_id": node_id("Ref", ref),
        "url": hub.settings.api(f"/git/{ref}"),
        "object": {"type": kind, "sha": sha, "url": hub.settings.api(f"/git/{kind}s/{sha}")},
    }
