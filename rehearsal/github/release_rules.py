"""The rules for releases: the 422s and the 403 of creating and changing one."""

from rehearsal.github.call import Call
from rehearsal.github.errors import ApiError, Json, fault, forbidden, invalid
from rehearsal.github.push_rules import CREATION_REFUSED
from rehearsal.github.store import Release, State
from rehearsal.github.workflow_files import touches_workflows


def published(state: State, tag: str) -> Release | None:
    """Return the published release of a tag."""
    candidates = state.releases.values()
    return next((r for r in candidates if r.tag_name == tag and not r.draft), None)


def check_immutable(release: Release, wanted: Release) -> None:
    """Raise 422 if anything changes except title, notes and the marks Latest and Pre-release.

    GitHub's documents name only "assets and tag" as immutable, so the marks may still change here.
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
        raise forbidden(call.caller.described, "workflows", "write")


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
    """Return the errors for a tag that a published release cannot have."""
    general = {"resource": "Release", "code": "custom"}
    return [
        fault("Release", "tag_name", "custom", message),
        general | {"message": "Published releases must have a valid tag"},
    ]
