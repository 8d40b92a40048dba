"""Use what was made as its users will: install it, start it, ask it.

One stage for three moments. `staged`: the bytes that are still unnamed. `published`: what the
public surfaces give a consumer, compared with the lock. `rolled-back`: what they give to whoever
follows the pointers after a rollback; then plan and lock are the good release's.
"""

import json
import time
from collections.abc import Callable, Iterator
from functools import partial

from scripts.core import report
from scripts.core.converge import Conflict, Missing, Outcome, State, patiently
from scripts.core.errors import CheckError, ConflictError, ServiceError, TransientError
from scripts.core.plan import PlannedImage
from scripts.core.results import Done
from scripts.release import checkout
from scripts.release.config import ImageConfig
from scripts.release.context import Context
from scripts.stages.stage import COMPOSE
from scripts.surfaces.package_index import Dists
from scripts.tools import installation
from scripts.tools.docker_engine import Engine, Services
from scripts.tools.installation import Installation

STAGED = "staged"
PUBLISHED = "published"
ROLLED_BACK = "rolled-back"
OK = 200


def run(context: Context, moment: str, platform: str) -> Done:
    """Check the package, then the images, on this runner's platform."""
    facts = (("moment", moment), ("platform", platform))
    consumer = install(context, moment)
    outcomes = [*_package(context, moment, consumer)]
    if context.plan.images and not context.plan.dry_run:
        outcomes += _images(context, moment, platform, consumer)
    # Of the staged bytes, the reviewers read it before they approve.
    context.runner.summary(report.verified(moment, platform, outcomes))
    return Done(tuple(outcomes), facts)


def install(context: Context, moment: str) -> Installation:
    """Make a clean environment with the package in it, if there is a package."""
    if not context.plan.dists:
        return installation.fresh(context)
    if moment != STAGED:
        return installation.published(context, context.lock.dists)
    return installation.staged(context, context.inputs / "dist" / context.plan.dists[0])


def _package(context: Context, moment: str, consumer: Installation) -> Iterator[Outcome]:
    package, plan = context.config.package, context.plan
    if package is None:
        return
    if moment != STAGED:
        yield _timed(context, f"{moment} files on the index", partial(check_files, context))
    yield _timed(
        context,
        f"{moment} package installed and imported",
        lambda: installation.check(consumer, plan.project, plan.version, package.modules),
    )


def check_files(context: Context) -> None:
    """Compare every file on the index with the lock; the installation looks at the wheel alone."""
    dists = Dists(context.index, context.lock, context.inputs / "dist", {})

    def look() -> State:
        state = dists.observe()
        if isinstance(state, Missing):
            cause = f"the index shows {dists.title} {state.detail}"
            raise TransientError(cause, "look at the index, and run this again")
        return state

    state = patiently(look, context.runner.patience())
    if isinstance(state, Conflict):
        raise ConflictError(state.cause, state.remedy)


def _images(
    context: Context, moment: str, platform: str, consumer: Installation
) -> Iterator[Outcome]:
    for image in context.plan.images:
        for reference in references(context, image, moment):
            yield _timed(
                context,
                f"{moment} {reference} for {platform}",
                partial(check_content, context, image, reference, platform),
            )
    if context.config.compose is None:
        detail = "not started: the project has no compose file to start them by"
        yield Outcome(f"{moment} services on {platform}", detail, written=False, skipped=True)
        return
    engine = Engine(context)
    if engine.platform != platform:
        # Said, not passed: what did not run here proves nothing here.
        detail = f"not started here: this engine is {engine.platform}"
        yield Outcome(f"{moment} services on {platform}", detail, written=False, skipped=True)
        return
    yield from _started(context, moment, engine, consumer)


def references(context: Context, image: PlannedImage, moment: str) -> list[str]:
    """Give the names by which a user gets the image at this moment."""
    if moment == STAGED:
        return [context.lock.pinned(image)]
    if moment == PUBLISHED:
        return [f"{image.repository}:{image.tag}"]
    moved = json.loads(context.fact("rollback", "moved"))
    return [tag for tag, to in moved if to == context.plan.version and _is_of(image, tag)]


