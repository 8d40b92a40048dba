"""Announce the release in each configured place once, however often it runs."""

from collections.abc import Iterator

from scripts.core import announcement, version
from scripts.core.converge import ANNOUNCEMENT, Outcome, Surface, converge
from scripts.core.errors import ReleaseError
from scripts.core.results import Done
from scripts.release import sections
from scripts.release.context import Context
from scripts.surfaces.announced import Comment, Discussion, Webhook
from scripts.surfaces.git_remote import identity


def run(context: Context) -> Done:
    """Make each announcement.

    A failure is reported but does not fail the job: the release is public.
    """
    wanted = list(announcements(context)) if not context.plan.prerelease else []
    return Done(tuple(_made(context, one) for one in wanted) + tuple(_unset(context)))


def announcements(context: Context) -> Iterator[Surface]:
    """List every place for an announcement."""
    plan, config, page = context.plan, context.config.announce, context.endpoints.page_url
    body = announcement.text(plan, page)
    for one in config.webhooks:
        if found := context.secrets.webhook(one.name):
            said = announcement.payload(one.kind, body)
            where = (context.git, plan.tag, context.lock.commit, identity(plan))
            yield Webhook(*where, one.name, *found, said)
    if config.discussion:
        yield Discussion(context.forge, plan.tag, config.discussion)
    if config.comments:
        for number in announcement.mentioned(_section(context), page):
            yield Comment(context.forge, number, plan.tag, page)


def _section(context: Context) -> str:
    plan, config = context.plan, context.config
    commit = context.lock.commit if config.keeps_changelog else plan.base
    previous = context.ask(context.git.refs).get(f"refs/tags/{plan.previous_tag}")
    return sections.body(context, config, commit, version.parse(plan.version), previous)


def _made(context: Context, surface: Surface) -> Outcome:
    try:
        (outcome,) = converge([surface], context.environment.patience)
    except ReleaseError as error:
        context.console.step(f"{surface.title}: {error.cause}")
        detail = f"failed: {error.cause}"
        return Outcome(surface.title, detail, written=False, skipped=True, kind=ANNOUNCEMENT)
    return outcome


def _unset(context: Context) -> Iterator[Outcome]:
    """Report the webhooks without an address in the secret."""
    missing = [
        one for one in context.config.announce.webhooks if not context.secrets.webhook(one.name)
    ]
    for one in missing:
        detail = f"failed: the secret ANNOUNCE_SECRETS has no line `{one.name}=ADDRESS`"
        title = f"announcement to {one.name}"
        yield Outcome(title, detail, written=False, skipped=True, kind=ANNOUNCEMENT)
