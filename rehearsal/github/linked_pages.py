"""The pages that reports and notes link to: runs, settings, files, histories, conversations."""

from collections.abc import Iterable
from urllib.parse import quote

from aiohttp import web
from markupsafe import Markup

from rehearsal import COMMAND
from rehearsal.github.auth import Caller
from rehearsal.github.commits import Commit, read_commits
from rehearsal.github.diffs import changed_files
from rehearsal.github.git import GitError
from rehearsal.github.hub import Hub
from rehearsal.github.pages import POLICY, Rows, comments, moment, page, plain
from rehearsal.github.releases import visible
from rehearsal.github.workflow_files import FOLDER
from rehearsal.github.writing import tree_entry
from rehearsal.verdict.report_page import body

LARGEST_SHOWN = 1024**2
"""Bytes of a file that its page shows."""
MOST_COMMITS = 100


def add_routes(app: web.Application, hub: Hub) -> None:
    """Serve the pages below `/OWNER/NAME`."""
    base = f"/{hub.settings.full_name}"
    routes = {
        "/actions": runs,
        "/actions/runs/{run:[0-9]+}": run,
        "/actions/workflows/{file:[^/]+}": workflow,
        "/settings{place:.*}": settings,
        "/tree/{rest:.+}": tree,
        "/blob/{rest:.+}": blob,
        "/raw/{rest:.+}": raw,
        "/commits/{rest:.+}": history,
        "/compare/{old:.+?}...{new:.+}": compare,
        "/issues": issues,
        "/issues/{number:[0-9]+}": issue,
        "/discussions/{number:[0-9]+}": discussion,
    }
    for path, show in routes.items():
        app.router.add_get(base + path, page(show))


async def runs(_: web.Request, hub: Hub, __: Caller) -> web.StreamResponse:
    """List the runs that the world has had, newest first."""
    return plain(hub, "Actions", rows=run_rows(hub), empty="There was no run in this world.")


def run_rows(hub: Hub) -> Rows:
    """Return a row for each run."""
    found = hub.settings.runs.glob("[0-9]*") if hub.settings.runs else ()
    numbers = sorted((int(folder.name) for folder in found), reverse=True)
    return [(hub.settings.html(f"/actions/runs/{one}"), f"Run {one}", "") for one in numbers]


async def run(request: web.Request, hub: Hub, _: Caller) -> web.StreamResponse:
    """Show the summary of a run that has ended."""
    number = request.match_info["run"]
    folder = hub.settings.runs and hub.settings.runs / number
    if not folder or not folder.is_dir():
        raise web.HTTPNotFound(text="Not Found")
    summary = folder / "summary.md"
    said = "This run has not ended, or it was killed: it has written no summary."
    text = summary.read_text("utf-8") if summary.exists() else said
    # The signs of a report are replaced, and its diagram is drawn.
    parts = [("", Markup(body(text)))]  # noqa: S704 - the renderer escapes
    return plain(hub, f"Run {number}", parts=parts)


async def workflow(request: web.Request, hub: Hub, _: Caller) -> web.StreamResponse:
    """Show a workflow's file on the default branch, above the runs of this world."""
    path = f"{FOLDER}/{request.match_info['file']}"
    text = await file_at(hub, hub.settings.default_branch, path)
    command = f"{COMMAND} dispatch {request.match_info['file']}"
    facts = [("on GitHub", "Run workflow"), ("in this world", command)]
    shown = text.decode(errors="replace")
    return plain(hub, path, facts=facts, plain=shown, rows=run_rows(hub))