def _is_of(image: PlannedImage, reference: str) -> bool:
    return reference.rpartition(":")[0] == image.repository


def check_content(context: Context, image: PlannedImage, name: str, platform: str) -> None:
    """Compare index, platform image and labels with the lock, without starting anything."""
    locked = context.lock.image(image.name)
    found = patiently(lambda: context.registry.find(name), context.runner.patience())
    if found is None or (found.digest, found.platforms) != (locked.digest, locked.platforms):
        there = found or "not there"
        raise CheckError(f"{name} is {there}, the lock says {locked}", "release the next version")
    if platform not in locked.platforms:
        return
    labels = context.registry.labels(f"{image.repository}@{locked.platforms[platform]}")
    expected = {"version": context.plan.version, "revision": context.lock.commit}
    for key, value in expected.items():
        said = labels.get(f"org.opencontainers.image.{key}")
        if said != value:
            raise CheckError(f"{name} is labelled {key}={said}, expected {value}", "rebuild it")


def _started(
    context: Context, moment: str, engine: Engine, consumer: Installation
) -> Iterator[Outcome]:
    began = time.monotonic()
    file = context.inputs / "assets" / COMPOSE
    with engine.started(file) as services:
        detail = f"healthy after {time.monotonic() - began:.0f} s"
        yield Outcome(f"{moment} services on {engine.platform}", detail, written=False)
        for image in context.config.images:
            yield _timed(
                context,
                f"{moment} {image.name} answers",
                partial(check_answers, context, image, services),
            )
        if context.config.acceptance:
            # A folder for each leg: all of a run's files end up in one place.
            leg = f"{moment}-{engine.platform.rpartition('/')[2]}"
            acceptance = partial(accept, context, services, consumer, leg)
            yield _timed(context, f"{moment} acceptance", acceptance)


def check_answers(context: Context, image: ImageConfig, services: Services) -> None:
    """Ask a started service for its health and its version."""
    if image.port is None:
        return
    if image.health:
        answer = services.get(image.name, image.port, image.health)
        if answer.status_code != OK:
            raise CheckError(
                f"{image.name} answers {answer.status_code} on {image.health}, expected {OK}",
                "mend the image, and run the release again with the same version",
            )
    if image.version:
        text = services.get(image.name, image.port, image.version).text
        if said_version(text) != context.plan.version:
            raise CheckError(
                f"{image.name} says {text[:200]!r} on {image.version}, expected version "
                f"{context.plan.version}",
                "make the image report the version of the wheel that is in it",
            )


def said_version(text: str) -> str | None:
    """Read `version` out of a service's JSON answer."""
    try:
        answer = json.loads(text)
    except ValueError:
        return None
    return answer.get("version") if isinstance(answer, dict) else None


def accept(context: Context, services: Services, consumer: Installation, leg: str) -> None:
    """Run the project's own acceptance script against the started services."""
    # With the files beside it, as it stands in the repository: it may use them.
    context.git.fetch(context.lock.commit)
    script = checkout.at(context, context.lock.commit) / (context.config.acceptance or "")
    output = context.outputs / "acceptance" / leg
    output.mkdir(parents=True, exist_ok=True)
    given = {"EXPECTED_VERSION": context.plan.version, "ACCEPTANCE_OUTPUT": str(output)}
    try:
        print(consumer.run(str(script), **given, **services.variables()))
    except ServiceError as error:
        # Whatever it says failed, a connection too: the services are there, and did not pass.
        raise CheckError(
            f"{context.config.acceptance} failed: {error.cause}",
            "mend what it names, and run the release again with the same version",
        ) from error


def _timed(context: Context, title: str, check: Callable[[], None]) -> Outcome:
    context.runner.step(title)
    began = time.monotonic()
    check()
    print(f"ok: {title}")
    return Outcome(title, f"ok, {time.monotonic() - began:.1f} s", written=False)
