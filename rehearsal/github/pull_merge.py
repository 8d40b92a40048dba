"""The button *Merge*, in its three ways."""

from aiohttp import web

from rehearsal.github import merging
from rehearsal.github.call import Call, Endpoints, nothing, reply
from rehearsal.github.commits import read_commits
from rehearsal.github.errors import ApiError, forbidden, not_found
from rehearsal.github.git import GitError
from rehearsal.github.pull_state import finish, refresh
from rehearsal.github.pull_views import obstacle
from rehearsal.github.pulls import current, pull_in
from rehearsal.github.store import Pull
from rehearsal.github.workflow_files import touches_workflows
from rehearsal.github.writing import caller_person, person, web_person

endpoints = Endpoints()


@endpoints.on("GET", "/pulls/{pull}/merge")
async def is_merged(call: Call) -> web.Response:
    """Return 204 if the pull request is merged, 404 if not."""
    if (await current(call)).merged_at is None:
        raise not_found()
    return nothing()


@endpoints.on("PUT", "/pulls/{pull}/merge", needs="contents:write")
async def merge_pull(call: Call) -> web.Response:
    """Merge a pull request and move its base."""
    await refresh(call.hub)
    pull = pull_in(call)
    check_open(call, pull)
    if not call.caller.may("workflows") and await touches_workflows(call.hub, pull.head_sha):
        raise forbidden(call.caller.described, "workflows", "write")
    merged = await merged_commit(call, pull)
    if merged is None:
        raise ApiError(405, "Pull Request is not mergeable")
    await move_branch(call, pull, merged)
    finish(pull, pull.head_sha, merged, call.caller.name)
    message = "Pull Request successfully merged"
    return reply({"sha": merged, "merged": True, "message": message})


async def move_branch(call: Call, pull: Pull, merged: str) -> None:
    """Move the base; raise 409 if somebody else just moved it with git."""
    try:
        await call.git.update_ref(f"refs/heads/{pull.base}", merged, pull.base_sha)
    except GitError as error:
        message = "Base branch was modified. Review and try the merge again."
        raise ApiError(409, message) from error


def check_open(call: Call, pull: Pull) -> None:
    """Raise 405 or 409 if this may not be merged."""
    if pull.state != "open":
        raise ApiError(405, "Pull Request is not mergeable")
    if pull.draft:
        raise ApiError(405, "Pull Request is still a draft")
    if call.text("sha", pull.head_sha) != pull.head_sha:
        raise ApiError(409, "Head branch was modified. Review and try the merge again.")
    reason = obstacle(call.hub, pull)
    if reason is not None:
        raise ApiError(405, reason)


async def merged_commit(call: Call, pull: Pull) -> str | None:
    """Return the base's new head, made the way the body asks for, or None on a conflict."""
    git, base, head = call.git, pull.base_sha, pull.head_sha
    way = call.text("merge_method", "merge")
    if way == "rebase":
        return await merging.rebase(git, base, head)
    if way == "squash":
        title = call.text("commit_title", f"{pull.title} (#{pull.number})")
        message = joined(title, call.text("commit_message", await squashed(call, pull)))
        return await merging.squash(git, base, head, (person(pull.author), web_person()), message)
    if way != "merge":
        raise ApiError(422, "Invalid request.\n\nmerge_method is merge, squash or rebase.")
    branch = f"{call.settings.owner}/{pull.head}"
    title = call.text("commit_title", f"Merge pull request #{pull.number} from {branch}")
    message = joined(title, call.text("commit_message", pull.title))
    return await merging.merge(git, base, head, (caller_person(call), web_person()), message)


async def squashed(call: Call, pull: Pull) -> str:
    """Return the text of a squashed commit: its only commit's, or a list of them all."""
    span = f"{pull.base_sha}..{pull.head_sha}"
    commits = await read_commits(call.git, "--reverse", "--topo-order", span)
    if len(commits) == 1:
        return commits[0].message.partition("\n")[2].strip()
    return "\n\n".join(f"* {commit.message}" for commit in commits)


def joined(title: str, text: str) -> str:
    """Return a commit message from a title and an optional text."""
    return f"{title}\n\n{text}" if text else title
