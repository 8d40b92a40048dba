"""Which pointers a version moves, which version it follows, and how its tag is spelled.

Pointers are monotonic: each names the highest stable version of its line, in any order of the
releases. So a candidate moves none, and a hotfix of an older line moves only that line's pointers.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from packaging.version import Version

from scripts.core.version import from_tag

LATEST = "latest"
REFS = "refs/tags/"
PLACE = "{version}"
TEMPLATE = r"(?![-/.])[\w./@+-]*\{version\}"
"""The form of a style's template: git accepts the tag, and no program takes it for an option."""
RECENT = 10
"""The number of highest versions in which another style raises doubt."""
_TAG = re.compile(r"(?P<prefix>|(?:\S*[^\w\s.]|\S*_)?v\.?|\S*[-_/@])(?P<version>\d\S*)")


def floating(version: Version, released: Collection[Version]) -> tuple[str, ...]:
    """List the floating image tags that `version` moves, of `latest`, `0` and `0.2`.

    `released` are all released versions; `version` itself may be among them.
    """
    if version.is_prerelease:
        return ()
    stable = [other for other in released if not other.is_prerelease]
    return tuple(
        name
        for name, numbers in _lines(version)
        if all(version >= other for other in stable if _in_line(other, numbers))
    )


def is_latest(version: Version, released: Collection[Version]) -> bool:
    """Tell whether `version` becomes the release that GitHub shows as "Latest"."""
    return LATEST in floating(version, released)


def previous(version: Version, released: Collection[Version]) -> Version | None:
    """Find the release that `version` is compared with; None for the first.

    A stable version follows the highest stable one below it, a candidate the highest of all.
    """
    below = (
        known
        for known in released
        if known < version and (version.is_prerelease or not known.is_prerelease)
    )
    return max(below, default=None)


def pointer_targets(released: Collection[Version]) -> dict[str, Version]:
    """Return the version that each floating tag names once all of `released` are published."""
    return {name: version for version in sorted(released) for name in floating(version, released)}


def _lines(version: Version) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Name the lines that a version belongs to, each by the numbers that it starts with."""
    yield LATEST, ()
    yield f"{version.major}", (version.major,)
    yield f"{version.major}.{version.minor}", (version.major, version.minor)


def _in_line(version: Version, numbers: tuple[int, ...]) -> bool:
    return (version.major, version.minor)[: len(numbers)] == numbers


class Style(NamedTuple):
    """How a repository names the tags of its versions: `v{version}`, `{version}`, `api/v{version}`.

    `template` has `{version}` once, at its end.
    """

    template: str = "v{version}"

    @property
    def prefix(self) -> str:
        """The text before the version."""
        return self.template.removesuffix(PLACE)

    def tag(self, version: Version) -> str:
        """Name the tag of a version."""
        return f"{self.prefix}{version}"

    def read(self, tag: str) -> Version | None:
        """Read a tag; None if it has another style, or does not name a version of three numbers."""
        return from_tag(f"v{tag[len(self.prefix) :]}") if tag.startswith(self.prefix) else None

    def versions(self, tags: Iterable[str]) -> dict[Version, str]:
        """Return the versions that tags of this style name, each with its tag."""
        return {version: tag for tag in tags if (version := self.read(tag))}


class Detected(NamedTuple):
    """The style of a repository's tags, and the styles that make it doubtful."""

    style: Style
    others: tuple[str, ...] = ()
    """Templates of other tags that are about as recent; empty without doubt."""

    @property
    def warning(self) -> str | None:
        """Describe the doubt and the remedy; None without doubt."""
        if not self.others:
            return None
        others = ", ".join(self.others)
        return (
            f"tags of more than one style are recent: {self.style.template} is taken, not {others}"
            f'\n  remedy: name the right one in [tool.release]: tag = "{self.style.template}"'
        )


def detect(tags: Iterable[str], configured: str | None = None, project: str = "") -> Detected:
    """Find how a repository names the tags of its versions, in any order of `tags`.

    `configured` is the template of the configuration, which comes first. Otherwise the highest
    version among the tags decides. Tags that begin with a name, such as `api-1.2.3`,
    count if the name is the project's (as PyPA's name normalization compares), or if there are no
    others. Without a tag of a version it is `v{version}`.
    """
    if configured:
        return Detected(Style(configured))
    found = [(version, style) for tag in tags for style, version in _styled(tag)]
    rank = {style: _foreign(style, project) for _, style in found}
    best = min(rank.values(), default=False)
    mine = sorted((one for one in found if rank[one[1]] == best), key=lambda one: one[0])
    recent = list(dict.fromkeys(style for _, style in mine[: -RECENT - 1 : -1]))
    if not recent:
        return Detected(Style())
    return Detected(recent[0], tuple(style.template for style in recent[1:]))


def names(refs: Iterable[str]) -> list[str]:
    """Name the tags among the references of a remote."""
    return [ref.removeprefix(REFS) for ref in refs if ref.startswith(REFS)]


def _styled(tag: str) -> Iterator[tuple[Style, Version]]:
    """Read a tag in the only style that it can be of."""
    if found := _TAG.fullmatch(tag):
        style = Style(f"{found['prefix']}{PLACE}")
        version = style.read(tag)
        # Anybody who pushes can make a tag: one that looks like an option must not set a style.
        if version and re.fullmatch(TEMPLATE, style.template):
            yield style, version


def _foreign(style: Style, project: str) -> bool:
    """Say whether tags of a style begin with a name, and it is not the project's."""
    name = style.prefix.rstrip("v.").rstrip("-_/@")
    return bool(name) and _normalized(name) != _normalized(project)


def _normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
