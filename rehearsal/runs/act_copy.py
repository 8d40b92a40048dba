"""Copy the workflow files for act, without the keys that act does not know.

act rejects new keys, and supports neither environments nor groups of jobs. The copy omits those
keys, and the secrets and variables of other environments are empty. A job that its environment or
its group holds waits in an added first step.
"""

import copy
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from rehearsal.runs.environments import Environments, elsewhere, name_of

WAIT = "Wait for approval"
WAITING = {
    "name": WAIT,
    "shell": "bash",
    "run": 'PYTHONPATH="$REHEARSAL_ROOT" python3 -P -m rehearsal.actions.approval',
}

TURN, GIVE_ON = "Wait for its turn", "Give the turn on"
ADDED = (WAIT, TURN, GIVE_ON)
"""The names of all steps that the copy adds."""


def write(tree: Path, known: Environments, asking: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Replace a checkout's workflow files by the copies; return the omitted keys.

    `asking` has the jobs that may request identity tokens, by `WORKFLOW/JOB`, with their variables
    for it.
    """
    told: list[str] = []
    for path in sorted((tree / ".github" / "workflows").glob("*.y*ml")):
        text = yaml.safe_load(path.read_text(encoding="utf-8"))
        changed, left_out = for_act(text, known)
        _let_ask(changed, text.get("name", path.name), asking)
        if changed != text:
            if True in changed:  # YAML 1.1 reads the key `on` as a truth value
                changed["on"] = changed.pop(True)
            path.write_text(yaml.safe_dump(changed, sort_keys=False, width=1000), encoding="utf-8")
        told += [f"{path.relative_to(tree)}: {one}" for one in left_out]
    return told


def for_act(text: Mapping[Any, Any], known: Environments) -> tuple[dict[Any, Any], list[str]]:
    """Return the copy of a workflow for act, and the places of the omitted keys."""
    made = copy.deepcopy(dict(text))
    left_out = [*_without(made, "concurrency", "queue"), *_relative(made, "")]
    if isinstance(made.get("env"), dict):
        made["env"] = _emptied(made["env"], *elsewhere({}, known))
    for key, job in made.get("jobs", {}).items():
        turns = _turns(job.get("concurrency")) if "steps" in job else []
        left_out += [f"jobs.{key}.{one}" for one in _without(job, "concurrency", "queue")]
        left_out += [f"jobs.{key}.{one}" for one in _without(job, "environment", "deployment")]
        made["jobs"][key] = emptied = _emptied(job, *elsewhere(job, known))
        if (name := name_of(job)) in known and known[name].holds and "steps" in job:
            emptied["steps"].insert(0, dict(WAITING))
        if turns:
            emptied["steps"] = [turns[0], *emptied["steps"], turns[1]]
    return made, left_out


def _let_ask(made: dict[Any, Any], name: str, asking: Mapping[str, Mapping[str, str]]) -> None:
    """Set the variables of the jobs that may request identity tokens."""
    for key, job in made.get("jobs", {}).items():
        if "steps" in job and (given := asking.get(f"{name}/{key}")):
            job["env"] = {**job.get("env", {}), **given}


def _turns(said: Any) -> list[dict[str, Any]]:
    """Return the first and the last step for a job with its own concurrency group."""
    if not said:
        return []
    group = said if isinstance(said, Mapping) else {"group": said}
    environment = {
        "GROUP_NAME": group["group"],
        "GROUP_CANCELS": group.get("cancel-in-progress", False),
        "GROUP_QUEUE": group.get("queue", "single"),
    }
    program = 'PYTHONPATH="$REHEARSAL_ROOT" python3 -P -m rehearsal.actions.turn'
    common = {"shell": "bash", "env": environment}
    last = {"name": GIVE_ON, "if": "always()", "run": f"{program} leave", **common}
    return [{"name": TURN, "run": program, **common}, last]


def _without(node: dict[str, Any], key: str, newer: str) -> Iterator[str]:
    """Take a newer key out of a mapping."""
    if isinstance(node.get(key), dict) and newer in node[key]:
        del node[key][newer]
        yield f"{key}.{newer}"


def _relative(node: Any, place: str) -> Iterator[str]:
    """Write `./` for `$/`, which means the same where the commit is checked out."""
    if isinstance(node, dict):
        uses = node.get("uses")
        if isinstance(uses, str) and uses.startswith("$/"):
            node["uses"] = f"./{uses.removeprefix('$/')}"
            yield f"{place}uses: $/"
        for key, child in node.items():
            yield from _relative(child, f"{place}{key}.")
    elif isinstance(node, list):
        for number, child in enumerate(node):
            yield from _relative(child, f"{place}{number}.")


def _emptied(node: Any, secrets: set[str], variables: set[str]) -> Any:
    """Put an empty text for every secret and variable that is another environment's."""
    if isinstance(node, dict):
        return {key: _emptied(child, secrets, variables) for key, child in node.items()}
    if isinstance(node, list):
        return [_emptied(child, secrets, variables) for child in node]
    if not isinstance(node, str):
        return node
    for context, names in (("secrets", secrets), ("vars", variables)):
        for name in names:
            node = re.sub(rf"\b{context}\.{re.escape(name)}\b(?!-)", "''", node)
    return node
