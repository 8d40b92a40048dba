"""Which trusted publisher a job is, by the claims of its identity token.

The rules: the public index's own code (pypi/warehouse, `warehouse/oidc/models/github.py`).
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from rehearsal.index.state import Publisher

REQUIRED = (
    *("repository", "repository_owner", "repository_owner_id", "job_workflow_ref"),
    *("jti", "event_name", "ref", "sha"),
)
FOLDER = ".github/workflows"
_FILE = re.compile(r"[^/]+\.ya?ml(?=@)")


class NoPublisherError(Exception):
    """No publisher is registered for a job, or the job may not be one."""


def find(claims: Mapping[str, Any], known: Iterable[Publisher]) -> Publisher:
    """Return the publisher that a job is: one with its environment before one without any.

    Raises `NoPublisherError`.
    """
    for name in REQUIRED:
        if claims.get(name) is None:
            raise NoPublisherError(f"Missing claim {name!r}")
    asked = of_job(claims)
    mine = [one for one in known if _place(one) == _place(asked)]
    found = [one for one in mine if one.environment == asked.environment] or [
        one for one in mine if not one.environment
    ]
    if not found:
        raise NoPublisherError("Publisher with matching claims was not found")
    _check(found[0], claims)
    return found[0]


def of_job(claims: Mapping[str, Any]) -> Publisher:
    """Return the publisher that would have to be registered for a job."""
    file = _FILE.search(claims["job_workflow_ref"])
    if file is None:
        raise NoPublisherError("The claim job_workflow_ref names no workflow file")
    owner, _, repository = claims["repository"].partition("/")
    environment = str(claims.get("environment") or "").lower()
    return Publisher(owner, claims["repository_owner_id"], repository, file[0], environment)


def _place(one: Publisher) -> tuple[str, ...]:
    return one.owner, one.owner_id, one.repository, one.workflow


def _check(found: Publisher, claims: Mapping[str, Any]) -> None:
    """Refuse a workflow of another repository, and events that run other people's code."""
    place = f"{found.owner}/{found.repository}/{FOLDER}/{found.workflow}"
    expected = {f"{place}@{claims[name]}" for name in ("ref", "sha") if claims[name]}
    if claims["job_workflow_ref"] not in expected:
        raise NoPublisherError(
            f"The job_workflow_ref claim does not match, expecting one of {sorted(expected)}, "
            f"got {claims['job_workflow_ref']!r}"
        )
    if claims["event_name"] == "pull_request_target":
        raise NoPublisherError("Publishing from pull_request_target is not supported")
