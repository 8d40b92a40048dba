"""The state that is not in git: releases, assets, pulls, labels, protection; kept as files."""

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rehearsal.github.errors import Json


def now() -> str:
    """Return the present moment as GitHub writes it, to the second, in UTC."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class Release:
    """A release, draft or published."""

    id: int
    tag_name: str
    target_commitish: str
    name: str | None
    body: str | None
    draft: bool
    prerelease: bool
    author: str
    untagged: str
    created_at: str
    updated_at: str
    published_at: str | None = None
    immutable: bool = False
    make_latest: str = "true"
    discussion: int | None = None
    """The number of the discussion that was opened with it."""

    @property
    def public_tag(self) -> str:
        """The tag in the release's page addresses; for a draft, a placeholder."""
        return self.untagged if self.draft else self.tag_name


@dataclass
class Asset:
    """A release's file; `state` is `starter` until all its bytes have arrived."""

    id: int
    release: int
    name: str
    label: str | None
    content_type: str
    uploader: str
    created_at: str
    updated_at: str
    state: str = "starter"
    size: int = 0
    digest: str | None = None
    download_count: int = 0


@dataclass
class Pull:
    """A pull request; `head_sha` and `base_sha` are frozen when it closes."""

    number: int
    title: str
    body: str | None
    author: str
    head: str
    base: str
    head_sha: str
    base_sha: str
    draft: bool
    created_at: str
    updated_at: str
    closed_at: str | None = None
    merged_at: str | None = None
    merged_by: str | None = None
    merge_commit_sha: str | None = None
    comments: list[Json] = field(default_factory=list)

    @property
    def state(self) -> str:
        """`open` or `closed`; a merged one is closed."""
        return "open" if self.closed_at is None else "closed"


@dataclass
class Issue:
    """An issue with its comments."""

    number: int
    title: str
    body: str | None
    author: str
    created_at: str
    updated_at: str
    closed_at: str | None = None
    state_reason: str | None = None
    comments: list[Json] = field(default_factory=list)

    @property
    def state(self) -> str:
        """`open` or `closed`."""
        return "open" if self.closed_at is None else "closed"


@dataclass
class State:
    """All of it. Handlers change it last, without awaiting, so that it is whole at every moment."""

    next_id: int = 1
    created_at: str = field(default_factory=now)
    pushed_at: str = field(default_factory=now)
    latest: int | None = None
    burned_tags: list[str] = field(default_factory=list)
    releases: dict[int, Release] = field(default_factory=dict)
    assets: dict[int, Asset] = field(default_factory=dict)
    pulls: dict[int, Pull] = field(default_factory=dict)
    issues: dict[int, Issue] = field(default_factory=dict)
    labels: list[Json] = field(default_factory=list)
    protection: dict[str, Json] = field(default_factory=dict)

    def new_number(self) -> int:
        """Return the next number; pull requests, issues and discussions share them."""
        discussions = (one.discussion or 0 for one in self.releases.values())
        return max((*self.pulls, *self.issues, *discussions), default=0) + 1

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "State":
        """Return the state that `asdict` made `data` from."""
        kinds = {"releases": Release, "assets": Asset, "pulls": Pull, "issues": Issue}
        for key, kind in kinds.items():
            kept = data.get(key, {}).items()
            data[key] = {int(number): kind(**fields) for number, fields in kept}
        return cls(**data)


class Store:
    """The state in memory, its copy on disk, and the files of assets."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "state.json"
        (folder / "assets").mkdir(parents=True, exist_ok=True)
        self.state = self._load()

    def _load(self) -> State:
        if not self.file.exists():
            return State()
        return State.from_json(json.loads(self.file.read_text(encoding="utf-8")))

    def save(self) -> None:
        """Write the state atomically."""
        new = self.file.with_suffix(".new")
        new.write_text(json.dumps(asdict(self.state), indent=1), encoding="utf-8")
        new.replace(self.file)

    def new_id(self) -> int:
        """Return a new unique number."""
        number = self.state.next_id
        self.state.next_id += 1
        return number

    def asset_file(self, asset: int) -> Path:
        """Return where an asset's bytes lie."""
        return self.folder / "assets" / str(asset)
