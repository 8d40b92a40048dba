"""Ask the registry itself: whether it would accept a push, and which tags a repository has.

The protocol: Distribution's token authentication specification.
"""

import base64
import json
import re
from typing import Any
from urllib.parse import urljoin

import requests

from scripts.surfaces import web

DOCKER_HUB = "registry-1.docker.io"
REMEDY = "check IMAGE_REGISTRY and the registry's status page, and run this again"
REFUSED = (401, 403)
MISSING = 404


def may_push(repository: str, username: str, token: str, silence: float = web.SILENCE) -> bool:
    """Ask for a token that may push to `host/path`, and read what it grants."""
    host, _, path = repository.partition("/")
    with web.failures(f"registry {host}", REMEDY):
        answer = requests.get(f"{_base(host)}/v2/", timeout=silence)
        if answer.status_code not in REFUSED:
            answer.raise_for_status()
            return True
        challenge = _challenge(answer)
        if not challenge:
            # It accepts the password itself (RFC 7617), and does not list the repositories.
            answer = requests.get(answer.url, auth=(username, token), timeout=silence)
            return answer.status_code not in REFUSED
        asked = {"service": challenge.get("service", ""), "scope": f"repository:{path}:pull,push"}
        answer = requests.get(
            challenge["realm"], params=asked, auth=(username, token), timeout=silence
        )
        if answer.status_code in REFUSED:
            return False
        answer.raise_for_status()
        return grants_push(answer.json())


def tags(repository: str, silence: float = web.SILENCE) -> list[str]:
    """List the tags of `host/path` as anybody can; none of a repository that does not exist.

    Raises ServiceError for a registry or a repository that needs a login.
    """
    host, _, path = repository.partition("/")
    found: list[str] = []
    url = f"{_base(host)}/v2/{path}/tags/list?n=1000"
    with web.failures(f"registry {host}", REMEDY), requests.Session() as session:
        while url:
            answer = session.get(url, timeout=silence)
            if answer.status_code in REFUSED and "Authorization" not in session.headers:
                session.headers["Authorization"] = _pull(session, answer, path, silence)
                continue
            if answer.status_code == MISSING:
                break
            answer.raise_for_status()
            found += answer.json()["tags"] or ()
            more = answer.links.get("next", {}).get("url")
            url = urljoin(url, more) if more else ""
    return sorted(found)


def _pull(session: requests.Session, refused: requests.Response, path: str, silence: float) -> str:
    """Get an anonymous token that may read, from the service that the registry names."""
    challenge = _challenge(refused)
    if "realm" not in challenge:
        refused.raise_for_status()
    asked = {"service": challenge.get("service", ""), "scope": f"repository:{path}:pull"}
    answer = session.get(challenge["realm"], params=asked, timeout=silence)
    answer.raise_for_status()
    said = answer.json()
    return f"Bearer {said.get('token') or said.get('access_token')}"


def _challenge(answer: requests.Response) -> dict[str, str]:
    """Read where the registry sends for a token (RFC 6750); nothing if it wants a password."""
    asked_for = answer.headers.get("WWW-Authenticate", "")
    bearer = asked_for.lower().startswith("bearer ")
    return dict(re.findall(r'(\w+)="([^"]*)"', asked_for)) if bearer else {}


def grants_push(answer: dict[str, Any]) -> bool:
    """Read the access that a token grants; trust an unreadable one until its use."""
    token = str(answer.get("token") or answer.get("access_token") or "")
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return any("push" in access["actions"] for access in claims["access"])
    except (IndexError, ValueError, KeyError, TypeError):
        return bool(token)


def _base(host: str) -> str:
    # Registries on this machine are spoken to over plain HTTP, as every Docker client does.
    if host.partition(":")[0] in ("localhost", "127.0.0.1"):
        return f"http://{host}"
    return f"https://{DOCKER_HUB if host == 'docker.io' else host}"
