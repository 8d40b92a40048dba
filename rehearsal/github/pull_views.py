"""How GitHub shows a pull request."""

from rehearsal.github.branches import contexts_of
from rehearsal.github.commits import distance
from rehearsal.github.diffs import changed_files
from rehearsal.github.errors import Json
from rehearsal.github.hub import Hub
from rehearsal.github.merging import merged_tree, rebase
from rehearsal.github.people import node_id, user
from rehearsal.github.repos import show_repository
from rehearsal.github.store import Pull


def obstacle(hub: Hub, pull: Pull) -> str | None:
    """Return why the base's protection blocks a merge.

    This service has no reviews and no status checks, so required ones are always missing.
    """
    rule = hub.state.protection.get(pull.base, {})
    reviews = rule.get("required_pull_request_reviews")
    count = 0 if reviews is None else int(reviews.get("required_approving_review_count", 1))
    if count:
        noun = "review is" if count == 1 else "reviews are"
        return f"At least {count} approving {noun} required by reviewers with write access."
    contexts = contexts_of(rule.get("required_status_checks") or {})
    return f'Required status check "{contexts[0]}" is expected.' if contexts else None


def state_word(hub: Hub, pull: Pull, mergeable: bool) -> str:
    """Return GitHub's word for the state of a pull request."""
    if not mergeable:
        return "dirty"
    if pull.draft:
        return "draft"
    return "blocked" if obstacle(hub, pull) else "clean"


def show_simple(hub: Hub, pull: Pull) -> Json:
    """Return a pull request in the form of lists."""
    settings = hub.settings
    return {
        **addresses(hub, pull),
        "id": pull.number,
        "node_id": node_id("PullRequest", pull.number),
        "number": pull.number,
        "state": pull.state,
        "locked": False,
        "title": pull.title,
        "user": user(settings, pull.author),
        "body": pull.body,
        "labels": [],
        **dict.fromkeys(("milestone", "assignee", "auto_merge", "active_lock_reason")),
        "assignees": [],
        "requested_reviewers": [],
        "requested_teams": [],
        "created_at": pull.created_at,
        "updated_at": pull.updated_at,
        "closed_at": pull.closed_at,
        "merged_at": pull.merged_at,
        "merge_commit_sha": pull.merge_commit_sha,
        "head": show_side(hub, pull.head, pull.head_sha),
        "base": show_side(hub, pull.base, pull.base_sha),
        "author_association": "OWNER" if pull.author == settings.owner else "CONTRIBUTOR",
        "draft": pull.draft,
    }


async def show_full(hub: Hub, pull: Pull) -> Json:
    """Return a pull request by itself, with whether it can be merged."""
    middle = await hub.git.text("merge-base", pull.base_sha, pull.head_sha)
    files = await changed_files(hub, middle, pull.head_sha)
    _, commits = await distance(hub.git, pull.base_sha, pull.head_sha)
    return {
        **show_simple(hub, pull),
        **await mergeability(hub, pull),
        "merged": pull.merged_at is not None,
        "merged_by": user(hub.settings, pull.merged_by) if pull.merged_by else None,
        "comments": 0,
        "review_comments": 0,
        "maintainer_can_modify": False,
        "commits": commits,
        "additions": sum(file["additions"] for file in files),
        "deletions": sum(file["deletions"] for file in files),
        "changed_files": len(files),
    }


async def mergeability(hub: Hub, pull: Pull) -> Json:
    """Return whether a pull request can be merged; None for a closed one."""
    if pull.state != "open":
        return {"mergeable": None, "rebaseable": None, "mergeable_state": "unknown"}
    mergeable = await merged_tree(hub.git, pull.base_sha, pull.head_sha) is not None
    rebaseable = await rebase(hub.git, pull.base_sha, pull.head_sha) is not None
    word = state_word(hub, pull, mergeable)
    return {"mergeable": mergeable, "rebaseable": rebaseable, "mergeable_state": word}


def show_side(hub: Hub, branch: str, sha: str) -> Json:
    """Return one of the two branches."""
    owner = hub.settings.owner
    return {
        "label": f"{owner}:{branch}",
        "ref": branch,
        "sha": sha,
        "user": user(hub.settings, owner),
        "repo": show_repository(hub),
    }


def addresses(hub: Hub, pull: Pull) -> Json:
    """Return a pull request's addresses, and the same again as links."""
    settings = hub.settings
    url, html = settings.api(f"/pulls/{pull.number}"), settings.html(f"/pull/{pull.number}")
    issue = settings.api(f"/issues/{pull.number}")
    links = {
        "self": url,
        "html": html,
        "issue": issue,
        "comments": f"{issue}/comments",
        "review_comments": f"{url}/comments",
        "review_comment": settings.api("/pulls/comments{/number}"),
        "commits": f"{url}/commits",
        "statuses": settings.api(f"/statuses/{pull.head_sha}"),
    }
    urls = {f"{name}_url": address for name, address in links.items() if name != "self"}
    more = {"url": url, "diff_url": f"{html}.diff", "patch_url": f"{html}.patch"}
    return urls | more | {"_links": {name: {"href": link} for name, link in links.items()}}
