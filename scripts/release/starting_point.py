"""Where a release starts, which version is asked for, and whether it can become one."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property, partial

from packaging.version import Version

from scripts.core import changelog, planning, tags, version
from scripts.core.changelog import headline
from scripts.core.errors import Place, ProblemsError, ReleaseError, ServiceError, UsageError
from scripts.core.planning import Base, PlannedImage, Product
from scripts.core.tags import Detected, Style
from scripts.release import history, named_files, version_files
from scripts.release.configuration import FILE, Config, VersionFile
from scripts.release.context import Context


@dataclass(frozen=True)
class Start:
    """The commit that a run was started from."""

    commit: str
    branch: str | None
    tag: str | None
    """The tag whose push started the run. Its commit states the version already."""
    config: Config
    refs: dict[str, str]
    """The remote's branches and tags, each with its commit."""

    @cached_property
    def tagging(self) -> Detected:
        """The spelling of the versions' tags, by the table or by the existing tags."""
        return tags.detect(tags.names(self.refs), self.config.tag, self.config.project)

    @property
    def style(self) -> Style:
        """The style of tags that a release from here continues."""
        return self.tagging.style

    def released(self) -> dict[Version, str]:
        """Return every version that has a tag, with the tag in its spelling."""
        return self.style.versions(tags.names(self.refs))


def find(context: Context) -> Start:
    """Find the branch's present head, or the pushed tag's commit."""
    trigger = context.environment.trigger()
    _ = context.endpoints  # which repository this is must be known before its remote is asked
    refs = context.ask(context.git.refs)
    branch = None if trigger.tag else trigger.branch or _current_branch(context)
    ref = f"refs/tags/{trigger.tag}" if trigger.tag else f"refs/heads/{branch}"
    if ref not in refs:
        raise UsageError(
            f"{ref} is not on the remote", "push it, or choose one that is on the remote"
        )
    start = Start(refs[ref], branch, trigger.tag, context.config_at(refs[ref]), refs)
    return _told_by_tags(context, start) if start.config.from_tags else start


def _told_by_tags(context: Context, start: Start) -> Start:
    """Return the start with the highest tagged version that its commit contains."""
    history.complete(context, start.commit)
    merged = set(context.git.run("rev-list", "--end-of-options", start.commit).splitlines())
    released = start.released().items()
    mine = [one for one, tag in released if start.refs[f"{tags.REFS}{tag}"] in merged]
    highest = str(max(mine, default=version.BEFORE_ANY))
    return replace(start, config=replace(start.config, version=highest))


def _current_branch(context: Context) -> str:
    try:
        # Not --short: a branch whose name a tag has too would be called heads/NAME.
        return context.git.run("symbolic-ref", "HEAD").removeprefix("refs/heads/")
    except ServiceError as error:
        raise UsageError(
            "no branch is checked out here",
            "switch to the branch to release from: `git switch BRANCH`",
        ) from error


def wanted(context: Context, start: Start) -> Version:
    """Find the requested version.

    It may be taken already: an unfinished release is continued by the same request.
    """
    typed = context.environment.trigger().version
    if start.tag:
        return _pushed(start, start.tag, typed)
    request = typed
    if not request:
        raise UsageError("no version was given", "give one: 0.2.4, or patch, minor, major, rc")
    if request.strip().lower() in version.STEPS:
        return version.resolve(request, version.current(start.config.version), ())
    return version.parse(request)


def _pushed(start: Start, tag: str, typed: str | None) -> Version:
    """Read the version out of the tag that started the run."""
    found = start.style.read(tag)
    if found is None:
        raise UsageError(
            f"the pushed tag {tag} does not name a version: tags here have the form "
            f"{start.style.template}",
            f"delete tag {tag}, and push one of that form; or set the right form as `tag` in "
            f"[tool.release]",
        )
    if typed and version.from_tag(f"v{typed.strip().removeprefix('v')}") != found:
        raise UsageError(
            f"the run was started from tag {tag}, and the typed version is {typed}",
            f"start it from a branch to release {typed}, or type the version of {tag}",
        )
    return found


def check(context: Context, start: Start, wanted: Version) -> None:
    """Reject a start that cannot become a release, with all reasons, before anything is made."""
    problems = list(named_files.problems_at(context, start.commit))
    problems = problems or list((_tagged if start.tag else _dispatched)(context, start, wanted))
    if problems:
        raise ProblemsError(problems)


def _dispatched(context: Context, start: Start, wanted: Version) -> Iterator[ReleaseError]:
    config, path = start.config, start.config.changelog
    current = version.current(config.version)
    yield from _unsettable(context, start, wanted)
    yield from _raised(lambda: version.resolve(str(wanted), current, start.released()))
    if not config.keeps_changelog:
        yield from _unchanged(context, start, wanted)
        return
    tag, page = start.style.tag(wanted), context.endpoints.page_url
    text = context.text_at(start.commit, path)
    yield from _raised(
        lambda: changelog.cut(
            text, wanted, today(), tag=tag, previous_tag=None, repository_url=page, path=path
        )
    )


