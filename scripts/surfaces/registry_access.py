"""Check whether the registry would accept a push, without a push.

The protocol: Distribution's token authentication specification.
"""

import base64
import json
import re
from typing import Any

import requests

from scripts.surfaces import web

DOCKER_HUB = "registry-1.docker.io"
REMEDY = "check IMAGE_REGISTRY and the registry's status page, and run this again"
REFUSED = (401, 403)


def may_push(repository: str, username: str, token: str, silence: float = web.SILENCE) -> bool:
    """Ask for a token that may push to `host/path`, and read what it grants."""
    host, _, path = repository.partition("/")
    with web.failures(f"registry {host}", REMEDY):
        answer = requests.get(f"{_base(host)}/v2/", timeout=silence)
        if answer.status_code not in REFUSED:
            answer.raise_for_status()
            return True
        asked_for = answer.headers.get("WWW-Authenticate", "")
        if not asked_for.lower().startswith("bearer "):
            # It accepts the password itself (RFC 7617), and does not list the repositories.
            answer = requests.get(answer.url, auth=(username, token), timeout=silence)
            return answer.status_code not in REFUSED
        challenge = dict(re.findall(r'(\w+)="([^"]*)"', asked_for))
        asked = {"service": challenge.get("service", ""), "scope": f"repository:{path}:pull,push"}
        answer = requests.get(
            challenge["realm"], params=asked, auth=(username, token), timeout=silence
        )
        if answer.status_code in REFUSED:
            return False
        answer.raise_for_status()
        return grants_push(answer.json())


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
