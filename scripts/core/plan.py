"""The plan: everything that is decided, once, by reading only."""

import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time

from packaging.version import Version

from scripts.core import codec, tags, version
from scripts.core.errors import ConflictError, UsageError

SCHEMA = 1
RELEASE = "release"
DRY_RUN = "dry-run"


@dataclass(frozen=True)
class PlannedImage:
    """One image: what it is built from, and the names it will have."""

    name: str
    dockerfile: str
    repository: str
    """Registry and path: `docker.io/owner/name`."""
    platforms: tuple[str, ...]
    tag: str
    """The name: it never moves."""
    floating: tuple[str, ...]
    """The pointers that this release moves."""

    @property
    def reference(self) -> str:
        """Repository and version tag."""
        return f"{self.repository}:{self.tag}"


@dataclass(frozen=True)
class Plan:
    """What one release is. Immutable; `plan.json` is its text."""

    schema: int
    id: str
    """SHA-256 of the rest but `mode`: how a run goes is not what it releases."""
    mode: str
    project: str
    version: str
    tag: str
    previous_tag: str | None
    prerelease: bool
    latest: bool
    """Whether this is the highest stable version, which the pointers follow."""
    base: str
    """The commit the release starts from."""
    branch: str | None
    """The branch it started from and comes back to; none when a pushed tag started it."""
    release_branch: str | None
    author: str
    date: str
    source_date_epoch: int
    """Seconds since 1970 of the release commit, the tag and every file in what is built."""
    dists: tuple[str, ...]
    images: tuple[PlannedImage, ...]
    title: str

    def for_mode(self, mode: str) -> "Plan":
        """Give the same plan for a run of another mode."""
        return replace(self, mode=mode)

    @property
    def dry_run(self) -> bool:
        """Whether this run stops before anything is written."""
        return self.mode == DRY_RUN


@dataclass(frozen=True)
class Origin:
    """Where a release starts: a commit of a branch, or one that already says its version."""

    base: str
    branch: str | None
    date: str
    source_date_epoch: int


@dataclass(frozen=True)
class Product:
    """What a project releases, as its configuration says."""

    project: str
    author: str
    package: bool
    images: tuple[PlannedImage, ...]
    """Their `tag` and `floating` are not filled in yet."""


def decide(
    product: Product, wanted: Version, origin: Origin, released: Collection[Version]
) -> Plan:
    """Make the plan: a pure function, so that the same start gives the same plan, id and all."""
    tag = version.tag(wanted)
    previous = tags.previous(wanted, released)
    moved = tags.floating(wanted, released)
    return identified(
        Plan(
            schema=SCHEMA,
            id="",
            mode=RELEASE,
            project=product.project,
            version=str(wanted),
            tag=tag,
            previous_tag=version.tag(previous) if previous else None,
            prerelease=wanted.is_prerelease,
            latest=tags.is_latest(wanted, released),
            base=origin.base,
            branch=origin.branch,
            release_branch=f"release/{tag}" if origin.branch else None,
            author=product.author,
            date=origin.date,
            source_date_epoch=origin.source_date_epoch,
            dists=dist_names(product.project, wanted) if product.package else (),
            images=tuple(replace(image, tag=tag, floating=moved) for image in product.images),
            title=tag,
        )
    )


def identified(plan: Plan) -> Plan:
    """Fill in the plan's id."""
    text = codec.encode(replace(plan, id="", mode=""))
    return replace(plan, id=hashlib.sha256(text.encode()).hexdigest())


def read(text: str | bytes) -> Plan:
    """Read `plan.json`. Raises `UsageError` if it is not a plan, `ConflictError` if altered."""
    return checked(codec.decode(Plan, text, "plan.json"))


def checked(plan: Plan) -> Plan:
    """Refuse a plan of another schema, or one that is not what its id says."""
    if plan.schema != SCHEMA:
        raise UsageError(
            f"the plan has schema {plan.schema}, this release system reads {SCHEMA}",
            "finish that release with the version of the scripts that planned it",
        )
    if identified(plan).id != plan.id:
        raise ConflictError(
            f"the plan of {plan.version} was altered: its id is not the hash of its content",
            "delete the draft release, and run the release again",
        )
    return plan


def dist_names(project: str, wanted: Version) -> tuple[str, ...]:
    """Give the file names of the pure wheel and the sdist.

    The rules: PEP 427 and PEP 625, with the name normalised as the binary distribution
    format says (lower case, runs of `-_.` become `_`).
    """
    stem = f"{normalised(project).replace('-', '_')}-{wanted}"
    return (f"{stem}-py3-none-any.whl", f"{stem}.tar.gz")


def normalised(project: str) -> str:
    """Give the name by which an index knows the project (PEP 503).

    Not by `packaging.utils`, which takes 20 ms to import: as long as all the rest of a plan.
    """
    return re.sub(r"[-_.]+", "-", project).lower()


def epoch(base_epoch: int, date: str) -> int:
    """Give the release commit's time: the start of the release's day, never before its parent.

    Not the time of the run: so that a second try on the same day is the same commit.
    """
    day = datetime.combine(datetime.fromisoformat(date), time(), UTC)
    return max(base_epoch + 1, int(day.timestamp()))
