"""Which pointers a version moves, which version it follows, and how its tag is spelled.

Pointers are monotonic: each names the highest stable version of its line, in any order of the
releases. So a candidate moves none, and a hotfix of an older line moves only that line's pointers.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from packaging.version import Version

from scripts.core.version import NUMBERS, from_tag

LATEST = "latest"
REFS = "refs/tags/"
PLACE, SHORT = "{version}", "{short}"
BEFORE = r"(?![-/.])[\w./@+-]*"
"""The text before a tag's version: git accepts it, and no program takes it for an option."""
TEMPLATE = BEFORE + r"\{(?:version|short)\}"
"""The form of a style's template."""
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

    `template` ends with `{version}`, or with `{short}`: the version without a third number of zero,
    `26.3` and `26.3.1`.
    """

    template: str = "v{version}"

    @property
    def prefix(self) -> str:
        """The text before the version."""
        return self.template.partition("{")[0]

    @property
    def either(self) -> "Style":
        """The same style, which also reads tags of two numbers."""
        return Style(f"{self.prefix}{SHORT}")

    def tag(self, version: Version) -> str:
        """Name the tag of a version."""
        short = self.template.endswith(SHORT)
        return f"{self.prefix}{shortened(version) if short else version}"

    def read(self, tag: str) -> Version | None:
        """Read a tag; None if it has another style, or too few numbers for a version."""
        if not tag.startswith(self.prefix):
            return None
        least = NUMBERS - 1 if self.template.endswith(SHORT) else NUMBERS
        return from_tag(f"v{tag[len(self.prefix) :]}", least)

    def versions(self, tags: Iterable[str]) -> dict[Version, str]:
        """Return the versions that tags of this style name, each with its tag."""
        return {version: tag for tag in tags if (version := self.read(tag))}


def shortened(version: Version | str) -> str:
    """Write a version without a third number of zero: 26.3, 26.3rc1, 26.3.1."""
    return re.sub(r"^(\d+\.\d+)\.0(?!\d)", r"\1", str(version))


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
    read = [one for tag in tags for one in _styled(tag)]
    of_prefix = {prefix: _of_prefix(prefix, read) for prefix in {one.prefix for one in read}}
    styled = ((one.tag, of_prefix[one.prefix]) for one in read)
    found = [(version, style) for tag, style in styled if (version := style.read(tag))]
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


class _Tag(NamedTuple):
    tag: str
    prefix: str
    version: Version
    numbers: int


def _styled(tag: str) -> Iterator[_Tag]:
    """Read a tag in the only way that it can be read."""
    if found := _TAG.fullmatch(tag):
        style = Style(f"{found['prefix']}{SHORT}")
        version = style.read(tag)
        # Anybody who pushes can make a tag: one that looks like an option must not set a style.
        if version and re.fullmatch(TEMPLATE, style.template):
            numbers = re.split(r"[^\d.]", found["version"], maxsplit=1)[0].strip(".").split(".")
            yield _Tag(tag, style.prefix, version, len(numbers))


def _of_prefix(prefix: str, read: list[_Tag]) -> Style:
    """Tell whether tags with a prefix have two numbers where the third is zero.

    The highest such version decides. With `v4.2.0` beside it `v4.2` is a pointer of that line.
    """
    even = [one for one in read if one.prefix == prefix and not one.version.micro]
    highest = max((one.version for one in even), default=None)
    spelt = {one.numbers for one in even if one.version == highest}
    return Style(f"{prefix}{SHORT if spelt == {NUMBERS - 1} else PLACE}")


def _foreign(style: Style, project: str) -> bool:
    """Say whether tags of a style begin with a name, and it is not the project's."""
    name = style.prefix.rstrip("v.").rstrip("-_/@")
    return bool(name) and _normalized(name) != _normalized(project)


def _normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
