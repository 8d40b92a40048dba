"""Use the release as its users do: install the package, start the images, send requests.

The stage has three moments. `staged` tests the files before they are public. `published` tests the
public artifacts and compares them with the lock. `rolled-back` tests the artifacts behind the
pointers after a rollback; then plan and lock are the good release's.
"""

import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from scripts.core import report
from scripts.core.converge import CHECK, Conflict, Missing, Outcome, State
from scripts.core.errors import CheckError, ConflictError, ServiceError, TransientError
from scripts.core.planning import PlannedImage
from scripts.core.results import Done
from scripts.release import checkout, compose_file, signatures
from scripts.release.assets import COMPOSE
from scripts.release.configuration import ImageConfig
from scripts.release.context import Context
from scripts.release.release_surfaces import package
from scripts.release.signed import ATTESTED, YES
from scripts.tools import installation
from scripts.tools.docker_engine import REMEDY, STARTED, Engine, Services, said_version
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
    if moment == PUBLISHED:
        outcomes += attestations(context)
    # For the staged files, reviewers read this before they approve.
    context.workflow.summary(report.verified(moment, platform, outcomes))
    return Done(tuple(outcomes), facts)


def attestations(context: Context) -> list[Outcome]:
    """Check who signed each part and who published the package, if the release was signed."""
    done = [one for result in context.results("attest") for one in result.outcomes]
    if not done or done[0].skipped:
        why = done[0].detail if done else "this run signed nothing"
        return [_unsigned(f"{PUBLISHED} attestations", why)]
    title = f"{PUBLISHED} attestations"
    context.console.step(title)
    checked = signatures.of_parts(context)
    parts = Outcome(title, f"{checked} of {checked}", written=False, kind=CHECK)
    return [parts, *_at_the_index(context)]


def _at_the_index(context: Context) -> Iterator[Outcome]:
    """Check what the index shows; a file that was there before may have none."""
    title, files = f"{PUBLISHED} attestations at the index", len(context.lock.dists)
    found = signatures.of_package(context)
    uploaded = [one.facts.get(ATTESTED) for one in context.results("publish-package")]
    if found < files and YES in uploaded:
        raise CheckError(
            f"the index shows attestations of {found} of {files} files, all were uploaded with one",
            "see the index's status page, and run the release again with the same version",
        )
    if found < files:
        why = f"{found} of {files} files have any: the index takes them from trusted publishers"
        yield _unsigned(title, why)
    elif files:
        yield Outcome(title, f"{found} of {files}", written=False, kind=CHECK)


def _unsigned(title: str, why: str) -> Outcome:
    return Outcome(title, why, written=False, skipped=True, kind=CHECK)


def install(context: Context, moment: str) -> Installation:
    """Make a clean environment with the package, if the plan has one."""
    folder = context.fresh("consumer")
    consumer = Installation(context.environment.inherited(), folder / "environment")
    consumer.create()
    if context.plan.dists and moment == STAGED:
        consumer.install("--", str(context.inputs / "dist" / context.plan.dists[0]))
    elif context.plan.dists:
        where = context.index.simple_url
        installation.install_published(consumer, context.lock, where, context.ask, folder)
    return consumer


def _package(context: Context, moment: str, consumer: Installation) -> Iterator[Outcome]:
    configured, plan = context.config.package, context.plan
    if configured is None:
        return
    if moment != STAGED:
        yield _timed(context, f"{moment} files on the index", partial(check_files, context))
    yield _timed(
        context,
        f"{moment} package installed and imported",
        lambda: installation.check(consumer, plan.project, plan.version, configured.modules),
    )


def check_files(context: Context) -> None:
    """Compare every file on the index with the lock; the installation checks only the wheel."""
    (dists,) = package(context, context.lock)

    def look() -> State:
        state = dists.observe()
        if isinstance(state, Missing):
            cause = f"the index shows {dists.title} {state.detail}"
            raise TransientError(cause, "check the index, and run this again")
        return state

    state = context.ask(look)
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
    if not (context.config.compose or ports(context)):
        detail = "not started: the project has no compose file, and no image has a port"
        yield _not_started(moment, platform, detail)
        return
    engine = Engine(context.environment.inherited(), context.fresh, context.environment.patience)
    if engine.platform != platform:
        # This is reported but not passed: a check that did not run proves nothing.
        detail = f"not started here: this engine is {engine.platform}"
        yield _not_started(moment, platform, detail)
        return
    yield from _started(context, moment, engine, consumer)


