"""Clone and push over HTTP: git's own `http-backend`, behind the rules of tokens and pushes."""

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import IO

from aiohttp import web

from rehearsal.gateway.journaling import REMEDY
from rehearsal.github import push_rules
from rehearsal.github.auth import Caller, caller_of
from rehearsal.github.errors import ApiError
from rehearsal.github.git import configuration, environment
from rehearsal.github.hub import HUB, Hub
from rehearsal.github.protection import rules_for_pushes
from rehearsal.github.store import now

HOOK = '#!/bin/sh\nexec "$REHEARSAL_PYTHON" -I "$REHEARSAL_HOOK" "$@"\n'
CHUNK = 1 << 16
RECEIVE = "git-receive-pack"


def add_routes(app: web.Application, hub: Hub) -> None:
    """Serve the repository at `/OWNER/NAME.git` and `/OWNER/NAME`."""
    write_hook(hub)
    for suffix in (".git", ""):
        base = "/{owner}/{name:[^/]+?}" + suffix
        app.router.add_get(f"{base}/info/refs", info_refs)
        app.router.add_post(f"{base}/{{service:git-(?:upload|receive)-pack}}", exchange)


def write_hook(hub: Hub) -> None:
    """Write the hook `update`; each push names it to git, so the repository does not change."""
    folder = hub.settings.folder / "hooks"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "update").write_text(HOOK, encoding="utf-8")
    (folder / "update").chmod(0o755)


async def info_refs(request: web.Request) -> web.StreamResponse:
    """Answer the first request of every clone and push."""
    service = request.query.get("service", "")
    if service not in ("git-upload-pack", RECEIVE):
        raise web.HTTPForbidden(text="Please upgrade your git client.")
    hub = request.app[HUB]
    return await backend(request, hub, pusher(request, hub, service), Path(), "/info/refs")


async def exchange(request: web.Request) -> web.StreamResponse:
    """Answer the second request; a push holds the lock while its references move."""
    hub, service = request.app[HUB], request.match_info["service"]
    caller = pusher(request, hub, service)
    with tempfile.NamedTemporaryFile(dir=hub.settings.folder) as body:
        async for chunk in request.content.iter_chunked(CHUNK):
            body.write(chunk)
        body.flush()
        if service != RECEIVE:
            return await backend(request, hub, caller, Path(body.name), f"/{service}")
        async with hub.lock:
            response = await backend(request, hub, caller, Path(body.name), f"/{service}")
            hub.state.pushed_at = now()
            hub.store.save()
            return response


def pusher(request: web.Request, hub: Hub, service: str) -> Caller:
    """Return the caller; answer 404 for another repository, 401 or 403 as GitHub does to git."""
    settings = hub.settings
    wanted = f"{request.match_info['owner']}/{request.match_info['name'].removesuffix('.git')}"
    if wanted.lower() != settings.full_name.lower():
        raise web.HTTPNotFound(text="Repository not found.")
    try:
        caller = caller_of(settings, request)
    except ApiError as error:
        request[REMEDY] = error.remedy
        raise challenge("Invalid username or token.") from None
    if settings.private and not caller.may("contents", "read"):
        if caller.login is None:
            raise challenge("Repository not found.")
        request[REMEDY] = f"{caller.described} needs `contents: read` to clone a private repository"
        raise web.HTTPNotFound(text="Repository not found.")
    if service == RECEIVE and not caller.may("contents"):
        if caller.login is None:
            raise challenge("No anonymous write access.")
        request[REMEDY] = f"{caller.described} needs `contents: write` to push"
        denied = f"Permission to {settings.full_name}.git denied to {caller.login}."
        raise web.HTTPForbidden(text=denied)
    return caller


def challenge(text: str) -> web.HTTPUnauthorized:
    """Return the 401 after which git asks for a password."""
    return web.HTTPUnauthorized(text=text, headers={"WWW-Authenticate": 'Basic realm="GitHub"'})


async def backend(
    request: web.Request, hub: Hub, caller: Caller, body: Path, path: str
) -> web.StreamResponse:
    """Run `git http-backend` as CGI on a body already received, and pass its answer on."""
    with open_body(body) as stdin:
        process = await asyncio.create_subprocess_exec(
            *("git", "http-backend"),
            stdin=stdin,
            stdout=asyncio.subprocess.PIPE,
            env=cgi(request, hub, caller, path),
        )
    try:
        return await pass_on(request, output_of(process))
    finally:
        # A push whose client went away is finished all the same: its references are moving.
        while await output_of(process).read(CHUNK):
            pass
        await process.wait()


def output_of(process: asyncio.subprocess.Process) -> asyncio.StreamReader:
    """Return the output pipe of a process."""
    if process.stdout is None:
        raise ValueError("the process was started without a pipe for its output")
    return process.stdout


def open_body(body: Path) -> IO[bytes]:
    """Open the request's body; the first request does not have one."""
    return body.open("rb") if body.is_file() else Path("/dev/null").open("rb")


def cgi(request: web.Request, hub: Hub, caller: Caller, path: str) -> dict[str, str]:
    """Return the CGI variables, and those for the hook."""
    settings = hub.settings
    env = environment() | configuration(
        {
            "safe.directory": "*",
            "core.hooksPath": str(settings.folder / "hooks"),
            "receive.advertisePushOptions": "false",
        }
    )
    env |= {
        "GIT_PROJECT_ROOT": str(settings.repository.parent),
        "PATH_INFO": f"/{settings.repository.name}{path}",
        "GIT_HTTP_EXPORT_ALL": "1",
        "REQUEST_METHOD": request.method,
        "QUERY_STRING": request.query_string,
        "CONTENT_TYPE": request.headers.get("Content-Type", ""),
        "REMOTE_ADDR": request.remote or "",
        "HTTP_GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
        "REHEARSAL_PYTHON": sys.executable,
        "REHEARSAL_HOOK": push_rules.__file__,
        push_rules.VARIABLE: rules_for_pushes(hub, caller).to_json(),
    }
    return env | ({"REMOTE_USER": caller.login} if caller.login else {})


async def pass_on(request: web.Request, out: asyncio.StreamReader) -> web.StreamResponse:
    """Turn a CGI program's output into a response."""
    response = web.StreamResponse()
    while line := (await out.readline()).decode("latin-1").strip():
        name, _, value = line.partition(":")
        if name.lower() == "status":
            response.set_status(int(value.split()[0]))
        else:
            response.headers[name] = value.strip()
    await response.prepare(request)
    while chunk := await out.read(CHUNK):
        await response.write(chunk)
    await response.write_eof()
    return response
