"""The plan: everything that is decided, once, by reading only."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time
from functools import partial
from typing import Any

from packaging.version import Version

from scripts.core import codec, tags
from scripts.core.errors import ConflictError, UsageError
from scripts.core.tags import PLACE, SHORT, Style

SCHEMA = 1
BETWEEN = " - "
"""The text between the tag and the headline in a release's title."""
RELEASE = "release"
DRY_RUN = "dry-run"
COMMIT = r"[0-9a-f]{40}|[0-9a-f]{64}"
REPOSITORY = r"[A-Za-z0-9][A-Za-z0-9_-]*/(?!\.{1,2}$)[A-Za-z0-9._-]+"
"""`owner/name` on the forge."""
PROJECT = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
"""A project's name (Python Packaging User Guide, Names and normalization)."""
_NOT_IN_BRANCH = r"\s\x00-\x1f\x7f~^:?*\[\\"
BRANCH = (
    r"(?!.*(?:\.\.|//|@\{|\.lock(?:/|$)|/\.|\.$|/$))"
    rf"[^{_NOT_IN_BRANCH}./-][^{_NOT_IN_BRANCH}]*"
)
"""A branch's or a tag's name (git-check-ref-format); no program takes it for an option."""
PERSON = r"[^<>\x00-\x1f\x7f]+ <[^<>\s\x00-\x1f\x7f]+@[^<>\s\x00-\x1f\x7f]+>"
"""An author as a commit has it: `name <address>`, in one line."""
INSIDE = r"(?!-)(?!(?:.*/)?\.\.?(?:/|$))[^/\\\x00-\x1f\x7f]+(?:/[^/\\\x00-\x1f\x7f]+)*"
"""A path from the repository's root that does not lead out of it."""
HOSTED = r"[A-Za-z0-9][A-Za-z0-9.-]*(?::[0-9]+)?(?:/[a-z0-9][a-z0-9._-]*)+"
"""An image's repository with the registry's host, and perhaps its port."""
IMAGE_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
"""The form of a tag that a registry accepts (OCI Distribution Specification, Pulling manifests)."""
VERSION = r"[0-9]+\.[0-9]+\.[0-9]+(?:(?:a|b|rc)[0-9]+)?(?:\.dev[0-9]+)?"
"""A version in the canonical spelling of `version.parse`, or of a branch's `version.current`."""
PYTHON_3, PYTHON_2_AND_3 = "py3", "py2.py3"
"""The Python tags of a pure wheel (PEP 425)."""
NEXT_VERSION = r"([0-9]+\.[0-9]+\.[0-9]+\.(?:dev|DEV)0?)?"
"""The version of a branch after a release, as `version.following` writes it."""
LATEST_TIME = 253402300799
"""The last second of the year 9999, the last one that a date can say."""


@dataclass(frozen=True)
class PlannedImage:
    """One image: its source, and the names that it will have."""

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
    """The decisions of one release. Immutable; `plan.json` is its text."""

    schema: int
    id: str
    """SHA-256 of all other fields except `mode`, which does not change the release."""
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
    """The time of the release commit, the tag and every built file, in seconds since 1970."""
    dists: tuple[str, ...]
    images: tuple[PlannedImage, ...]
    title: str
    """The tag, and the release's headline behind it if it has one."""
    next_version: str = field(default="", metadata=codec.LATER)
    """The development version that the branch states afterwards; empty if it keeps this one."""

    @property
    def style(self) -> Style:
        """The style in which this release, and so its repository, spells the tags of versions."""
        short = not self.tag.endswith(self.version)
        shown = tags.shortened(self.version) if short else self.version
        return Style(self.tag.removesuffix(shown) + (SHORT if short else PLACE))

    @property
    def headline(self) -> str:
        """The release's headline; empty if it has none."""
        return self.title.removeprefix(self.tag).removeprefix(BETWEEN)

    def named(self, before: str) -> str:
        """Write a line about the release: `before`, and its headline if it has one."""
        return f"{before}: {self.headline}" if self.headline else before

    def for_mode(self, mode: str) -> "Plan":
        """Return the same plan for a run of another mode."""
        return replace(self, mode=mode)

    @property
    def dry_run(self) -> bool:
        """Whether this run stops before anything is written."""
        return self.mode == DRY_RUN


