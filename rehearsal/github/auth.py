"""Find who is calling, and what that caller may do."""

import asyncio
import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from aiohttp import web

from rehearsal.gateway.peer import job_of
from rehearsal.github.errors import bad_credentials, forbidden, hidden, unauthenticated
from rehearsal.github.settings import GitHubSettings, Token
from rehearsal.github.tokens import TokenBook

LEVELS = ("none", "read", "write", "admin")


@dataclass(frozen=True)
class Caller:
    """The sender of a request; without a login it is anonymous."""

    login: str | None = None
    permissions: Mapping[str, str] = field(default_factory=dict)
    job: str = ""
    identity: Mapping[str, str] = field(default_factory=dict)
    """The claims of a job's identity tokens."""
    run: int = 0
    """The run whose artifacts it may read and write."""

    def may(self, permission: str, level: str = "write") -> bool:
        """Return whether the caller has at least this level of a permission."""
        return LEVELS.index(self.permissions.get(permission, "none")) >= LEVELS.index(level)

    def require(self, needs: str) -> None:
        """Raise 401 without a token and 403 for a token without `needs`, given as `name:level`."""
        permission, level = needs.split(":")
        if self.may(permission, level):
            return
        if self.login is None:
            raise unauthenticated()
        raise forbidden(self.described, permission, level)

    def require_sight(self, permission: str) -> None:
        """Raise the 404 of a private repository for whoever may not read that of it."""
        if not self.may(permission, "read"):
            raise hidden(self.described, permission.replace("_", "-"))

    @property
    def described(self) -> str:
        """Describe the caller for one of our messages."""
        return f"the job {self.job}" if self.job else self.login or "who gives no token"

    @property
    def name(self) -> str:
        """The login; only for callers who needed one."""
        return self.login or "ghost"


def caller_of(
    settings: GitHubSettings, request: web.Request, authorization: str | None = None
) -> Caller:
    """Return the caller that the Authorization header names; raise 401 for an unknown token.

    `authorization` replaces that header.
    """
    authorization = authorization or request.headers.get("Authorization")
    if not authorization:
        return Caller()
    text = secret_of(authorization)
    token = settings.tokens.get(text) or TokenBook(settings.token_folder).find(text)
    if token is None:
        raise bad_credentials()
    if token.jobs:
        return _job(token, request)
    identity = token.identities.get(token.job, {})
    return Caller(token.login, token.permissions, token.job, identity, token.run)


_JOBS: WeakKeyDictionary[asyncio.Transport, str] = WeakKeyDictionary()
"""The job at the other end of each connection, once it is known."""


def _job(token: Token, request: web.Request) -> Caller:
    """Return the job that sends a request with the token of its run; raise 401 if none does."""
    transport = request.transport
    if transport is None:  # it has hung up
        raise bad_credentials()
    ends = [transport.get_extra_info(end)[:2] for end in ("peername", "sockname")]
    name = _JOBS.get(transport) or job_of(ends[0], ends[1], token.runner)
    if name not in token.jobs:
        raise bad_credentials()
    _JOBS[transport] = name
    identity = token.identities.get(name, {})
    return Caller(token.login, token.jobs[name], name, identity, token.run)


def secret_of(authorization: str) -> str:
    """Return the token in a header of the schemes token, Bearer and Basic (as the password)."""
    scheme, _, rest = authorization.partition(" ")
    if scheme.lower() != "basic":
        return rest.strip()
    try:
        pair = base64.b64decode(rest, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
    user, _, password = pair.partition(":")
    # A token alone, without a password, is taken from the user name.
    return password if password not in ("", "x-oauth-basic") else user
