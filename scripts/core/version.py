"""Versions: read every usual spelling, write one, and find the next.

The rules are PEP 440's, read by `packaging.version`. A release here has three numbers and perhaps
a candidate's suffix, because the same name must serve the package index, the images and git.
"""

import re
from collections.abc import Collection

from packaging.version import Version

from scripts.core.errors import UsageError

PARTS = ("major", "minor", "patch")
STEPS = (*PARTS[::-1], "rc")
NUMBERS = 3
BEFORE_ANY = Version("0.0.0")
"""The version of a branch before its first release, if only tags state the version."""
_DEV = re.compile(r"(\.dev)(\d*)\s*$", re.IGNORECASE)
LONGEST = 100  # characters; an image tag may have 128, the floating and platform suffixes included


def parse(text: str) -> Version:
    """Read a version: `0.2.4`, `v0.2.4`, `0.1.2-rc1`, ` V1.0 `.

    Zeros complete fewer than three numbers, so that a version has one name.

    `str()` of the answer is the canonical spelling. Raises UsageError for a text that is not a
    version (PEP 440), and for a version that cannot be released: an epoch, a local, a development
    or a post release, more than three numbers.
    """
    try:
        version = Version(text) if len(text) <= LONGEST else None
    except ValueError:  # InvalidVersion, or a number of thousands of digits
        version = None
    if version is None:
        raise UsageError(
            f"{_shown(text)} is not a version",
            "give three numbers, perhaps with a candidate's suffix: 0.2.4, v0.2.4 or 0.3.0rc1",
        )
    _refuse_unreleasable(text, version)
    return _filled(version)


def current(text: str) -> Version:
    """Read the version that a branch states: as `parse`, or a development release, `3.2.0.dev`.

    That precedes the release of its three numbers (PEP 440).
    """
    before, dev, number = text.strip().lower().partition(".dev")
    if not dev or (number and not number.isdecimal()):
        return parse(text)
    return Version(f"{parse(before)}.dev{number or 0}")


def resolve(request: str, current: Version, released: Collection[Version]) -> Version:
    """Find the version to release:

    `request` is a version, or the number to raise. `current` is the version in the branch's files,
    the last one released from that branch; `released` are all versions whose names are taken, on
    any branch.

    | current  | patch | minor | major | rc       |
    |----------|-------|-------|-------|----------|
    | 0.2.3    | 0.2.4 | 0.3.0 | 1.0.0 | 0.2.4rc1 |
    | 0.3.0b2  | 0.3.0 | 0.3.0 | 1.0.0 | 0.3.0rc1 |
    | 0.3.0rc1 | 0.3.0 | 0.3.0 | 1.0.0 | 0.3.0rc2 |
    | 0.3.1rc1 | 0.3.1 | 0.4.0 | 1.0.0 | 0.3.1rc2 |
    | 1.0.0rc1 | 1.0.0 | 1.0.0 | 1.0.0 | 1.0.0rc2 |
    | 0.3.0.dev | 0.3.0 | 0.3.0 | 1.0.0 | 0.3.0rc1 |
    | 0.3.1.dev | 0.3.1 | 0.4.0 | 1.0.0 | 0.3.1rc1 |

    A candidate's number is the first one free. The first candidate of a minor or major version
    is asked for by name: `0.3.0rc1`.

    Raises UsageError if the request is malformed, not above `current`, or taken.
    """
    step, current = request.strip().lower(), _filled(current)
    if step == "rc":
        version = _candidate(current, released)
    elif step in STEPS:
        version = _raised(current, PARTS.index(step))
    else:
        version = parse(request)
    _refuse_backward(version, current)
    _refuse_taken(version, released)
    return version


def following(stated: str, released: Version, step: str) -> str:
    """Return the development version that a branch states after a release: 3.3.0.dev0 after 3.2.0.

    `stated` is what the branch stated before, whose spelling of `.dev` is kept; `step` is the
    number to raise. Empty after a candidate, whose branch states it until the next one.
    """
    if released.is_prerelease:
        return ""
    spelt = _DEV.search(stated)
    suffix = spelt[1] + "0" * bool(spelt[2]) if spelt else ".dev0"
    return f"{_raised(released, PARTS.index(step))}{suffix}"


def tag(version: Version) -> str:
    """Name the git tag and the image tag of a version: `v0.2.4`."""
    return f"v{version}"


def from_tag(text: str, least: int = NUMBERS) -> Version | None:
    """Read a git tag, `v0.2.4` or `v0.1.2-rc1`; None if it does not name a release.

    Moving tags (`v1`) and tags of other things are not releases: of so many numbers is one at
    `least`.
    """
    if not text.startswith("v") or not text[1:2].isdigit() or text != text.strip():
        return None
    try:
        version = parse(text)
    except UsageError:
        return None
    return version if text.count(".") >= least - 1 else None


def _filled(version: Version) -> Version:
    numbers = [*version.release, 0, 0][:NUMBERS]
    suffix = "".join(str(part) for part in version.pre or ())
    dev = "" if version.dev is None else f".dev{version.dev}"
    return Version(".".join(map(str, numbers)) + suffix + dev)


def _refuse_unreleasable(text: str, version: Version) -> None:
    found = (
        ("an epoch", version.epoch != 0),
        ("a local version label", version.local is not None),
        ("a development release", version.dev is not None),
        ("a post release", version.post is not None),
        ("more than three numbers", len(version.release) > NUMBERS),
    )
    for what, present in found:
        if present:
            raise UsageError(
                f"{_shown(text)} has {what}, which index, images and git cannot all carry",
                "release three numbers, perhaps with a candidate's suffix: 0.2.4 or 0.3.0rc1",
            )


def _raised(current: Version, part: int) -> Version:
    """Raise one of the three numbers; a candidate of just that step becomes final instead."""
    numbers = current.release
    if current.is_prerelease and not any(numbers[part + 1 :]):
        return _final(current)
    raised = (*numbers[:part], numbers[part] + 1, *(0 for _ in numbers[part + 1 :]))
    return Version(".".join(map(str, raised)))


def _candidate(current: Version, released: Collection[Version]) -> Version:
    """Find the first free candidate of the version that `patch` would make."""
    target = _raised(current, PARTS.index("patch"))
    numbers = [
        known.pre[1]
        for known in (current, *released)
        if known.pre and known.pre[0] == "rc" and known.release == target.release
    ]
    return Version(f"{target}rc{max(numbers, default=0) + 1}")


def _refuse_backward(version: Version, current: Version) -> None:
    if version > current:
        return
    relation = "is already" if version == current else "is lower than"
    raise UsageError(
        f"{version} {relation} the version of this branch, {current}",
        f"ask for a version above {current}, or for patch, minor, major or rc",
    )


def _refuse_taken(version: Version, released: Collection[Version]) -> None:
    """Refuse a taken version, and a candidate of a version that is already final."""
    taken = next((name for name in (version, _final(version)) if name in released), None)
    if taken is not None:
        raise UsageError(
            f"{taken} is already released, though not from this branch",
            f"ask for a free version by its number; the highest one taken is {max(released)}",
        )


def _final(version: Version) -> Version:
    return Version(version.base_version)


def _shown(text: str) -> str:
    """Quote any input so that it fits on one line."""
    shown = repr(text if len(text) <= LONGEST else text[:LONGEST] + "…")
    return shown if text else "an empty text"
