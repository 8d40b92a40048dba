"""Races with other people during a release: other runs, other commits, edits of the draft.

Each is a case like the faults: its end state must equal that of the clean run, with the other
person's change preserved.
"""

import dataclasses
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from rehearsal.faults.end_state import State
from rehearsal.faults.fault_matrix import IMPATIENCE, PATIENCE, Case, Matrix, Row, advice, finish
from rehearsal.runs.direct import DirectRun, Interference
from rehearsal.world import example_project, git_repo

MAIN = "refs/heads/main"
OTHER, BURNED = "0.3.0", "0.2.9"
NOTE = "A line that a maintainer wrote."
ENTRY = "- Something that came in between."
MEANWHILE = example_project.CHANGELOG.replace("release.\n", f"release.\n{ENTRY}\n")
BETWEEN = ("gate", "publish-tags", "publish-package", "promote")
"""The jobs after which a draft exists that others can edit."""
LAG = {"service": "index", "method": "GET", "path": r"/\+simple/", "action": "lag"}


def cases(matrix: Matrix) -> Iterator[Case]:
    """Yield every race."""
    yield Case("race: two runs of one version at once", _twice)
    yield Case("race: two versions, the second waits for the first", _two_versions)
    for key in matrix.clean.checkpoints:
        yield Case(f"race: main moves on after {key}", partial(_moves, key=key))
    for key in ("plan", "publish-tags"):
        name = f"race: the changelog gets an entry after {key}"
        yield Case(name, partial(_moves, key=key, path="CHANGELOG.md", text=MEANWHILE))
    for key in BETWEEN:
        yield Case(f"race: the draft is deleted before {key}", partial(_deleted, key=key))
        yield Case(f"race: the notes are edited before {key}", partial(_edited, key=key))
    yield Case("race: the tag's name was used up by an immutable release", _burned)
    for seconds, patience in ((4.0, PATIENCE), (60.0, IMPATIENCE)):
        name = "within" if patience == PATIENCE else "beyond"
        perform = partial(_lags, seconds=seconds, patience=patience)
        yield Case(f"race: the index lags {name} the deadline", perform)


def _twice(matrix: Matrix, row: Row) -> None:
    """Start the same release twice in parallel, as a button and a tag can."""
    matrix.keeper.put_back(matrix.clean.start)
    runs = [matrix.starting(), matrix.starting()]
    with ThreadPoolExecutor() as pool:
        done = [one.result() for one in [pool.submit(run) for run in runs]]
    best = max(done, key=lambda one: one.ok)
    finish(matrix, row, best)
    row.first = " and ".join(_said(one) for one in done)


def _two_versions(matrix: Matrix, row: Row) -> None:
    """Start two versions at the same time.

    On GitHub the second waits: each branch has one group.
    """
    matrix.keeper.put_back(matrix.clean.start)
    first, second = matrix.starting(), matrix.starting(version=OTHER)
    done = first()
    state = matrix.keeper.look()
    offset = matrix.offset()
    refused = second()
    row.first = f"{_said(done)}, the other {_said(refused)}"
    row.told = advice(refused)
    row.problems += state.differences(matrix.clean.state)
    row.problems += matrix.keeper.look().differences(matrix.clean.state)
    if refused.ok or not done.ok:
        row.problems.append("expected: the first run releases, the second has nothing to release")
    if matrix.writes_since(offset):
        row.problems.append("the second wrote")


def _moves(
    matrix: Matrix, row: Row, *, key: str, path: str = "OTHER.md", text: str = "other\n"
) -> None:
    """Push a commit to the branch when a job is over."""
    checkpoint = matrix.clean.checkpoints[key]
    matrix.keeper.put_back(checkpoint.state)
    commits: list[str] = []

    def move(job: str) -> None:
        if job == key:
            commits.append(matrix.keeper.change_main(path, text))

    first = matrix.direct(Interference(after=move), checkpoint.begun)
    state, ended = matrix.keeper.look(), matrix.again(row)
    row.first, row.told = _said(first), advice(first)
    if not (first.ok and ended.ok):
        row.problems.append(f"failed: {first.failed}, {list(ended.failed)}")
    if ended.writes:
        row.problems.append(f"the second run wrote {ended.writes} times")
    row.problems += _without_main(state).differences(_without_main(matrix.clean.state))
    row.problems += ended.state.differences(state)
    changelog = git_repo.git(matrix.world.bare, "show", f"{MAIN}:CHANGELOG.md")
    if text == MEANWHILE and ENTRY not in changelog.split("## [0.2.4]")[0]:
        row.problems.append("the new entry is not under Unreleased")
    for commit in (*commits, matrix.clean.state.refs[MAIN]):
        if not _contains(matrix, state.refs[MAIN], commit):
            row.problems.append(f"main does not contain {commit[:12]}")


