"""Git's own objects: annotated tags, commits, trees, blobs."""

import base64
import binascii
from datetime import UTC, datetime

from aiohttp import web

from rehearsal.github.call import Call, Endpoints, reply
from rehearsal.github.commits import UNSIGNED, Person, read_commits, show_git_commit
from rehearsal.github.errors import Json, not_found, unprocessable
from rehearsal.github.git import ZERO, Git
from rehearsal.github.hub import Hub
from rehearsal.github.people import node_id
from rehearsal.github.writing import (
    caller_person,
    person_in,
    signature,
    write_commit,
    write_object,
    write_tree,
)

endpoints = Endpoints()


@endpoints.on("GET", "/git/commits/{sha}")
async def get_commit(call: Call) -> web.Response:
    """Return a commit object."""
    (commit,) = await read_commits(call.git, "--max-count=1", await sha_of(call, "commit"))
    return reply(show_git_commit(call.hub, commit))


@endpoints.on("POST", "/git/commits", needs="contents:write")
async def create_commit(call: Call) -> web.Response:
    """Write a commit object; no branch moves."""
    tree, parents = call.text("tree"), call.fields.get("parents") or []
    await check_kind(call.git, "tree", tree)
    for parent in parents:
        await check_kind(call.git, "commit", str(parent))
    author = person_in(call, "author", caller_person(call))
    people = (author, person_in(call, "committer", author))
    sha = await write_commit(call.git, tree, parents, people, call.text("message"))
    (commit,) = await read_commits(call.git, "--max-count=1", sha)
    shown = show_git_commit(call.hub, commit)
    return reply(shown, 201, {"Location": shown["url"]})


@endpoints.on("GET", "/git/tags/{sha}")
async def get_tag(call: Call) -> web.Response:
    """Return the object of an annotated tag."""
    return reply(await show_tag(call.hub, await sha_of(call, "tag")))


@endpoints.on("POST", "/git/tags", needs="contents:write")
async def create_tag(call: Call) -> web.Response:
    """Write the object of an annotated tag; its reference is made separately."""
    target, kind, name = call.text("object"), call.text("type"), call.text("tag")
    await check_kind(call.git, kind, target)
    tagger = signature(person_in(call, "tagger", caller_person(call)))
    head = f"object {target}\ntype {kind}\ntag {name}\ntagger {tagger}\n\n"
    sha = await write_object(call.git, "tag", head + call.text("message"))
    shown = await show_tag(call.hub, sha)
    return reply(shown, 201, {"Location": shown["url"]})


@endpoints.on("GET", "/git/trees/{sha:.+}")
async def get_tree(call: Call) -> web.Response:
    """Return a tree by its SHA or by a branch's or tag's name; `recursive` goes below."""
    name = call.part("sha")
    sha = await call.git.commit(name) or (name if await call.git.kind(name) == "tree" else None)
    tree = sha and await call.git.revision(f"{sha}^{{tree}}")
    if not tree:
        raise not_found()
    return reply(await show_tree(call.hub, tree, recursive="recursive" in call.request.query))


@endpoints.on("POST", "/git/trees", needs="contents:write")
async def create_tree(call: Call) -> web.Response:
    """Write a tree: `base_tree` with the given entries put in or taken out."""
    rows = call.fields.get("tree")
    if not isinstance(rows, list) or not rows:
        raise unprocessable('Invalid request.\n\n"tree" wasn\'t supplied.')
    base = call.text("base_tree", "") or None
    if base is not None:
        base = await call.git.revision(f"{base}^{{tree}}")
    entries = [entry for row in rows for entry in await tree_entries(call.git, row)]
    tree = await write_tree(call.git, base, entries)
    shown = await show_tree(call.hub, tree, recursive=False)
    return reply(shown, 201, {"Location": shown["url"]})


@endpoints.on("GET", "/git/blobs/{sha}")
async def get_blob(call: Call) -> web.Response:
    """Return a blob's bytes."""
    sha = await sha_of(call, "blob")
    content = await call.git.raw("cat-file", "blob", sha)
    shown = show_blob(call.hub, sha)
    text = base64.encodebytes(content).decode()
    return reply(shown | {"content": text, "encoding": "base64", "size": len(content)})


