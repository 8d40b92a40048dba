"""What the index knows besides its files: publishers, tokens, every file name ever used."""

import hashlib
import json
import secrets
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

Json = dict[str, Any]
TOKEN_LIFE = 900
"""Seconds that a token is valid which a trusted publisher was given."""
ACCOUNT_LIFE = 10 * 365 * 86400
PREFIX = "pypi-"


@dataclass(frozen=True)
class Publisher:
    """One trusted publisher; without an `environment` every one of the repository may be it."""

    owner: str
    owner_id: str
    repository: str
    workflow: str
    environment: str = ""

    def shown(self) -> Json:
        """Return it as the index tells it (PEP 740)."""
        return {
            "kind": "GitHub",
            "repository": f"{self.owner}/{self.repository}",
            "workflow": self.workflow,
            "environment": self.environment or None,
        }


@dataclass
class Project:
    """A project by its normalised name; `status` and `reason` are those of PEP 792."""

    publishers: list[Publisher] = field(default_factory=list)
    status: str = "active"
    reason: str = ""


@dataclass
class File:
    """A file that was uploaded once; `uploaded` is in seconds since the epoch."""

    project: str
    version: str
    kind: str
    sha256: str
    size: int
    uploaded: float
    deleted: bool = False
    provenance: Json | None = None


@dataclass(frozen=True)
class Upload:
    """What a token is for: a publisher's projects, or everything of an account (no publisher)."""

    expires: float = 0
    publisher: Publisher | None = None
    projects: tuple[str, ...] = ()


@dataclass
class State:
    """All of it. `lag` are the seconds for which a new file is not shown yet."""

    projects: dict[str, Project] = field(default_factory=dict)
    pending: dict[str, Publisher] = field(default_factory=dict)
    files: dict[str, File] = field(default_factory=dict)
    tokens: dict[str, Upload] = field(default_factory=dict)
    used: dict[str, float] = field(default_factory=dict)
    lag: float = 0

    def created(self, project: str, version: str) -> float | None:
        """Return when a release's first file came; None without one."""
        mine = (
            one for one in self.files.values() if (one.project, one.version) == (project, version)
        )
        return min((one.uploaded for one in mine), default=None)

    def projects_of(self, publisher: Publisher) -> tuple[str, ...]:
        """Return the projects that a publisher may upload to."""
        return tuple(name for name, one in self.projects.items() if publisher in one.publishers)

    def issue(self, publisher: Publisher | None, life: float) -> str:
        """Make a token, for a publisher or an account."""
        text = PREFIX + secrets.token_urlsafe(120)
        mine = self.projects_of(publisher) if publisher else ()
        self.tokens[hashed(text)] = Upload(time.time() + life, publisher, mine)
        return text

    @classmethod
    def from_json(cls, data: Json) -> "State":
        """Return the state that `asdict` made `data` from."""
        projects = {
            name: Project(**{**one, "publishers": [Publisher(**p) for p in one["publishers"]]})
            for name, one in data["projects"].items()
        }
        pending = {name: Publisher(**one) for name, one in data["pending"].items()}
        files = {name: File(**one) for name, one in data["files"].items()}
        tokens = {
            key: Upload(one["expires"], _publisher(one["publisher"]), tuple(one["projects"]))
            for key, one in data["tokens"].items()
        }
        return cls(projects, pending, files, tokens, data["used"], data["lag"])


def _publisher(data: Json | None) -> Publisher | None:
    return Publisher(**data) if data else None


def hashed(token: str) -> str:
    """Return what the state knows a token by: no file holds the token itself."""
    return hashlib.sha256(token.encode()).hexdigest()


def begin(folder: Path, project: str, publisher: Publisher | None) -> str:
    """Begin an index, or go on with one; return a token of an account that may do everything.

    A `publisher` is registered for `project`: pending, until it publishes for the first time.
    """
    store = Store(folder)
    state = store.load()
    if publisher and project not in state.projects:
        state.pending[project] = publisher
    token = state.issue(None, ACCOUNT_LIFE)
    store.save(state)
    return token


class Store:
    """The state on disk. It is read for every request: a rehearsal may change it meanwhile."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "state.json"

    def load(self) -> State:
        """Return the state; an empty one if there is none yet."""
        if not self._file.exists():
            return State()
        return State.from_json(json.loads(self._file.read_text(encoding="utf-8")))

    def save(self, state: State) -> None:
        """Write the state, whole or not at all."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        draft = self._file.with_suffix(f".{secrets.token_hex(8)}")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(asdict(state), indent=1), encoding="utf-8")
        draft.replace(self._file)