def _unchanged(context: Context, start: Start, wanted: Version) -> Iterator[ReleaseError]:
    """Refuse a release without a change: without a changelog only the history says it."""
    released = start.released()
    previous = tags.previous(wanted, released)
    tag = released[previous] if previous else ""
    if tag and start.refs[f"{tags.REFS}{tag}"] in (start.commit, _begun_above(context, start)):
        cause = f"nothing has changed since {tag}, so {wanted} would be empty"
        yield UsageError(cause, "push what changed, and run this again")


def following(config: Config, wanted: Version) -> str:
    """Return the development version that the branch states after a release; empty for none."""
    step = config.next_dev
    return version.following(config.version, wanted, step) if step else ""


def _begun_above(context: Context, start: Start) -> str:
    """Return the parent of a commit that only begins a development version; else an empty text."""
    if not start.config.next_dev:
        return ""
    history.complete(context, start.commit)
    shown = ("show", "--no-patch", "--format=%s%n%P", "--end-of-options", start.commit)
    subject, _, parent = context.git.run(*shown).partition("\n")
    return parent if subject == f"Begin {start.config.version}" else ""


def _unsettable(context: Context, start: Start, wanted: Version) -> Iterator[ReleaseError]:
    """Set the version in every file as the release will, and keep only what went wrong."""
    config, new = start.config, str(wanted)

    def set_line(file: VersionFile) -> None:
        text = context.read_at(start.commit, file.path)
        text = version_files.line(text, file.path, file.line, config.version, new)
        if then := following(config, wanted):
            version_files.line(text, file.path, file.line, new, then)

    for file in config.version_files:
        yield from _raised(partial(set_line, file))
    held = context.git.run("ls-tree", "--end-of-options", start.commit, "uv.lock")
    if held and not config.from_tags:
        locked = context.read_at(start.commit, "uv.lock")
        yield from _raised(partial(version_files.uv_lock, locked, config.project, new))


def _tagged(context: Context, start: Start, wanted: Version) -> Iterator[ReleaseError]:
    """Check that the commit of a pushed tag states the version in all places."""
    config = start.config
    if start.tag != (right := start.style.tag(wanted)):
        cause = f"the pushed tag is {start.tag}, the name of {wanted} is {right}"
        yield UsageError(cause, f"delete tag {start.tag}, and push {right}")
    remedy = f"delete tag {start.tag}, correct the commit and tag again; or use Run workflow"
    if not config.from_tags and version.current(config.version) != wanted:
        cause = f"the tagged commit says version {config.version}, the tag says {wanted}"
        yield UsageError(cause, remedy, Place(FILE))
    for file in config.version_files:
        line = file.line.replace("{version}", str(wanted))
        if line not in context.read_at(start.commit, file.path):
            yield UsageError(f"{file.path} does not say {line!r}", remedy, Place(file.path))
    if config.keeps_changelog:
        text = context.text_at(start.commit, config.changelog)
        yield from _raised(lambda: changelog.section(text, wanted, config.changelog))


def _raised(act: Callable[[], object]) -> Iterator[ReleaseError]:
    try:
        act()
    except ProblemsError as error:
        yield from error.errors
    except ReleaseError as error:
        yield error


def base_of(context: Context, start: Start) -> Base:
    """Return the base for the plan, which depends only on the commit and today's date."""
    base_epoch = int(
        context.git.run("show", "--no-patch", "--format=%ct", "--end-of-options", start.commit)
    )
    released = start.style.read(start.tag) if start.tag else None
    named = called(context, start.config, start.commit, released)
    if start.tag:
        day = datetime.fromtimestamp(base_epoch, UTC).date().isoformat()
        return Base(start.commit, None, day, base_epoch, named)
    day = today()
    return Base(start.commit, start.branch, day, planning.epoch(base_epoch, day), named)


def called(context: Context, config: Config, commit: str, released: Version | None) -> str:
    """Return the release's headline: the typed one, or that of the changelog at that commit.

    `released` is the version whose section is read; without it, Unreleased is read.
    """
    if typed := context.environment.trigger().title:
        return headline.cleaned(typed)
    if not config.keeps_changelog:
        return ""
    text = context.read_at(commit, config.changelog)
    for part in changelog.parse(text, config.changelog).sections:
        if part.unreleased if released is None else part.version == released:
            return headline.headline(part.title, part.body(text))
    return ""


def product(context: Context, config: Config) -> Product:
    """Return the package and the images, with the registry's host before each image."""
    images = tuple(
        PlannedImage(
            name=image.name,
            dockerfile=image.dockerfile,
            repository=context.endpoints.hosted(image.repository),
            platforms=image.platforms,
            tag="",
            floating=(),
        )
        for image in config.images
    )
    package = config.package is not None
    return Product(config.project, config.author, package, images, config.python_tag)


def today() -> str:
    """Return the date of the release, in UTC, as ISO 8601."""
    return datetime.now(UTC).date().isoformat()