def settings_of(hub: Hub, place: str) -> tuple[str, list[tuple[str, str]]] | None:
    """Return the title of a page of settings, and this world's values."""
    has = hub.settings
    places: dict[str, tuple[str, list[tuple[str, str]]]] = {
        "": (
            "General settings.",
            [
                ("visibility", "private" if has.private else "public"),
                ("immutable releases", "on" if has.immutable_releases else "off"),
                ("default branch", has.default_branch),
            ],
        ),
        "/environments": (
            "Environments: the reviewers of a job before it starts.",
            [(name, ", ".join(who) or "nobody") for name, who in has.environments.items()],
        ),
        "/rules": (
            "Rules for branches and tags.",
            [
                *((f"branch {name}", "protected") for name in hub.state.protection),
                ("rules of the default branch", ", ".join(has.branch_rules) or "none"),
                *(
                    (f"tags: {name}", ", ".join(has.tag_rulesets[name]))
                    for name in has.tag_rulesets
                ),
            ],
        ),
        "/actions": (
            "Actions: the permissions of a run's token.",
            [("may open pull requests", "yes" if has.actions_may_open_pulls else "no")],
        ),
        "/actions/runners": (
            "Runners: every label runs on this machine in a rehearsal.",
            [],
        ),
        "/secrets/actions": (
            "Secrets and variables: a rehearsal makes its own, such as REGISTRY_TOKEN. It has none "
            "for the package index, which trusts the release's job.",
            [],
        ),
    }
    return places.get(place.rstrip("/"))


async def settings(request: web.Request, hub: Hub, _: Caller) -> web.StreamResponse:
    """Show a page of settings."""
    found = settings_of(hub, request.match_info["place"])
    if found is None:
        raise web.HTTPNotFound(text="Not Found")
    said, facts = found
    note = "A rehearsal's settings are made with its world. On GitHub you change them here."
    return plain(hub, "Settings", facts=facts, text=f"{said} {note}")


async def located(hub: Hub, rest: str) -> tuple[str, str, str]:
    """Split `REF/PATH`, whose reference may hold slashes: the reference, its commit, the path."""
    parts = rest.rstrip("/").split("/")
    for cut in range(1, len(parts) + 1):
        ref = "/".join(parts[:cut])
        if sha := await hub.git.commit(ref):
            return ref, sha, "/".join(parts[cut:])
    raise web.HTTPNotFound(text="Not Found")


async def tree(request: web.Request, hub: Hub, _: Caller) -> web.StreamResponse:
    """List a folder at a commit, branch or tag."""
    ref, sha, path = await located(hub, request.match_info["rest"])
    entry = await tree_entry(hub.git, sha, path) if path else ("", "tree", "")
    if entry is None or entry[1] != "tree":
        raise web.HTTPNotFound(text="Not Found")
    out = await hub.git.text("ls-tree", "-z", f"{sha}:{path}")
    rows = [tree_row(hub, f"{ref}/{path}".rstrip("/"), one) for one in out.split("\0") if one]
    facts = [("at", ref), ("commit", sha[:12])]
    return plain(hub, path or ref, facts=facts, rows=rows)


def tree_row(hub: Hub, folder: str, entry: str) -> tuple[str, str, str]:
    """Return the row of one line of `git ls-tree`."""
    head, _, name = entry.partition("\t")
    kind = head.split(" ")[1]
    where = hub.settings.html(f"/{kind}/{quote(f'{folder}/{name}')}")
    return where, name + "/" * (kind == "tree"), ""


async def blob(request: web.Request, hub: Hub, _: Caller) -> web.StreamResponse:
    """Show a file at a commit, branch or tag; render Markdown."""
    ref, sha, path = await located(hub, request.match_info["rest"])
    content = await file_at(hub, sha, path)
    text = content[:LARGEST_SHOWN].decode(errors="replace")
    shown = {"notes": text} if path.endswith(".md") else {"plain": text}
    return plain(hub, path, facts=[("at", ref)], **shown)


async def raw(request: web.Request, hub: Hub, _: Caller) -> web.StreamResponse:
    """Return a file's bytes at a commit, branch or tag."""
    _ref, sha, path = await located(hub, request.match_info["rest"])
    content = await file_at(hub, sha, path)
    headers = {"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff"}
    return web.Response(body=content, content_type="text/plain", headers=headers)


