"""The pages for people: the repository, a release with its files, a commit, a pull request."""

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import jinja2
from aiohttp import web
from markupsafe import Markup

from rehearsal.github.assets import assets_of, download, may_see
from rehearsal.github.auth import Caller, caller_of
from rehearsal.github.commits import read_commits
from rehearsal.github.diffs import changed_files
from rehearsal.github.errors import ApiError, Json
from rehearsal.github.hub import HUB, Hub
from rehearsal.github.latest import latest
from rehearsal.github.pull_state import refresh
from rehearsal.github.release_rules import published
from rehearsal.github.releases import visible
from rehearsal.github.store import Release
from rehearsal.markdown import STYLE, rendered

TEMPLATES = Path(__file__).parent / "templates"
# Notes of other people can run no script, and load only pictures.
POLICY = "default-src 'none'; style-src 'self'; img-src 'self' https: data:"
Rows = list[tuple[str, str, str]]
"""Lines of a list: an address, its text, and a remark."""
Parts = list[tuple[str, Markup]]
"""Parts of a page: a heading, and the HTML below it."""


def markdown(text: str | None) -> Markup:
    """Return Markdown as HTML, as GitHub shows it."""
    return Markup(rendered(text or ""))  # noqa: S704 - the renderer escapes


def comments(said: Iterable[Json]) -> Parts:
    """Return the comments on an issue or a pull request, with who wrote each and when."""
    return [
        (f"{one['user']['login']}, {moment(one['created_at'])}", markdown(one["body"]))
        for one in said
    ]


def moment(text: str) -> str:
    """Return a moment as people write it."""
    return f"{datetime.fromisoformat(text):%d %B %Y, %H:%M} UTC".lstrip("0")


def environment() -> jinja2.Environment:
    """Return the templates; everything put into them is escaped."""
    loader = jinja2.FileSystemLoader(TEMPLATES)
    templates = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)
    templates.filters |= {"markdown": markdown, "moment": moment}
    return templates


PAGES = environment()
AWAITING = (
    "Workflows awaiting approval: a person with write access must press Approve workflows to run"
)
"""A pull request by a run's own token waits, since GitHub does not start its checks."""

Page = Callable[[web.Request, Hub, Caller], Awaitable[web.StreamResponse]]


def add_routes(app: web.Application, hub: Hub) -> None:
    """Serve the pages below `/OWNER/NAME`."""
    base = f"/{hub.settings.full_name}"
    app.router.add_get("/", page(home))
    for sheet in (STYLE, TEMPLATES / "style.css"):
        app.router.add_get(f"/-/{sheet.name}", style(sheet))
    app.router.add_get(f"{base}/releases/latest", page(latest_release))
    app.router.add_get(f"{base}/releases/tag/{{tag:.+}}", page(release))
    app.router.add_get(f"{base}/releases/download/{{tag:.+}}/{{file}}", page(asset))
    app.router.add_get(f"{base}/commit/{{sha}}", page(commit))
    app.router.add_get(f"{base}/pull/{{number:[0-9]+}}", page(pull))
    for path in ("", "/", "/releases", "/pulls"):
        app.router.add_get(base + path, page(index))


def page(show: Page) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Return a handler with the hub and the caller; a bad token counts as anonymous."""

    async def handle(request: web.Request) -> web.StreamResponse:
        hub = request.app[HUB]
        try:
            caller = caller_of(hub.settings, request)
        except ApiError:
            caller = Caller()
        if hub.settings.private and not caller.may("contents", "read"):
            raise web.HTTPNotFound
        return await show(request, hub, caller)

    return handle


def render(hub: Hub, name: str, **values: Any) -> web.Response:
    """Return a page."""
    text = PAGES.get_template(name).render(settings=hub.settings, **values)
    headers = {"Content-Security-Policy": POLICY}
    return web.Response(text=text, content_type="text/html", headers=headers)


def plain(hub: Hub, title: str, **values: Any) -> web.Response:
    """Return a page of the usual parts: facts, a text, rows, comments, files; any may be absent."""
    every = dict.fromkeys(("facts", "text", "plain", "notes", "rows", "empty", "parts", "files"))
    return render(hub, "plain.html", title=title, **{**every, **values})


def style(path: Path) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Return a handler that answers with a style sheet."""

    async def handle(_: web.Request) -> web.FileResponse:
        return web.FileResponse(path)

    return handle


