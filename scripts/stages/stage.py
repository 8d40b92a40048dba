"""Gather what was built into one lock, and a draft release that holds everything.

Nothing has a name yet: image indexes are made by digest, and a draft is seen by writers only.
"""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from scripts.core import changelog, lock, notes, report, version
from scripts.core.converge import converge, patiently
from scripts.core.errors import ConflictError, UsageError
from scripts.core.lock import Lock, LockedDist, LockedImage
from scripts.core.plan import PlannedImage
from scripts.core.results import Done
from scripts.release import attempt, compose_file, dependencies, history
from scripts.release.context import Context
from scripts.surfaces.github_release import Draft

SUMS = "SHA256SUMS"
COMPOSE = "compose.yaml"
NOTES = "notes.md"
Sizes = dict[str, dict[str, int]]
"""Image, then platform, to bytes."""


def run(context: Context) -> Done:
    """Write the assets and make the draft; a dry run has no image index, so it makes neither."""
    dists = tuple(dist(context, name) for name in context.plan.dists)
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
    outcomes = converge([draft], context.runner.patience)
    # Here, and not at the gate: that job starts when its reviewers have decided.
    changed = changed_dependencies(context, made)
    context.runner.report(report.gate(made, outcomes[0].detail, text, changed), lock=made)
    return Done(tuple(outcomes))


def changed_dependencies(context: Context, made: Lock) -> list[tuple[str, str, str, str]]:
    """List the locked dependencies that the last release had otherwise."""
    refs = patiently(context.git.refs, context.runner.patience())
    previous = refs.get(f"refs/tags/{made.plan.previous_tag}")
    if previous is None:
        return []
    context.git.fetch(previous)
    return list(dependencies.between(context, previous, made.commit))


def dist(context: Context, name: str) -> LockedDist:
    """Describe a planned file by the bytes that `dists` made."""
    path = context.inputs / "dist" / name
    if not path.is_file():
        raise UsageError(
            f"the planned file {name} is not here: this step follows `dists`",
            "run the job `dists` again, then this one",
        )
    return lock.locked_dist(name, path.read_bytes())


def join(context: Context, image: PlannedImage) -> LockedImage:
    """Make the index of an image's platforms, by digest, in the plan's order of platforms."""
    digests = {
        result.facts["platform"]: result.facts["digest"]
        for result in context.results("image-*")
        if result.facts["image"] == image.name
    }
    for platform in image.platforms:
        if platform not in digests:
            raise UsageError(
                f"nothing came from `image` {image.name} for {platform}: this step follows it",
                f"run the job `image` of {image.name} for {platform} again, then this one",
            )
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
            context.write(f"assets/{COMPOSE}", compose_file.pinned(text, path, made.references()))
        )
    locked = context.write(f"assets/{lock.NAME}", lock.write(made))
    sums = "".join(
        f"{lock.locked_dist(path.name, path.read_bytes()).sha256}  {path.name}\n"
        for path in [*paths, locked]
    )
    return (*paths, context.write(f"assets/{SUMS}", sums), locked)


def release_notes(context: Context, made: Lock) -> str:
    """Render the notes from the changelog's section, the lock, the history and the images."""
    facts = notes_facts(context, made)
    if path := context.config.notes_template:
        from scripts.release import notes_template  # noqa: PLC0415 - most projects have none

        template = context.read_at(made.commit, path)
        return notes_template.render(facts, template, path, context.runner.inherited())
    return notes.render(facts)


def notes_facts(context: Context, made: Lock) -> notes.NotesFacts:
    """Gather what notes say. The lock and the history decide all of it: a retry says the same."""
    plan, page, path = made.plan, context.endpoints.page_url, context.config.changelog
    text = context.read_at(made.commit, path)
    section = changelog.section(text, version.parse(plan.version), path)
    pinned_compose = f"{page}/releases/download/{plan.tag}/{COMPOSE}"
    sizes, before = image_sizes(context, made)
    people = contributors(context, made)
    return notes.NotesFacts(
        project=plan.project,
        version=plan.version,
        tag=plan.tag,
        date=plan.date,
        prerelease=plan.prerelease,
        body=changelog.excerpt(text, section),
        repository_url=page,
        previous_tag=plan.previous_tag,
        images=tuple(
            notes.Image(
                i.name,
                i.reference,
                made.image(i.name).digest,
                i.platforms,
                sizes.get(i.name, {}),
                before.get(i.name, {}),
            )
            for i in plan.images
        ),
        dists=tuple(notes.Dist(d.name, d.sha256, d.size) for d in made.dists),
        compose_url=pinned_compose if context.config.compose and plan.images else None,
        changelog=path,
        contributors=people.all,
        newcomers=people.new,
    )


def contributors(context: Context, made: Lock) -> history.People:
    """Give who wrote what came since the last release; the release's own commit is by no one."""
    refs = patiently(context.git.refs, context.runner.patience())
    previous = refs.get(f"refs/tags/{made.plan.previous_tag}")
    history.complete(context, made.plan.base, *([previous] if previous else []))
    return history.people(context, made.plan.base, previous)


def image_sizes(context: Context, made: Lock) -> tuple[Sizes, Sizes]:
    """Give each image's sizes by platform, of this release and of the one before it."""
    if not made.images:
        return {}, {}
    tag = made.plan.previous_tag
    read = partial(attempt.read_lock, context, tag) if tag else None
    previous = patiently(read, context.runner.patience()) if read else None
    return sizes_of(context, made), sizes_of(context, previous) if previous else {}


def sizes_of(context: Context, made: Lock) -> Sizes:
    """Ask the registry, for all images and platforms at once; what is gone has no size."""

    def ask(planned: PlannedImage, platform: str, digest: str) -> tuple[str, str, int | None]:
        find = partial(context.registry.size, f"{planned.repository}@{digest}")
        return planned.name, platform, patiently(find, context.runner.patience())

    wanted = [
        (planned, platform, made.image(planned.name).platforms[platform])
        for planned in made.plan.images
        for platform in planned.platforms
    ]
    sizes: Sizes = {}
    with ThreadPoolExecutor() as pool:
        for name, platform, size in pool.map(lambda one: ask(*one), wanted):
            if size is not None:
                sizes.setdefault(name, {})[platform] = size
    return sizes
