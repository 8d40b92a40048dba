"""The front itself: what it answers, and what it passes on to devpi behind it.

The addresses are devpi's for reading and uploading, and the public index's for the rest.
"""

import asyncio
import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import hdrs, web
from multidict import MultiDict
from packaging.utils import canonicalize_name
from packaging.version import Version
from pydantic import BaseModel, StrictStr, ValidationError

from rehearsal.gateway.journaling import REMEDY
from rehearsal.gateway.proxy import Proxy
from rehearsal.gateway.registry_auth import basic
from rehearsal.index import attestations, minting, upload_rules
from rehearsal.index.minting import MintError
from rehearsal.index.state import File, Json, State, Store, Upload, hashed
from rehearsal.index.upload_rules import Offer, RefusedError

LARGEST = 100 * 1024**2
"""Bytes of the largest file."""
SIMPLE = "application/vnd.pypi.simple.v1+json"
INTEGRITY = "application/vnd.pypi.integrity.v1+json"
API_VERSION = "1.4"
MINT = "/_/oidc/mint-token"


@dataclass(frozen=True)
class Behind:
    """The service behind: devpi's index `root`; the file `password` has its uploader's password.

    `issuer` signs the identity tokens that are trusted, "" for none. `own` are the names of the
    world's own projects: nobody is sent elsewhere for them.
    """

    root: str
    user: str
    password: Path
    issuer: str = ""
    own: tuple[str, ...] = ()


class Payload(BaseModel):
    """What the client of an exchange sends."""

    token: StrictStr


class Front:
    """The index in front of devpi; `folder` has its state."""

    def __init__(self, folder: Path, behind: Behind, proxy: Proxy) -> None:
        self._store, self._behind, self._proxy = Store(folder), behind, proxy
        self._lock = asyncio.Lock()

    def add_routes(self, app: web.Application) -> None:
        """Serve what the front answers by itself; everything else is for the proxy."""
        root = f"/{self._behind.root}"
        app.router.add_get("/_/oidc/audience", self._audience)
        app.router.add_post(MINT, self._mint)
        app.router.add_post(f"{root}/", self._upload)
        app.router.add_delete(f"{root}/{{project}}/{{version}}", self._delete)
        app.router.add_get(f"{root}/+simple/{{project}}/", self._simple)
        app.router.add_get("/integrity/{project}/{version}/{file}/provenance", self._integrity)

    async def _audience(self, _: web.Request) -> web.Response:
        return web.json_response({"audience": minting.AUDIENCE})

    async def _mint(self, request: web.Request) -> web.Response:
        try:
            token = Payload.model_validate_json(await request.read()).token
            claims = await minting.verified(token, self._behind.issuer)
            async with self._lock:
                state = self._store.load()
                made = minting.mint(state, claims)
                self._store.save(state)
            return web.json_response(made)
        except ValidationError as error:
            refused = MintError("invalid-payload", str(error))
        except MintError as error:
            refused = error
        request[REMEDY] = refused.remedy
        return web.json_response(refused.body(), status=422)

    async def _upload(self, request: web.Request) -> web.Response:
        try:
            async with self._lock:
                return await self._take(request, self._store.load())
        except RefusedError as error:
            request[REMEDY] = error.remedy
            # Clients show the reason, in which the public index says the problem.
            text = f"{error.status} {error.message}\n"
            return web.Response(status=error.status, reason=error.message, text=text)

    async def _take(self, request: web.Request, state: State) -> web.Response:
        token = self._token(request, state)
        offer = _offer(await request.post())
        upload_rules.check_form(offer)
        upload_rules.check_right(state, token, offer)
        now = time.time()
        if upload_rules.is_there(state, offer, now):
            return web.Response()
        upload_rules.check_file(offer)
        file = upload_rules.entry(offer, now)
        file.provenance = attestations.provenance(offer, token.publisher)
        await self._keep(request, offer)
        state.files[offer.name] = file
        self._store.save(state)
        return web.Response()

    def _token(self, request: web.Request, state: State) -> Upload:
        login, text = basic(request.headers.get("Authorization", ""))
        found = state.tokens.get(hashed(text))
        if login != "__token__" or found is None:
            raise RefusedError(
                403,
                "Invalid or non-existent authentication information.",
                "upload as `__token__`, with a token of this index",
            )
        if found.expires < time.time():
            remedy = "a trusted publisher's token is valid for 15 minutes: ask for another one"
            raise RefusedError(403, "Invalid API Token: token is expired", remedy)
        return found

    async def _keep(self, request: web.Request, offer: Offer) -> None:
        """Give a file to devpi; raise its error if it does not take it."""
        form = aiohttp.FormData()
        for name, value in offer.fields.items():
            if name != "attestations":
                form.add_field(name, value)
        form.add_field("content", offer.content, filename=offer.name)
        body = form()
        kind = {hdrs.CONTENT_TYPE: body.headers[hdrs.CONTENT_TYPE]}
        path = f"/{self._behind.root}/"
        status, said = await self._ask(request, "POST", path, data=body, headers=kind)
        if status >= 300:  # noqa: PLR2004
            why = " ".join(said.decode(errors="replace").split())[:300]
            raise RefusedError(status, f"The service behind refused: {why}")

    async def _ask(
        self, request: web.Request, method: str, path: str, **options: Any
    ) -> tuple[int, bytes]:
        password = self._behind.password.read_text(encoding="utf-8")
        login = aiohttp.encode_basic_auth(self._behind.user, password)
        headers = {**options.pop("headers", {}), hdrs.AUTHORIZATION: login}
        return await self._proxy.ask(request, method, path, headers=headers, **options)

    async def _delete(self, request: web.Request) -> web.Response:
        """Delete a release, as its owner does on the index's pages; its names stay used."""
        project, version = request.match_info["project"], request.match_info["version"]
        async with self._lock:
            state = self._store.load()
            try:
                if self._token(request, state).publisher:
                    raise RefusedError(403, "Only an owner may delete.")
            except RefusedError as error:
                return web.Response(status=error.status, reason=error.message)
            path = f"/{self._behind.root}/{project}/{version}"
            status, said = await self._ask(request, "DELETE", path, params={"force": ""})
            for file in state.files.values():
                if (file.project, file.version) == (canonicalize_name(project), version):
                    file.deleted = True
            self._store.save(state)
        return web.Response(status=status, body=said)

    async def _simple(self, request: web.Request) -> web.StreamResponse:
        name = canonicalize_name(request.match_info["project"])
        state = self._store.load()
        if name not in state.projects:
            if name in self._behind.own:
                raise web.HTTPNotFound
            return await self._proxy.handle(request)
        path, accept = f"/{self._behind.root}/+simple/{name}/", {"Accept": SIMPLE}
        status, said = await self._proxy.ask(request, "GET", path, headers=accept)
        files = json.loads(said)["files"] if status == web.HTTPOk.status_code else []
        page = _page(f"{request.scheme}://{request.host}", state, name, files)
        if "json" in request.headers.get("Accept", ""):
            return web.Response(body=json.dumps(page).encode(), content_type=SIMPLE)
        return web.Response(text=_html(page), content_type="text/html")

    async def _integrity(self, request: web.Request) -> web.Response:
        name = request.match_info["file"]
        file = self._store.load().files.get(name)
        if file is None or file.deleted or file.provenance is None:
            message = f"No provenance available for {name}"
            return web.json_response({"message": message}, status=404)
        body = json.dumps(file.provenance).encode()
        return web.Response(body=body, content_type=INTEGRITY)