async def home(_: web.Request, hub: Hub, __: Caller) -> web.StreamResponse:
    """Redirect to the only repository."""
    raise web.HTTPFound(hub.settings.html())


async def index(_: web.Request, hub: Hub, caller: Caller) -> web.StreamResponse:
    """Show releases, pull requests, branches and tags."""
    async with hub.lock:
        await refresh(hub)
    return render(
        hub,
        "index.html",
        releases=visible(hub.state, caller),
        latest=latest(hub.state),
        pulls=sorted(hub.state.pulls.values(), key=lambda pull: -pull.number),
        branches=await refs(hub, "refs/heads"),
        tags=await refs(hub, "refs/tags"),
        protected=hub.state.protection,
    )


async def refs(hub: Hub, folder: str) -> list[tuple[str, str]]:
    """Return short names and commits of the references in a folder, newest first."""
    form = "--format=%(refname:lstrip=2) %(objectname) %(*objectname)"
    out = await hub.git.text("for-each-ref", "--sort=-creatordate", form, folder)
    rows = [line.split(" ") for line in out.splitlines()]
    return [(name, peeled or sha) for name, sha, peeled in rows]


async def latest_release(_: web.Request, hub: Hub, __: Caller) -> web.StreamResponse:
    """Lead to the release marked Latest."""
    found = latest(hub.state)
    path = f"/releases/tag/{found.tag_name}" if found else "/releases"
    raise web.HTTPFound(hub.settings.html(path))


async def release(request: web.Request, hub: Hub, caller: Caller) -> web.StreamResponse:
    """Show a release; a draft at its stand-in tag, to writers."""
    found = release_at(hub, caller, request.match_info["tag"])
    sha = await hub.git.revision(f"refs/tags/{found.tag_name}^{{commit}}")
    files = assets_of(hub, found.id)
    values = {"release": found, "commit": sha, "assets": files, "latest": latest(hub.state)}
    return render(hub, "release.html", **values)


def release_at(hub: Hub, caller: Caller, tag: str) -> Release:
    """Return the release of a tag, or the draft of a stand-in, if it exists for the caller."""
    drafts = [r for r in hub.state.releases.values() if r.draft and r.untagged == tag]
    found = published(hub.state, tag) or next(iter(drafts), None)
    if found is None or not may_see(found, caller):
        raise web.HTTPNotFound(text="Not Found")
    return found


async def asset(request: web.Request, hub: Hub, caller: Caller) -> web.StreamResponse:
    """Return a release's file."""
    found = release_at(hub, caller, request.match_info["tag"])
    files = {file.name: file for file in assets_of(hub, found.id)}
    wanted = files.get(request.match_info["file"])
    if wanted is None or wanted.state != "uploaded":
        raise web.HTTPNotFound(text="Not Found")
    return download(hub, wanted)


async def commit(request: web.Request, hub: Hub, _: Caller) -> web.StreamResponse:
    """Show a commit with its changes."""
    sha = await hub.git.commit(request.match_info["sha"])
    if sha is None:
        raise web.HTTPNotFound(text="Not Found")
    (found,) = await read_commits(hub.git, "--max-count=1", sha)
    title, text = f"{found.message}\n".split("\n", 1)
    facts = [("commit", sha), ("by", found.author.name), ("on", moment(found.committer.date))]
    files = await changed_files(hub, found.parents[0] if found.parents else None, sha)
    return plain(hub, title, plain=text.strip(), facts=facts, files=files)


async def pull(request: web.Request, hub: Hub, _: Caller) -> web.StreamResponse:
    """Show a pull request with its changes."""
    async with hub.lock:
        await refresh(hub)
    found = hub.state.pulls.get(int(request.match_info["number"]))
    if found is None:
        raise web.HTTPNotFound(text="Not Found")
    middle = await hub.git.text("merge-base", found.base_sha, found.head_sha)
    files = await changed_files(hub, middle, found.head_sha)
    state = "merged" if found.merged_at else found.state
    facts = [("state", state), ("from", found.head), ("into", found.base), ("by", found.author)]
    if found.author.endswith("[bot]") and found.closed_at is None:
        facts.append(("checks", AWAITING))
    values = {"notes": found.body, "facts": facts, "parts": comments(found.comments)}
    return plain(hub, f"#{found.number} {found.title}", files=files, **values)
