"""The tokens of workflow runs: made when a job or a run begins, unknown after its end.

Each token is a file with the token's hash as its name. The command that runs jobs and the service
that answers them share this folder.
"""

import base64
import dataclasses
import hashlib
import json
import secrets
from pathlib import Path

from rehearsal.github.settings import Token

BOT = "github-actions[bot]"
LENGTH = 520
"""Characters of a GITHUB_TOKEN as GitHub gives them since 2026: a prefix and a JWT."""

ASKED_AT = "/_services/pipelines/idtoken"
"""Where the service gives identity tokens."""
REQUEST_URL, REQUEST_TOKEN = "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"
"""The variables that only a job with `id-token: write` has."""
MARK = "idtoken."
"""Begins the token that asks for identity tokens; the job's GITHUB_TOKEN follows."""


class TokenBook:
    """The tokens that are valid now."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def issue(self, token: Token) -> str:
        """Make a token and return its text."""
        text = make_text()
        self.write(text, token)
        return text

    def write(self, text: str, token: Token) -> None:
        """Set the permissions of a token."""
        self._folder.mkdir(parents=True, exist_ok=True)
        draft = self._folder / f".{secrets.token_hex(8)}"
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(dataclasses.asdict(token)))
        draft.replace(self._file(text))

    def revoke(self, text: str) -> None:
        """Revoke a token."""
        self._file(text).unlink(missing_ok=True)

    def find(self, text: str) -> Token | None:
        """Return the permissions of a token; None for an unknown or expired one."""
        try:
            return Token(**json.loads(self._file(text).read_text()))
        except FileNotFoundError:
            return None

    def _file(self, text: str) -> Path:
        return self._folder / hashlib.sha256(text.encode()).hexdigest()


def asking(server: str, token: str) -> dict[str, str]:
    """Return the variables of a job that may ask for identity tokens; `token` is its own."""
    return {REQUEST_URL: f"{server}{ASKED_AT}?api-version=2.0", REQUEST_TOKEN: MARK + token}


def make_text(prefix: str = "ghs_", **claims: str) -> str:
    """Return a new token's text, with the form and the length of a GITHUB_TOKEN."""
    head = {"alg": "RS256", "typ": "JWT"}
    said = {"jti": secrets.token_hex(8), "iss": "actions", **claims}
    parts = [base64.urlsafe_b64encode(json.dumps(one).encode()) for one in (head, said)]
    text = prefix + ".".join(part.decode().rstrip("=") for part in parts) + "."
    return text + secrets.token_urlsafe(LENGTH)[: LENGTH - len(text)]


def runtime_text(run: int) -> str:
    """Return the text of a token for a run's artifacts: their client reads the run in `scp`."""
    return make_text("", scp=f"Actions.Results:{run}:{run}")
