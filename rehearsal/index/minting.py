"""Identity tokens in, upload tokens out: the exchange of a trusted publisher.

The rules: the public index's own code (pypi/warehouse, `warehouse/oidc`).
"""

import time
from collections.abc import Mapping
from typing import Any

import aiohttp
import jwt

from rehearsal.index import publishers
from rehearsal.index.publishers import NoPublisherError
from rehearsal.index.state import TOKEN_LIFE, Json, Project, State

AUDIENCE = "rehearsed-index"
LEEWAY = 30
"""Seconds by which the clocks of issuer and index may differ."""
REMEDY = "use a fresh identity token for every request: it is valid once, and for five minutes"


class MintError(Exception):
    """A refused exchange, with the code and the description that the client is told."""

    def __init__(self, code: str, description: str, remedy: str = "") -> None:
        super().__init__(description)
        self.code, self.description, self.remedy = code, description, remedy

    def body(self) -> Json:
        """Return the answer's JSON."""
        error = {"code": self.code, "description": self.description}
        return {"message": "Token request failed", "errors": [error]}


async def verified(text: str, issuer: str) -> Mapping[str, Any]:
    """Return the claims of a token that `issuer` signed for this index; raise `MintError`."""
    try:
        said = jwt.decode(text, options={"verify_signature": False}).get("iss")
        kid = str(jwt.get_unverified_header(text).get("kid"))
    except jwt.PyJWTError as error:
        raise MintError("invalid-payload", "malformed JWT") from error
    if not issuer or said != issuer:
        raise MintError("invalid-payload", "unknown trusted publishing issuer")
    keys = await _keys(issuer)
    try:
        return jwt.decode(
            text,
            jwt.PyJWK(keys[kid]),
            ["RS256"],
            options={"require": ["iss", "iat", "exp", "aud"], "strict_aud": True},
            issuer=issuer,
            audience=AUDIENCE,
            leeway=LEEWAY,
        )
    except (jwt.PyJWTError, KeyError) as error:
        raise MintError("invalid-token", "malformed or invalid token", REMEDY) from error


async def _keys(issuer: str) -> Mapping[str, Any]:
    """Fetch the issuer's keys, by their names."""
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{issuer}/.well-known/openid-configuration") as answer:
            url = (await answer.json())["jwks_uri"]
        async with session.get(url) as answer:
            return {key["kid"]: key for key in (await answer.json())["keys"]}


def mint(state: State, claims: Mapping[str, Any]) -> Json:
    """Give a job its upload token; a pending publisher's project is made first.

    Raises `MintError`.
    """
    _make_pending(state, claims)
    used = claims.get("jti") in state.used
    if used:
        raise MintError("invalid-reuse-token", "invalid token: already used", REMEDY)
    known = [one for project in state.projects.values() for one in project.publishers]
    try:
        publisher = publishers.find(claims, known)
    except NoPublisherError as error:
        description = f"valid token, but no corresponding publisher ({error})"
        raise MintError("invalid-publisher", description, _register(claims)) from error
    state.used[claims["jti"]] = claims["exp"] + LEEWAY
    text = state.issue(publisher, TOKEN_LIFE)
    return {"success": True, "token": text, "expires": int(time.time()) + TOKEN_LIFE}


def _make_pending(state: State, claims: Mapping[str, Any]) -> None:
    """Make the project of a pending publisher that the job is, and give the project to it."""
    for name, one in list(state.pending.items()):
        try:
            publishers.find(claims, [one])
        except NoPublisherError:
            continue
        del state.pending[name]
        if name in state.projects:
            raise MintError("invalid-pending-publisher", "valid token, but project already exists")
        state.projects[name] = Project([one])


def _register(claims: Mapping[str, Any]) -> str:
    try:
        job = publishers.of_job(claims)
    except (NoPublisherError, KeyError):
        return "publish from a job of a GitHub workflow"
    return (
        f"register the publisher {job.owner}/{job.repository}, workflow {job.workflow}, "
        f"environment {job.environment or '(none)'} at the index"
    )
