"""Store a run's artifacts, and find the files of one in a workspace.

An artifact is a folder with its name below the run's folder: a zip file and its SHA-256. Files lose
their mode in it, as on GitHub.
"""

import errno
import fnmatch
import glob
import hashlib
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rehearsal.actions.toolkit import StandInError, variable

ZIP, DIGEST = "files.zip", "sha256"
FORBIDDEN_IN_PATHS = '":<>|*?\r\n'
FORBIDDEN = f"{FORBIDDEN_IN_PATHS}\\/"
"""Characters that GitHub refuses in an artifact's name, and in the names of the files in it."""
UNKNOWN = "{}!()"
"""Signs that the real download's patterns know and `fnmatch` does not."""


@dataclass(frozen=True)
class Store:
    """The artifacts of one run."""

    folder: Path

    def add(self, name: str, root: Path, files: Iterable[Path], *, overwrite: bool) -> str:
        """Keep the files under that name, their paths relative to `root`; return the sha256.

        Raises `StandInError` for a name that is taken (GitHub answers 409) or not allowed.
        """
        check_name(name)
        inside = {file: _relative(file, root) for file in files}
        for path in inside.values():
            _check("The path for one of the files in artifact", path, FORBIDDEN_IN_PATHS)
        draft = self.draft()
        with zipfile.ZipFile(draft / ZIP, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as target:
            for file, path in inside.items():
                target.writestr(path, file.read_bytes())
        return self.keep(draft, name, overwrite=overwrite)

    def draft(self) -> Path:
        """Make a folder for an artifact that has no name yet; its zip file goes into it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=".", dir=self.folder))

    def keep(self, draft: Path, name: str, *, overwrite: bool = False) -> str:
        """Give a draft its name; return the sha256 of its zip file, as `add` does."""
        digest = sha256(draft / ZIP)
        (draft / DIGEST).write_text(digest)
        self._name(draft, name, overwrite=overwrite)
        return digest

    def names(self) -> list[str]:
        """Return the names of all artifacts of the run."""
        return sorted(path.name for path in self.folder.glob("[!.]*"))

    def extract(self, name: str, target: Path, taken: dict[Path, str]) -> int:
        """Unpack an artifact, after comparing its digest; return the number of files.

        `taken` says which artifact each file came from so far. Raises `StandInError` for a
        damaged artifact, and if two put different bytes into one file: on GitHub the last one
        wins, and which one that is, is undefined.
        """
        archive = self.folder / name / ZIP
        if sha256(archive) != (self.folder / name / DIGEST).read_text():
            raise StandInError(f"the artifact {name!r} differs from the upload: digest mismatch")
        with zipfile.ZipFile(archive) as source:
            for member in source.namelist():
                _write(target / member, source.read(member), name, taken)
            return len(source.namelist())

    def matching(self, pattern: str) -> list[str]:
        """Return the names that match a pattern of `*`, `?` and `[…]`; all for "".

        Raises `StandInError` for a sign that only the real action knows.
        """
        if any(letter in UNKNOWN for letter in pattern):
            raise StandInError(
                f"the pattern {pattern!r} has one of {UNKNOWN!r}, which the rehearsal's stand-in "
                "does not match: write it with * and ? alone"
            )
        return [name for name in self.names() if fnmatch.fnmatchcase(name, pattern or "*")]

    def _name(self, draft: Path, name: str, *, overwrite: bool) -> None:
        """Return the finished folder its name in one step; a folder is never put over another."""
        if overwrite and (self.folder / name).exists():
            (self.folder / name).rename(draft / "replaced")
        try:
            draft.rename(self.folder / name)
        except OSError as error:
            shutil.rmtree(draft)
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            raise StandInError(
                f"409: an artifact named {name!r} already exists in this run "
                "(a re-run needs `overwrite: true`)"
            ) from None
        shutil.rmtree(self.folder / name / "replaced", ignore_errors=True)


def number(name: str) -> int:
    """Return the id of an artifact, which is unique in its run."""
    return int(hashlib.sha256(name.encode()).hexdigest()[:8], 16)


def check_name(name: str) -> None:
    """Raise `StandInError` for a name that GitHub does not allow."""
    _check("The artifact name", name, FORBIDDEN)


def store() -> Store:
    """Return the artifacts of the run that this job belongs to."""
    return Store(Path(variable("REHEARSAL_RUN")) / "artifacts")


def select(base: Path, patterns: Sequence[str], *, hidden: bool) -> tuple[Path, list[Path]]:
    """Return the files that an upload's `path` lines mean, and the folder they are relative to.

    The rules of the real action: one pattern that is a file: its folder; one pattern: the part
    before its first wildcard; several: the deepest folder that holds all of those parts.
    """
    wanted = [_absolute(base, line) for line in patterns if not line.startswith("!")]
    excluded = {
        file
        for line in patterns
        if line.startswith("!")
        for file in _found(_absolute(base, line[1:]), hidden=True)
    }
    files = sorted({file for line in wanted for file in _found(line, hidden=hidden)} - excluded)
    starts = [_fixed_part(line) for line in wanted]
    if len(starts) == 1:
        root = starts[0].parent if files == starts else starts[0]
    else:
        root = Path(os.path.commonpath(starts)) if starts else base
        root = root.parent if root.is_file() else root
    return root, files


def _found(pattern: str, *, hidden: bool) -> Iterator[Path]:
    for name in glob.iglob(pattern, recursive=True, include_hidden=hidden):  # noqa: PTH207 -- Path.glob has no include_hidden before 3.13
        path = Path(name)
        if path.is_file():
            yield path
        elif path.is_dir():
            yield from _below(path, hidden=hidden)


def _below(folder: Path, *, hidden: bool) -> Iterator[Path]:
    if folder.name.startswith(".") and not hidden:
        return
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            yield from _below(path, hidden=hidden)
        elif path.is_file() and (hidden or not path.name.startswith(".")):
            yield path  # skip a broken link


def _absolute(base: Path, pattern: str) -> str:
    return os.path.normpath(base / Path(pattern).expanduser())


def _fixed_part(pattern: str) -> Path:
    """Return the part of a pattern before its first wildcard, whole path segments only."""
    parts = Path(pattern).parts
    fixed = [index for index, part in enumerate(parts) if glob.has_magic(part)]
    return Path(*parts[: fixed[0]]) if fixed else Path(pattern)


def _check(what: str, text: str, forbidden: str) -> None:
    """Refuse an empty text, and one that holds a character that GitHub does not take."""
    found = next((letter for letter in text if letter in forbidden), "")
    if found or not text:
        why = f"Contains the following character: {found!r}" if found else "It is empty"
        raise StandInError(f"{what} is not valid: {text!r}. {why}. Give it another name")


def _relative(file: Path, root: Path) -> str:
    return file.relative_to(root).as_posix()


def _write(path: Path, data: bytes, name: str, taken: dict[Path, str]) -> None:
    if path in taken and path.read_bytes() != data:
        raise StandInError(f"the artifacts {taken[path]!r} and {name!r} both hold {path.name!r}")
    taken[path] = name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
