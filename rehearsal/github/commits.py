"""Commits and tags as git has them, in GitHub's form."""

from dataclasses import dataclass
from datetime import UTC, datetime

from aiohttp import web

from rehearsal.github.call import Call, Endpoints, reply
from rehearsal.github.errors import Json, not_found, unprocessable
from rehearsal.github.git import Git, GitError
from rehearsal.github.hub import Hub
from rehearsal.github.people import login_of, node_id, user

endpoints = Endpoints()

FORMAT = "%H%n%T%n%P%n%an%n%ae%n%ad%n%cn%n%ce%n%cd%n%B"
DATES = "--date=format-local:%Y-%m-%dT%H:%M:%SZ"
HEADER_LINES = 9
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


@endpoints.on("GET", "/git/ref/{ref:.+}")
async def get_reference(call: Call) -> web.Response:
    """Return one reference; the path has its name without `refs/`."""
    name = f"refs/{call.part('ref')}"
    sha = await call.git.ref(name)
    if sha is None:
        raise not_found()
    kind = await call.git.text("cat-file", "-t", sha)
    url = call.settings.api(f"/git/{name}")
    named = {"ref": name, "node_id": node_id("Ref", name), "url": url}
    return reply({**named, "object": show_object(call.hub, kind, sha)})


@endpoints.on("GET", "/commits/{sha:[0-9a-f]{40}}")
async def get_commit(call: Call) -> web.Response:
    """Return one commit. A SHA that names none is a 422."""
    sha = await call.git.commit(call.part("sha"))
    if sha is None:
        raise unprocessable(f"No commit found for SHA: {call.part('sha')}")
    (commit,) = await read_commits(call.git, "--max-count=1", sha)
    return reply(show_commit(call.hub, commit))


@endpoints.on("GET", "/git/tags/{sha:[0-9a-f]{40}}")
async def get_tag(call: Call) -> web.Response:
    """Return a tag object: the message of an annotated tag, and the commit that it names."""
    sha = call.part("sha")
    try:
        head, _, message = (await call.git.text("cat-file", "tag", sha)).partition("\n\n")
    except GitError:
        raise not_found() from None
    said = dict(line.split(" ", 1) for line in head.splitlines())
    name, _, rest = said["tagger"].rpartition(" <")
    email, seconds, _ = rest.replace(">", "").split(" ")
    when = datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    made = {
        "node_id": node_id("Tag", sha),
        "tag": said["tag"],
        "sha": sha,
        "url": call.settings.api(f"/git/tags/{sha}"),
        "message": message,
        "tagger": vars(Person(name, email, when)),
        "object": show_object(call.hub, said["type"], said["object"]),
        "verification": UNSIGNED,
    }
    return reply(made)


def show_object(hub: Hub, kind: str, sha: str) -> Json:
    """Return what a reference or a tag names."""
    return {"type": kind, "sha": sha, "url": hub.settings.api(f"/git/{kind}s/{sha}")}


async def distance(git: Git, base: str, head: str) -> tuple[int, int]:
    """Return how many commits only `base` has, and how many only `head` has."""
    counts = await git.text("rev-list", "--left-right", "--count", f"{base}...{head}")
    behind, ahead = counts.split()
    return int(behind), int(ahead)


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
