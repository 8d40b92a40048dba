"""Read the clone's history for the changelog's draft and check and for the notes."""

import re
import sys
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from packaging.version import Version

from scripts.core import tags
from scripts.core.commits import Commit
from scripts.core.errors import ServiceError, UsageError
from scripts.core.noise import BOTS, is_bot
from scripts.release.context import Context

SHALLOW = "fetch the full history: `git fetch --unshallow --tags`, or `fetch-depth: 0`"
# A person's own settings must not add to the output.
_LOG = ("log", "-z", "--no-show-signature", "--encoding=UTF-8")
_FORM = "--format=%H%n%P%n%ct%n%aN%n%aE%n%B"

# The lines of a message's body that an entry or the check needs; all others are dropped.
_TELLING = re.compile(
    r"BREAKING|^Co-authored-by:|^Changelog:|^Reverts |^This reverts", re.MULTILINE | re.IGNORECASE
)
_HEAD = 2000
MERGED = 2  # parents


class People(NamedTuple):
    """The authors of a release, by name."""

    all: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    """First-time contributors."""


class Released(NamedTuple):
    """Earlier releases in this commit's history."""

    tag: str | None = None
    """The last version's tag, if there is one."""
    elsewhere: str | None = None
    """Without one, the tag of a version that this commit does not contain."""
    warning: str | None = None


def released(context: Context, template: str | None, project: str) -> Released:
    """Find the last version that this commit contains, by the repository's own style of tags.

    That is the highest one; a candidate counts only if no final version was tagged after it.
    """
    _refuse_shallow(context)
    merged = _tags(context, "merged")
    found = tags.detect(merged, template, project)
    versions = found.style.versions(merged)
    if last := _last(list(versions)):
        return Released(versions[last], warning=found.warning)
    others = _tags(context, "no-merged")
    versions = tags.detect(others, template, project).style.versions(others)
    return Released(elsewhere=versions[max(versions)] if versions else None)


def _tags(context: Context, which: str) -> list[str]:
    """List tags, the oldest first."""
    form = ("--sort=creatordate", "--format=%(refname:strip=2)")
    return context.git.run("for-each-ref", f"--{which}=HEAD", *form, "refs/tags").splitlines()


def _last(versions: list[Version]) -> Version | None:
    """Choose from versions in the order of their tags."""
    final = max((one for one in versions if not one.is_prerelease), default=None)
    after = versions[versions.index(final) + 1 :] if final else versions
    return max((one for one in after if final is None or one > final), default=final)


def since(context: Context, start: str | None, stop: str = "HEAD") -> list[Commit]:
    """List the commits of `stop` after `start`, or all of them, newest first."""
    _refuse_shallow(context)
    span = f"{start}..{stop}" if start else stop
    try:
        text = context.git.run(*_LOG, _FORM, "--end-of-options", span, "--")
    except ServiceError:
        known(context, start or "HEAD")
        raise
    # One at a time, since a long history is large and must not be in memory twice.
    return [_commit(record[0]) for record in re.finditer(r"[^\0]+", text)]


def known(context: Context, commit: str) -> None:
    """Reject a commit, tag or branch that is not in this clone."""
    try:
        context.git.run(
            "rev-parse", "--quiet", "--verify", "--end-of-options", f"{commit}^{{commit}}"
        )
    except ServiceError as error:
        raise UsageError(
            f"{readable(commit)} is not in this clone",
            "use a commit, tag or branch of this clone, or fetch it: `git fetch origin "
            f"{commit}`; on a "
            "runner, check out with `fetch-depth: 0`",
        ) from error


def readable(text: str) -> str:
    """Return a printable text, even from bytes that are not UTF-8."""
    text = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in text)


def people(
    context: Context, commit: str, previous: str | None, bots: Sequence[str] = BOTS
) -> People:
    """Return the authors of all commits since `previous`, by name, in the order of the commits.

    A person is known by the address (`.mailmap` counts); programs, `bots` by name, are none.
    """
    now = list(_authors(context, f"{previous}..{commit}" if previous else commit, bots))
    before = list(_authors(context, previous, bots)) if previous else now
    seen = {sign for person in before for sign in person}
    names = dict.fromkeys(name for _, name in now)
    old = {name for address, name in now if address in seen or name in seen}
    return People(
        tuple(sorted(names, key=str.casefold)),
        tuple(sorted(names.keys() - old, key=str.casefold)),
    )


def complete(context: Context, *commits: str) -> None:
    """Fetch commits with their history into this clone, even a shallow one."""
    if _is_shallow(context):
        context.git.run(
            "fetch", "--quiet", "--no-tags", "--unshallow", "--end-of-options", context.git.url
        )
    for commit in commits:
        context.git.fetch(commit)


def _authors(context: Context, span: str, bots: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Return address and name of every author and co-author, each once."""
    trailers = "%(trailers:key=Co-authored-by,valueonly,unfold,separator=%x0a)"
    form = f"%aN <%aE>%n{trailers}"
    text = context.git.run(*_LOG, "--no-merges", f"--format={form}", "--end-of-options", span)
    for person in dict.fromkeys(re.split(r"[\0\n]", text)):
        name, _, address = readable(person).rpartition(" <")
        if name.strip() and not is_bot(name, bots):
            yield address.removesuffix(">").casefold(), name.strip()


def merged_into(context: Context) -> str | None:
    """Return the base commit of this run's pull request; None without one.

    GitHub checks out a merge that it made. Its first parent is the base, while the event's
    `base.sha` may be older.
    """
    said = context.environment.event().base
    head, *parents = context.git.run("rev-list", "--parents", "--max-count=1", "HEAD").split()
    made_here = len(parents) == MERGED and head == context.environment.trigger().sha
    return parents[0] if said and made_here else said


def changed_files(context: Context, base: str) -> list[str]:
    """List the files that differ between HEAD and its merge base with `base`; a moved one twice.

    Names that are not UTF-8 are made printable.
    """
    _refuse_shallow(context)
    known(context, base)
    text = context.git.run(
        "diff", "--name-only", "--no-renames", "-z", "--end-of-options", f"{base}...HEAD"
    )
    return [readable(path) for path in text.split("\0") if path]


def _commit(record: str) -> Commit:
    # A name and an address can hold any sign but a line feed.
    sha, parents, time, author, address, message = record.split("\n", 5)
    if not _TELLING.search(message):
        message = message[:_HEAD]  # the title, and of a merge the pull request's
    return Commit(sha, tuple(parents.split()), sys.intern(author), message, address, int(time))


def _refuse_shallow(context: Context) -> None:
    if _is_shallow(context):
        raise UsageError("this clone is shallow: it lacks older commits and tags", SHALLOW)


def _is_shallow(context: Context) -> bool:
    """Tell whether older commits are missing (gitrepository-layout, `shallow`)."""
    folder = context.root / ".git"
    if folder.is_dir():
        return (folder / "shallow").exists()
    return context.git.run("rev-parse", "--is-shallow-repository") == "true"