@endpoints.on("POST", "/git/blobs", needs="contents:write")
async def create_blob(call: Call) -> web.Response:
    """Write a blob."""
    content = call.text("content").encode()
    if call.text("encoding", "utf-8") == "base64":
        content = decoded(call, "content")
    sha = await call.git.text("hash-object", "-w", "--stdin", stdin=content)
    shown = {key: show_blob(call.hub, sha)[key] for key in ("url", "sha")}
    return reply(shown, 201, {"Location": shown["url"]})


def decoded(call: Call, name: str) -> bytes:
    """Return a base64 field's bytes; raise 422 if it is not that."""
    try:
        return base64.b64decode("".join(call.text(name).split()), validate=True)
    except (binascii.Error, ValueError):
        raise unprocessable(f"{name} is not valid Base64") from None


async def sha_of(call: Call, kind: str) -> str:
    """Return the SHA in the path; raise 404 if no object of the kind has it."""
    sha = call.part("sha")
    if await call.git.kind(sha) != kind:
        raise not_found()
    return sha


async def check_kind(git: Git, kind: str, sha: str) -> None:
    """Raise 422 if no object of the kind has the SHA."""
    if await git.kind(sha) != kind:
        raise unprocessable(f"{kind.capitalize()} SHA does not exist or is not a {kind} object")


async def tree_entries(git: Git, row: Json) -> list[tuple[str, str, str]]:
    """Return what one entry of a request puts into an index: a folder is its files."""
    path, mode, sha = str(row.get("path", "")), str(row.get("mode", "100644")), row.get("sha")
    if "content" in row:
        content = str(row["content"]).encode()
        return [(mode, await git.text("hash-object", "-w", "--stdin", stdin=content), path)]
    if sha is None:
        return [("0", ZERO, path)]
    if mode != "040000":
        return [(mode, str(sha), path)]
    await check_kind(git, "tree", str(sha))
    out = await git.text("ls-tree", "-r", "-z", str(sha))
    files = [line.partition("\t") for line in out.split("\0") if line]
    return [(head.split()[0], head.split()[2], f"{path}/{name}") for head, _, name in files]


async def show_tag(hub: Hub, sha: str) -> Json:
    """Return the object of an annotated tag in GitHub's form."""
    out = await hub.git.text(
        *("cat-file", "tag", sha),
    )
    head, _, message = out.partition("\n\n")
    fields = dict(line.split(" ", 1) for line in head.splitlines() if " " in line)
    api = hub.settings.api
    target, kind = fields["object"], fields["type"]
    return {
        "node_id": node_id("Tag", sha),
        "tag": fields["tag"],
        "sha": sha,
        "url": api(f"/git/tags/{sha}"),
        "message": message,
        "tagger": vars(person_of(fields.get("tagger", ""))),
        "object": {"sha": target, "type": kind, "url": api(f"/git/{kind}s/{target}")},
        "verification": UNSIGNED,
    }


def person_of(line: str) -> Person:
    """Return the person in an object's header line."""
    name, _, rest = line.partition(" <")
    email, _, when = rest.partition("> ")
    return Person(name, email, utc(int(when.split()[0]) if when else 0))


def utc(seconds: int) -> str:
    """Return seconds since 1970 as GitHub writes moments."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


async def show_tree(hub: Hub, tree: str, recursive: bool) -> Json:
    """Return a tree in GitHub's form."""
    out = await hub.git.text("ls-tree", "-z", "-l", *(["-r", "-t"] if recursive else []), tree)
    rows = [line.partition("\t") for line in out.split("\0") if line]
    return {
        "sha": tree,
        "url": hub.settings.api(f"/git/trees/{tree}"),
        "tree": [show_entry(hub, head.split(), path) for head, _, path in rows],
        "truncated": False,
    }


def show_entry(hub: Hub, head: list[str], path: str) -> Json:
    """Return one entry of a tree in GitHub's form."""
    mode, kind, sha, size = head
    shown: Json = {"path": path, "mode": mode, "type": kind, "sha": sha}
    if kind == "blob":
        shown["size"] = int(size)
    return shown | {"url": hub.settings.api(f"/git/{kind}s/{sha}")}


def show_blob(hub: Hub, sha: str) -> Json:
    """Return a blob's addresses in GitHub's form."""
    url = hub.settings.api(f"/git/blobs/{sha}")
    return {"sha": sha, "node_id": node_id("Blob", sha), "url": url}
