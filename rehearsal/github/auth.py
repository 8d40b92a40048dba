"""Who is calling, and what that caller may do."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field

from rehearsal.github.errors import bad_credentials, forbidden, unauthenticated
from rehearsal.github.settings import GitHubSettings

LEVELS = ("none", "read", "write", "admin")


@dataclass(frozen=True)
class Caller:
    """Whoever sent a request; without a login it is anybody."""

    login: str | None = None
    permissions: Mapping[str, str] = field(default_factory=dict)

    def may(self, permission: str, level: str = "write") -> bool:
        """Return whether the caller has at least this level of a permission."""
        return LEVELS.index(self.permissions.get(permission, "none")) >= LEVELS.index(level)

    def require(self, needs: str) -> None:
        """Raise 401 for anybody and 403 for a token without `needs`, given as `name:level`."""
        permission, level = needs.split(":")
        if self.may(permission, level):
            return
        raise unauthenticated() if self.login is None else forbidden()

    @property
    def name(self) -> str:
        """The login; only for callers who needed one."""
        return self.login or "ghost"


def caller_of(settings: GitHubSettings, authorization: str | None) -> Caller:
    """Return the caller that an Authorization header names; raise 401 for an unknown token."""
    if not authorization:
        return Caller()
    token = settings.tokens.get(secret_of(authorization))
    if token is None:
        raise bad_credentials()
    return Caller(token.login, token.permissions)


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
