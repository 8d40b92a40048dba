"""Run any workflow in the running world, and show its start, its jobs and its end."""

import argparse
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from rehearsal.gateway import journal
from rehearsal.progress import Progress
from rehearsal.runs import act, decisions, maintainer, new_run, rerun
from rehearsal.runs.decisions import APPROVED, REJECTED
from rehearsal.runs.run import Run
from rehearsal.world import git_repo, world
from rehearsal.world.world import WORKFLOWS, World
from scripts.core.errors import UsageError

DAY = 24 * 3600
CI = f"{WORKFLOWS}/ci.yml"
ENTRY = f"{WORKFLOWS}/entry.yml"
VERBS = {
    "dispatch": "press a workflow's button in the kept world",
    "approve": "approve a job that waits for its environment (run --hold, dispatch --hold)",
    "reject": "refuse it",
    "rerun": "run the failed jobs of the latest run again, as another attempt",
    "wait": "put the world's clock forward: approvals end after 30 days",
    "pull-request": "ask to merge a branch of this checkout in the kept world, and check it",
}


def add_arguments(verbs: Mapping[str, argparse.ArgumentParser]) -> None:
    """Describe the command lines."""
    dispatch, pull = verbs["dispatch"], verbs["pull-request"]
    for verb in ("approve", "reject"):
        verbs[verb].add_argument("--as", dest="login", help="who decides (default: the owner)")
    verbs["rerun"].add_argument("--all", action="store_true", help="run all jobs again")
    verbs["wait"].add_argument("--days", type=float, required=True, help="by how many days")
    for verb in ("run", "dispatch", "rerun"):
        verbs[verb].add_argument(
            "--hold", action="store_true", help="make jobs wait for `approve` or `reject`"
        )
        verbs[verb].add_argument(
            "--actions",
            type=Path,
            metavar="FOLDER",
            help="run the actions' own code where FOLDER/OWNER/NAME has it at its pin",
        )
    dispatch.add_argument("workflow", help="its file: rollback.yml, audit.yml, changelog.yml, …")
    dispatch.add_argument(
        "--input",
        action="append",
        default=[],
        dest="inputs",
        metavar="NAME=VALUE",
        help="an input of the form; repeat it for more inputs",
    )
    dispatch.add_argument(
        "--schedule", action="store_true", help="start it by its schedule instead of the button"
    )
    pull.add_argument("--branch", help="the branch (default: the current branch)")
    pull.add_argument("--label", action="append", default=[], dest="labels", help="its labels")


def dispatch(arguments: argparse.Namespace, progress: Progress) -> int:
    """Start a workflow; return 0 only if all its jobs that should have run ended well."""
    here = world.load(arguments.folder)
    workflow = f"{WORKFLOWS}/{Path(arguments.workflow).name}"
    typed = dict(_pair(one) for one in arguments.inputs)
    if arguments.schedule and typed:
        raise UsageError("a schedule has no inputs", "leave out --input, or --schedule")
    if arguments.schedule:
        event = maintainer.schedule(here, workflow)
    else:
        event = maintainer.dispatch(here, workflow, typed)
    setting = new_run.setting(here, event.sha, workflow)
    setting = asked(setting, arguments)
    return _perform(here, setting, event, progress)


def asked(setting: act.Setting, arguments: argparse.Namespace) -> act.Setting:
    """Return the setting with what the command line asks for."""
    actions = arguments.actions.resolve() if arguments.actions else None
    return dataclasses.replace(setting, hold=arguments.hold, actions=actions)


def decide(arguments: argparse.Namespace, progress: Progress) -> int:
    """Approve or reject what waits in the latest run of the world that is up."""
    here = world.load(arguments.folder)
    decision = {"approve": APPROVED, "reject": REJECTED}[arguments.verb]
    for job in decisions.decide(_latest(here), decision, arguments.login or here.owner):
        progress.say(f"  {decision} {job}")
    return 0


def again(arguments: argparse.Namespace, progress: Progress) -> int:
    """Run the failed jobs of the latest run again; return 0 only if they end well."""
    here = world.load(arguments.folder)
    folder = _latest(here)
    ended = rerun.load(folder)
    setting = new_run.another_attempt(here, folder, ended)
    jobs = rerun.prepare(setting, ended, everything=arguments.all)
    progress.say(f"  run {folder.name}, attempt {setting.attempt}: {', '.join(jobs)}")
    setting = asked(setting, arguments)
    return _perform(here, setting, ended.event, progress)


def _latest(here: World) -> Path:
    runs = sorted(here.folder.glob("runs/[0-9]*"), key=lambda path: int(path.name))
    if not runs:
        raise UsageError("there was no run in this world", "start a run")
    return runs[-1]


def wait(arguments: argparse.Namespace, progress: Progress) -> int:
    """Put the clock of the world that is up forward."""
    here = world.load(arguments.folder)
    if arguments.days <= 0:
        raise UsageError(f"--days {arguments.days} is not in the future", "give a number above 0")
    decisions.put_forward(here.folder, arguments.days * DAY)
    progress.say(f"  the world's clock is {arguments.days:g} days later")
    return 0


def pull_request(arguments: argparse.Namespace, progress: Progress) -> int:
    """Open or update a pull request and run its checks; return 0 only if they end well."""
    here, checkout = world.load(arguments.folder), Path.cwd()
    branch = arguments.branch or git_repo.git(checkout, "symbolic-ref", "--short", "HEAD")
    event = maintainer.open_pull_request(here, checkout, branch, arguments.labels)
    progress.say(f"  {event.payload['pull_request']['html_url']}")
    settings = (new_run.setting(here, event.sha, workflow) for workflow in (ENTRY, CI))
    return max([_perform(here, setting, event, progress) for setting in settings])


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"--input {text} has no value", f"write --input {text}=VALUE")
    return name, value


def _perform(here: World, setting: act.Setting, event: act.Event, progress: Progress) -> int:
    """Follow the run to its end, and print its results."""
    offset = journal.size(here.endpoints.journal)
    done = rerun.perform(setting, event, progress)
    writes = journal.writes_by_service(here.endpoints.journal, offset)
    progress.say("", *table(Path(setting.workflow).name, done, writes))
    progress.say(*(f"  refused  {one}" for one in journal.refusals(here.endpoints.journal, offset)))
    progress.say(f"  summary  {setting.folder / 'summary.md'}")
    return 0 if done.ok else 1


def table(name: str, done: Run, writes: dict[str, int]) -> list[str]:
    """Return the results of a run as lines for a person."""
    wrote = ", ".join(f"{service} {count}" for service, count in sorted(writes.items()))
    return [
        f"{name}: {'all jobs ended well' if done.ok else 'NOT well'}",
        "",
        *_jobs(done),
        *(f"  NOT      {problem}" for problem in done.problems),
        *(f"  not seen by act  {one}" for one in done.left_out),
        "",
        f"  writes   {wrote or 'none'}",
        f"  seconds  {done.seconds:.0f}",
    ]


def _jobs(done: Run) -> Iterator[str]:
    width = max(map(len, done.results), default=0)
    for key, result in done.results.items():
        yield f"  {result:<8} {key:<{width}}  {_said(done, key)}".rstrip()


def _said(done: Run, key: str) -> str:
    """Return the job's first error, or an empty text."""
    labels: Sequence[str] = [job.label for job in done.jobs if key in (job.key, job.path)]
    mine = (one for one in done.annotations if one.level == "error" and one.job in labels)
    return next((one.text.splitlines()[0] for one in mine if one.text), "")
