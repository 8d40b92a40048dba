"""Environments: their reviewers, the references that may deploy, and the secrets of their jobs.

The rules: GitHub Docs, "Managing environments for deployment" and "Reviewing deployments".
"""

import fnmatch
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from rehearsal import COMMAND
from rehearsal.runs import decisions
from rehearsal.runs.decisions import APPROVED, FOLDER, REJECTED
from scripts.core.errors import UsageError

LONGEST_TIMER = 43_200
"""Minutes: the longest wait timer that GitHub takes, 30 days."""


@dataclass(frozen=True)
class Environment:
    """One environment of the repository. Without `refs` every reference may deploy.

    `timer` is the number of minutes that its jobs wait in any case.
    """

    reviewers: tuple[str, ...] = ()
    refs: tuple[str, ...] = ()
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    variables: Mapping[str, str] = field(default_factory=dict)
    timer: int = 0

    def __post_init__(self) -> None:
        """Reject a timer that GitHub rejects."""
        if not 0 <= self.timer <= LONGEST_TIMER:
            raise UsageError(
                f"an environment cannot wait {self.timer} minutes",
                f"choose a number from 0 to {LONGEST_TIMER}",
            )

    @property
    def holds(self) -> bool:
        """Say whether something must be decided before a job of it begins."""
        return bool(self.reviewers or self.refs or self.timer)


Environments = Mapping[str, Environment]


def name_of(job: Mapping[str, Any]) -> str:
    """Return the environment that a job names, "" if it names none."""
    said = job.get("environment", "")
    return str(said.get("name", "") if isinstance(said, Mapping) else said)


def check(tree: Path, workflow: str, known: Environments) -> None:
    """Reject a workflow whose jobs name a missing environment.

    GitHub would create it without reviewers. Raises `UsageError`.
    """
    text = yaml.safe_load((tree / workflow).read_text(encoding="utf-8"))
    for key, job in text["jobs"].items():
        name = name_of(job)
        if name and name not in known:
            raise UsageError(
                f"{workflow}: the job {key} names the environment {name}, which the repository "
                f"does not have: GitHub would create it without reviewers",
                f"make it in the settings, or name one of: {', '.join(known) or 'none'}",
            )
        if called := job.get("uses"):
            check(tree, called.removeprefix("./").removeprefix("$/"), known)


def elsewhere(job: Mapping[str, Any], known: Environments) -> tuple[set[str], set[str]]:
    """Return the secrets and variables that a job does not get: those of other environments."""
    others = [one for name, one in known.items() if name != name_of(job)]
    own = known.get(name_of(job), Environment())
    secrets = {key for one in others for key in one.secrets} - set(own.secrets)
    return secrets, {key for one in others for key in one.variables} - set(own.variables)


@dataclass(frozen=True)
class Approver:
    """A reviewer who approves at once, if there is a summary and the reference may deploy."""

    known: Environments
    ref: str
    folder: Path
    say: Callable[..., None]

    def leave(self, job: str, name: str, _: Sequence[tuple[str, str]]) -> list[str]:
        """Make a job wait, and print the command to decide."""
        decisions.leave(self.folder, job, name, self.known[name].reviewers, self._until(name))
        self.say(f"  {job} waits for {name}: {COMMAND} approve (or: reject)")
        return []

    def decide(self, job: str, name: str, summaries: Sequence[tuple[str, str]]) -> list[str]:
        """Review a job of the environment `name`; return its problems.

        `summaries` are those of the run so far, which a reviewer can read at that moment.
        """
        if (self.folder / FOLDER / f"{job}.json").exists():
            return []  # another leg of the same job
        environment = self.known[name]
        short = self.ref.removeprefix("refs/heads/").removeprefix("refs/tags/")
        kind = "Tag" if self.ref.startswith("refs/tags/") else "Branch"
        if environment.refs and not any(matches(short, one) for one in environment.refs):
            return self._reject(
                job,
                f'{kind} "{short}" is not allowed to deploy to {name} due to environment '
                f"protection rules. It takes: {', '.join(environment.refs)}",
            )
        page = [text for _, text in summaries if text.strip()]
        if environment.reviewers and not page:
            return self._reject(
                job,
                f"{job} waits for approval, and the run's page is empty: no earlier job wrote a "
                f"summary. Describe the release in the summary of an earlier job",
            )
        if environment.reviewers:
            self.say(f"  approve {job} ({name}); its approver can read:", *_shown(page))
        who, until = environment.reviewers[:1], self._until(name)
        decisions.record(self.folder, job, APPROVED, who, until=until)
        return []

    def _until(self, name: str) -> float:
        return decisions.now(self.folder) + 60 * self.known[name].timer

    def _reject(self, job: str, why: str) -> list[str]:
        decisions.record(self.folder, job, REJECTED, why=why)
        return [why]


def matches(name: str, pattern: str) -> bool:
    """Say whether a branch or tag fits a pattern, in which `*` stops at a slash."""
    parts, wanted = name.split("/"), pattern.split("/")
    return len(parts) == len(wanted) and all(map(fnmatch.fnmatchcase, parts, wanted))


def _shown(page: Sequence[str]) -> list[str]:
    return [f"    | {line}" for text in page for line in text.strip().splitlines()]
