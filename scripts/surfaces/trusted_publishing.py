"""Trusted publishing: exchange a job's identity token for an upload token of some minutes.

The rules: GitHub Docs, "OpenID Connect reference", and the index's user documentation, "Trusted
publishers". No password exists: the index knows one job of one workflow file.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

import jwt
import requests

from scripts.core.errors import ServiceError
from scripts.surfaces import web

WORKFLOWS = ".github/workflows/"
SETUP = "docs/setup.md, step 1"
AGAIN = "and run the release again with the same version"
INDEX, ISSUER = "the package index", "GitHub's identity service"
CLIENT_ERRORS = range(400, web.SERVER)
PERMITTED = "give the job `id-token: write`, and ask only while the job runs"
# What the index says, by its code: what that means, and what to do.
REFUSALS = {
    "invalid-pending-publisher": (
        "its pending publisher is for a project that exists already",
        f"register the publisher in the project's own settings, {AGAIN}",
    ),
    "invalid-token": (
        "it does not accept the identity token: it is expired, or made for another index",
        f"check this machine's clock and PACKAGE_INDEX_UPLOAD_URL, {AGAIN}",
    ),
    "invalid-reuse-token": (
        "the identity token was used before, and each is valid once",
        f"let nothing else in the job exchange it, {AGAIN}",
    ),
    "not-enabled": (
        "it has switched trusted publishing off",
        f"wait until its status page says otherwise, {AGAIN}",
    ),
    "invalid-payload": (
        "it cannot read the identity token, or does not trust its issuer",
        f"use an index that trusts this GitHub, or set PACKAGE_INDEX_TOKEN, {AGAIN}",
    ),
}


@dataclass(frozen=True)
class Identity:
    """Where a job asks for its identity tokens, and the token that it asks with."""

    url: str
    token: str

    def __repr__(self) -> str:
        """Hide the token from tracebacks and logs."""
        return f"Identity({self.url!r}, …)"


def upload_token(
    identity: Identity,
    upload_url: str,
    hide: Callable[[str], None],
    silence: float = web.SILENCE,
) -> str:
    """Return a token to upload with, valid for some minutes; both tokens go to `hide`.

    Every call takes a fresh identity token, since the index accepts each only once. Raises
    `TransientError` or `ServiceError`.
    """
    wanted = audience(upload_url, silence)
    if wanted is None:
        raise ServiceError(
            f"{INDEX} at {urljoin(upload_url, '/')} has no trusted publishing, and the job has no "
            "token for it",
            f"set the secret PACKAGE_INDEX_TOKEN ({SETUP}), {AGAIN}",
        )
    proof = identity_token(identity, wanted, silence)
    hide(proof)
    with web.failures(INDEX, f"check PACKAGE_INDEX_UPLOAD_URL, {AGAIN}"):
        answer = requests.post(
            urljoin(upload_url, "/_/oidc/mint-token"),
            json={"token": proof},
            timeout=silence,
            allow_redirects=False,
        )
        if answer.status_code == requests.codes.unprocessable:
            raise _refused(answer.json(), proof)
        answer.raise_for_status()
        token = str(answer.json()["token"])
    hide(token)
    return token


def audience(upload_url: str, silence: float = web.SILENCE) -> str | None:
    """Return what an index wants identity tokens made for; None if it has no trusted publishing.

    Raises `TransientError` or `ServiceError`.
    """
    with web.failures(INDEX, f"check PACKAGE_INDEX_UPLOAD_URL, {AGAIN}"):
        answer = requests.get(urljoin(upload_url, "/_/oidc/audience"), timeout=silence)
        if answer.status_code != web.TOO_MANY and answer.status_code in CLIENT_ERRORS:
            return None
        answer.raise_for_status()
        return str(answer.json()["audience"])


def identity_token(identity: Identity, wanted: str, silence: float = web.SILENCE) -> str:
    """Ask GitHub who the job is, for the service `wanted` (GitHub Docs, OpenID Connect reference).

    Raises `TransientError` or `ServiceError`.
    """
    with web.failures(ISSUER, PERMITTED):
        answer = requests.get(
            identity.url,
            params={"audience": wanted},
            auth=_bearer(identity.token),
            timeout=silence,
            allow_redirects=False,
        )
        answer.raise_for_status()
        return str(answer.json()["value"])


def _bearer(token: str) -> Callable[[requests.PreparedRequest], requests.PreparedRequest]:
    """Sign a request; a header alone would give way to the login of a `.netrc`."""

    def sign(request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"bearer {token}"
        return request

    return sign


def _refused(said: dict[str, Any], proof: str) -> ServiceError:
    """Say in our words why the index gave no token."""
    error = said["errors"][0]
    code, description = str(error["code"]), str(error["description"])
    if code == "invalid-publisher":
        return _unregistered(description, proof)
    meaning, remedy = REFUSALS.get(code, (description, f"see {SETUP}, {AGAIN}"))
    return ServiceError(f"{INDEX} gave no upload token: {meaning} ({code}: {description})", remedy)


def _unregistered(description: str, proof: str) -> ServiceError:
    """Name the publisher that is missing, by what the job proves about itself."""
    claims = jwt.decode(proof, options={"verify_signature": False})
    owner, _, repository = str(claims["repository"]).partition("/")
    path = str(claims["job_workflow_ref"]).partition("@")[0]
    job = (
        f"owner {owner}, repository {repository}, workflow {path.partition(WORKFLOWS)[2] or path}, "
        f"environment {claims.get('environment') or '(none)'}"
    )
    return ServiceError(
        f"{INDEX} has no trusted publisher for this job: {job} ({description})",
        f"register exactly this publisher at the index ({SETUP}): {job}; then run the release "
        "again with the same version",
    )