def _deleted(matrix: Matrix, row: Row, *, key: str) -> None:
    """Stop a run before a job, delete the draft, and run again."""
    first = _ended_before(matrix, key)
    if not matrix.keeper.delete_drafts():
        row.problems.append("there was no draft to delete")
    finish(matrix, row, first)


def _edited(matrix: Matrix, row: Row, *, key: str) -> None:
    """Stop a run before a job, edit the draft's notes, and run again: the edit stays."""
    first = _ended_before(matrix, key)
    if not matrix.keeper.edit_notes(NOTE):
        row.problems.append("there was no draft to edit")
    left = matrix.keeper.look()
    ended = matrix.again(row)
    notes = [release.body for release in ended.state.releases]
    if not all(body.startswith(NOTE) for body in notes):
        row.problems.append("the edited notes are lost")
    matrix.judge(row, first, dataclasses.replace(ended, state=_unedited(ended.state)), left)


def _lags(matrix: Matrix, row: Row, *, seconds: float, patience: float) -> None:
    """Make the index show new files late."""
    checkpoint = matrix.clean.checkpoints["publish-package"]
    matrix.keeper.put_back(checkpoint.state)
    rule: Mapping[str, Any] = {**LAG, "seconds": seconds}
    matrix.strike(rule)
    first = matrix.direct(begun=checkpoint.begun, patience=patience)
    matrix.strike()
    finish(matrix, row, first)
    if first.ok != (patience == PATIENCE):
        row.problems.append(f"the first run {row.first}, but the deadline requires the opposite")


def _burned(matrix: Matrix, row: Row) -> None:
    """Request a version whose tag can never be made again: no name may change."""
    matrix.keeper.put_back(matrix.clean.start)
    matrix.keeper.burn(f"v{BURNED}")
    first = matrix.starting(version=BURNED)()
    row.first, row.told = _said(first), advice(first)
    left = matrix.keeper.look()
    second = matrix.starting(version=BURNED)()
    row.second = f"run: {_said(second)}"
    if first.ok or second.ok or "next version" not in row.told:
        row.problems.append("the report should say that only the next version can be released")
    start = matrix.clean.start
    if left.latest != start.latest or left.refs[MAIN] != start.refs[MAIN]:
        row.problems.append("a pointer moved")
    if (left.files, left.tags) != (start.files, start.tags):
        row.problems.append("something got a permanent name")
    if matrix.keeper.look() != left:
        row.problems.append("the second run changed something")


def _ended_before(matrix: Matrix, key: str) -> DirectRun:
    checkpoint = matrix.clean.checkpoints[key]
    matrix.keeper.put_back(checkpoint.state)
    one = next(leg for leg in matrix.clean.run.legs if leg.leg.key == key)
    return matrix.direct(Interference(kill=one.leg.label, moment=lambda: True), checkpoint.begun)


def _unedited(state: State) -> State:
    releases = (
        dataclasses.replace(one, body=re.sub(f"^{re.escape(NOTE)}\\n\\n", "", one.body))
        for one in state.releases
    )
    return dataclasses.replace(state, releases=tuple(releases))


def _without_main(state: State) -> State:
    refs = {name: target for name, target in state.refs.items() if name != MAIN}
    return dataclasses.replace(state, refs=refs)


def _contains(matrix: Matrix, newer: str, older: str) -> bool:
    return git_repo.git(matrix.world.bare, "rev-list", "--count", older, f"^{newer}") == "0"


def _said(done: DirectRun) -> str:
    return "ended well" if done.ok else f"failed at {', '.join(done.failed)}"
