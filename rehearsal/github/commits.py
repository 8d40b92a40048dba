"""Commits, what they changed, how two of them compare."""

from dataclasses import dataclass

from aiohttp import web

from rehearsal.github.call import Call, Endpoints, reply
from rehearsal.github.diffs import changed_files
from rehearsal.github.errors import ApiError, Json, not_found
from rehearsal.github.git import Git, GitError
from rehearsal.github.hub import Hub
from rehearsal.github.people import login_of, node_id, user

endpoints = Endpoints()

FORMAT = "%H%n%T%n%P%n%an%n%ae%n%ad%n%cn%n%ce%n%cd%n%B"
DATES = "--date=format-local:%Y-%m-%dT%H:%M:%SZ"
HEADER_LINES = 9
MOST_COMPARED = 250
UNSIGNED: Json = {
    "verified": False,
    "reason": "unsigned",
    "signature": None,
    "payload": None,
    "verified_at": None,
}


@dataclass(frozen=True)
class Person:
    """Who made a commit or tag, and when (UTC)."""

    name: str
    email: str
    date: str


@dataclass(frozen=True)
class Commit:
    """A commit as git has it."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    author: Person
    committer: Person
    message: str


@endpoints.on("GET", "/commits")
async def list_commits(call: Call) -> web.Response:
    """List commits from `sha` (default branch) backwards, filtered by path and dates."""
    start = await named_commit(call, call.query("sha") or call.settings.default_branch)
    filters = [f"--{k}={call.query(k)}" for k in ("since", "until", "author") if call.query(k)]
    path = ["--", call.query("path")] if call.query("path") else []
    total = int(await call.git.text("rev-list", "--count", *filters, start, *path))
    skip, size = call.bounds()
    window = [f"--skip={skip}", f"--max-count={size}"]
    commits = await read_commits(call.git, *window, *filters, start, *path)
    return call.page([show_commit(call.hub, commit) for commit in commits], total)


@endpoints.on("GET", "/commits/{ref:.+}")
async def get_commit(call: Call) -> web.Response:
    """Return one commit with its files; with `Accept: application/vnd.github.sha` its SHA alone."""
    sha = await named_commit(call, call.part("ref"))
    if "github.sha" in call.request.headers.get("Accept", ""):
        return web.Response(text=sha, content_type="application/vnd.github.sha")
    (commit,) = await read_commits(call.git, "--max-count=1", sha)
    files = await changed_files(call.hub, commit.parents[0] if commit.parents else None, sha)
    added, removed = (sum(f[key] for f in files) for key in ("additions", "deletions"))
    stats = {"total": added + removed, "additions": added, "deletions": removed}
    return reply(show_commit(call.hub, commit) | {"stats": stats, "files": files})


@endpoints.on("GET", "/compare/{basehead:.+}")
async def compare(call: Call) -> web.Response:
    """Compare `BASE...HEAD`: how far apart, the commits of HEAD only, the files they changed."""
    left, dots, right = call.part("basehead").partition("...")
    if not (left and dots and right):
        raise not_found()
    base, head = [await commit_or_404(call, name) for name in (left, right)]
    try:
        middle = await call.git.text("merge-base", base, head)
    except GitError as error:
        raise ApiError(404, f"No common ancestor between {left} and {right}.") from error
    return await comparison(call, (base, middle, head), call.part("basehead"))


async def comparison(call: Call, shas: tuple[str, str, str], basehead: str) -> web.Response:
    """Return the comparison of base and head around their merge base."""
    base, middle, head = shas
    behind, ahead = await distance(call.git, base, head)
    skip, size = call.bounds() if "page" in call.request.query else (0, MOST_COMPARED)
    commits = await read_commits(call.git, "--reverse", "--topo-order", f"{base}..{head}")
    known = {c.sha: c for c in await read_commits(call.git, "--no-walk=unsorted", base, middle)}
    html, api = call.settings.html(f"/compare/{basehead}"), call.settings.api
    body = {
        "url": api(f"/compare/{basehead}"),
        "html_url": html,
        "permalink_url": call.settings.html(f"/compare/{base}...{head}"),
        "diff_url": f"{html}.diff",
        "patch_url": f"{html}.patch",
        "base_commit": show_commit(call.hub, known[base]),
        "merge_base_commit": show_commit(call.hub, known[middle]),
        "status": relation(behind, ahead),
        "ahead_by": ahead,
        "behind_by": behind,
        "total_commits": ahead,
        "commits": [show_commit(call.hub, commit) for commit in commits[skip : skip + size]],
        "files": await changed_files(call.hub, middle, head),
    }
    return call.page(body, ahead) if "page" in call.request.query else reply(body)


@endpoints.on("GET", "/tags")
async def list_tags(call: Call) -> web.Response:
    """List tags by name, highest first, each with its commit."""
    out = await call.git.text(
        *("for-each-ref", "--sort=-version:refname", "refs/tags"),
        "--format=%(refname:lstrip=2) %(objectname) %(*objectname)",
    )
    rows = [line.split(" ") for line in out.splitlines()]
    tags = [(name, peeled or sha) for name, sha, peeled in rows]
    return call.listing(tags, lambda tag: show_tag(call.hub, *tag))


async def named_commit(call: Call, name: str) -> str:
    """Return the commit of a name; raise 409 for an empty repository, else 422."""
    sha = await call.git.commit(name)
    if sha is not None:
        return sha
    if await call.git.revision("HEAD") is None:
        raise ApiError(409, "Git Repository is empty.")
    raise ApiError(422, f"No commit found for SHA: {name}")


async def commit_or_404(call: Call, name: str) -> str:
    """Return the commit of one side of a comparison, `OWNER:` before it or not."""
    sha = await call.git.commit(name.rpartition(":")[2])
    if sha is None:
        raise not_found()
    return sha


async def distance(git: Git, base: str, head: str) -> tuple[int, int]:
    """Return how many commits only `base` has, and how many only `head` has."""
    counts = await git.text("rev-list", "--left-right", "--count", f"{base}...{head}")
    behind, ahead = counts.split()
    return int(behind), int(ahead)


def relation(behind: int, ahead: int) -> str:
    """Return GitHub's word for how the head stands to the base."""
    if behind and ahead:
        return "diverged"
    if behind:
        return "behind"
    return "ahead" if ahead else "identical"