@dataclass(frozen=True)
class Base:
    """The commit that a release starts from, with its branch and the time of the release."""

    commit: str
    branch: str | None
    date: str
    source_date_epoch: int
    headline: str = ""
    """The release's headline, from the changelog or from the person who started the run."""
    next_version: str = ""
    """The development version that the branch is to state afterwards; empty for none."""


@dataclass(frozen=True)
class Product:
    """The package and the images that a project releases, by its configuration."""

    project: str
    author: str
    package: bool
    images: tuple[PlannedImage, ...]
    """Their `tag` and `floating` are still empty."""
    python_tag: str = PYTHON_3


def decide(
    product: Product,
    wanted: Version,
    base: Base,
    released: Mapping[Version, str],
    style: Style = Style(),  # noqa: B008 - a tuple, which never changes
) -> Plan:
    """Make the plan.

    The function is pure, so the same start gives the same plan with the same id. `released` has
    each version's tag, in its spelling; `style` spells the new tag.
    """
    tag = style.tag(wanted)
    of_images = image_tag(tag, str(wanted))
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
            previous_tag=released[previous] if previous else None,
            prerelease=wanted.is_prerelease,
            latest=tags.is_latest(wanted, released),
            base=base.commit,
            branch=base.branch,
            release_branch=f"release/{tag}" if base.branch else None,
            author=product.author,
            date=base.date,
            source_date_epoch=base.source_date_epoch,
            dists=_dists(product, wanted),
            images=tuple(replace(image, tag=of_images, floating=moved) for image in product.images),
            title=f"{tag}{BETWEEN}{base.headline}" if base.headline else tag,
            next_version=base.next_version,
        )
    )


def _dists(product: Product, wanted: Version) -> tuple[str, ...]:
    return dist_names(product.project, wanted, product.python_tag) if product.package else ()


def image_tag(tag: str, version: str) -> str:
    """Return the images' version tag: the git tag, or the version if no registry accepts that.

    It always has three numbers, because an image's `26.3` is the pointer of that line.
    """
    short = tags.shortened(version)
    whole = tag if tag.endswith(version) else tag.removesuffix(short) + version
    return whole if re.fullmatch(IMAGE_TAG, whole) else version


def identified(plan: Plan) -> Plan:
    """Fill in the plan's id."""
    import hashlib  # noqa: PLC0415 - start-up counts

    text = codec.encode(replace(plan, id="", mode=""))
    return replace(plan, id=hashlib.sha256(text.encode()).hexdigest())


def read(text: str | bytes) -> Plan:
    """Read `plan.json`. Raises `UsageError` if it is not a plan, `ConflictError` if altered."""
    refuse_schema(codec.parsed(text, "plan.json"))
    return checked(codec.decode(Plan, text, "plan.json"))


def refuse_schema(data: Any) -> None:
    """Reject a plan of another schema, before its fields are read: they may be others.

    `data` is the plan as JSON. It comes from an earlier attempt if the release system was
    upgraded since. Raises UsageError.
    """
    schema = data.get("schema") if isinstance(data, dict) else SCHEMA
    if isinstance(schema, int) and schema != SCHEMA:
        version = data.get("version", "this version")
        raise UsageError(
            f"an earlier attempt of {version} has a plan of schema {schema}, and this version of "
            f"the release system reads schema {SCHEMA}",
            "finish it with the version that planned it: in the run that began it, choose *Re-run "
            "failed jobs*, which uses that run's own workflow. If nothing of it is public, delete "
            "its draft and its branch instead, and release again",
        )


