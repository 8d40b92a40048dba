"""The issuer of identity tokens (OpenID Connect): signed texts that name a job.

The rules: GitHub Docs, "OpenID Connect reference"; the addresses are those of an Enterprise Server.
A job with `id-token: write` requests them with a separate token, which has no other use.
"""

import secrets
import time
import uuid
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import jwt
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from rehearsal.github.auth import Caller, caller_of
from rehearsal.github.call import reply
from rehearsal.github.errors import Json, bad_credentials
from rehearsal.github.hub import Hub
from rehearsal.github.people import identifier
from rehearsal.github.settings import GitHubSettings
from rehearsal.github.tokens import ASKED_AT, MARK

ISSUER = "/_services/token"
LIFE, EARLIER = 300, 600
"""Seconds that a token is valid, and seconds before its making from which on it is."""
CLAIMS = (
    *("sub", "aud", "exp", "iat", "iss", "jti", "nbf", "ref", "sha", "repository"),
    *("repository_id", "repository_owner", "repository_owner_id", "repository_visibility"),
    *("run_id", "run_number", "run_attempt", "actor", "actor_id", "workflow", "workflow_ref"),
    *("workflow_sha", "head_ref", "base_ref", "event_name", "ref_type", "ref_protected"),
    *("environment", "job_workflow_ref", "job_workflow_sha", "runner_environment"),
)


class Issuer:
    """Signs identity tokens. `url` is its name in them; its key lies in `folder`."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder = url, folder

    @cached_property
    def _key(self) -> rsa.RSAPrivateKey:
        # Made with its first use: that takes a tenth of a second, and few runs need it.
        return _key(self.folder / "identity-key.pem")

    @cached_property
    def _public(self) -> dict[str, str]:
        public = RSAAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        number = uuid.uuid5(uuid.NAMESPACE_URL, str(public["n"]))
        told = {"kty": public["kty"], "n": public["n"], "e": public["e"]}
        return told | {"kid": str(number), "use": "sig", "alg": "RS256"}

    def issue(self, claims: Mapping[str, Any], audience: str, *, now: float | None = None) -> str:
        """Sign a token with these claims, valid for five minutes from `now` on."""
        began = int(time.time() if now is None else now)
        times = {"iat": began, "nbf": began - EARLIER, "exp": began + LIFE}
        own = {"iss": self.url, "aud": audience, "jti": str(uuid.uuid4()), **times}
        return jwt.encode(
            {**claims, **own}, self._key, "RS256", headers={"kid": self._public["kid"]}
        )

    def jwks(self) -> Json:
        """Return the keys that its tokens are checked with (RFC 7517)."""
        return {"keys": [self._public]}

    def discovery(self) -> Json:
        """Return its description (OpenID Connect Discovery 1.0)."""
        return {
            "issuer": self.url,
            "jwks_uri": f"{self.url}/.well-known/jwks",
            "subject_types_supported": ["public", "pairwise"],
            "response_types_supported": ["id_token"],
            "claims_supported": list(CLAIMS),
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": ["openid"],
        }


def repository_claims(settings: GitHubSettings, claims: Mapping[str, str]) -> dict[str, str]:
    """Complete the claims of a job with those of its repository and its people."""
    made = {
        "repository": settings.full_name,
        "repository_id": str(identifier(settings.full_name)),
        "repository_owner": settings.owner,
        "repository_owner_id": str(identifier(settings.owner)),
        "repository_visibility": "private" if settings.private else "public",
        "actor_id": str(identifier(claims["actor"])),
        **claims,
    }
    return {"sub": subject(made, numbered=settings.immutable_subject), **made}


def subject(claims: Mapping[str, str], *, numbered: bool) -> str:
    """Return the claim `sub`, by default of names; `numbered` also has the ids of owner and name.

    Repositories made since July 2026 have the second form, older ones may choose it.
    """
    owner, _, name = claims["repository"].partition("/")
    if numbered:
        owner += f"@{claims['repository_owner_id']}"
        name += f"@{claims['repository_id']}"
    if environment := claims.get("environment"):
        end = f"environment:{environment.replace(':', '%3A')}"
    elif claims["event_name"] == "pull_request":
        end = "pull_request"
    else:
        end = f"ref:{claims['ref']}"
    return f"repo:{owner}/{name}:{end}"


def add_routes(app: web.Application, hub: Hub) -> None:
    """Serve the issuer: its description, its keys, and tokens for jobs."""
    settings = hub.settings
    issuer = Issuer(f"{settings.base_url}{ISSUER}", settings.folder)

    async def discovery(_: web.Request) -> web.Response:
        return reply(issuer.discovery())

    async def keys(_: web.Request) -> web.Response:
        return reply(issuer.jwks())

    async def token(request: web.Request) -> web.Response:
        caller = _job(settings, request)
        audience = request.query.get("audience", f"{settings.base_url}/{settings.owner}")
        text = issuer.issue(repository_claims(settings, caller.identity), audience)
        return reply({"count": len(text), "value": text})

    app.router.add_get(f"{ISSUER}/.well-known/openid-configuration", discovery)
    app.router.add_get(f"{ISSUER}/.well-known/jwks", keys)
    app.router.add_get(ASKED_AT, token)


def _job(settings: GitHubSettings, request: web.Request) -> Caller:
    """Return the requesting job; raise 401 for any other or expired token."""
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not text.startswith(MARK):
        raise bad_credentials()
    caller = caller_of(settings, request, f"Bearer {text.removeprefix(MARK)}")
    caller.require("id_token:write")
    return caller


def _key(file: Path) -> rsa.RSAPrivateKey:
    """Read the key, or make it; a kept world always signs with the same key."""
    if not file.exists():
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        formats = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        draft = file.with_suffix(f".{secrets.token_hex(8)}")
        draft.touch(mode=0o600)
        draft.write_bytes(key.private_bytes(serialization.Encoding.PEM, *formats))
        draft.replace(file)
    found = serialization.load_pem_private_key(file.read_bytes(), None)
    assert isinstance(found, rsa.RSAPrivateKey)  # noqa: S101 -- this file is ours
    return found
