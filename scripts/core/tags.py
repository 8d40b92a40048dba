"""Which pointers a version moves, and which version it follows.

Pointers are monotonic: each stands at the highest stable version of its line, whatever the order
of the releases. So a candidate moves none, and a hotfix of an older line moves only that line's.
"""

from collections.abc import Collection, Iterator

from packaging.version import Version

LATEST = "latest"


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


def pointers(released: Collection[Version]) -> dict[str, Version]:
    """Tell where every floating tag stands once all of `released` are."""
    return {name: version for version in sorted(released) for name in floating(version, released)}


def _lines(version: Version) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Name the lines that a version belongs to, each by the numbers that it starts with."""
    yield LATEST, ()
    yield f"{version.major}", (version.major,)
    yield f"{version.major}.{version.minor}", (version.major, version.minor)


def _in_line(version: Version, numbers: tuple[int, ...]) -> bool:
    return (version.major, version.minor)[: len(numbers)] == numbers
