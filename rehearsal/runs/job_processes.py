"""The processes that a run consists of, as the workflow files write them down."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from rehearsal.runs.expressions import filled_all, holds
from rehearsal.runs.workflow import Job

ACTION = ".github/actions/stage"
"""The composite action that runs a stage, in its step `run`."""


@dataclass(frozen=True)
class Leg:
    """One process of a run: a job, or one leg of its matrix."""

    key: str
    label: str
    stage: tuple[str, ...]
    artifact: str
    environment: Mapping[str, str] = field(repr=False)
    login: Mapping[str, str] | None = field(repr=False)
    token: str = field(repr=False)
    whole_history: bool = False


class Files:
    """A workflow of a checkout, with those that it calls and the action that runs a stage."""

    def __init__(self, tree: Path, workflow: str) -> None:
        self._tree = tree
        self._workflow = self._read(workflow)
        steps = self._read(f"{ACTION}/action.yml")["runs"]["steps"]
        self._action = next(step for step in steps if step.get("id") == "run")

    def leg(
        self, job: Job, path: str, values: Mapping[str, Any], context: Mapping[str, Any]
    ) -> Leg:
        """Read one leg; `values` are those of its matrix, `context` is GitHub's.

        `path` names the job, or after a slash one of the file that it calls.
        """
        text = self._workflow["jobs"][job.key]
        here = {**context, "matrix": values}
        if not job.calls:
            return self._leg(job.key, text, self._workflow, here)
        called = self._read(text["uses"].removeprefix("./"))
        inside = {
            **context,
            "inputs": filled_all(text.get("with"), here),
            "secrets": filled_all(text.get("secrets"), here),
        }
        return self._leg(job.key, called["jobs"][path.partition("/")[2]], called, inside)

    def _leg(
        self,
        key: str,
        job: Mapping[str, Any],
        workflow: Mapping[str, Any],
        context: Mapping[str, Any],
    ) -> Leg:
        """Read one job: its checkout, its login and its stage."""
        given = {
            step["uses"].partition("@")[0]: filled_all(step.get("with"), context)
            for step in job["steps"]
            if "uses" in step and holds(str(step.get("if", "")), context)
        }
        stage = given.get(f"./{ACTION}")
        if stage is None:
            raise ValueError(f"the job {key} has no step that runs a stage")
        return Leg(
            key=key,
            label=stage["artifact"],
            stage=tuple(shlex.split(stage["stage"])),
            artifact=f"release-{stage['artifact']}",
            environment={
                **filled_all(workflow.get("env"), context),
                **filled_all(job.get("env"), context),
                **filled_all(self._action.get("env"), {**context, "inputs": stage}),
            },
            login=given.get("docker/login-action"),
            token=context["github"]["token"],
            whole_history=given.get("actions/checkout", {}).get("fetch-depth") == "0",
        )

    def _read(self, path: str) -> dict[str, Any]:
        return dict(yaml.safe_load((self._tree / path).read_text(encoding="utf-8")))
