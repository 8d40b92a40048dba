"""Gather what was built into one lock, and a draft release that holds everything.

Nothing has a name yet: image indexes are made by digest, and a draft is seen by writers only.
"""

from pathlib import Path

from scripts import compose
from scripts.context import Context
from scripts.core import changelog, lock, notes, version
from scripts.core.converge import converge, patiently
from scripts.core.errors import ConflictError
from scripts.core.lock import Lock, LockedImage
from scripts.core.plan import PlannedImage
from scripts.core.results import Done
from scripts.surfaces.github_release import Draft

SUMS = "SHA256SUMS"
COMPOSE = "compose.yaml"
NOTES = "notes.md"


def run(context: Context) -> Done:
    """Write the assets and make the draft; a dry run has no image index, so it makes neither."""
    dists = tuple(
        lock.locked_dist(name, (context.inputs / "dist" / name).read_bytes())
        for name in context.plan.dists
    )
    if context.plan.dry_run:
        return Done()
    images = tuple(join(context, image) for image in context.plan.images)
    made = Lock(context.plan, context.commit, dists, images)
    if context.earlier and lock.write(context.earlier) != lock.write(made):
        raise ConflictError(
            f"what was built for {made.plan.version} now is not what its lock says",
            "the registry lost an image, and building it again gave other bytes: release the next "
            "version",
        )
    assets = write_assets(context, made)
    text = release_notes(context, made)
    context.write(f"assets/{NOTES}", text)
    draft = Draft(context.forge, context.plan, text, assets)
    return Done(tuple(converge([draft], context.runner.patience)))


def join(context: Context, image: PlannedImage) -> LockedImage:
    """Make the index of an image's platforms, by digest, in the plan's order of platforms."""
    digests = {
        result.facts["platform"]: result.facts["digest"]
        for result in context.results("image-*")
        if result.facts["image"] == image.name
    }
    ordered = {platform: digests[platform] for platform in image.platforms}
    sources = list(ordered.values())
    digest = patiently(
        lambda: context.registry.join(image.repository, sources), context.runner.patience()
    )
    return LockedImage(image.name, digest, ordered)


def write_assets(context: Context, made: Lock) -> tuple[Path, ...]:
    """Write every asset; the lock comes last, so that where it is, everything is."""
    paths = [context.inputs / "dist" / dist.name for dist in made.dists]
    if context.config.compose and made.images:
        path = context.config.compose
        text = context.read_at(made.plan.base, path)
        paths.append(
            context.write(f"assets/{COMPOSE}", compose.pinned(text, path, made.references()))
        )
    locked = context.write(f"assets/{lock.NAME}", lock.write(made))
    sums = "".join(
        f"{lock.locked_dist(path.name, path.read_bytes()).sha256}  {path.name}\n"
        for path in [*paths, locked]
    )
    return (*paths, context.write(f"assets/{SUMS}", sums), locked)


def release_notes(context: Context, made: Lock) -> str:
    """Render the notes from the changelog's section and the lock."""
    plan, page, path = made.plan, context.endpoints.page_url, context.config.changelog
    text = context.read_at(made.commit, path)
    section = changelog.section(text, version.parse(plan.version), path)
    pinned_compose = f"{page}/releases/download/{plan.tag}/{COMPOSE}"
    return notes.render(
        notes.NotesFacts(
            project=plan.project,
            version=plan.version,
            tag=plan.tag,
            date=plan.date,
            prerelease=plan.prerelease,
            body=changelog.excerpt(text, section),
            repository_url=page,
            previous_tag=plan.previous_tag,
            images=tuple(
                notes.Image(i.name, i.reference, made.image(i.name).digest, i.platforms)
                for i in plan.images
            ),
            dists=tuple(notes.Dist(d.name, d.sha256, d.size) for d in made.dists),
            compose_url=pinned_compose if context.config.compose and plan.images else None,
            changelog=path,
        )
    )
