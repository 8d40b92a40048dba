"""The repository itself, its labels, and those of its settings that can be read."""

from dataclasses import replace

from aiohttp import web

from rehearsal.github.auth import Caller
from rehearsal.github.call import Call, Endpoints, reply
from rehearsal.github.errors import Json, invalid, not_found
from rehearsal.github.hub import Hub
from rehearsal.github.people import identifier, node_id, user
from rehearsal.github.push_rules import TAG_PATTERN

endpoints = Endpoints()

# Addresses below the repository's own; those in braces are filled in by clients.
URLS = {
    "archive": "/{archive_format}{/ref}",
    "assignees": "/assignees{/user}",
    "blobs": "/git/blobs{/sha}",
    "branches": "/branches{/branch}",
    "collaborators": "/collaborators{/collaborator}",
    "comments": "/comments{/number}",
    "commits": "/commits{/sha}",
    "compare": "/compare/{base}...{head}",
    "contents": "/contents/{+path}",
    "contributors": "/contributors",
    "deployments": "/deployments",
    "downloads": "/downloads",
    "events": "/events",
    "forks": "/forks",
    "git_commits": "/git/commits{/sha}",
    "git_refs": "/git/refs{/sha}",
    "git_tags": "/git/tags{/sha}",
    "hooks": "/hooks",
    "issue_comment": "/issues/comments{/number}",
    "issue_events": "/issues/events{/number}",
    "issues": "/issues{/number}",
    "keys": "/keys{/key_id}",
    "labels": "/labels{/name}",
    "languages": "/languages",
    "merges": "/merges",
    "milestones": "/milestones{/number}",
    "notifications": "/notifications{?since,all,participating}",
    "pulls": "/pulls{/number}",
    "releases": "/releases{/id}",
    "stargazers": "/stargazers",
    "statuses": "/statuses/{sha}",
    "subscribers": "/subscribers",
    "subscription": "/subscription",
    "tags": "/tags",
    "teams": "/teams",
    "trees": "/git/trees{/sha}",
}
COUNTS = ("forks", "forks_count", "stargazers_count", "watchers", "watchers_count")
OPTIONS = {
    "fork": False,
    "archived": False,
    "disabled": False,
    "has_issues": True,
    "has_projects": False,
    "has_wiki": False,
    "has_pages": False,
    "has_downloads": True,
    "has_discussions": False,
    "is_template": False,
}
MERGING = {
    "allow_merge_commit": True,
    "allow_squash_merge": True,
    "allow_rebase_merge": True,
    "allow_auto_merge": False,
    "delete_branch_on_merge": False,
    "allow_update_branch": False,
}


@endpoints.on("GET", "")
async def get_repository(call: Call) -> web.Response:
    """Return the repository."""
    counts = {"subscribers_count": 0, "network_count": 0}
    body = show_repository(call.hub) | MERGING | counts
    if call.caller.login is not None:
        body["permissions"] = permissions(call.caller)
    return reply(body)


@endpoints.on("GET", "/labels")
async def list_labels(call: Call) -> web.Response:
    """List labels."""
    return call.listing(call.state.labels, lambda label: show_label(call.hub, label))


@endpoints.on("POST", "/labels", needs="issues:write")
async def create_label(call: Call) -> web.Response:
    """Make a label; two that differ in case only are one."""
    name = call.text("name")
    if find_label(call.hub, name):
        raise invalid("Label", "name", "already_exists")
    color, description = call.text("color", "ededed"), call.text("description", "") or None
    label = {"id": call.hub.store.new_id(), "name": name, "color": color}
    call.state.labels.append(label | {"description": description})
    shown = show_label(call.hub, call.state.labels[-1])
    return reply(shown, 201, {"Location": shown["url"]})


@endpoints.on("GET", "/labels/{label}")
async def get_label(call: Call) -> web.Response:
    """Return a label by name."""
    label = find_label(call.hub, call.part("label"))
    if label is None:
        raise not_found()
    return reply(show_label(call.hub, label))


@endpoints.on("GET", "/environments")
async def list_environments(call: Call) -> web.Response:
    """List the environments that deployments can wait for."""
    names = list(call.settings.environments)
    skip, size = call.bounds()
    shown = [show_environment(call.hub, name) for name in names[skip : skip + size]]
    return call.page({"total_count": len(names), "environments": shown}, len(names))


@endpoints.on("GET", "/immutable-releases", needs="administration:read")
async def get_immutable_releases(call: Call) -> web.Response:
    """Return whether published releases become immutable."""
    enabled = call.settings.immutable_releases
    return reply({"enabled": enabled, "enforced_by_owner": False})


@endpoints.on("GET", "/rules/branches/{branch:.+}")
async def list_branch_rules(call: Call) -> web.Response:
    """List what rulesets hold a branch to."""
    default = call.part("branch") == call.settings.default_branch
    rules = call.settings.branch_rules if default else ()
    owner = {"ruleset_source_type": "Repository", "ruleset_source": call.settings.full_name}
    return call.listing(rules, lambda kind: {"type": kind, **owner, "ruleset_id": 1})


