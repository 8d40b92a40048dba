"""Files at a commit: reading them, and committing one."""

import base64
import binascii
from urllib.parse import quote

from aiohttp import web

from rehearsal.github.call import Call, Endpoints, reply
from rehearsal.github.commits import read_commits, show_git_commit
from rehearsal.github.errors import ApiError, Json, forbidden, not_found, unprocessable
from rehearsal.github.hub import Hub
from rehearsal.github.protection import PULL_REQUEST_NEEDED, keeps_out
from rehearsal.github.workflow_files import FOLDER
from rehearsal.github.writing import (
    caller_person,
    person_in,
    tree_entry,
    write_commit,
    write_tree,
)

endpoints = Endpoints()

LARGEST_SHOWN = 1024**2
LINE = 60
KINDS = {"040000": "dir", "160000": "submodule", "120000": "symlink"}


@endpoints.on("GET", "/contents/{path:.*}")
async def get_contents(call: Call) -> web.Response:
    """Return a file with its bytes, or a folder's list; with a raw media type the bytes alone."""
    path = call.part("path").strip("/")
    ref = call.query("ref") or call.settings.default_branch
    commit = await call.git.commit(ref)
    if commit is None:
        raise ApiError(404, f"No commit found for the ref {ref}")
    entry = await tree_entry(call.git, commit, path) if path else ("040000", "tree", commit)
    if entry is None:
        raise not_found()
    mode, kind, sha = entry
    if kind == "tree":
        return reply(await folder(call.hub, commit, path, ref))
    content = await call.git.raw("cat-file", "blob", sha) if kind == "blob" else b""
    if "raw" in call.request.headers.get("Accept", ""):
        return web.Response(body=content, content_type="application/vnd.github.raw+json")
    where = (mode, sha, len(content), path)
    return reply(show_entry(call.hub, ref, where) | await details(call, mode, sha, content))


@endpoints.on("PUT", "/contents/{path:.+}", needs="contents:write")
async def put_contents(call: Call) -> web.Response:
    """Make or replace a file by a commit on a branch."""
    content, path = decoded(call, "content"), call.part("path").strip("/")
    branch, head = await branch_of(call)
    found = await tree_entry(call.git, head, path)
    if found is not None:
        check_sha(call, path, found[2])
    check_right(call, branch, path)
    sha = await call.git.text("hash-object", "-w", "--stdin", stdin=content)
    mode = found[0] if found else "100644"
    commit = await commit_on(call, branch, head, (mode, sha, path))
    shown = show_entry(call.hub, branch, (mode, sha, len(content), path))
    return reply({"content": shown, "commit": commit}, 200 if found else 201)


def decoded(call: Call, name: str) -> bytes:
    """Return a base64 field's bytes; raise 422 if it is not that."""
    try:
        return base64.b64decode("".join(call.text(name).split()), validate=True)
    except (binascii.Error, ValueError):
        raise unprocessable(f"{name} is not valid Base64") from None


async def branch_of(call: Call) -> tuple[str, str]:
    """Return the body's branch and its head."""
    branch = call.text("branch", call.settings.default_branch)
    head = await call.git.ref(f"refs/heads/{branch}")
    if head is None:
        raise ApiError(404, f"Branch {branch} not found")
    return branch, head


def check_sha(call: Call, path: str, found: str) -> None:
    """Raise unless the body names the blob it replaces."""
    if call.text("sha") != found:
        raise ApiError(409, f"{path} does not match {call.text('sha')}")


def check_right(call: Call, branch: str, path: str) -> None:
    """Raise if the branch takes pull requests only, or the file is a workflow beyond the token."""
    if keeps_out(call.hub, call.caller, branch):
        raise ApiError(409, f"Could not update file: {PULL_REQUEST_NEEDED}")
    if path.startswith(f"{FOLDER}/") and not call.caller.may("workflows"):
        raise forbidden(call.caller.described, "workflows", "write")


async def commit_on(call: Call, branch: str, head: str, entry: tuple[str, str, str]) -> Json:
    """Commit one change of one path to a branch; return the commit in GitHub's form."""
    message = call.text("message")
    if not message.strip():
        raise unprocessable('Invalid request.\n\n"message" wasn\'t supplied.')
    committer = person_in(call, "committer", caller_person(call))
    people = (person_in(call, "author", committer), committer)
    tree = await write_tree(call.git, head, [entry])
    sha = await write_commit(call.git, tree, [head], people, message)
    await call.git.update_ref(f"refs/heads/{branch}", sha, head)
    (commit,) = await read_commits(call.git, "--max-count=1", sha)
    return show_git_commit(call.hub, commit)


async def folder(hub: Hub, commit: str, path: str, ref: str) -> list[Json]:
    """Return a folder's list in GitHub's form."""
    at = f"{commit}:{path}" if path else commit
    out = await hub.git.text("ls-tree", "-z", "-l", at)
    shown = []
    for row in out.split("\0"):
        head, _, name = row.partition("\t")
        if not name:
            continue
        mode, _, sha, size = head.split()
        full = f"{path}/{name}" if path else name
        shown.append(show_entry(hub, ref, (mode, sha, int(size) if size != "-" else 0, full)))
    return shown


async def details(call: Call, mode: str, sha: str, content: bytes) -> Json:
    """Return the additional fields of a single file, link or submodule."""
    if KINDS.get(mode) == "submodule":
        return {"submodule_git_url": call.settings.html(f"/tree/{sha}")}
    if KINDS.get(mode) == "symlink":
        return {"target": content.decode("utf-8", errors="replace")}
    if len(content) > LARGEST_SHOWN:
        return {"content": "", "encoding": "none"}
    text = base64.b64encode(content).decode()
    lines = [text[start : start + LINE] + "\n" for start in range(0, len(text), LINE)]
    return {"content": "".join(lines), "encoding": "base64"}


def show_entry(hub: Hub, ref: str, entry: tuple[str, str, int, str]) -> Json:
    """Return a file's or folder's place (mode, SHA, bytes, path) in GitHub's form."""
    mode, sha, size, path = entry
    kind, settings = KINDS.get(mode, "file"), hub.settings
    where = quote(path)
    url = settings.api(f"/contents/{where}?ref={quote(ref)}")
    html = settings.html(f"/{'tree' if kind == 'dir' else 'blob'}/{ref}/{where}")
    git_url = settings.api(f"/git/{'tree' if kind == 'dir' else 'blob'}s/{sha}")
    return {
        "name": path.rpartition("/")[2],
        "path": path,
        "sha": sha,
        "size": size,
        "url": url,
        "html_url": html,
        "git_url": git_url,
        "download_url": settings.html(f"/raw/{ref}/{where}") if kind == "file" else None,
        "type": kind,
        "_links": {"self": url, "git": git_url, "html": html},
    }
