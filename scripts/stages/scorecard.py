"""Measure this release and the last one in turn on this runner, before the release is staged.

The job reports and stops nothing, unless the table says `stop`. What cannot be measured is said.
"""

import os
import platform
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from scripts.core import codec, scorecard
from scripts.core.converge import CHECK, Outcome
from scripts.core.errors import CheckError, ReleaseError
from scripts.core.lockfile import Lock
from scripts.core.results import Done
from scripts.core.scorecard import Measured, Row, Scorecard
from scripts.release import checkout, compose_file, previous
from scripts.release.assets import COMPOSE, SCORECARD
from scripts.release.configuration import TABLE, ScorecardConfig
from scripts.release.context import Context
from scripts.tools import installation, measuring
from scripts.tools.docker_engine import ARCHITECTURES, Engine, Services
from scripts.tools.installation import Installation

T = TypeVar("T")
READINGS = 3
"""How often the memory of the services is read; a reading takes one to two seconds."""
PLATFORM = ARCHITECTURES.get(platform.machine(), "unknown")


@dataclass(frozen=True)
class Side:
    """One of both releases, as this platform's users have it."""

    consumer: Installation
    images: dict[str, str]
    """Each image's reference by digest."""
    compose: Path | None
    """What starts all images; none where one is missing."""


Sides = Sequence[Side]
"""The last release, if it can be had, and this one."""


def run(context: Context) -> Done:
    """Write the scorecard; fail only where the table says so."""
    config = context.config.scorecard
    if config is None:
        return Done((_outcome(f"[{TABLE}.scorecard] is not set", skipped=True),))
    if context.earlier_lock:
        return Done((_outcome("as measured by the earlier attempt"),))
    card = measured(context, config)
    context.write(SCORECARD, codec.encode(card))
    line = scorecard.line(card)
    context.report(f"## {line}\n\n{scorecard.details(card)}\n", scorecard=card)
    worse = [row.name for row in card.rows if row.changed and row.after > (row.before or 0)]
    if config.stop and worse:
        raise CheckError(
            f"slower or larger than {card.since}, measured twice: {', '.join(worse)}",
            f"find the cause, or leave `stop` out of [{TABLE}.scorecard], and release again",
        )
    return Done((_outcome(line),))


def _outcome(detail: str, *, skipped: bool = False) -> Outcome:
    return Outcome("scorecard", detail, written=False, skipped=skipped, kind=CHECK)


def measured(context: Context, config: ScorecardConfig) -> Scorecard:
    """Measure both releases, a second time if something differs."""
    last, failures = previous.lock(context), list[str]()
    tag = last.plan.tag if last else ""
    before = _known(partial(_last, context, last), tag, failures) if last else None
    sides = (*([before] if before else []), _this(context))
    parts: dict[str, Callable[[], list[Row]]] = {
        "package": partial(_twice, partial(_package, context, sides)),
        config.script or "": partial(_twice, partial(_own, context, config.script or "", sides)),
        "services": partial(_services, context, sides),
    }
    rows = [row for what, part in parts.items() for row in _known(part, what, failures) or ()]
    card = Scorecard(
        f"{PLATFORM}, {os.cpu_count()} processors",
        tag if before else "",
        tuple(rows),
        tuple(failures),
    )
    return scorecard.following(card, last.scorecard if last else None)


def _known(measure: Callable[[], T], what: str, failures: list[str]) -> T | None:
    """Measure; where that fails, keep the reason instead: a measurement must stop no release."""
    try:
        return measure()
    except ReleaseError as error:
        # The last line of a program's output is its reason.
        failures.append(f"{what}: {error.cause.strip().splitlines()[-1].strip()}")
        return None


def _twice(part: Callable[[int], Iterable[Measured]]) -> list[Row]:
    first = list(part(0))
    return list(scorecard.rows(first, list(part(1)) if scorecard.suspected(first) else None))


def _this(context: Context) -> Side:
    """Give this release: the wheel that was built, and the images, which have no tag yet."""
    plan, folder = context.plan, context.fresh("this-release")
    consumer = _environment(context, folder)
    if plan.dists:
        consumer.install("--", str(context.inputs / "dist" / plan.dists[0]))
    legs = [one.facts for one in context.results("image-*") if "image" in one.facts]
    # A dry run pushes no image.
    digests = {} if plan.dry_run else {one["image"]: one["digest"] for one in legs if _here(one)}
    images = {i.name: f"{i.repository}@{digests[i.name]}" for i in plan.images if i.name in digests}
    return Side(consumer, images, _compose(context, plan.base, images, folder))


def _here(facts: Mapping[str, str]) -> bool:
    return facts["platform"] == PLATFORM


def _last(context: Context, last: Lock) -> Side:
    """Give the last release, as users get it."""
    folder = context.fresh("last-release")
    consumer = _environment(context, folder)
    if last.dists:
        where = context.index.simple_url
        installation.install_published(consumer, last, where, context.ask, folder)
    images = {
        one.name: f"{one.repository}@{last.image(one.name).platforms[PLATFORM]}"
        for one in last.plan.images
        if PLATFORM in one.platforms
    }
    return Side(consumer, images, _compose(context, last.commit, images, folder))