@endpoints.on("GET", "/rulesets")
async def list_rulesets(call: Call) -> web.Response:
    """List the rulesets for tags, the only ones here."""
    wanted = "tag" in call.query("targets", "tag")
    names = list(call.settings.tag_rulesets) if wanted else []
    return call.listing(names, lambda name: show_ruleset(call, names.index(name)))


@endpoints.on("GET", "/rulesets/{ruleset:[0-9]+}")
async def get_ruleset(call: Call) -> web.Response:
    """Return a ruleset for tags, with its rules."""
    number, known = int(call.part("ruleset")) - 1, call.settings.tag_rulesets
    if number not in range(len(known)):
        raise not_found()
    rules = [{"type": kind} for kind in list(known.values())[number]]
    names = {"include": [TAG_PATTERN], "exclude": []}
    more = {"conditions": {"ref_name": names}, "rules": rules, "bypass_actors": []}
    return reply(show_ruleset(call, number) | more)


def show_ruleset(call: Call, number: int) -> Json:
    """Return a ruleset for tags in the form of lists."""
    return {
        "id": number + 1,
        "name": list(call.settings.tag_rulesets)[number],
        "source_type": "Repository",
        "source": call.settings.full_name,
        "target": "tag",
        "enforcement": "active",
        "node_id": node_id("Ruleset", number + 1),
    }


@endpoints.on("PUT", "/immutable-releases", needs="administration:write")
async def enable_immutable_releases(call: Call) -> web.Response:
    """Make the releases immutable that are published from now on."""
    return _immutable(call, enabled=True)


@endpoints.on("DELETE", "/immutable-releases", needs="administration:write")
async def disable_immutable_releases(call: Call) -> web.Response:
    """Leave the releases changeable that are published from now on."""
    return _immutable(call, enabled=False)


def _immutable(call: Call, *, enabled: bool) -> web.Response:
    call.hub.settings = replace(call.hub.settings, immutable_releases=enabled)
    return web.Response(status=204)


@endpoints.on("GET", "/actions/permissions/workflow", needs="administration:read")
async def get_workflow_permissions(call: Call) -> web.Response:
    """Return the default permissions of a workflow's own token."""
    may = call.settings.actions_may_open_pulls
    permissions = {"default_workflow_permissions": "read", "can_approve_pull_request_reviews": may}
    return reply(permissions)


def permissions(caller: Caller) -> dict[str, bool]:
    """Return a caller's rights in the terms for repositories.

    For an installation's token, such as a workflow's, GitHub always reports that it may not push.
    """
    person = not caller.name.endswith("[bot]")
    admin, push = person and caller.may("administration"), person and caller.may("contents")
    return {"admin": admin, "maintain": admin, "push": push, "triage": push, "pull": True}


def show_repository(hub: Hub) -> Json:
    """Return the repository in GitHub's form."""
    settings, state = hub.settings, hub.state
    number, html = identifier(settings.full_name), settings.html()
    open_pulls = sum(pull.closed_at is None for pull in state.pulls.values())
    return {
        "id": number,
        "node_id": node_id("Repository", number),
        "name": settings.name,
        "full_name": settings.full_name,
        "owner": user(settings, settings.owner),
        "description": settings.description or None,
        "default_branch": settings.default_branch,
        "url": settings.api(),
        **{f"{name}_url": settings.api(path) for name, path in URLS.items()},
        "html_url": html,
        "clone_url": f"{html}.git",
        "git_url": f"{html}.git",
        "ssh_url": f"{html}.git",
        "svn_url": html,
        **OPTIONS,
        **dict.fromkeys(COUNTS, 0),
        **dict.fromkeys(("homepage", "language", "license", "mirror_url")),
        "open_issues": open_pulls,
        "open_issues_count": open_pulls,
        "size": 0,
        "topics": [],
        "private": settings.private,
        "visibility": "private" if settings.private else "public",
        "created_at": state.created_at,
        "updated_at": state.pushed_at,
        "pushed_at": state.pushed_at,
    }


def find_label(hub: Hub, name: str) -> Json | None:
    """Return a label by name, in any case."""
    labels = hub.state.labels
    return next((label for label in labels if label["name"].lower() == name.lower()), None)


def show_label(hub: Hub, label: Json) -> Json:
    """Return a label in GitHub's form."""
    url = hub.settings.api(f"/labels/{label['name']}")
    return label | {"node_id": node_id("Label", label["id"]), "url": url, "default": False}


def show_environment(hub: Hub, name: str) -> Json:
    """Return an environment in GitHub's form, with its reviewers if it has any."""
    number, moment = identifier(name), hub.state.created_at
    people = [user(hub.settings, login) for login in hub.settings.environments[name]]
    reviewers = [{"type": "User", "reviewer": person} for person in people]
    rule = {"id": number, "node_id": node_id("Gate", number), "type": "required_reviewers"}
    rules = [rule | {"prevent_self_review": False, "reviewers": reviewers}] if people else []
    return {
        "id": number,
        "node_id": node_id("Environment", number),
        "name": name,
        "url": hub.settings.api(f"/environments/{name}"),
        "html_url": hub.settings.html(f"/deployments/{name}"),
        "created_at": moment,
        "updated_at": moment,
        "protection_rules": rules,
        "deployment_branch_policy": None,
    }