async def file_at(hub: Hub, commit: str, path: str) -> bytes:
    """Return a file's bytes; raise `HTTPNotFound` if the commit has none at the path."""
    entry = await tree_entry(hub.git, commit, path) if path else None
    if entry is None or entry[1] != "blob":
        raise web.HTTPNotFound(text="Not Found")
    return await hub.git.raw("cat-file", "blob", entry[2])


async def history(request: web.Request, hub: Hub, _: Caller) -> web.StreamResponse:
    """List the newest commits of a reference."""
    ref, sha, path = await located(hub, request.match_info["rest"])
    if path:
        raise web.HTTPNotFound(text="Not Found")
    found = await read_commits(hub.git, f"--max-count={MOST_COMMITS}", sha)
    return plain(hub, f"Commits of {ref}", rows=commit_rows(hub, found))


def commit_rows(hub: Hub, found: Iterable[Commit]) -> Rows:
    """Return a row for each commit."""
    return [
        (
            hub.settings.html(f"/commit/{one.sha}"),
            one.message.partition("\n")[0],
            f"{one.sha[:7]}, {moment(one.committer.date)}",
        )
        for one in found
    ]


async def compare(request: web.Request, hub: Hub, _: Caller) -> web.StreamResponse:
    """Show the commits and the changed files between two references."""
    names = [request.match_info[name] for name in ("old", "new")]
    old, new = [await hub.git.commit(name) for name in names]
    if old is None or new is None:
        raise web.HTTPNotFound(text="Not Found")
    found = await read_commits(hub.git, f"--max-count={MOST_COMMITS}", f"{old}..{new}")
    facts = [("commits", str(len(found)))]
    files = await changed_files(hub, await merge_base(hub, old, new), new)
    rows = commit_rows(hub, found)
    return plain(hub, "...".join(names), facts=facts, rows=rows, files=files)


async def merge_base(hub: Hub, old: str, new: str) -> str | None:
    """Return the commit that two commits have in common, or None."""
    try:
        return await hub.git.text("merge-base", old, new)
    except GitError:
        return None


async def issues(_: web.Request, hub: Hub, __: Caller) -> web.StreamResponse:
    """List the issues, newest first."""
    found = sorted(hub.state.issues.values(), key=lambda one: -one.number)
    rows = [
        (hub.settings.html(f"/issues/{one.number}"), f"#{one.number} {one.title}", one.state)
        for one in found
    ]
    return plain(hub, "Issues", rows=rows, empty="None.")


async def issue(request: web.Request, hub: Hub, _: Caller) -> web.StreamResponse:
    """Show an issue with its comments; a pull request has another page."""
    number = int(request.match_info["number"])
    if number in hub.state.pulls:
        raise web.HTTPFound(hub.settings.html(f"/pull/{number}"))
    found = hub.state.issues.get(number)
    if found is None:
        raise web.HTTPNotFound(text="Not Found")
    facts = [("state", found.state), ("by", found.author)]
    values = {"notes": found.body, "facts": facts, "parts": comments(found.comments)}
    return plain(hub, f"#{number} {found.title}", **values)


async def discussion(request: web.Request, hub: Hub, caller: Caller) -> web.StreamResponse:
    """Show the discussion that was opened with a release."""
    number = int(request.match_info["number"])
    found = next((one for one in visible(hub.state, caller) if one.discussion == number), None)
    if found is None:
        raise web.HTTPNotFound(text="Not Found")
    where = hub.settings.html(f"/releases/tag/{quote(found.public_tag)}")
    rows = [(where, found.name or found.tag_name, "the release")]
    values = {"notes": found.body, "facts": [("by", found.author)]}
    return plain(hub, f"Discussion of {found.name or found.tag_name}", rows=rows, **values)
