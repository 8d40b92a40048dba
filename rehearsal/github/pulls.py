"""Pull requests, from opening to the merge, on the current branches."""

from aiohttp import web

from rehearsal.github.call import Call, Endpoints, reply
from rehearsal.github.commits import read_commits, show_commit
from rehearsal.github.diffs import changed_files
from rehearsal.github.errors import ApiError, invalid, not_found
from rehearsal.github.git import GitError
from rehearsal.github.hub import Hub
from rehearsal.github.pull_state import refresh
from rehearsal.github.pull_views import show_full, show_simple
from rehearsal.github.store import Pull, now

endpoints = Endpoints()


@endpoints.on("GET", "/pulls")
async def list_pulls(call: Call) -> web.Response:
    """List pull requests, newest first: open ones unless `state` says else, by `head`, `base`."""
    async with call.hub.lock:
        await refresh(call.hub)
    state, head, base = call.query("state", "open"), call.query("head"), call.query("base")
    found = [
        pull
        for pull in call.state.pulls.values()
        if state in ("all", pull.state)
        and head in ("", f"{call.settings.owner}:{pull.head}")
        and base in ("", pull.base)
    ]
    found.sort(key=lambda pull: pull.number, reverse=call.query("direction", "desc") == "desc")
    return call.listing(found, lambda pull: show_simple(call.hub, pull))


@endpoints.on("POST", "/pulls", needs="pull_requests:write")
async def create_pull(call: Call) -> web.Response:
    """Open a pull request between two branches of the repository."""
    if call.caller.name.endswith("[bot]") and not call.settings.actions_may_open_pulls:
        refused = "GitHub Actions is not permitted to create or approve pull requests."
        raise ApiError(403, refused)
    title, moment = call.text("title"), now()
    base, base_sha = await branch(call, "base", call.text("base"))
    wanted = call.text("head").removeprefix(f"{call.settings.owner}:")
    head, head_sha = await branch(call, "head", wanted)
    await refresh(call.hub)
    await check_new(call, (base, base_sha), (head, head_sha))
    pull = Pull(
        number=call.state.new_number(),
        title=title,
        body=call.text("body", "") or None,
        author=call.caller.name,
        head=head,
        base=base,
        head_sha=head_sha,
        base_sha=base_sha,
        draft=call.flag("draft", False),
        created_at=moment,
        updated_at=moment,
    )
    call.state.pulls[pull.number] = pull
    await refresh(call.hub)
    shown = await show_full(call.hub, pull)
    return reply(shown, 201, {"Location": shown["url"]})


@endpoints.on("GET", "/pulls/{pull}")
async def get_pull(call: Call) -> web.Response:
    """Return a pull request, with whether it can be merged."""
    return reply(await show_full(call.hub, await current(call)))


@endpoints.on("PATCH", "/pulls/{pull}", needs="pull_requests:write")
async def update_pull(call: Call) -> web.Response:
    """Change title, text or base; close or open again."""
    await refresh(call.hub)
    pull, state = pull_in(call), call.text("state", "")
    base = await branch(call, "base", call.text("base", pull.base))
    if base[0] != pull.base:
        await check_new(call, base, (pull.head, pull.head_sha))
    if state not in ("", "open", "closed"):
        raise invalid("PullRequest", "state", "invalid")
    if state == "open" and pull.merged_at:
        raise invalid("PullRequest", "state", "custom", "state cannot be changed. merged")
    if state and pull.state != state:
        pull.closed_at = None if state == "open" else now()
    pull.title, pull.base = call.text("title", pull.title), base[0]
    pull.body, pull.updated_at = call.text("body", pull.body or "") or None, now()
    await refresh(call.hub)
    return reply(await show_full(call.hub, pull))


@endpoints.on("GET", "/pulls/{pull}/files")
async def list_files(call: Call) -> web.Response:
    """List the files that a pull request changes."""
    pull = await current(call)
    files = await changed_files(call.hub, await fork_point(call.hub, pull), pull.head_sha)
    return call.listing(files, lambda file: file)


@endpoints.on("GET", "/pulls/{pull}/commits")
async def list_commits(call: Call) -> web.Response:
    """List a pull request's commits, oldest first."""
    pull = await current(call)
    span = f"{await fork_point(call.hub, pull)}..{pull.head_sha}"
    commits = await read_commits(call.git, "--reverse", "--topo-order", span)
    return call.listing(commits, lambda commit: show_commit(call.hub, commit))


@endpoints.on("GET", "/commits/{sha}/pulls")
async def pulls_of_commit(call: Call) -> web.Response:
    """List the pull requests that brought a commit, or would."""
    async with call.hub.lock:
        await refresh(call.hub)
    sha = await call.git.commit(call.part("sha"))
    if sha is None:
        raise ApiError(422, f"No commit found for SHA: {call.part('sha')}")
    pulls = [pull for pull in call.state.pulls.values() if await brings(call.hub, pull, sha)]
    return call.listing(pulls, lambda pull: show_simple(call.hub, pull))


async def brings(hub: Hub, pull: Pull, sha: str) -> bool:
    """Return whether a commit is new with a pull request, or with its merge."""
    if await hub.git.ancestor(sha, pull.base_sha):
        return False
    tops = [pull.head_sha, *([pull.merge_commit_sha] if pull.merge_commit_sha else [])]
    return any([await hub.git.ancestor(sha, top) for top in tops])


def pull_in(call: Call) -> Pull:
    """Return the pull request in the path."""
    pull = call.state.pulls.get(call.number("pull"))
    if pull is None:
        raise not_found()
    return pull


async def current(call: Call) -> Pull:
    """Return the pull request in the path with its current branches, for requests that read."""
    async with call.hub.lock:
        await refresh(call.hub)
    return pull_in(call)


async def branch(call: Call, field: str, name: str) -> tuple[str, str]:
    """Return a branch and its head; raise 422 if there is none."""
    sha = await call.git.ref(f"refs/heads/{name}")
    if sha is None:
        raise invalid("PullRequest", field, "invalid")
    return name, sha


async def fork_point(hub: Hub, pull: Pull) -> str:
    """Return where a pull request's head left its base."""
    return await hub.git.text("merge-base", pull.base_sha, pull.head_sha)


async def check_new(call: Call, base: tuple[str, str], head: tuple[str, str]) -> None:
    """Raise 422 if there is nothing to pull, or a pull request for it is open."""
    (base_name, base_sha), (head_name, head_sha) = base, head
    message = None
    try:
        await call.git.raw("merge-base", base_sha, head_sha)
    except GitError:
        message = f"The {base_name} branch has no history in common with {head_name}"
    if await call.git.ancestor(head_sha, base_sha):
        message = f"No commits between {base_name} and {head_name}"
    pulls = call.state.pulls.values()
    if any((p.base, p.head, p.state) == (base_name, head_name, "open") for p in pulls):
        message = f"A pull request already exists for {call.settings.owner}:{head_name}."
    if message is not None:
        entry = {"resource": "PullRequest", "code": "custom", "message": message}
        raise ApiError(422, "Validation Failed", [entry])
