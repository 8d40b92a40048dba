"""A run's artifacts, by the protocol of GitHub's runner: its client is npm's `@actions/artifact`.

Two halves: calls of the artifact service (Twirp: a POST of JSON for each method), and the storage
that its signed addresses point to (Azure's Put Block and Put Block List). The stand-ins for the
actions keep their artifacts in the same folders.
"""

import base64
import hashlib
import hmac
import secrets
import shutil
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree as ET

from aiohttp import web

from rehearsal.actions.artifacts import DIGEST, ZIP, Store, check_name, number, sha256
from rehearsal.actions.toolkit import StandInError
from rehearsal.github.auth import caller_of
from rehearsal.github.call import reply
from rehearsal.github.errors import ApiError, Json
from rehearsal.github.hub import Hub

SERVICE = "/twirp/github.actions.results.api.v1.ArtifactService"
BLOBS = "/_services/results"
ZIP_TYPE = "application/zip"
STATUS = {
    "invalid_argument": 400,
    "unauthenticated": 401,
    "permission_denied": 403,
    "not_found": 404,
    "already_exists": 409,
    "unimplemented": 501,
}
"""Twirp's error codes and their HTTP status (Twirp specification, "Error Codes")."""


class RefusedError(Exception):
    """An answer other than success, by its code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Artifacts:
    """The artifacts of all runs. Its signed addresses are good while the service runs."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._key = secrets.token_bytes(32)

    def add_routes(self, app: web.Application) -> None:
        """Serve both halves."""
        methods = {
            "CreateArtifact": self.create,
            "FinalizeArtifact": self.finalize,
            "ListArtifacts": self.list,
            "GetSignedArtifactURL": self.signed,
            "DeleteArtifact": self.delete,
        }
        for name, method in methods.items():
            app.router.add_post(f"{SERVICE}/{name}", self._answered(method))
        app.router.add_put(f"{BLOBS}/{{run}}/{{name}}", self.put)
        app.router.add_get(f"{BLOBS}/{{run}}/{{name}}", self.get)

    def _answered(
        self, method: Callable[[Store, str, Json], Json]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            try:
                fields = await request.json()
                run = self._run(request, fields)
                return reply(method(self._store(run), str(fields.get("name", "")), fields))
            except RefusedError as error:
                return reply({"code": error.code, "msg": str(error)}, STATUS[error.code])

        return handle

    def _run(self, request: web.Request, fields: Json) -> str:
        """Return the run that the token is for; the request has to name the same one."""
        try:
            run = caller_of(self._hub.settings, request).run
        except ApiError as error:
            raise RefusedError("unauthenticated", error.message) from None
        if not run:
            raise RefusedError("unauthenticated", "this token is not for a run's artifacts")
        if str(run) != fields.get("workflow_run_backend_id"):
            raise RefusedError(
                "permission_denied", f"the token is for the artifacts of run {run} only"
            )
        return str(run)

    def _store(self, run: str) -> Store:
        assert self._hub.settings.runs  # noqa: S101 -- no run has a token without it
        return Store(self._hub.settings.runs / run / "artifacts")

    def create(self, store: Store, name: str, fields: Json) -> Json:
        """Begin an artifact: return where its zip file goes."""
        try:
            check_name(name)
        except StandInError as error:
            raise RefusedError("invalid_argument", str(error)) from None
        if fields.get("mime_type", ZIP_TYPE) != ZIP_TYPE:
            raise RefusedError("unimplemented", "this service keeps zip files only")
        if name in store.names():
            taken = "an artifact with this name already exists on the workflow run"
            raise RefusedError("already_exists", taken)
        shutil.rmtree(_begun(store, name), ignore_errors=True)
        _begun(store, name).mkdir(parents=True)
        return {"ok": True, "signed_upload_url": self._address("PUT", store, name)}

    def finalize(self, store: Store, name: str, fields: Json) -> Json:
        """End an artifact: from now on it is there, with the size and the digest that were said."""
        file = _begun(store, name) / ZIP
        if not file.is_file():
            raise RefusedError("not_found", f"nothing was uploaded for the artifact {name!r}")
        found = (str(file.stat().st_size), f"sha256:{sha256(file)}")
        said = (str(fields.get("size")), fields.get("hash", found[1]))
        if said != found:
            raise RefusedError("invalid_argument", f"the upload has {found}, expected {said}")
        draft = store.draft()
        file.rename(draft / ZIP)
        shutil.rmtree(_begun(store, name))
        try:
            store.keep(draft, name)
        except StandInError as error:
            raise RefusedError("already_exists", str(error)) from None
        return {"ok": True, "artifact_id": str(number(name))}

    def list(self, store: Store, _: str, fields: Json) -> Json:
        """List the artifacts, or those of a name or an id."""
        names = [
            one
            for one in store.names()
            if fields.get("name_filter", one) == one
            and str(fields.get("id_filter", number(one))) == str(number(one))
        ]
        return {"artifacts": [self._entry(store, one, fields) for one in names]}

    def _entry(self, store: Store, name: str, fields: Json) -> Json:
        file = store.folder / name / ZIP
        made = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(file.stat().st_mtime))
        return {
            "workflow_run_backend_id": fields["workflow_run_backend_id"],
            "workflow_job_run_backend_id": fields["workflow_job_run_backend_id"],
            "database_id": str(number(name)),
            "name": name,
            "size": str(file.stat().st_size),
            "created_at": made,
            "digest": f"sha256:{(store.folder / name / DIGEST).read_text()}",
        }

    def signed(self, store: Store, name: str, _: Json) -> Json:
        """Return where an artifact can be read."""
        return {"name": name, "signed_url": self._address("GET", store, _there(store, name))}

    def delete(self, store: Store, name: str, _: Json) -> Json:
        """Remove an artifact; its name is free again."""
        shutil.rmtree(store.folder / _there(store, name))
        return {"ok": True, "artifact_id": str(number(name))}

    def _address(self, verb: str, store: Store, name: str) -> str:
        run = store.folder.parent.name
        place = f"{self._hub.settings.base_url}{BLOBS}/{run}/{quote(name, safe='')}"
        return f"{place}?sig={self._signature(verb, run, name)}"

    def _signature(self, verb: str, run: str, name: str) -> str:
        return hmac.new(self._key, f"{verb} {run} {name}".encode(), hashlib.sha256).hexdigest()

    def _opened(self, request: web.Request) -> tuple[Store, str]:
        """Return what a signed address is for; raise 403 for another signature."""
        run, name = request.match_info["run"], request.match_info["name"]
        expected = self._signature(request.method, run, name)
        if not hmac.compare_digest(request.query.get("sig", ""), expected):
            raise web.HTTPForbidden(text="AuthenticationFailed")
        return self._store(run), name

    async def put(self, request: web.Request) -> web.Response:
        """Take a block of a file, or the list of blocks that the file consists of."""
        store, name = self._opened(request)
        folder, body = _begun(store, name), await request.read()
        if request.query.get("comp") == "block":
            (folder / _block(request.query["blockid"])).write_bytes(body)
        elif request.query.get("comp") == "blocklist":
            _join(folder, [one.text or "" for one in ET.fromstring(body)])  # noqa: S314 -- a job of this machine
        else:
            (folder / ZIP).write_bytes(body)
        return web.Response(status=201)

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Send an artifact's zip file."""
        store, name = self._opened(request)
        headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}.zip"}
        file = store.folder / name / ZIP
        if not file.is_file():
            raise web.HTTPNotFound(text="BlobNotFound")
        return web.FileResponse(file, headers={**headers, "Content-Type": ZIP_TYPE})


def _begun(store: Store, name: str) -> Path:
    """Return the folder of an upload that is under way."""
    return store.folder / f".upload-{number(name)}"


def _there(store: Store, name: str) -> str:
    if name not in store.names():
        raise RefusedError("not_found", f"the run has no artifact {name!r}")
    return name


def _block(identifier: str) -> str:
    """Return the file name of a block; its id is any text in base64."""
    return f"block-{base64.urlsafe_b64encode(identifier.encode()).decode()}"


def _join(folder: Path, identifiers: list[str]) -> None:
    """Put the blocks one after another, in the order of the list."""
    with (folder / ZIP).open("wb") as target:
        for one in identifiers:
            target.write((folder / _block(one)).read_bytes())
