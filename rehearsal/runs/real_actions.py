"""Marketplace actions that run their own code in a rehearsal, from clones of them."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import yaml

from rehearsal.world import git_repo

NOT_REAL = {
    "actions/cache": "needs a service of GitHub's runner that a world does not have",
    **dict.fromkeys(
        ("docker/login-action", "docker/setup-buildx-action"),
        "would write into the Docker configuration that all jobs of a world share",
    ),
}
"""Actions whose own code a rehearsal cannot run, each with the reason."""
OF_THE_RUNNER = ("actions/upload-artifact", "actions/download-artifact")
"""Actions that need the variables which GitHub's runner gives to actions, and not to `run`."""
ENTRY, VARIABLES = "rehearsal.mjs", "rehearsal.json"
PROGRAM = """\
// The runner gives these variables to an action alone; then the action's own program runs.
import { readFileSync } from "node:fs";
const here = (name) => new URL(name, import.meta.url);
Object.assign(process.env, JSON.parse(readFileSync(here("./%s"), "utf8")));
await import(here("./%s"));
"""


class MissingStandInError(Exception):
    """A workflow uses a marketplace action without a stand-in, or an input that it lacks."""


def runtime(server: str, token: str) -> dict[str, str]:
    """Return the variables of the runner for artifacts.

    Their client refuses a server that is neither GitHub nor below `.localhost`.
    """
    port = server.rpartition(":")[2]
    return {
        "ACTIONS_RESULTS_URL": f"{server}/",
        "ACTIONS_RUNTIME_TOKEN": token,
        "GITHUB_SERVER_URL": f"http://github.localhost:{port}",
    }


def folder(uses: str, real: Path | None, run_folder: Path, told: Mapping[str, str]) -> Path | None:
    """Return the folder of an action's own code at its pin; None if `real` does not have it.

    `real` holds clones in `OWNER/NAME`. An action that needs the runner's variables, `told`, is
    copied into the run's folder with a program in front that sets them. Raises
    `MissingStandInError` for a clone that cannot be used.
    """
    name, _, pin = uses.partition("@")
    if real is None or not (real / name / "action.yml").exists():
        return None
    _check(real, name, pin)
    if name in OF_THE_RUNNER:
        return _copied(real / name, run_folder / "actions" / name, told)
    return real / name


def _check(real: Path, name: str, pin: str) -> None:
    if name in NOT_REAL:
        raise MissingStandInError(
            f"{real / name} cannot be used: {name} {NOT_REAL[name]}. Take it out of {real}"
        )
    found = git_repo.git(real / name, "rev-parse", "HEAD")
    if found != pin:
        raise MissingStandInError(
            f"{real / name} is at {found}, and the workflows use {pin}: check that commit out"
        )
    if git_repo.changes(real / name):
        raise MissingStandInError(f"{real / name} has changes: undo them")


def _copied(source: Path, target: Path, told: Mapping[str, str]) -> Path:
    """Copy an action, and put the program in front that gives it the variables."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, ignore=shutil.ignore_patterns(".git", "node_modules"))
    action = yaml.safe_load((target / "action.yml").read_text(encoding="utf-8"))
    (target / ENTRY).write_text(PROGRAM % (VARIABLES, action["runs"]["main"]), encoding="utf-8")
    (target / VARIABLES).touch(mode=0o600)
    (target / VARIABLES).write_text(json.dumps(dict(told)), encoding="utf-8")
    action["runs"]["main"] = ENTRY
    (target / "action.yml").write_text(yaml.safe_dump(action), encoding="utf-8")
    return target
