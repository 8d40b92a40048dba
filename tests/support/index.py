"""A package index small enough to lie on purpose; it holds to the rules that bite (PEP 691)."""

import base64
import hashlib

from aiohttp import web

JSON = "application/vnd.pypi.simple.v1+json"
TOKEN = "index-token-7f3a"


class SmallIndex:
    """One project's files. `lag` is how many looks after an upload still show the old list."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.uploads: list[str] = []
        self.lag = 0
        self.yanked: set[str] = set()
        self.status: dict[str, str] = {}
        self.audience = ""
        self.times: dict[str, str] = {}
        self._hidden: dict[str, int] = {}

    def app(self, url: str) -> web.Application:
        self._url = url
        app = web.Application(client_max_size=1 << 26)
        app.router.add_get("/simple/{project}/", self._page)
        app.router.add_get("/files/{name}", self._file)
        app.router.add_get("/_/oidc/audience", self._audience)
        app.router.add_post("/upload/", self._upload)
        return app

    async def _page(self, _request: web.Request) -> web.Response:
        shown = {name: content for name, content in self.files.items() if self._visible(name)}
        files = [
            {
                "filename": name,
                "url": f"{self._url}/files/{name}",
                "hashes": {"sha256": hashlib.sha256(content).hexdigest()},
                "yanked": name in self.yanked,
                **({"upload-time": self.times[name]} if name in self.times else {}),
            }
            for name, content in shown.items()
        ]
        if not files:
            raise web.HTTPNotFound
        page = {"meta": {"api-version": "1.0"}, "name": "sample-thing", "files": files}
        if self.status:
            page |= {"meta": {"api-version": "1.4"}, "project-status": self.status}
        return web.json_response(page, content_type=JSON)

    async def _audience(self, _request: web.Request) -> web.Response:
        if not self.audience:
            raise web.HTTPNotFound
        return web.json_response({"audience": self.audience})

    def _visible(self, name: str) -> bool:
        left = self._hidden.get(name, 0)
        self._hidden[name] = max(left - 1, 0)
        return left == 0

    async def _file(self, request: web.Request) -> web.Response:
        return web.Response(body=self.files[request.match_info["name"]])

    async def _upload(self, request: web.Request) -> web.Response:
        form = await request.post()
        if request.headers.get("Authorization") != _basic("__token__", TOKEN):
            raise web.HTTPForbidden(reason="Invalid or non-existent authentication information.")
        part = form["content"]
        assert isinstance(part, web.FileField)
        content = part.file.read()
        if self.files.get(part.filename, content) != content:
            raise web.HTTPBadRequest(reason="File already exists, with other bytes.")
        self.files[part.filename] = content
        self.uploads.append(part.filename)
        self._hidden[part.filename] = self.lag
        return web.Response()


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
