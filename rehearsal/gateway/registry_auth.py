"""Docker Hub's token protocol in front of a registry without access control.

Specified by the CNCF distribution project (spec/auth: token, oauth, scope). Everybody may pull;
one account may push, below its own namespaces only.
"""

import base64
import binascii
import json
import secrets
import time
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

LIFETIME = 300  # seconds, Docker Hub's
SERVICE = "registry.rehearsal"
READING = frozenset({"GET", "HEAD"})

Access = frozenset[tuple[str, str]]  # of (repository, action)
LOGGED_IN = web.RequestKey("logged_in", bool)
"""Whether a request's token was issued to the account. A stranger's token was not."""


@dataclass(frozen=True)
class Account:
    """Who may push, and below which first path components of a repository's name."""

    username: str
    password: str = field(repr=False)
    namespaces: tuple[str, ...]


@dataclass(frozen=True)
class _Token:
    access: Access
    expires: float
    logged_in: bool


class TokenAuthority:
    """Issues tokens, remembers them, and accepts requests with a sufficient one."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._tokens: dict[str, _Token] = {}
        self._refresh = secrets.token_urlsafe(32)

    async def get_token(self, request: web.Request) -> web.Response:
        """Answer `GET /token`: for the account with Basic credentials, for anybody without them."""
        header = request.headers.get("Authorization", "")
        known = bool(header)
        if known and not self._is_account(*basic(header)):
            return refusal(401, "UNAUTHORIZED", "incorrect username or password")
        token = self._issue(request.query.getall("scope", []), known)
        return web.json_response(_token_answer(token, "token"))

    async def post_token(self, request: web.Request) -> web.Response:
        """Answer `POST /token`, the OAuth 2 form of the same."""
        form = await request.post()
        if form.get("grant_type") == "refresh_token":
            known = secrets.compare_digest(str(form.get("refresh_token", "")), self._refresh)
        else:
            known = self._is_account(str(form.get("username", "")), str(form.get("password", "")))
        if not known:
            return refusal(401, "UNAUTHORIZED", "incorrect username or password")
        answer = _token_answer(self._issue([str(form.get("scope", ""))], known), "access_token")
        answer["scope"] = str(form.get("scope", ""))
        if form.get("access_type") == "offline":
            answer["refresh_token"] = self._refresh
        return web.json_response(answer)

    def guard(self) -> Middleware:
        """Make the middleware that passes only sufficient tokens to the registry."""

        @web.middleware
        async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
            if request.path == "/token":
                return await handler(request)
            token = self._tokens.get(request.headers.get("Authorization", "")[len("Bearer ") :])
            if token is None or token.expires < time.monotonic():
                return _challenge(request, insufficient=False)
            repository = repository_of(request.path)
            if repository and (repository, action_of(request.method)) not in token.access:
                return _challenge(request, insufficient=True)
            request[LOGGED_IN] = token.logged_in
            return await handler(request)

        return middleware

    def _is_account(self, username: str, password: str) -> bool:
        right = f"{self._account.username}:{self._account.password}"
        return secrets.compare_digest(f"{username}:{password}".encode(), right.encode())

    def _issue(self, scopes: list[str], known: bool) -> str:
        now = time.monotonic()
        self._tokens = {key: one for key, one in self._tokens.items() if one.expires >= now}
        asked = parse_scopes(" ".join(scopes))
        granted = frozenset(one for one in asked if self._grants(*one, known))
        name = _jwt(granted)
        self._tokens[name] = _Token(granted, now + LIFETIME, known)
        return name

    def _grants(self, repository: str, action: str, known: bool) -> bool:
        own = repository.partition("/")[0] in self._account.namespaces
        return action == "pull" or (action == "push" and known and own)


def _jwt(granted: Access) -> str:
    """Write a token that states its grants, as Docker Hub's do; its signature is a secret."""
    access = [{"type": "repository", "name": name, "actions": [one]} for name, one in granted]
    parts = [json.dumps(part).encode() for part in ({"typ": "JWT"}, {"access": access})]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts) + (
        f".{secrets.token_urlsafe(32)}"
    )


def parse_scopes(text: str) -> Access:
    """Read `repository:NAME:ACTION,ACTION ...`; scopes of other kinds give nothing."""
    found: set[tuple[str, str]] = set()
    for scope in text.split():
        kind, _, rest = scope.partition(":")
        name, _, actions = rest.rpartition(":")
        if kind == "repository" and name:
            found.update((name, action) for action in actions.split(",") if action)
    return frozenset(found)


def repository_of(path: str) -> str:
    """Name the repository that a registry path is about, empty for `/v2/` and the catalogue."""
    inside = path.removeprefix("/v2/")
    for part in ("/manifests/", "/blobs/", "/tags/", "/referrers/"):
        if part in inside:
            return inside.partition(part)[0]
    return ""


def action_of(method: str) -> str:
    """Name the action of the token scope that a request's method needs."""
    if method in READING:
        return "pull"
    return "delete" if method == "DELETE" else "push"


def _challenge(request: web.Request, *, insufficient: bool) -> web.Response:
    realm = f"{request.scheme}://{request.host}/token"
    header = f'Bearer realm="{realm}",service="{SERVICE}"'
    repository = repository_of(request.path)
    if repository:
        action = action_of(request.method)
        actions = action if action == "pull" else f"pull,{action}"
        header += f',scope="repository:{repository}:{actions}"'
    if insufficient:
        header += ',error="insufficient_scope"'
    code = "DENIED" if insufficient else "UNAUTHORIZED"
    answer = refusal(401, code, "requested access to the resource is denied")
    answer.headers["WWW-Authenticate"] = header
    answer.headers["Docker-Distribution-Api-Version"] = "registry/2.0"
    return answer


def refusal(status: int, code: str, message: str) -> web.Response:
    """Return a refusal in the form of the distribution specification."""
    body = json.dumps({"errors": [{"code": code, "message": message, "detail": None}]})
    return web.Response(status=status, text=body, content_type="application/json")


def _token_answer(token: str, key: str) -> dict[str, str | int]:
    issued = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return {key: token, "access_token": token, "expires_in": LIFETIME, "issued_at": issued}


def basic(header: str) -> tuple[str, str]:
    """Return user and password of an Authorization header; two empty texts if it has none."""
    scheme, _, value = header.partition(" ")
    try:
        decoded = base64.b64decode(value, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    username, _, password = decoded.partition(":")
    return (username, password) if scheme.lower() == "basic" else ("", "")
