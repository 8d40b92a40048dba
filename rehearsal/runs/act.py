"""How act is called: its arguments, the environment that jobs get, the event."""

import json
import os
import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from rehearsal.github.tokens import TokenBook
from rehearsal.runs import real_actions
from rehearsal.runs.environments import Environments
from rehearsal.runs.real_actions import MissingStandInError
from rehearsal.runs.workflow import Workflow, given_inputs, used_actions

ACTIONS = Path(__file__).parents[1] / "actions"
SYSTEM = Path(__file__).parents[2]
OWN = re.compile(
    r"(?P<repository>[\w.-]+/[\w.-]+)/(?P<path>\.github/actions/(?:setup|stage))@(?P<ref>\w+)"
)
"""An action of the release system itself, as another repository uses it. It needs no stand-in."""
LABELS = ("ubuntu-latest", "ubuntu-24.04", "ubuntu-24.04-arm", "ubuntu-22.04", "ubuntu-22.04-arm")
"""Labels that an expression may give; literal labels are read from the files."""


@dataclass(frozen=True)
class Event:
    """What started the run: GitHub's name for it, the reference, its commit and the payload."""

    name: str
    ref: str
    sha: str
    payload: Mapping[str, Any]


@dataclass(frozen=True)
class Setting:
    """The place of a run, and the values that its jobs get.

    `tree` is a checkout of the event's commit, `folder` the run's own folder. `environment` is all
    that jobs inherit; `context` are the variables that a runner sets. `secrets` never become
    arguments or files. GitHub's service reads the permissions of each job's token in `tokens`; it
    shows a `private` repository only with a token. Where a job's environment has reviewers, they
    approve at once if there is something to read; with `hold` the job waits for somebody.
    `actions` is a folder with the code of marketplace actions, to be used instead of stand-ins.
    `runtime_token` is theirs for the run's artifacts. `attempt` counts the attempts of one run;
    `summaries` are those of the attempts before.
    """

    tree: Path
    workflow: str
    folder: Path
    run_id: int
    environment: Mapping[str, str]
    context: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    tokens: TokenBook | None = None
    private: bool = False
    environments: Environments = field(default_factory=dict)
    hold: bool = False
    attempt: int = 1
    actions: Path | None = None
    summaries: Sequence[tuple[str, str]] = ()
    runtime_token: str = field(default="", repr=False)
    program: str = "act"
    concurrent: int = 2


