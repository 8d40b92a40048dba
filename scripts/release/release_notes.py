"""Write the notes of a release from its changelog, its lock, the history and the registry."""

from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

from scripts.core import notes, proof, scorecard, version
from scripts.core.lockfile import Lock
from scripts.core.planning import PlannedImage, normalised
from scripts.core.sbom import Inventory
from scripts.release import attempt, history, previous, sboms, sections, signed
from scripts.release.assets import COMPOSE, VERIFIER
from scripts.release.configuration import Config
from scripts.release.context import Context

Sizes = dict[str, dict[str, int]]
"""Image, then platform, to bytes."""
Named = Mapping[str, Inventory]
"""The SBOMs of a release, by name."""
Inventories = tuple[Named, Named]
"""Those of the release, and those of the last one."""


def release_notes(context: Context, made: Lock, assets: Collection[str]) -> str:
    """Render the notes from the changelog's section, the lock, the history and the images.

    `assets` are the names of the release's assets.
    """
    facts = facts_with(context, made, assets, published(context, made))
    return rendered(context, facts, context.config, made.commit)


def written(context: Context) -> Inventories:
    """Read the SBOMs that the jobs of this run wrote."""
    return sboms.inventories(context), previous.inventories(context)


def published(context: Context, made: Lock) -> Inventories:
    """Read the SBOMs among the assets of the release and of the one before it."""
    tag = made.plan.previous_tag
    last = context.ask(partial(attempt.read_lock, context, tag)) if made.sboms and tag else None
    return _released(context, made), _released(context, last) if last else {}


def _released(context: Context, made: Lock) -> dict[str, Inventory]:
    release = context.ask(partial(context.forge.release, made.plan.tag)) if made.sboms else None
    return sboms.released(context, made, release)


def facts_with(
    context: Context, made: Lock, assets: Collection[str], inventories: Inventories
) -> notes.NotesFacts:
    """Collect the facts for the notes of a release that has these assets."""
    facts = notes_facts(context, made, inventories)
    if VERIFIER in assets:
        facts = replace(facts, verifier=verifier(context, made))
    if made.signing:
        line = proof.signed(made.signing, signed.count(made, assets))
        facts = replace(facts, proof=(*facts.proof, line))
    return facts


def verifier(context: Context, made: Lock) -> tuple[str, ...]:
    """Write the command that checks the release from outside, without `python3`."""
    index = (f"--index {context.index.simple_url}",) if made.dists else ()
    return (VERIFIER, context.endpoints.page_url, made.plan.tag, *index)


def rendered(context: Context, facts: notes.NotesFacts, config: Config, commit: str) -> str:
    """Render with the project's template of `commit`, or with the default template."""
    path = config.notes_template
    if not path:
        return notes.render(facts)
    from scripts.release import notes_template  # noqa: PLC0415 - most projects have none

    template = context.read_at(commit, path)
    return notes_template.render(facts, template, path, context.environment.inherited())


def notes_facts(
    context: Context, made: Lock, inventories: Inventories = ({}, {})
) -> notes.NotesFacts:
    """Collect the facts for the notes. The lock and the history decide all of them."""
    plan, page, config = made.plan, context.endpoints.page_url, context.config
    said_in = made.commit if config.keeps_changelog else plan.base
    previous = context.ask(context.git.refs).get(f"refs/tags/{plan.previous_tag}")
    pinned_compose = f"{page}/releases/download/{plan.tag}/{COMPOSE}"
    sizes, before = image_sizes(context, made)
    people = contributors(context, made)
    return notes.NotesFacts(
        project=plan.project,
        version=plan.version,
        tag=plan.tag,
        date=plan.date,
        prerelease=plan.prerelease,
        body=sections.body(context, config, said_in, version.parse(plan.version), previous),
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
        compose_url=pinned_compose if config.compose and plan.images else None,
        changelog=config.kept_changelog,
        contributors=people.all,
        newcomers=people.new,
        extras=config.package.extras if config.package else (),
        internal=config.internal,
        proof=tuple(proof_lines(made, sizes, before, *inventories)),
    )


def proof_lines(
    made: Lock, sizes: Sizes, before: Sizes, now: Named, last: Named
) -> Iterator[proof.Line]:
    """Give the lines about security, size and speed: of the lock, and beside the last release."""
    if made.scan:
        yield proof.security(made.scan)
    if line := proof.difference(sizes, before, now, last, normalised(made.plan.project)):
        yield line
    if card := made.scorecard:
        yield proof.Line(scorecard.line(card), scorecard.details(card))


def contributors(context: Context, made: Lock) -> history.People:
    """Return the authors since the last release; the release's own commit has none."""
    refs = context.ask(context.git.refs)
    previous = refs.get(f"refs/tags/{made.plan.previous_tag}")
    history.complete(context, made.plan.base, *([previous] if previous else []))
    bots = context.config.draft.skip_authors
    return history.people(context, made.plan.base, previous, bots)


def image_sizes(context: Context, made: Lock) -> tuple[Sizes, Sizes]:
    """Return each image's sizes by platform, of this release and of the previous one."""
    if not made.images:
        return {}, {}
    tag = made.plan.previous_tag
    read = partial(attempt.read_lock, context, tag) if tag else None
    last = previous.lock(context) or (context.ask(read) if read else None)
    return sizes_of(context, made), sizes_of(context, last) if last else {}


def sizes_of(context: Context, made: Lock) -> Sizes:
    """Ask the registry for all images and platforms at once; a deleted image has no size."""

    def ask(planned: PlannedImage, platform: str, digest: str) -> tuple[str, str, int | None]:
        find = partial(context.registry.size, f"{planned.repository}@{digest}")
        return planned.name, platform, context.ask(find)

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
