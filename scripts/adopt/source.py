"""Which version of the release system this is, and where other repositories find it."""

import json
import re
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

from scripts.adopt.templates import ROOT, System
from scripts.core.errors import ServiceError, UsageError
from scripts.core.planning import REPOSITORY
from scripts.surfaces.git_remote import Git

PACKAGE = "convergent-release"
GIVEN = re.compile(rf"(?P<repository>{REPOSITORY})@(?P<commit>[0-9a-f]{{40}})")
REMEDY = "name it: --system OWNER/REPO@COMMIT, with the 40 digits of a commit that is public"


def find(environment: dict[str, str], given: str | None = None, root: Path = ROOT) -> System:
    """Return this program's own commit, or the `given` one.

    Raises UsageError if it is unknown: the checkout has changes, or the installed package has no
    record of its source.
    """
    if given:
        if not (found := GIVEN.fullmatch(given)):
            raise UsageError(f"--system is {given!r}, expected OWNER/REPO@COMMIT", REMEDY)
        return System(found["repository"], found["commit"], version(root))
    installed = _installed(root)
    if vcs := installed.get("vcs_info"):
        return System(_repository(installed["url"]), str(vcs["commit_id"]), version(root))
    url = str(installed.get("url", ""))
    folder = Path(url.removeprefix("file://")).parent if url.startswith("file://") else root
    return _checked_out(Git(folder, "origin", environment), version(root))


def version(root: Path = ROOT) -> str:
    """Return the system's version, of its package or of the file that the package is made from."""
    file = root / "tool" / "pyproject.toml"
    if not file.is_file():
        return metadata.version(PACKAGE)
    return str(tomllib.loads(file.read_text("utf-8"))["project"]["version"])


def _installed(root: Path) -> dict[str, Any]:
    """Read where the package was installed from (PyPA, "Recording the Direct URL Origin")."""
    if (root / "tool").is_dir():
        return {}
    return dict(json.loads(metadata.distribution(PACKAGE).read_text("direct_url.json") or "{}"))


def _checked_out(git: Git, its_version: str) -> System:
    try:
        commit = git.run("rev-parse", "HEAD")
        changed = git.run("status", "--porcelain", "--", "scripts", ".github", "requirements")
        url = git.run("remote", "get-url", "origin")
    except ServiceError as error:
        cause = "the commit of this release system is not known"
        raise UsageError(cause, REMEDY) from error
    if changed:
        cause = f"the release system in {git.folder} has changes that are in no commit"
        raise UsageError(cause, f"commit them, or {REMEDY}")
    return System(_repository(url), commit, its_version)


def _repository(url: str) -> str:
    found = re.search(rf"[/:]({REPOSITORY})$", url.rstrip("/").removesuffix(".git"))
    if not found:
        raise UsageError(f"{url} names no repository of a release system", REMEDY)
    return found[1]
