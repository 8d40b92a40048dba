"""Make git objects exactly, so that the same request gives the same SHA."""

import contextlib
import re
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from rehearsal.github.call import Call
from rehearsal.github.commits import Person
from rehearsal.github.errors import unprocessable
from rehearsal.github.git import Git, GitError
from rehearsal.github.people import email_of
from rehearsal.github.store import now

BAD_PARTS = ("", ".", "..", ".git")
WEB = ("GitHub", "noreply@github.com")


def signature(person: Person) -> str:
    """Return a person as objects have it; raise 422 for an invalid date."""
    try:
        moment = datetime.fromisoformat(person.date)
    except ValueError:
        raise unprocessable(f"Invalid request.\n\n{person.date!r} is not a date-time.") from None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    name, email = (re.sub(r"[<>\n\0]", "", text).strip() for text in (person.name, person.email))
    return f"{name} <{email}> {int(aware.timestamp())} {aware.strftime('%z')}"


def person_in(call: Call, name: str, default: Person) -> Person:
    """Return the person in the body's field `name`; raise 422 without its name or address."""
    fields = call.fields.get(name)
    if fields is None:
        return default
    if not isinstance(fields, dict) or not fields.get("name") or not fields.get("email"):
        raise unprocessable(f'Invalid request.\n\n"name" and "email" of {name} are required.')
    return Person(str(fields["name"]), str(fields["email"]), str(fields.get("date") or now()))


def caller_person(call: Call) -> Person:
    """Return the caller as the author of a commit made now."""
    return person(call.caller.name)


def person(login: str) -> Person:
    """Return a login as the author of a commit made now."""
    return Person(login, email_of(login), now())


def web_person() -> Person:
    """Return the committer of changes on GitHub's pages."""
    return Person(*WEB, now())


async def write_object(git: Git, kind: str, text: str) -> str:
    """Write an object; raise 422 if git finds it malformed."""
    try:
        return await git.text("hash-object", "-t", kind, "-w", "--stdin", stdin=text.encode())
    except GitError as error:
        raise unprocessable(f"Invalid {kind}: {error}") from error


async def write_commit(
    git: Git, tree: str, parents: Sequence[str], people: tuple[Person, Person], message: str
) -> str:
    """Write a commit by its author and committer."""
    author, committer = map(signature, people)
    lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents)]
    lines += [f"author {author}", f"committer {committer}", "", message]
    return await write_object(git, "commit", "\n".join(lines))


async def write_tree(git: Git, base: str | None, entries: Sequence[tuple[str, str, str]]) -> str:
    """Write the tree `base` with entries (mode, SHA, path) put in; mode `0` takes a path out."""
    if any(part in BAD_PARTS for _, _, path in entries for part in path.lower().split("/")):
        raise unprocessable("tree.path contains a malformed path component")
    with tempfile.TemporaryDirectory() as folder:
        env = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        await git.raw("read-tree", *([base] if base else ["--empty"]), env=env)
        rows = "".join(f"{mode} {sha}\t{path}\0" for mode, sha, path in entries)
        try:
            await git.raw("update-index", "-z", "--index-info", stdin=rows.encode(), env=env)
            return await git.text("write-tree", env=env)
        except GitError as error:
            raise unprocessable(f"Invalid tree: {error}") from error


async def tree_entry(git: Git, commit: str, path: str) -> tuple[str, str, str] | None:
    """Return mode, type and SHA of a commit's object at a path."""
    with contextlib.suppress(GitError):
        out = await git.text("--literal-pathspecs", "ls-tree", "-z", commit, "--", path)
        for row in out.split("\0"):
            head, _, found = row.partition("\t")
            if found == path:
                mode, kind, sha = head.split(" ")
                return mode, kind, sha
    return None
