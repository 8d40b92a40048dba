"""The changelog's draft, for a person to edit: a branch of its own and a pull request."""

from collections.abc import Callable
from dataclasses import dataclass

from scripts.core.converge import Matches, Missing, State, Surface
from scripts.core.errors import ServiceError, TransientError, UsageError
from scripts.surfaces.git_remote import Git, person, push_unmoved

BRANCH = "changelog-draft"
TITLE = "Draft the changelog"
BODY = """\
Entries for what came since the last version, from commits and pull requests.

Edit them here: say what a user notices, and take out what nobody does. A later draft adds what came
meanwhile and leaves your words alone. An entry that you take out comes back with the next draft
until this is merged."""

FindRequest = Callable[[str, str], str | None]
"""From which branch, to which: the address of the open pull request."""


@dataclass(frozen=True)
class DraftBranch(Surface):
    """The branch with the draft: the target's changelog, with the entries that it lacks."""

    git: Git
    path: str
    base: str
    """The commit of the target that the entries come from."""
    target: str
    author: str
    drafted: Callable[[str], str]
    find_pull_request: FindRequest

    @property
    def title(self) -> str:
        """Name the branch."""
        return f"branch {BRANCH}"

    def observe(self) -> State:
        """Look whether it holds every entry, on top of the target."""
        head = self._head()
        if head is None:
            return Missing("not there")
        if not self._in_use(head):
            fresh = head == self._commit(self.base)
            return Matches(head[:12]) if fresh else Missing(f"at {head[:12]}, of an earlier draft")
        if not self.git.is_ancestor(self.base, head):
            return Missing(f"at {head[:12]}, behind {self.target}")
        text = self.git.show(head, self.path)
        return Matches(head[:12]) if self.drafted(text) == text else Missing("entries are missing")

    def apply(self) -> None:
        """Commit the entries on top of what a person edited; of an earlier draft nothing stays."""
        head = self._head()
        parent = self._joined(head) if head and self._in_use(head) else self.base
        commit = self._commit(parent)
        lease = f"refs/heads/{BRANCH}:{head or ''}"
        push_unmoved(self.git, f"{commit}:refs/heads/{BRANCH}", lease=lease)

    def _commit(self, parent: str) -> str:
        """Make the commit that adds the entries: the same one each time; `parent` if none lacks."""
        text = self.git.show(parent, self.path)
        new = self.drafted(text)
        if new == text:
            return parent
        return self.git.commit_files({self.path: new}, parent, f"{TITLE}\n", self._who())

    def _head(self) -> str | None:
        head = self.git.refs().get(f"refs/heads/{BRANCH}")
        if head:
            self.git.fetch(head)
        return head

    def _in_use(self, head: str) -> bool:
        """Say whether the branch has something of its own that somebody is asked to merge."""
        merged = self.git.is_ancestor(head, self.base)
        return not merged and self.find_pull_request(BRANCH, self.target) is not None

    def _joined(self, head: str) -> str:
        """Bring what came to the target meanwhile into the draft."""
        if self.git.is_ancestor(self.base, head):
            return head
        try:
            tree = self.git.run(
                "merge-tree", "--write-tree", "--end-of-options", head, self.base
            ).splitlines()[0]
        except ServiceError as error:
            raise UsageError(
                f"{BRANCH} and {self.target} changed the same lines of {self.path}",
                f"merge {self.target} into {BRANCH}, or close its pull request: then the draft is "
                "made anew",
            ) from error
        message = f"Merge {self.target} into {BRANCH}\n"
        return self.git.commit(tree, [head, self.base], message, self._who())

    def _who(self) -> dict[str, str]:
        """Give who and when; from the commit, so that the same draft is the same commit."""
        when = int(
            self.git.run("show", "--no-patch", "--format=%ct", "--end-of-options", self.base)
        )
        return person(self.author, when)


@dataclass(frozen=True)
class DraftRequest(Surface):
    """The pull request that asks a person to edit and merge the draft."""

    target: str
    find_pull_request: FindRequest
    open_pull_request: Callable[[str, str, str, str], str]
    """From which branch, to which, title, body."""

    @property
    def title(self) -> str:
        """Name the pull request."""
        return f"pull request of {BRANCH}"

    def observe(self) -> State:
        """Look for an open one."""
        found = self.find_pull_request(BRANCH, self.target)
        return Matches(found) if found else Missing("not there")

    def apply(self) -> None:
        """Open it."""
        try:
            self.open_pull_request(BRANCH, self.target, TITLE, BODY)
        except TransientError:
            raise
        except ServiceError as error:
            error.remedy += (
                "; allow it in the repository's settings: Actions, General, Allow GitHub Actions "
                "to create and approve pull requests"
            )
            raise
