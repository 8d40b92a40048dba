"""Issues, as far as a program that maintains one needs them."""

from aiohttp import web

from rehearsal.github.call import Call, Endpoints, reply
from rehearsal.github.errors import Json, invalid, not_found
from rehearsal.github.hub import Hub
from rehearsal.github.people import node_id, user
from rehearsal.github.store import Issue, Pull, now

endpoints = Endpoints()


@endpoints.on("GET", "/issues")
async def list_issues(call: Call) -> web.Response:
    """List issues, newest first: open ones unless `state` differs. Pull requests are issues."""
    state = call.query("state", "open")
    everything: list[Issue | Pull] = [*call.state.issues.values(), *call.state.pulls.values()]
    found = [one for one in everything if state in ("all", one.state)]
    found.sort(key=lambda one: -one.number)
    return call.listing(found, lambda one: show_issue(call.hub, one))


@endpoints.on("POST", "/issues", needs="issues:write")
async def create_issue(call: Call) -> web.Response:
    """Open an issue."""
    number, moment = call.state.new_number(), now()
    body = call.text("body", "") or None
    issue = Issue(number, call.text("title"), body, call.caller.name, moment, moment)
    call.state.issues[number] = issue
    shown = show_issue(call.hub, issue)
    return reply(shown, 201, {"Location": shown["url"]})


@endpoints.on("GET", "/issues/{issue}")
async def get_issue(call: Call) -> web.Response:
    """Return an issue."""
    return reply(show_issue(call.hub, issue_in(call)))


@endpoints.on("PATCH", "/issues/{issue}", needs="issues:write")
async def update_issue(call: Call) -> web.Response:
    """Change title or text; close or open again."""
    issue, state = issue_in(call), call.text("state", "")
    if state not in ("", "open", "closed"):
        raise invalid("Issue", "state", "invalid")
    if state and issue.state != state:
        issue.closed_at = None if state == "open" else now()
        issue.state_reason = call.text("state_reason", "completed") if state == "closed" else None
    issue.title = call.text("title", issue.title)
    issue.body, issue.updated_at = call.text("body", issue.body or "") or None, now()
    return reply(show_issue(call.hub, issue))


@endpoints.on("GET", "/issues/{issue}/comments")
async def list_comments(call: Call) -> web.Response:
    """List an issue's comments, oldest first."""
    return call.listing(issue_in(call).comments, lambda comment: comment)


@endpoints.on("POST", "/issues/{issue}/comments", needs="issues:write")
async def create_comment(call: Call) -> web.Response:
    """Add a comment."""
    issue, moment, number = issue_in(call), now(), call.hub.store.new_id()
    comment = {
        "id": number,
        "node_id": node_id("IssueComment", number),
        "url": call.settings.api(f"/issues/comments/{number}"),
        "html_url": call.settings.html(f"/issues/{issue.number}#issuecomment-{number}"),
        "issue_url": call.settings.api(f"/issues/{issue.number}"),
        "user": user(call.settings, call.caller.name),
        "body": call.text("body"),
        "created_at": moment,
        "updated_at": moment,
        "author_association": "COLLABORATOR",
    }
    issue.comments.append(comment)
    return reply(comment, 201, {"Location": str(comment["url"])})


def issue_in(call: Call) -> Issue:
    """Return the issue in the path; a pull request is one too, for its comments."""
    number = call.number("issue")
    issue = call.state.issues.get(number)
    if pull := call.state.pulls.get(number):
        moments = (pull.created_at, pull.updated_at, pull.closed_at)
        issue = Issue(number, pull.title, pull.body, pull.author, *moments)
        issue.comments = pull.comments
    if issue is None:
        raise not_found()
    return issue


def show_issue(hub: Hub, issue: Issue | Pull) -> Json:
    """Return an issue in GitHub's form, or a pull request in that of an issue."""
    if isinstance(issue, Pull):
        moments = (issue.created_at, issue.updated_at, issue.closed_at)
        same = Issue(issue.number, issue.title, issue.body, issue.author, *moments)
        page = hub.settings.html(f"/pull/{issue.number}")
        where = {"url": hub.settings.api(f"/pulls/{issue.number}"), "html_url": page}
        return show_issue(hub, same) | {"html_url": page, "pull_request": where}
    url = hub.settings.api(f"/issues/{issue.number}")
    return {
        "id": issue.number,
        "node_id": node_id("Issue", issue.number),
        "number": issue.number,
        "url": url,
        "repository_url": hub.settings.api(),
        "html_url": hub.settings.html(f"/issues/{issue.number}"),
        **{f"{name}_url": f"{url}/{name}" for name in ("comments", "events")},
        "labels_url": f"{url}/labels{{/name}}",
        "title": issue.title,
        "body": issue.body,
        "user": user(hub.settings, issue.author),
        "state": issue.state,
        "state_reason": issue.state_reason,
        "comments": len(issue.comments),
        "labels": [],
        "assignees": [],
        **dict.fromkeys(("assignee", "milestone", "active_lock_reason")),
        "locked": False,
        "author_association": "COLLABORATOR",
        "created_at": issue.created_at,
        "updated_at": issue.updated_at,
        "closed_at": issue.closed_at,
    }
