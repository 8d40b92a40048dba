"""Run `python -m rehearsal`: a whole release on this machine, with a verdict."""

import argparse
import dataclasses
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from rehearsal import COMMAND
from rehearsal.faults import command
from rehearsal.progress import Progress
from rehearsal.runs import kept_world, maintainer, new_run, rerun
from rehearsal.runs.real_actions import MissingStandInError
from rehearsal.verdict import price, report_page, verdict
from rehearsal.world import world
from rehearsal.world.git_repo import SeedError
from rehearsal.world.world import World
from scripts.core import version
from scripts.core.errors import ReleaseError, UsageError

FOLDER = ".rehearsal"
VERSION = "patch"
INTERRUPTED = 130
EXAMPLES = f"""examples:
  {COMMAND} run                       the next patch release, then the verdict
  {COMMAND} run --keep                keep the world up to inspect it
  {COMMAND} run --again               the same release again, in the kept world
  {COMMAND} run --version 0.3.0rc1    a candidate, which does not move pointers
  {COMMAND} run --tag 0.2.4           push a tag instead of pressing the button
  {COMMAND} run --dry-run             write nothing
  {COMMAND} run --private             use a private repository
  {COMMAND} faults --quick            the recovery from faults: a few of each kind
  {COMMAND} up | down                 start a world, end it
in a world that is up (up, or run --keep):
  {COMMAND} dispatch rollback.yml --input version=0.2.5
  {COMMAND} dispatch audit.yml --schedule
  {COMMAND} run --again --hold        let the gate wait; then approve or reject
  {COMMAND} rerun                     the failed jobs of the latest run
  {COMMAND} dispatch changelog.yml
  {COMMAND} pull-request --branch a-branch-of-this-checkout"""


def parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    main_parser = argparse.ArgumentParser(
        prog=COMMAND,
        description="Run a release on this machine with real services.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    names = "run|dispatch|approve|reject|rerun|wait|pull-request|faults|up|down"
    verbs = main_parser.add_subparsers(dest="verb", required=True, metavar=names)
    for name, meaning in (
        ("run", "start a world, run release.yml in it, print the verdict"),
        ("up", "start a world and keep it up"),
        ("down", "end the world and remove it"),
    ):
        verb = verbs.add_parser(name, help=meaning, description=meaning)
        verb.add_argument("--folder", type=Path, default=Path(FOLDER), help="the world's folder")
        if name != "down":
            verb.add_argument("--version", help=f"the version to release (default: {VERSION})")
            verb.add_argument("--private", action="store_true", help="use a private repository")
            built = "`none` builds empty images, which prove nothing (default: all)"
            verb.add_argument("--build", choices=("all", "none"), default="all", help=built)
    release = verbs.choices["run"]
    release.add_argument(
        "--dry-run", action="store_true", help="a run that does not change anything"
    )
    release.add_argument("--tag", metavar="V", help="push the tag of a commit with version V")
    release.add_argument("--keep", action="store_true", help="keep the world up")
    release.add_argument("--again", action="store_true", help="run in the world that is up")
    for name, meaning in kept_world.VERBS.items():
        verb = verbs.add_parser(name, help=meaning, description=meaning)
        verb.add_argument("--folder", type=Path, default=Path(FOLDER), help="the world's folder")
    kept_world.add_arguments(verbs.choices)
    faults = "inject a fault into each write of a release: a second run must end in the same state"
    verb = verbs.add_parser("faults", help=faults, description=faults)
    verb.add_argument("--folder", type=Path, default=Path(FOLDER), help="the folder of its world")
    command.add_arguments(verb)
    return main_parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; return 0 only if everything is as planned."""
    arguments = parser().parse_args(argv)
    signal.signal(signal.SIGTERM, _interrupt)
    verbs: dict[str, Callable[[argparse.Namespace, Progress], int]] = {
        "run": _run,
        "dispatch": kept_world.dispatch,
        "pull-request": kept_world.pull_request,
        "approve": kept_world.decide,
        "reject": kept_world.decide,
        "rerun": kept_world.again,
        "wait": kept_world.wait,
        "faults": command.faults,
        "up": _up,
        "down": _down,
    }
    try:
        # Runs in a kept world may overlap: their groups say who waits, and some wait for `approve`.
        shared = arguments.verb in kept_world.VERBS or getattr(arguments, "again", False)
        with world.alone(arguments.folder, shared=shared), Progress() as progress:
            return verbs[arguments.verb](arguments, progress)
    except ReleaseError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except (SeedError, MissingStandInError) as error:
        print(error, file=sys.stderr)
        return UsageError.exit_code
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return INTERRUPTED


def _up(arguments: argparse.Namespace, progress: Progress) -> int:
    up = _new_world(arguments, arguments.version or VERSION, progress)
    _tell(up, progress)
    return 0


def _new_world(arguments: argparse.Namespace, version: str, progress: Progress) -> World:
    private, build = arguments.private, arguments.build == "all"
    folder, here = arguments.folder, Path.cwd()
    return world.up(folder, here, progress, version=version, private=private, build=build)


def _down(arguments: argparse.Namespace, progress: Progress) -> int:
    with progress.step("world down") as tell:
        found = world.down(arguments.folder, tell)
    progress.say("  everything is removed afterwards" if found else "  no world was up")
    return 0


def _run(arguments: argparse.Namespace, progress: Progress) -> int:
    began = time.monotonic()
    here = _world(arguments, progress)
    keep = arguments.keep or arguments.again
    try:
        found = _perform(here, arguments, progress, up=time.monotonic() - began)
    except BaseException:
        if not keep:
            _take_down(here.folder, progress)
        raise
    if not keep:
        seconds = _take_down(here.folder, progress)
        found = dataclasses.replace(found, seconds=dataclasses.replace(found.seconds, down=seconds))
    found.save(here.folder / "verdict.json")
    if keep:
        world.remember(here.folder, found.version)
    progress.say("", *verdict.table(found))
    if keep:
        _tell(here, progress)
    return 0 if found.ok else 1


def _world(arguments: argparse.Namespace, progress: Progress) -> World:
    """Start a world, or use the running one."""
    wanted = arguments.tag or arguments.version
    if not arguments.again:
        return _new_world(arguments, wanted or VERSION, progress)
    kept_world = world.load(arguments.folder)
    if arguments.private and not kept_world.private:
        remedy = f"omit --private, or end the world: {COMMAND} down"
        raise UsageError("the repository of the world that is up is public", remedy)
    return dataclasses.replace(kept_world, version=wanted) if wanted else kept_world


def _perform(
    here: World, arguments: argparse.Namespace, progress: Progress, *, up: float
) -> verdict.Verdict:
    """Start the event, follow the run, check the surfaces."""
    if arguments.tag:
        event = maintainer.push_tag(here, arguments.tag)
    else:
        event = maintainer.press_button(here, dry_run=arguments.dry_run)
    with progress.step("look before"):
        before = verdict.Before.of(here)
    finished_before = f"release {_tag(here.version)}" in before.snapshot.state
    setting = kept_world.asked(new_run.setting(here, event.sha), arguments)
    done = rerun.perform(setting, event, progress)
    (here.folder / "summary.md").write_text(done.summary(), encoding="utf-8")
    mode = "dry-run" if arguments.dry_run else "again" if finished_before else "release"
    with progress.step("check every surface"):
        found = verdict.of_run(here, done, mode, before, up)
    costs = ("price on GitHub", price.markdown(found.price)) if found.price else ("", "")
    report_page.write(here.folder / "report.html", here.version, [*done.summaries, costs])
    return found


def _tag(typed: str) -> str:
    """Return the tag of a typed version, "" for a step like `patch` or a mistake."""
    try:
        return version.tag(version.parse(typed))
    except ReleaseError:
        return ""


def _take_down(folder: Path, progress: Progress) -> float:
    """End the whole world, even after a second Ctrl-C."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    began = time.monotonic()
    with progress.step("world down") as tell:
        world.down(folder, tell)
    return time.monotonic() - began


def _tell(here: World, progress: Progress) -> None:
    facts = here.facts()
    shown = [f"  {name:<14} {facts[name]}" for name in facts if name != "token"]
    progress.say("", f"the world is up; end it with: {COMMAND} down", *shown)
    progress.say(f"  {'token':<14} in {here.folder / 'world.json'}")


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
