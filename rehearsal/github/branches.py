"""Branches, and the rules that protect them."""

from aiohttp import web

from rehearsal.github.call import Call, Endpoints, reply
from rehearsal.github.commits import read_commits, show_commit
from rehearsal.github.errors import ApiError, Json, unprocessable
from rehearsal.github.hub import Hub

endpoints = Endpoints()

REQUIRED = (
    "required_status_checks",
    "enforce_admins",
    "required_pull_request_reviews",
    "restrictions",
)
SWITCHES = (
    "required_linear_history",
    "allow_force_pushes",
    "allow_deletions",
    "block_creations",
    "required_conversation_resolution",
    "lock_branch",
    "allow_fork_syncing",
)


@endpoints.on("PUT", "/branches/{branch:.+}/protection", needs="administration:write")
async def protect(call: Call) -> web.Response:
    """Protect a branch, or replace its protection."""
    branch, _ = await branch_in(call)
    for name in REQUIRED:
        if name not in call.fields:
            raise unprocessable(f'Invalid request.\n\n"{name}" wasn\'t supplied.')
    if call.fields["restrictions"] is not None:
        message = "Only organization repositories can have users and team restrictions"
        raise ApiError(422, "Validation Failed", [{"message": message}])
    rule = {name: call.fields[name] for name in REQUIRED}
    rule |= {name: bool(call.fields.get(name)) for name in SWITCHES}
    call.state.protection[branch] = rule
    return reply(show_protection(call.hub, branch, rule))


@endpoints.on("GET", "/branches/{branch:.+}")
async def get_branch(call: Call) -> web.Response:
    """Return a branch with its head's commit."""
    branch, sha = await branch_in(call)
    (commit,) = await read_commits(call.git, "--max-count=1", sha)
    url, html = call.settings.api(f"/branches/{branch}"), call.settings.html(f"/tree/{branch}")
    shown = show_short(call.hub, branch, sha)
    return reply(
        shown
        | {"commit": show_commit(call.hub, commit), "_links": {"self": url, "html": html}}
        | {"protection": summary(call.state.protection.get(branch))}
    )


async def branch_in(call: Call) -> tuple[str, str]:
    """Return the branch in the path and its head."""
    branch = call.part("branch")
    sha = await call.git.ref(f"refs/heads/{branch}")
    if sha is None:
        raise ApiError(404, "Branch not found")
    return branch, sha


def show_short(hub: Hub, branch: str, sha: str) -> Json:
    """Return a branch in the form of lists."""
    api = hub.settings.api
    return {
        "name": branch,
        "commit": {"sha": sha, "url": api(f"/commits/{sha}")},
        "protected": branch in hub.state.protection,
        "protection_url": api(f"/branches/{branch}/protection"),
    }


def summary(rule: Json | None) -> Json:
    """Return the public part of a branch's protection."""
    checks = (rule or {}).get("required_status_checks") or {}
    contexts = contexts_of(checks)
    level = "everyone" if contexts else "off"
    shown = [{"context": context, "app_id": None} for context in contexts]
    return {
        "enabled": rule is not None,
        "required_status_checks": {
            "enforcement_level": level,
            "contexts": contexts,
            "checks": shown,
        },
    }


def contexts_of(checks: Json) -> list[str]:
    """Return the names of required status checks, given in either way."""
    named = [check["context"] for check in checks.get("checks") or []]
    return named or list(checks.get("contexts") or [])


def show_protection(hub: Hub, branch: str, rule: Json) -> Json:
    """Return a branch's protection in GitHub's form."""
    url = hub.settings.api(f"/branches/{branch}/protection")
    shown: Json = {
        "url": url,
        "enforce_admins": {
            "url": f"{url}/enforce_admins",
            "enabled": bool(rule.get("enforce_admins")),
        },
        "required_signatures": {"url": f"{url}/required_signatures", "enabled": False},
    }
    shown |= {name: {"enabled": bool(rule.get(name))} for name in SWITCHES}
    reviews = rule.get("required_pull_request_reviews")
    if reviews is not None:
        shown["required_pull_request_reviews"] = show_reviews(url, reviews)
    checks = rule.get("required_status_checks")
    if checks is not None:
        shown["required_status_checks"] = show_checks(url, checks)
    return shown


def show_reviews(url: str, reviews: Json) -> Json:
    """Return the rule on reviews in GitHub's form."""
    return {
        "url": f"{url}/required_pull_request_reviews",
        "dismiss_stale_reviews": bool(reviews.get("dismiss_stale_reviews")),
        "require_code_owner_reviews": bool(reviews.get("require_code_owner_reviews")),
        "required_approving_review_count": int(reviews.get("required_approving_review_count", 1)),
        "require_last_push_approval": bool(reviews.get("require_last_push_approval")),
    }


def show_checks(url: str, checks: Json) -> Json:
    """Return the rule on status checks in GitHub's form."""
    contexts = contexts_of(checks)
    return {
        "url": f"{url}/required_status_checks",
        "strict": bool(checks.get("strict")),
        "contexts": contexts,
        "contexts_url": f"{url}/required_status_checks/contexts",
        "checks": [{"context": context, "app_id": None} for context in contexts],
    }