async def read_commits(git: Git, *revisions: str) -> list[Commit]:
    """Return the commits that `git log` lists for these arguments."""
    out = await git.text("log", "-z", f"--format={FORMAT}", DATES, *revisions)
    return [parse_commit(record) for record in out.split("\0") if record.strip("\n")]


def parse_commit(record: str) -> Commit:
    """Return the commit in one record of FORMAT."""
    *lines, message = record.lstrip("\n").split("\n", HEADER_LINES)
    sha, tree, parents = lines[:3]
    author, committer = Person(*lines[3:6]), Person(*lines[6:9])
    return Commit(sha, tree, tuple(parents.split()), author, committer, message.rstrip("\n"))


def show_tag(hub: Hub, name: str, sha: str) -> Json:
    """Return a tag in GitHub's form."""
    api = hub.settings.api
    return {
        "name": name,
        "commit": {"sha": sha, "url": api(f"/commits/{sha}")},
        "zipball_url": api(f"/zipball/refs/tags/{name}"),
        "tarball_url": api(f"/tarball/refs/tags/{name}"),
        "node_id": node_id("Ref", f"refs/tags/{name}"),
    }


def show_commit(hub: Hub, commit: Commit) -> Json:
    """Return a commit in GitHub's form."""
    settings, url = hub.settings, hub.settings.api(f"/commits/{commit.sha}")
    authors = [login_of(settings, person.email) for person in (commit.author, commit.committer)]
    author, committer = (user(settings, login) if login else None for login in authors)
    return {
        "sha": commit.sha,
        "node_id": node_id("Commit", commit.sha),
        "commit": {
            "author": vars(commit.author),
            "committer": vars(commit.committer),
            "message": commit.message,
            "tree": {"sha": commit.tree, "url": settings.api(f"/git/trees/{commit.tree}")},
            "url": settings.api(f"/git/commits/{commit.sha}"),
            "comment_count": 0,
            "verification": UNSIGNED,
        },
        "url": url,
        "html_url": settings.html(f"/commit/{commit.sha}"),
        "comments_url": f"{url}/comments",
        "author": author,
        "committer": committer,
        "parents": show_parents(hub, commit, "/commits"),
    }


def show_parents(hub: Hub, commit: Commit, below: str) -> list[Json]:
    """Return a commit's parents with their addresses."""
    settings = hub.settings
    return [
        {
            "sha": sha,
            "url": settings.api(f"{below}/{sha}"),
            "html_url": settings.html(f"/commit/{sha}"),
        }
        for sha in commit.parents
    ]


def show_git_commit(hub: Hub, commit: Commit) -> Json:
    """Return a commit in the form of the git database."""
    settings = hub.settings
    return {
        "sha": commit.sha,
        "node_id": node_id("Commit", commit.sha),
        "url": settings.api(f"/git/commits/{commit.sha}"),
        "html_url": settings.html(f"/commit/{commit.sha}"),
        "author": vars(commit.author),
        "committer": vars(commit.committer),
        "tree": {"sha": commit.tree, "url": settings.api(f"/git/trees/{commit.tree}")},
        "message": commit.message,
        "parents": show_parents(hub, commit, "/git/commits"),
        "verification": UNSIGNED,
    }
