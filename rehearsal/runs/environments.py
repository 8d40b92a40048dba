"""Environments: their reviewers, the references that may deploy, and the secrets of their jobs.

The rules: GitHub Docs, "Managing environments for deployment" and "Reviewing deployments".
"""

import fnmatch
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from typing import Any

import yaml

from scripts.core.errors import UsageError

APPROVED, REJECTED = "approved", "rejected"
FOLDER, WAITING = "approvals", ".waiting"
"""Below a run's folder: a file for each job that was decided upon, one for each that waits."""


@dataclass(frozen=True)
class Environment:
    """One environment of the repository. Without `refs` every reference may deploy."""

    reviewers: tuple[str, ...] = ()
    refs: tuple[str, ...] = ()
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Say whether something must be decided before a job of it begins."""
        return bool(self.reviewers or self.refs)


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
        (self.folder / FOLDER).mkdir(parents=True, exist_ok=True)
        waiting = {"environment": name, "reviewers": self.known[name].reviewers}
        (self.folder / FOLDER / f"{job}{WAITING}").write_text(json.dumps(waiting))
        self.say(f"  {job} waits for {name}: python -m rehearsal approve (or: reject)")
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
        record(self.folder, job, APPROVED, environment.reviewers[:1])
        return []

    def _reject(self, job: str, why: str) -> list[str]:
        record(self.folder, job, REJECTED, (), why)
        return [why]


def record(folder: Path, job: str, decision: str, by: Sequence[str] = (), why: str = "") -> None:
    """Record a decision, once. Raises `UsageError` if there is one already."""
    (folder / FOLDER).mkdir(parents=True, exist_ok=True)
    file = folder / FOLDER / f"{job}.json"
    draft = file.with_suffix(f".{token_hex(8)}")
    draft.write_text(json.dumps({"decision": decision, "by": list(by), "why": why}))
    try:
        os.link(draft, file)
    except FileExistsError:
        known = json.loads(file.read_text())
        who = ", ".join(known["by"]) or "the rules"
        raise UsageError(
            f"{job} is {known['decision']} already, by {who}", "start the run again to decide again"
        ) from None
    finally:
        draft.unlink()


def decide(run: Path, decision: str, login: str) -> list[str]:
    """Approve or reject all waiting jobs of a run; return their names.

    Raises `UsageError` if none waits, or if the person is not a reviewer.
    """
    waiting = sorted((run / FOLDER).glob(f"*{WAITING}"))
    open_ = [one for one in waiting if not one.with_suffix(".json").exists()]
    if not open_:
        raise UsageError(f"no job of run {run.name} waits for approval", "start one with --hold")
    for file in open_:
        known = json.loads(file.read_text())
        if login not in known["reviewers"]:
            raise UsageError(
                f"{login} may not review deployments to {known['environment']}",
                f"its reviewers: {', '.join(known['reviewers']) or 'none'}",
            )
        record(run, file.stem, decision, (login,))
    return [file.stem for file in open_]


def matches(name: str, pattern: str) -> bool:
    """Say whether a branch or tag fits a pattern, in which `*` stops at a slash."""
    parts, wanted = name.split("/"), pattern.split("/")
    return len(parts) == len(wanted) and all(map(fnmatch.fnmatchcase, parts, wanted))


def _shown(page: Sequence[str]) -> list[str]:
    return [f"    | {line}" for text in page for line in text.strip().splitlines()]
