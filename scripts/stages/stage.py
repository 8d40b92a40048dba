"""Collect all builds in one lock, and in a draft release with every file.

Nothing is public yet: image indexes have only digests, and only writers see a draft.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from scripts.core import codec, lockfile, proof, report
from scripts.core.converge import CHECK, Outcome, converge
from scripts.core.errors import ConflictError, UsageError
from scripts.core.lockfile import Lock, LockedBase, LockedDist, LockedImage
from scripts.core.notes import NotesFacts
from scripts.core.planning import PlannedImage
from scripts.core.results import Done, Result
from scripts.core.scan_policy import Verdict
from scripts.core.scorecard import Scorecard
from scripts.release import attempt, compose_file, dependencies, sboms, signed
from scripts.release.assets import COMPOSE, NOTES, SBOMS, SCORECARD, SUMS, VERDICT, VERIFIER
from scripts.release.context import Context
from scripts.release.release_notes import facts_with, rendered, written
from scripts.release.release_surfaces import surfaces
from scripts.standalone import verify
from scripts.surfaces.github_release import Draft

T = TypeVar("T")


def run(context: Context) -> Done:
    """Write the assets and make the draft; a dry run has no image index, so it makes neither."""
    dists = tuple(dist(context, name) for name in context.plan.dists)
    if context.plan.dry_run:
        return Done()
    images = tuple(join(context, image) for image in context.plan.images)
    # An older lock without the repository stays without it, so that its digest does not change.
    repository = (context.earlier_lock or context.endpoints).repository
    made = Lock(context.plan, context.commit, dists, images, repository, **content(context))
    if disputed(context, made):
        raise ConflictError(
            f"the new build of {made.plan.version} does not match its lock",
            "the registry lost an image, and the new build is different: release the next version",
        )
    assets = write_assets(context, made)
    facts = facts_with(context, made, {path.name for path in assets}, written(context))
    text = rendered(context, facts, context.config, made.commit)
    context.write(f"assets/{NOTES}", text)
    draft = Draft(context.forge, context.plan, text, assets)
    outcomes = converge([draft], context.environment.patience)
    # This is not in the gate, because that job starts only after its reviewers decide.
    changed = changed_dependencies(context, made)
    public = surfaces(context, made)
    lines = proof.at_gate(facts.proof, made.signing)
    shown = report.gate(made, public, outcomes[0].detail, text, changed, proof=lines)
    context.report(shown, lock=made)
    return Done((*outcomes, *sizes(facts)))


def sizes(facts: NotesFacts) -> Iterator[Outcome]:
    """Give the line about sizes to the report; `scan` gives the line about security."""
    for line, _ in facts.proof:
        if line.startswith("Size: "):
            yield Outcome("stage", line, written=False, kind=CHECK)


def content(context: Context) -> dict[str, Any]:
    """Collect what is known of the content; what an earlier lock says of it stays."""
    if earlier := context.earlier_lock:
        kept = ("sboms", "bases", "scan", "scorecard", "signing")
        return {name: getattr(earlier, name) for name in kept}
    config = context.config
    return {
        "sboms": sboms.locked(context),
        "bases": tuple(bases(context)),
        "scan": made_by(context, "scan", Verdict, VERDICT) if config.scan else None,
        "scorecard": made_by(context, "scorecard", Scorecard, SCORECARD)
        if config.scorecard
        else None,
        "signing": context.ask(partial(signed.signing, context)),
    }


def made_by(context: Context, job: str, kind: type[T], name: str) -> T:
    """Read the document that an earlier job wrote."""
    path = context.inputs / name
    if not path.is_file():
        raise UsageError(
            f"{name} is missing: this step needs the output of `{job}`",
            f"run the job `{job}` again, then this one",
        )
    return codec.decode(kind, path.read_bytes(), name)


def bases(context: Context) -> Iterator[LockedBase]:
    """Give the base image of each platform's image, in the plan's order."""
    found = {(one.facts["image"], one.facts["platform"]): one.facts for one in legs(context)}
    for image in context.plan.images:
        for platform in image.platforms:
            facts = found.get((image.name, platform), {})
            if digest := facts.get("base_digest"):
                yield LockedBase(image.name, platform, facts["base"], digest)


def legs(context: Context) -> list[Result]:
    """Read the results of the images' jobs; a project without images has one without facts."""
    return [one for one in context.results("image-*") if "image" in one.facts]


def changed_dependencies(context: Context, made: Lock) -> list[tuple[str, str, str, str]]:
    """List the locked dependencies that differ from the last release."""
    refs = context.ask(context.git.refs)
    previous = refs.get(f"refs/tags/{made.plan.previous_tag}")
    if previous is None:
        return []
    context.git.fetch(previous)
    return list(dependencies.between(context, previous, made.commit))


def disputed(context: Context, made: Lock) -> bool:
    """Check that an earlier lock or the tag's message agrees with this build."""
    read = partial(attempt.said_by_tag, context, made.plan.tag)
    said = context.ask(read)
    earlier = lockfile.digest(context.earlier_lock) if context.earlier_lock else ""
    return bool({said, earlier} - {"", lockfile.digest(made)})


def dist(context: Context, name: str) -> LockedDist:
    """Describe a planned file that `dists` built."""
    path = context.inputs / "dist" / name
    if not path.is_file():
        raise UsageError(
            f"the planned file {name} is missing: this step needs the output of `dists`",
            "run the job `dists` again, then this one",
        )
    return lockfile.locked_dist(name, path.read_bytes())


def join(context: Context, image: PlannedImage) -> LockedImage:
    """Make the index of an image's platforms, by digest, in the plan's order of platforms."""
    digests = {
        result.facts["platform"]: result.facts["digest"]
        for result in legs(context)
        if result.facts["image"] == image.name
    }
    for platform in image.platforms:
        if platform not in digests:
            raise UsageError(
                f"the result of `image` {image.name} for {platform} is missing: this step needs it",
                f"run the job `image` of {image.name} for {platform} again, then this one",
            )
    ordered = {platform: digests[platform] for platform in image.platforms}
    sources = list(ordered.values())
    digest = context.ask(lambda: context.registry.join(image.repository, sources))
    return LockedImage(image.name, digest, ordered)


def write_assets(context: Context, made: Lock) -> tuple[Path, ...]:
    """Write every asset; the lock comes last, so that where it is, everything is."""
    paths = [context.inputs / "dist" / dist.name for dist in made.dists]
    if context.config.compose and made.images:
        path = context.config.compose
        text = context.read_at(made.plan.base, path)
        paths.append(
            context.write(f"assets/{COMPOSE}", compose_file.pinned(text, path, made.references()))
        )
    if made.sboms:
        target = context.outputs / "assets" / SBOMS
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(sboms.archive(context, made))
        paths.append(target)
    paths += verifier(context)
    locked = context.write(f"assets/{lockfile.NAME}", lockfile.write(made))
    sums = "".join(
        f"{lockfile.locked_dist(path.name, path.read_bytes()).sha256}  {path.name}\n"
        for path in [*paths, locked]
    )
    return (*paths, context.write(f"assets/{SUMS}", sums), locked)


def verifier(context: Context) -> list[Path]:
    """Write the program that checks the release from outside; an earlier attempt's stays."""
    path = Path(verify.__file__)
    if context.earlier_lock:
        path = context.inputs / "earlier" / VERIFIER
    return [context.write(f"assets/{VERIFIER}", path.read_text("utf-8"))] if path.exists() else []
