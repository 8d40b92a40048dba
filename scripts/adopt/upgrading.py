"""Upgrade generated files to another version of the system, and keep a person's edits."""

import difflib
import re
import tempfile
from pathlib import Path

from scripts.adopt import templates
from scripts.adopt.templates import FOLDER, Stamp
from scripts.core.errors import ServiceError
from scripts.surfaces.git_remote import Git

CONFLICT = "<<<<<<< "
KEPT = ".github/release-system"
"""Where the generated text of a file is kept whose merged text alone is in the history."""


def original(git: Git, path: str, stamp: Stamp) -> str | None:
    """Find the generated text of a stamp, in an upgrade's copy or in the history.

    The stamp's digest proves it. None if neither has it.
    """
    file = git.folder / kept(path)
    if file.is_file() and templates.is_original(text := file.read_bytes().decode(), stamp):
        return text
    for commit in git.run("log", "--format=%H", "--", path).split():
        try:
            text = git.show(commit, path)
        except ServiceError:
            continue  # the commit that removed it
        if templates.is_original(text, stamp):
            return text
    return None


def kept(path: str) -> str:
    """Return the path of the generated text of a workflow, if there is one."""
    return f"{KEPT}/{Path(path).name}"


def keep(root: Path, path: str, generated: str, merged: str) -> None:
    """Keep the generated text beside the merged one, unless both are the same."""
    file = root / kept(path)
    if merged != generated:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(generated.encode())
    else:
        file.unlink(missing_ok=True)


def merge(git: Git, ours: str, base: str, theirs: str) -> tuple[str, bool]:
    """Merge the changes from `base` to `theirs` into `ours`; tell whether they conflict.

    A commit to which dependabot moved our actions is not an edit: the new one replaces it.
    """
    with tempfile.TemporaryDirectory() as folder:
        texts = {"yours": _pinned_as(base, ours), "generated": base, "new": theirs}
        files = [Path(folder, name) for name in texts]
        for file, text in zip(files, texts.values(), strict=True):
            file.write_bytes(text.encode())
        labels = ("-Lyours", "-Lgenerated", "-Lnew")
        try:
            git.run("merge-file", "--quiet", *labels, "--", *map(str, files))
        except ServiceError:
            # The number of conflicts is its exit code; the file has them.
            merged = files[0].read_bytes().decode()
            if CONFLICT not in merged:
                raise
            return merged, True
        return files[0].read_bytes().decode(), False


def _pinned_as(base: str, text: str) -> str:
    """Return a text with the system's actions at the commit that `base` uses."""
    stamp = templates.read_stamp(base)
    if stamp is None:
        return text
    system = stamp.made_by
    own = re.compile(rf"(uses: {re.escape(system.repository)}/\.github/actions/[\w-]+)@.*")
    return own.sub(rf"\1@{system.commit} # v{system.version}", text)


def edits(path: str, base: str, text: str) -> list[str]:
    """List the differences from the generated text, as a unified diff without context."""
    before, after = base.splitlines(), text.splitlines()
    return list(difflib.unified_diff(before, after, f"{path} as generated", path, "", "", 0, ""))


def names(found: dict[str, Stamp]) -> dict[str, str]:
    """Return the file name of each template, of the paths of generated files with their stamps."""
    known = {stamp.template: path.removeprefix(f"{FOLDER}/") for path, stamp in found.items()}
    return {**{one: one for one in templates.NAMES}, **known}
