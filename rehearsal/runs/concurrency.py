"""Concurrency groups of runs: one run works, one waits, and a third cancels the waiting one.

The rules: GitHub Docs, "Control the concurrency of workflows and jobs". The runs of a world are
processes; a file for each group has the order. For a single job's group, act's copy of the workflow
has additional steps.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from rehearsal.runs.expressions import filled
from rehearsal.runs.turns import Group, Place, Queue


def of_run(tree: Path, workflow: str, context: Mapping[str, Any]) -> Group | None:
    """Return the group of a workflow's runs, None if it has none."""
    said = yaml.safe_load((tree / workflow).read_text(encoding="utf-8")).get("concurrency")
    if said is None:
        return None
    if isinstance(said, str):
        return Group(filled(said, context))
    cancels = filled(said.get("cancel-in-progress", False), context) == "true"
    return Group(filled(said["group"], context), cancels, said.get("queue", "single"))


@contextmanager
def turn(folder: Path, group: Group | None, run: int, say: Callable[..., None]) -> Iterator[None]:
    """Wait until it is this run's turn, and give the turn on at the end.

    Raises `CancelledError` if a later run takes its place while it waits.
    """
    if group is None:
        yield
        return
    queue = Queue(folder, group)
    mine = Place(run, os.getpid())
    try:
        ahead = queue.enter(mine)
        if ahead:
            say(f"  run {run} waits for run {ahead.run}, which is in the group {group.name}")
        queue.wait(mine)
        yield
    finally:
        queue.leave(mine)