def _not_started(moment: str, platform: str, why: str) -> Outcome:
    title = f"{moment} services on {platform}"
    return Outcome(title, why, written=False, skipped=True, kind=CHECK)


def references(context: Context, image: PlannedImage, moment: str) -> list[str]:
    """Return the references by which users get the image at this moment."""
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
    found = context.ask(lambda: context.registry.find(name))
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
            raise CheckError(f"{name} has the label {key}={said}, expected {value}", "rebuild it")


def _started(
    context: Context, moment: str, engine: Engine, consumer: Installation
) -> Iterator[Outcome]:
    began = time.monotonic()
    with engine.started(started_by(context)) as services:
        detail = f"healthy after {time.monotonic() - began:.0f} s"
        yield Outcome(f"{moment} services on {engine.platform}", detail, written=False, kind=CHECK)
        for image in context.config.images:
            yield _timed(
                context,
                f"{moment} {image.name} answers",
                partial(check_answers, context, image, services),
            )
        if context.config.acceptance:
            # Each leg has its own folder, since all files of a run end up in one place.
            leg = f"{moment}-{engine.platform.rpartition('/')[2]}"
            acceptance = partial(accept, context, services, consumer, leg)
            yield _timed(context, f"{moment} acceptance", acceptance)


def started_by(context: Context) -> Path:
    """Return the compose file of the release, or one that starts each image that has a port."""
    if context.config.compose:
        return context.inputs / "assets" / COMPOSE
    file = context.fresh("compose") / COMPOSE
    text = compose_file.of_images(ports(context), context.lock.references())
    file.write_text(text, "utf-8")
    return file


def ports(context: Context) -> dict[str, int]:
    """Return the ports of the images that can be asked, by the images' names."""
    return {image.name: image.port for image in context.config.images if image.port}


def check_answers(context: Context, image: ImageConfig, services: Services) -> None:
    """Ask a started service for its health until it answers, and for its version."""
    if image.port is None:
        return
    if image.health:
        ask = partial(check_health, services, image.name, image.port, image.health)
        try:
            context.ask(ask, STARTED)
        except TransientError as error:
            log = services.log(image.name)
            raise CheckError(f"{error.cause}\n{log}", error.remedy) from error
    if image.version:
        text = services.get(image.name, image.port, image.version).text
        if said_version(text) != context.plan.version:
            raise CheckError(
                f"{image.name} says {text[:200]!r} on {image.version}, expected version "
                f"{context.plan.version}",
                "make the image report the version of its wheel",
            )


def check_health(services: Services, name: str, port: int, path: str) -> None:
    """Ask once. Raises `TransientError` where the answer is not 200: it may still be starting."""
    status = services.get(name, port, path).status_code
    if status != OK:
        raise TransientError(f"{name} answers {status} on {path}, expected {OK}", REMEDY)


def accept(context: Context, services: Services, consumer: Installation, leg: str) -> None:
    """Run the project's own acceptance script against the started services."""
    # The other files of the repository stay available, since the compose file may use them.
    context.git.fetch(context.lock.commit)
    script = checkout.at(context, context.lock.commit) / (context.config.acceptance or "")
    output = context.outputs / "acceptance" / leg
    output.mkdir(parents=True, exist_ok=True)
    given = {"EXPECTED_VERSION": context.plan.version, "ACCEPTANCE_OUTPUT": str(output)}
    try:
        print(consumer.run("--", str(script), **given, **services.variables()))
    except ServiceError as error:
        # Any failure counts, even of a connection: the services run, but did not pass.
        raise CheckError(
            f"{context.config.acceptance} failed: {error.cause}",
            "fix what it reports, and run the release again with the same version",
        ) from error


def _timed(context: Context, title: str, check: Callable[[], None]) -> Outcome:
    context.console.step(title)
    began = time.monotonic()
    check()
    print(f"ok: {title}")
    return Outcome(title, f"ok, {time.monotonic() - began:.1f} s", written=False, kind=CHECK)