def checked(plan: Plan) -> Plan:
    """Reject a plan of another schema or mode, or one that does not match its id.

    Anybody can compute the id, which is a plain hash. So every value must also have its form: the
    values become arguments and file names.
    """
    refuse_schema({"schema": plan.schema, "version": plan.version})
    if plan.mode not in (RELEASE, DRY_RUN):
        raise UsageError(
            f"the plan has mode {plan.mode!r}, expected {RELEASE!r} or {DRY_RUN!r}",
            "use the file that the release wrote, unchanged",
        )
    for what in _altered(plan):
        raise ConflictError(
            f"the plan of {plan.version} was altered: {what}",
            "delete the draft release, and run the release again",
        )
    return plan


def _altered(plan: Plan) -> Iterator[str]:
    if identified(plan).id != plan.id:
        yield "its id is not the hash of its content"
        return
    forms = _forms(plan) + [pair for image in plan.images for pair in _image_forms(image, plan)]
    for value, form in forms:
        if not re.fullmatch(form, value):
            yield f"{value!r} cannot be"
    names = partial(dist_names, plan.project, Version(plan.version))
    if plan.dists and plan.dists not in map(names, (PYTHON_3, PYTHON_2_AND_3)):
        yield "its files do not have the names of its project"
    if not 0 <= plan.source_date_epoch <= LATEST_TIME:
        yield f"the time {plan.source_date_epoch} cannot be"


def _forms(plan: Plan) -> list[tuple[str, str]]:
    """Pair each text of a plan with the form that it must have."""
    tag = re.escape(plan.tag)
    spelt = {plan.version, tags.shortened(plan.version)}
    named = f"(?:{'|'.join(re.escape(one) for one in sorted(spelt))})"
    optional = [
        (plan.previous_tag, BRANCH),
        (plan.branch, BRANCH),
        (plan.release_branch, f"release/{tag}" if plan.branch else "(?!)"),
    ]
    return [
        (plan.version, VERSION),
        (plan.tag, f"{tags.BEFORE}{named}"),
        (plan.tag, BRANCH),
        (plan.project, PROJECT),
        (plan.base, COMMIT),
        (plan.author, PERSON),
        (plan.date, r"\d{4}-\d\d-\d\d"),
        (plan.next_version, NEXT_VERSION if plan.branch else ""),
        (plan.title, r"[^-\x00-\x1f\x7f][^\x00-\x1f\x7f]*"),
        *((value, form) for value, form in optional if value is not None),
    ]


def _image_forms(image: PlannedImage, plan: Plan) -> list[tuple[str, str]]:
    return [
        (image.name, r"[a-z][a-z0-9_-]*"),
        (image.dockerfile, INSIDE),
        (image.repository, HOSTED),
        (image.tag, re.escape(image_tag(plan.tag, plan.version))),
        *((platform, r"[a-z0-9]+(?:/[a-z0-9]+)+") for platform in image.platforms),
        *((tag, r"[a-z0-9][a-z0-9.]*") for tag in image.floating),
    ]


def dist_names(project: str, wanted: Version, python_tag: str = PYTHON_3) -> tuple[str, ...]:
    """Return the file names of the pure wheel and the sdist.

    The rules: PEP 427 and PEP 625, with the name normalised as the binary distribution
    format says (lower case, runs of `-_.` become `_`).
    """
    stem = f"{normalised(project).replace('-', '_')}-{wanted}"
    return (f"{stem}-{python_tag}-none-any.whl", f"{stem}.tar.gz")


def normalised(project: str) -> str:
    """Return the project's name on an index (PEP 503).

    `packaging.utils` could do it, but its import takes 20 ms, as long as all the rest of a plan.
    """
    return re.sub(r"[-_.]+", "-", project).lower()


def epoch(base_epoch: int, date: str) -> int:
    """Return the release commit's time: the start of the release's day, but after its parent.

    The time of the run does not count, so a later attempt on the same day makes the same commit.
    """
    day = datetime.combine(datetime.fromisoformat(date), time(), UTC)
    return max(base_epoch + 1, int(day.timestamp()))