def _offer(form: Any) -> Offer:
    part = form.get("content")
    if not isinstance(part, web.FileField):
        raise RefusedError(400, "Upload payload does not have a file.")
    fields = MultiDict((name, value) for name, value in form.items() if isinstance(value, str))
    content = part.file.read()
    if len(content) > LARGEST:
        raise RefusedError(400, f"File too large. The limit is {LARGEST} bytes.")
    for needed in ("name", "version"):
        if needed not in fields:
            raise RefusedError(400, f"Invalid value for {needed}. Error: This field is required.")
    return Offer(fields, part.filename, content)


def _page(outside: str, state: State, name: str, found: list[Json]) -> Json:
    """Return a project's page: devpi's, with what it does not know (PEP 691, 700, 740, 792)."""
    project = state.projects[name]
    shown = [] if project.status == "quarantined" else found
    files = [
        _file(outside, one, state.files[one["filename"]]) for one in shown if _is_shown(state, one)
    ]
    versions = {state.files[one["filename"]].version for one in files}
    status = {"status": project.status, **({"reason": project.reason} if project.reason else {})}
    return {
        "meta": {"api-version": API_VERSION},
        "name": name,
        "project-status": status,
        "versions": sorted(versions, key=Version),
        "files": files,
    }


def _is_shown(state: State, file: Json) -> bool:
    known = state.files.get(file["filename"])
    return known is not None and known.uploaded + state.lag <= time.time()


def _file(outside: str, file: Json, known: File) -> Json:
    name = file["filename"]
    place = f"{outside}/integrity/{known.project}/{known.version}/{name}/provenance"
    return {
        **file,
        "size": known.size,
        "upload-time": datetime.fromtimestamp(known.uploaded, UTC).isoformat(),
        "provenance": place if known.provenance else None,
    }


def _html(page: Json) -> str:
    """Write a page as the older form of the interface has it (PEP 503)."""
    lines = [
        f'<a href="{escape(one["url"])}">{escape(one["filename"])}</a><br>' for one in page["files"]
    ]
    return "<!DOCTYPE html>\n<html><body>\n" + "\n".join(lines) + "\n</body></html>\n"