def _environment(context: Context, folder: Path) -> Installation:
    consumer = Installation(context.environment.inherited(), folder / "environment")
    consumer.create()
    return consumer


def _compose(context: Context, commit: str, images: Mapping[str, str], folder: Path) -> Path | None:
    configured = context.config.images
    if not configured or {one.name for one in configured} - images.keys():
        return None
    if path := context.config.compose:
        text = compose_file.pinned(context.read_at(commit, path), path, images)
    else:
        text = compose_file.of_images({i.name: i.port for i in configured if i.port}, images)
    file = folder / COMPOSE
    file.write_text(text, "utf-8")
    return file


def _package(context: Context, sides: Sides, turn: int) -> Iterator[Measured]:
    package = context.config.package
    if package is None:
        return
    context.console.step("install size and import")
    counted = [measuring.installed(side.consumer) for side in sides]
    yield scorecard.counted("packages installed", "", [count for count, _ in counted])
    yield scorecard.counted("install size", "MB", [size for _, size in counted])

    def once(side: Side) -> measuring.Values:
        took, memory = measuring.imported(side.consumer, package.modules)
        return {"import": took, "import, memory": memory}

    yield from _in_turn(sides, once, turn, {"import": "ms", "import, memory": "MB"})


def _own(context: Context, script: str, sides: Sides, turn: int) -> Iterator[Measured]:
    """Run the project's benchmark of the release commit with both packages."""
    if not script:
        return
    context.console.step(script)
    file = checkout.checkout(context) / script
    yield from _in_turn(sides, lambda side: measuring.own(side.consumer, file), turn, {})


def _in_turn(
    sides: Sides, once: Callable[[Side], measuring.Values], turn: int, units: Mapping[str, str]
) -> Iterator[Measured]:
    yield from scorecard.paired(measuring.in_turn(sides, once, turn), units)


def _services(context: Context, sides: Sides) -> list[Row]:
    """Start both releases and ask them in turn; without a last one there is no comparison.

    They start again only if something differs that is measured once for each start.
    """
    if len(sides) == 1 or not all(side.compose for side in sides):
        return []
    engine = Engine(context.environment.inherited(), context.fresh, context.environment.patience)
    with ExitStack() as stack:
        running = list[Services]()

        def start() -> Iterator[Measured]:
            stack.close()
            running[:] = _started(context, engine, sides, stack)
            times = [{"all healthy": [one.seconds]} for one in running]
            yield from scorecard.paired(times, {"all healthy": "s"})

        healthy, answers = list(start()), list(_answers(context, running, 0))
        once, again = [*healthy, *_memory(context, running)], list[Measured]()
        if scorecard.suspected(once):
            again = [*start(), *_answers(context, running, 1), *_memory(context, running)]
        elif scorecard.suspected(answers):
            again = list(_answers(context, running, 1))
    return list(scorecard.rows([*_downloads(context, sides), *once, *answers], again))


def _started(
    context: Context, engine: Engine, sides: Sides, stack: ExitStack
) -> Sequence[Services]:
    """Start both at the same time: each has the same machine, and none waits for a download."""
    files = [side.compose for side in sides if side.compose]
    context.console.step("pull both releases")
    for file in files:
        engine.pull(file)
    context.console.step("start both releases")
    with ThreadPoolExecutor(len(files)) as pool:
        return list(pool.map(lambda file: stack.enter_context(engine.started(file)), files))


def _downloads(context: Context, sides: Sides) -> Iterator[Measured]:
    for image in sides[1].images:
        sizes = [context.ask(partial(context.registry.size, one.images[image])) for one in sides]
        yield scorecard.counted(f"{image} download", "MB", [(s or 0) / 1e6 for s in sizes])


def _answers(context: Context, services: Sequence[Services], turn: int) -> Iterator[Measured]:
    for image in context.config.images:
        name, port, path = image.name, image.port, image.health
        if port is None or path is None:
            continue
        context.console.step(f"ask {name}")
        ask = [partial(one.get, name, port, path) for one in services]
        found = measuring.latencies(ask, turn)
        taken = [{f"{name} p{p}": values for p, values in one.items()} for one in found]
        yield from scorecard.paired(taken, dict.fromkeys(taken[0], "ms"))


def _memory(context: Context, services: Sequence[Services]) -> Iterator[Measured]:
    """Read the least of several readings: a health check is a process of the service, too."""
    names = [image.name for image in context.config.images]
    asked = [(one.memory, name) for name in names for one in services]
    with ThreadPoolExecutor(len(asked)) as pool:
        rounds = [list(pool.map(lambda each: each[0](each[1]), asked)) for _ in range(READINGS)]
    least = iter(min(each) / 1e6 for each in zip(*rounds, strict=True))
    for title in (f"{name} memory" for name in names):
        used = [next(least) for _ in services]
        if all(used):
            yield from scorecard.paired([{title: [one]} for one in used], {title: "MB"})
