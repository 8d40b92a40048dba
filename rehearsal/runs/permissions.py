"""The permissions of each job's token: those that the job declares, limited by its caller.

The rules: GitHub Docs, "Workflow syntax" (`permissions`) and "Reuse workflows".
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from rehearsal.runs.environments import name_of
from scripts.core.errors import UsageError

LEVELS = ("none", "read", "write")
SCOPES = (
    *("actions", "artifact-metadata", "attestations", "checks", "contents", "deployments"),
    *("discussions", "id-token", "issues", "packages", "pages", "pull-requests"),
    *("security-events", "statuses"),
)
UNSAID = {"contents": "read", "packages": "read"}
"""The permissions of a workflow without a declaration, by the default of new repositories."""

Grant = Mapping[str, str]


@dataclass(frozen=True)
class Granted:
    """The permissions of one job.

    `path` is `plan` or `images/build`; `name` is `WORKFLOW/JOB`. `file` is the job's workflow file,
    `environment` the environment that it names.
    """

    path: str
    name: str
    grant: Grant
    file: str = ""
    environment: str = ""

    def for_api(self) -> dict[str, str]:
        """Return the same under the names of GitHub's API; metadata can always be read."""
        return {"metadata": "read", **{key.replace("-", "_"): v for key, v in self.grant.items()}}


def of_jobs(tree: Path, workflow: str) -> list[Granted]:
    """Return the permissions of every job of a workflow, including the files that it calls.

    Raises `UsageError` if a called job declares more than its caller grants.
    """
    return list(_of_jobs(tree, workflow, UNSAID, "", most=None))


def by_name(jobs: list[Granted]) -> dict[str, dict[str, str]]:
    """Return the same by `WORKFLOW/JOB`; of two jobs with one name, what both may do."""
    found: dict[str, dict[str, str]] = {}
    for job in jobs:
        known = found.get(job.name)
        found[job.name] = dict(_lesser(known, job.for_api()) if known else job.for_api())
    return found


def _of_jobs(
    tree: Path, workflow: str, unsaid: Grant, above: str, *, most: Grant | None
) -> Iterator[Granted]:
    text = yaml.safe_load((tree / workflow).read_text(encoding="utf-8"))
    name, whole = text.get("name", Path(workflow).name), _declared(text, unsaid)
    for key, job in text["jobs"].items():
        path, grant = f"{above}{key}", _declared(job, whole)
        if most is not None:
            _check(path, grant, most)
        yield Granted(path, f"{name}/{key}", grant, workflow, name_of(job))
        if called := job.get("uses"):
            file = called.removeprefix("./").removeprefix("$/")
            yield from _of_jobs(tree, file, grant, f"{path}/", most=grant)


def _declared(node: Mapping[str, Any], unsaid: Grant) -> Grant:
    """Return the declared permissions of a workflow or a job; an omitted permission is `none`."""
    said = node.get("permissions")
    if said is None:
        return unsaid
    if isinstance(said, str):
        return dict.fromkeys(SCOPES, said.removesuffix("-all"))
    return {scope: level for scope, level in said.items() if level != "none"}


def _check(path: str, grant: Grant, most: Grant) -> None:
    """Reject permissions that the caller does not have; GitHub does so before any job runs."""
    for scope, level in grant.items():
        allowed = most.get(scope, "none")
        if LEVELS.index(level) > LEVELS.index(allowed):
            raise UsageError(
                f"Error calling workflow: the nested job '{path}' is requesting "
                f"'{scope}: {level}', but is only allowed '{scope}: {allowed}'.",
                f"give the calling job `{scope}: {level}`, or take it from the called one",
            )


def _lesser(one: Grant, other: Grant) -> Grant:
    shared = one.keys() & other.keys()
    return {scope: min(one[scope], other[scope], key=LEVELS.index) for scope in shared}