def start(setting: Setting, event: Event, workflow: Workflow) -> subprocess.Popen[str]:
    """Start act on the event; its output is one JSON object a line, on stdout and stderr as one.

    Raises `MissingStandInError` before anything is started.
    """
    stand_ins = local_actions(setting.tree, real=_real(setting))
    event_file = setting.folder / "event.json"
    event_file.write_text(json.dumps(event.payload, indent=1))
    reading = _secret_pipe(setting.secrets)
    command = [
        *(setting.program, event.name, "--json", "--rm", "--eventpath", str(event_file)),
        *("--workflows", setting.workflow, "--secret-file", f"/dev/fd/{reading}"),
        *_fixed_arguments(setting),
        *_pairs("--env", {**_context(setting, event), **setting.context}),
        *_pairs("--var", setting.variables),
        *_pairs("--local-repository", stand_ins),
        *_pairs("--platform", dict.fromkeys({*LABELS, *_literal(workflow)}, "-self-hosted")),
    ]
    try:
        return subprocess.Popen(
            command,
            cwd=setting.tree,
            env=dict(setting.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            pass_fds=[reading],
            start_new_session=True,
        )
    finally:
        os.close(reading)


def _real(setting: Setting) -> Callable[[str], Path | None]:
    """Return what finds an action's own code."""
    server = setting.context.get("GITHUB_SERVER_URL", "")
    told = real_actions.runtime(server, setting.runtime_token)
    return lambda uses: real_actions.folder(uses, setting.actions, setting.folder, told)


def local_actions(
    tree: Path, folder: Path = ACTIONS, real: Callable[[str], Path | None] = lambda _: None
) -> dict[str, str]:
    """Return the folder of the stand-in for every marketplace action that the workflows use.

    It is the folder of the action's own code if `real` gives one. For the release system's own
    actions, at any commit, it is this checkout. Raises `MissingStandInError` with the actions that
    do not have one.
    """
    used = used_actions(tree)
    if any(map(OWN.fullmatch, used)):
        used = {**used_actions(SYSTEM), **used}  # what its own actions use in turn
    folders = {uses: real(uses) or _folder(uses, folder) for uses in used}
    missing = [uses for uses, path in folders.items() if not (path / "action.yml").is_file()]
    if missing:
        raise MissingStandInError(
            "\n".join(
                f"{used[uses]} uses {uses}, which has no stand-in: "
                f"write {folders[uses].relative_to(folder.parent.parent)}/action.yml"
                for uses in missing
            )
        )
    _check_inputs(tree, folders)
    return dict(_replaced(uses, path) for uses, path in folders.items())


def _folder(uses: str, stand_ins: Path) -> Path:
    own = OWN.fullmatch(uses)
    return SYSTEM / own["path"] if own else stand_ins / uses.partition("@")[0]


def _replaced(uses: str, folder: Path) -> tuple[str, str]:
    """Return the name that act replaces: for an action in a subfolder, the whole repository."""
    own = OWN.fullmatch(uses)
    return (f"{own['repository']}@{own['ref']}", str(SYSTEM)) if own else (uses, str(folder))


def _check_inputs(tree: Path, stand_ins: Mapping[str, Path]) -> None:
    """Refuse an input that the action does not have: GitHub only warns, and passes it over."""
    for file, uses, names in given_inputs(tree):
        text = yaml.safe_load((stand_ins[uses] / "action.yml").read_text(encoding="utf-8"))
        if unknown := sorted(names - set(text.get("inputs", ()))):
            raise MissingStandInError(
                f"{file}: Unexpected input(s) {', '.join(map(repr, unknown))} for {uses}, valid "
                f"inputs are {', '.join(text.get('inputs', ()))}: leave them out"
            )


def dispatched(
    ref: str, sha: str, inputs: Mapping[str, str], repository: Mapping[str, Any], workflow: str
) -> Event:
    """Make the event of a *Run workflow* button. GitHub sends every input as a string."""
    payload = {
        "ref": ref,
        "inputs": dict(inputs),
        "repository": dict(repository),
        "sender": repository["owner"],
        "workflow": workflow,
    }
    return Event("workflow_dispatch", ref, sha, payload)


def pushed_tag(
    tag: str, sha: str, named: str, head: Mapping[str, Any], repository: Mapping[str, Any]
) -> Event:
    """Make the event of a tag that somebody pushed. `head` is the commit in the event's form.

    `sha` is its id; `named` is the object that the tag names, for an annotated tag the tag object.
    """
    payload = {
        "ref": f"refs/tags/{tag}",
        "before": "0" * 40,
        "after": named,
        "created": True,
        "deleted": False,
        "forced": False,
        "base_ref": None,
        "commits": [],
        "head_commit": dict(head),
        "pusher": {"name": repository["owner"]["login"]},
        "sender": repository["owner"],
        "repository": dict(repository),
    }
    return Event("push", f"refs/tags/{tag}", sha, payload)


def _context(setting: Setting, event: Event) -> dict[str, str]:
    return {
        "GITHUB_REF": event.ref,
        "SHA_REF": event.sha,  # act's own spelling of the commit that the run is for
        "GITHUB_RUN_ID": str(setting.run_id),
        "GITHUB_RUN_NUMBER": "1",
        "GITHUB_RUN_ATTEMPT": str(setting.attempt),
        "RUNNER_ENVIRONMENT": "github-hosted",
    }


def _fixed_arguments(setting: Setting) -> list[str]:
    """Return the options of every run, which switch off act's own files and servers."""
    nothing = ("--env-file", "--var-file", "--input-file")
    return [
        "--no-skip-checkout",
        "--no-cache-server",
        "--no-recurse",
        *(word for option in nothing for word in (option, os.devnull)),
        *("--container-daemon-socket", "-", "--concurrent-jobs", str(setting.concurrent)),
    ]


def _literal(workflow: Workflow) -> set[str]:
    return {label for label in workflow.labels() if "${{" not in label}


def _pairs(option: str, values: Mapping[str, str]) -> list[str]:
    return [word for key, value in values.items() for word in (option, f"{key}={value}")]


def _secret_pipe(secrets: Mapping[str, str]) -> int:
    """Return the reading end of a pipe with the secrets, in act's dotenv form.

    This keeps them out of the list of processes and off the disk. A pipe holds 64 KiB.
    """
    reading, writing = os.pipe()
    with open(writing, "w", encoding="utf-8") as pipe:  # noqa: PTH123 -- a descriptor, not a path
        pipe.write("".join(f"{key}={_quoted(value)}\n" for key, value in secrets.items()))
    return reading


def _quoted(value: str) -> str:
    escaped = (
        value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("$", "\\$")
    )
    return f'"{escaped}"'
