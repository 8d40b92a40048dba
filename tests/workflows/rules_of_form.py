"""Rules about keys that GitHub takes, passes over or reads otherwise than somebody meant.

Each yields a sentence for a breach.
"""

from graphlib import CycleError, TopologicalSorter
from typing import Any

from tests.workflows.tree import Node, Problems, Tree, as_map, at, needs

# Event -> the keys below it that the workflows use.
EVENTS = {
    "workflow_dispatch": {"inputs"},
    "workflow_call": {"inputs", "secrets"},
    "push": {"branches", "tags"},
    "pull_request": {"types"},
}
CONCURRENCY = {"group", "cancel-in-progress"}
INPUT = {"description", "required", "default"}
TYPED = {*INPUT, "type"}
"""Keys of an input of a composite action, and of a workflow's. An action's input is a text."""


def triggers_have_no_other_filters(tree: Tree) -> Problems:
    """A filter decides whether a check runs at all; a wrong one makes the form refuse the file."""
    for file in tree.workflows:
        for event, said in as_map(file.data["on"]).items():
            for key in sorted(set(as_map(said)) - EVENTS.get(event, set())):
                yield f"{at(said, key)}: {event} has the key {key}"
            names = as_map(said).keys() & {"branches", "tags"}
            if len(names) > 1:  # then GitHub starts a run for either
                for key in sorted(names):
                    yield f"{at(said, key)}: {event} is for branches and for tags"


def groups_say_no_more_than_they_need(tree: Tree) -> Problems:
    """With `queue: max` up to a hundred runs would wait for each other."""
    for file in tree.workflows:
        for holder in (file.data, *file.jobs.values()):
            said = as_map(holder.get("concurrency"))
            for key in sorted(set(said) - CONCURRENCY):
                yield f"{at(said, key)}: the group has the key {key}"


def inputs_are_required_or_have_a_default(tree: Tree) -> Problems:
    """GitHub takes an input with both, and then nobody knows which was meant."""
    for file in tree.files:
        on = as_map(file.data.get("on"))
        called = (as_map(on.get(one)) for one in ("workflow_dispatch", "workflow_call"))
        for known, holder in ((INPUT, file.data), *((TYPED, one) for one in called)):
            for name, said in as_map(holder.get("inputs")).items():
                yield from _input(name, said, known)


def _input(name: str, said: Any, known: set[str]) -> Problems:
    for key in sorted(set(said) - known):
        yield f"{at(said, key)}: the input {name} has the key {key}"
    if said.get("required") is True and "default" in said:
        for key in ("required", "default"):
            yield f"{at(said, key)}: the input {name} is required and has a default"


def a_command_alone_has_an_environment(tree: Tree) -> Problems:
    """An action is told by its inputs. Its processes would have what `env` says besides."""
    for file in tree.files:
        for name, step in file.steps():
            if "uses" in step and "env" in step:
                for key in as_map(step["env"]) or {"": ""}:
                    yield f"{at(step, 'env', key)}: {name}: an action has an environment"


def shells_are_of_commands_in_actions(tree: Tree) -> Problems:
    """A workflow's default shell ends a command at its first failure; an action has no shell."""
    for file in tree.files:
        for name, step in file.steps():
            if "shell" in step and (file.jobs or "uses" in step):
                yield f"{at(step, 'shell')}: {name}: the shell is {step['shell']}"


def no_job_waits_for_itself(tree: Tree) -> Problems:
    """GitHub refuses a file whose jobs wait for each other in a circle."""
    for file in tree.workflows:
        try:
            TopologicalSorter({name: needs(job) for name, job in file.jobs.items()}).prepare()
        except CycleError as circle:
            names = list(dict.fromkeys(circle.args[1]))
            for name in names:
                yield f"{at(file.jobs[name], 'needs')}: a circle of jobs: {', '.join(names)}"


def what_is_called_is_what_it_is_called_as(tree: Tree) -> Problems:
    """A step uses an action with the inputs that it gives."""
    for file in tree.files:
        for name, step in file.steps():
            if not str(step.get("uses", "")).startswith("./"):
                continue
            known = as_map(tree.action(str(step["uses"]).rpartition("/")[2]).data.get("inputs"))
            for one in sorted(set(step.get("with") or Node()) - set(known)):
                yield f"{at(step, 'uses')}: {name}: {step['uses']} has no input {one}"


RULES = (
    triggers_have_no_other_filters,
    groups_say_no_more_than_they_need,
    inputs_are_required_or_have_a_default,
    a_command_alone_has_an_environment,
    shells_are_of_commands_in_actions,
    no_job_waits_for_itself,
    what_is_called_is_what_it_is_called_as,
)
