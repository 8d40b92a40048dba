"""The clone's history, as the changelog's draft and check and the release notes need it."""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from scripts.core import version
from scripts.core.commits import Commit
from scripts.core.errors import ServiceError, UsageError
from scripts.release.context import Context

SHALLOW = "fetch the whole history: `git fetch --unshallow --tags`, or `fetch-depth: 0`"
# A person's own settings must not add to the output.
_LOG = ("log", "-z", "--no-show-signature", "--encoding=UTF-8")

# What of a message's body an entry or the check is made from; all else need not be kept.
_TELLING = re.compile(r"BREAKING|^Co-authored-by:|^Changelog:", re.MULTILINE | re.IGNORECASE)
_HEAD = 2000


@dataclass(frozen=True)
class People:
    """Who wrote what is in a release, by name."""

    all: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    """Those of them of whom nothing was there before."""


def last_tag(context: Context) -> str | None:
    """Give the tag of the highest version that this commit contains; none if there is none."""
    _refuse_shallow(context)
    merged = context.git.run("tag", "--merged", "HEAD", "--list", "v*").splitlines()
    versions = {found: tag for tag in merged if (found := version.from_tag(tag))}
    return versions[max(versions)] if versions else None


def tags_elsewhere(context: Context) -> list[str]:
    """List the tags of versions that this commit does not contain."""
    tags = context.git.run("tag", "--no-merged", "HEAD", "--list", "v*").splitlines()
    return [tag for tag in tags if version.from_tag(tag)]


def since(context: Context, start: str | None) -> list[Commit]:
    """List the commits after `start`, or all of them, newest first."""
    _refuse_shallow(context)
    if start:
        known(context, start)
    span = f"{start}..HEAD" if start else "HEAD"
    text = context.git.run(*_LOG, "--format=%H%n%P%n%aN%n%B", "--end-of-options", span)
    # One after another, since a long history is large: never all of it a second time.
    return [_commit(record[0]) for record in re.finditer(r"[^\0]+", text)]


def known(context: Context, commit: str) -> None:
    """Refuse a commit, tag or branch that is not in this clone."""
    try:
        context.git.run(
            "rev-parse", "--quiet", "--verify", "--end-of-options", f"{commit}^{{commit}}"
        )
    except ServiceError as error:
        raise UsageError(
            f"{readable(commit)} is not in this clone",
            f"name a commit, tag or branch that is, or fetch it: `git fetch origin {commit}`; on a "
            "runner, check out with `fetch-depth: 0`",
        ) from error


def readable(text: str) -> str:
    """Give a text that can be printed everywhere, whatever bytes git had it from."""
    text = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in text)


def people(context: Context, commit: str, previous: str | None) -> People:
    """Give who wrote what `commit` has and `previous` has not, by name and in their order.

    A person is known by the address (`.mailmap` counts); programs are none.
    """
    now = list(_authors(context, f"{previous}..{commit}" if previous else commit))
    before = list(_authors(context, previous)) if previous else now
    seen = {sign for person in before for sign in person}
    names = dict.fromkeys(name for _, name in now)
    old = {name for address, name in now if address in seen or name in seen}
    return People(
        tuple(sorted(names, key=str.casefold)),
        tuple(sorted(names.keys() - old, key=str.casefold)),
    )


def complete(context: Context, *commits: str) -> None:
    """Bring commits with all that came before them into this clone, also a shallow one."""
    if context.git.run("rev-parse", "--is-shallow-repository") == "true":
        context.git.run(
            "fetch", "--quiet", "--no-tags", "--unshallow", "--end-of-options", context.git.url
        )
    for commit in commits:
        context.git.fetch(commit)


def _authors(context: Context, span: str) -> Iterator[tuple[str, str]]:
    """Give address and name of every author and co-author, each once."""
    trailers = "%(trailers:key=Co-authored-by,valueonly,unfold,separator=%x0a)"
    form = f"%aN <%aE>%n{trailers}"
    text = context.git.run(*_LOG, "--no-merges", f"--format={form}", "--end-of-options", span)
    for person in dict.fromkeys(re.split(r"[\0\n]", text)):
        name, _, address = readable(person).rpartition(" <")
        if name.strip() and not name.endswith("[bot]"):
            yield address.removesuffix(">").casefold(), name.strip()


def changed_files(context: Context, base: str) -> list[str]:
    """List the files that differ between HEAD and where it left `base`; a moved one is two.

    Names that are no UTF-8 come as they can be shown.
    """
    _refuse_shallow(context)
    known(context, base)
    text = context.git.run(
        "diff", "--name-only", "--no-renames", "-z", "--end-of-options", f"{base}...HEAD"
    )
    return [readable(path) for path in text.split("\0") if path]


def _commit(record: str) -> Commit:
    # An author's name can hold any sign but a line feed.
    sha, parents, author, message = record.split("\n", 3)
    if not _TELLING.search(message):
        message = message[:_HEAD]  # the title, and of a merge the pull request's
    return Commit(sha, tuple(parents.split()), sys.intern(author), message)


def _refuse_shallow(context: Context) -> None:
    if context.git.run("rev-parse", "--is-shallow-repository") == "true":
        raise UsageError("this clone is shallow: older commits and tags are not here", SHALLOW)
