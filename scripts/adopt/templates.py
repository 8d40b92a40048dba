"""The workflows of another repository: this system's own files, with every action named in full."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.adopt import registries

ROOT = Path(__file__).parents[2]
"""The system's own tree: a checkout, or the installed package's copy of it."""
FOLDER = ".github/workflows"
NAMES = ("release.yml", "image.yml", "rollback.yml", "audit.yml", "watch.yml")
"""What an adopter gets. The release calls the image."""
TAGS = 'tags: ["v*"]'
CALLED = "./.github/workflows/image.yml"
_OWN = re.compile(r"uses: \./(\.github/actions/[\w-]+)")
_CHECKED_OUT = re.compile(
    r"      - uses: actions/checkout@.*\n        with:\n          persist-credentials: false\n"
    r"(?P<depth>(?:          #.*\n)?          fetch-depth: .*\n)?"
    r"(?P<between>(?:(?!      - uses: actions/checkout@).*\n)*?)"
    r"(?P<uses>.* uses: \./\.github/actions/.*\n)(?:        with:\n)?"
)
"""A checkout, and the first of the system's actions behind it."""
_SAME_NAME = re.compile(r"(          stage: (\S+)\n)          artifact: \2\n")
_STAMP = re.compile(
    r"# release-system v(?P<version>\S+) (?P<commit>[0-9a-f]{40})\n"
    r"# From (?P<template>[\w.-]+) of (?P<repository>\S+), sha256 (?P<digest>[0-9a-f]{64})\.\n"
)


@dataclass(frozen=True)
class System:
    """One version of the release system: the repository and commit of its actions."""

    repository: str
    """`owner/name` on the forge."""
    commit: str
    """Its commit, 40 hexadecimal digits."""
    version: str
    """As its tag has it, without the `v`."""


@dataclass(frozen=True)
class Stamp:
    """The stamp in a generated file."""

    made_by: System
    template: str
    digest: str
    """SHA-256 of the generated text below the stamp."""


def generate(
    system: System, template: str, text: str, tags: str, image: str, *, hosts: Sequence[str] = ()
) -> str:
    """Make a file of another repository from one of the system's.

    `text` is the system's file `template`. `tags` is the pattern of the tags that start a release,
    `image` the file name of the image workflow there, `hosts` the registries that images name.
    Raises ValueError if nothing would differ, or
    if the result refers to something that is not in that repository.
    """
    pinned = f"@{system.commit} # v{system.version}"
    made = _OWN.sub(rf"uses: {system.repository}/\1{pinned}", _shortened(text))
    if made == text:
        raise ValueError(f"{template} uses none of the system's actions")
    quoted = tags.replace("\\", "\\\\")
    made = (
        registries.with_logins(made, hosts)
        .replace(TAGS, f'tags: ["{quoted}"]')
        .replace(CALLED, f"./{FOLDER}/{image}")
    )
    made = made.replace("See docs/", f"See {system.repository}: docs/")
    if left := re.search(r"uses: \./(?!\.github/workflows/)\S+", made):
        raise ValueError(f"{template} has {left[0]}, which another repository does not have")
    return _stamped(system, template, made)


def _shortened(text: str) -> str:
    """Leave to the actions what they do for another repository: the checkout, the artifact's name.

    Here an action is a part of the checkout, so a step before it has to check out.
    """

    def moved(found: re.Match[str]) -> str:
        depth = found["depth"] or "          fetch-depth: 1\n"
        given = depth.replace("fetch-depth:", "checkout:")
        return f"{found['between']}{found['uses']}        with:\n{given}"

    return _SAME_NAME.sub(r"\1", _CHECKED_OUT.sub(moved, text))


def _stamped(system: System, template: str, body: str) -> str:
    return (
        f"# release-system v{system.version} {system.commit}\n"
        f"# From {template} of {system.repository}, sha256 {_digest(body)}.\n{body}"
    )


def _digest(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()


def read_stamp(text: str) -> Stamp | None:
    """Read a file's stamp; None if the file was not generated."""
    found = _STAMP.match(text)
    if not found:
        return None
    system = System(found["repository"], found["commit"], found["version"])
    return Stamp(system, found["template"], found["digest"])


def is_original(text: str, stamp: Stamp) -> bool:
    """Tell whether a text is exactly the generated text of that stamp."""
    return read_stamp(text) == stamp and _digest(_STAMP.sub("", text, count=1)) == stamp.digest


def pattern(prefix: str) -> str:
    """Return the pattern, as workflows have it, of tags with a prefix and a version."""
    escaped = re.sub(r"([+?*\[\]!\\])", r"\\\1", prefix)
    return f"{escaped}*" if prefix else "[0-9]*"


def of_tree(root: Path = ROOT) -> dict[str, str]:
    """Read the system's own workflows."""
    return {name: (root / FOLDER / name).read_text("utf-8") for name in NAMES}


def all_files(
    system: System,
    texts: Mapping[str, str],
    tags: str,
    names: Mapping[str, str],
    *,
    hosts: Sequence[str] = (),
) -> dict[str, str]:
    """Make every file: the name in the other repository -> its text. `names` has it by template."""
    return {
        f"{FOLDER}/{names[one]}": generate(system, one, text, tags, names["image.yml"], hosts=hosts)
        for one, text in texts.items()
    }
