"""Check whether the commits of the system's actions exist. Only GitHub can tell."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from scripts.adopt import clone
from scripts.adopt.templates import System
from scripts.core.errors import Place, ReleaseError, UsageError
from scripts.release.context import Context

SOON = 3.0
"""Seconds after which an answer of GitHub is not waited for."""
REMEDY = "name a commit that is public there: --system OWNER/REPO@COMMIT"


class Pin(NamedTuple):
    """One line that uses an action of the system."""

    repository: str
    ref: str
    place: Place


def pins(context: Context) -> Iterator[Pin]:
    """Find the uses of the system's actions in the generated workflows."""
    for path, text, stamp in clone.generated(context.root):
        repository = stamp.made_by.repository
        own = re.compile(rf"uses: {re.escape(repository)}/\.github/\S+@(\S+)")
        for number, line in enumerate(text.splitlines(), 1):
            if used := own.search(line):
                yield Pin(repository, used[1], Place(path, number))


def exists(context: Context, repository: str, commit: str) -> bool | None:
    """Tell whether a repository has a commit; None if GitHub cannot be asked."""
    from scripts.surfaces.github_release import Forge  # noqa: PLC0415 - start-up counts

    try:
        where = context.endpoints
        forge = Forge(where.api_url, where.repository, context.secrets.github, SOON)
        return forge.has_commit(repository, commit)
    except ReleaseError:
        return None


def refuse_missing(context: Context, system: System) -> str:
    """Refuse a version of the system that its repository does not have. Raises UsageError.

    Returns a remark if GitHub cannot be asked; else an empty text.
    """
    found = exists(context, system.repository, system.commit)
    if found is False:
        cause = f"{system.repository} has no commit {system.commit}, and a run would fail"
        raise UsageError(cause, REMEDY)
    unknown = "not checked: GitHub cannot be asked whether the commit of the actions exists"
    return unknown if found is None else ""


def missing(context: Context) -> Iterator[ReleaseError]:
    """Find the pins whose commit does not exist, each at its first line."""
    first = {(one.repository, one.ref): one.place for one in reversed([*pins(context)])}
    for (repository, ref), place in first.items():
        if exists(context, repository, ref) is False:
            cause = f"{repository} has no commit {ref[:12]}, and a run would fail"
            remedy = "write a commit that exists; `release upgrade` writes its own"
            yield UsageError(cause, remedy, place)
