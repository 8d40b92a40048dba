"""The changelog's draft, for a person to edit: its own branch and a pull request."""

from collections.abc import Callable
from dataclasses import dataclass

from scripts.core.converge import Matches, Missing, State, Surface
from scripts.core.errors import ServiceError, TransientError, UsageError
from scripts.surfaces.git_remote import Git, person, push_unmoved

BRANCH = "changelog-draft"
TITLE = "Draft the changelog"
BODY = """\
This draft has entries for the changes since the last version, from commits and pull requests.

Edit them here: describe what users notice, and remove the rest. A later draft adds new entries
and does not change your text. An entry that you remove comes back with the next draft
until this is merged."""

FindRequest = Callable[[str, str], str | None]
"""From which branch, to which: the address of the open pull request."""


@dataclass(frozen=True)
class DraftBranch(Surface):
    """The branch with the draft: the target's changelog with the missing entries."""

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
        """Check whether it has every entry, on top of the target."""
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
        """Commit the entries on top of a person's edits; replace an earlier draft."""
        head = self._head()
        parent = self._joined(head) if head and self._in_use(head) else self.base
        commit = self._commit(parent)
        lease = f"refs/heads/{BRANCH}:{head or ''}"
        push_unmoved(self.git, f"{commit}:refs/heads/{BRANCH}", lease=lease)

    def _commit(self, parent: str) -> str:
        """Make the commit that adds the entries, always the same; `parent` if none is missing."""
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
        """Tell whether the branch has own changes in an open pull request."""
        merged = self.git.is_ancestor(head, self.base)
        return not merged and self.find_pull_request(BRANCH, self.target) is not None

    def _joined(self, head: str) -> str:
        """Merge the target's new commits into the draft."""
        if self.git.is_ancestor(self.base, head):
            return head
        try:
            tree = self.git.run(
                "merge-tree", "--write-tree", "--end-of-options", head, self.base
            ).splitlines()[0]
        except ServiceError as error:
            raise UsageError(
                f"{BRANCH} and {self.target} changed the same lines of {self.path}",
                f"merge {self.target} into {BRANCH}, or close its pull request; the next run "
                "then makes a "
                "new draft",
            ) from error
        message = f"Merge {self.target} into {BRANCH}\n"
        return self.git.commit(tree, [head, self.base], message, self._who())

    def _who(self) -> dict[str, str]:
        """Return author and time from the commit, so that the same draft is the same commit."""
        when = int(
            self.git.run("show", "--no-patch", "--format=%ct", "--end-of-options", self.base)
        )
        return person(self.author, when)


@dataclass(frozen=True)
class DraftRequest(Surface):
    """The pull request that asks a person to edit and merge a branch; by default the draft."""

    target: str
    find_pull_request: FindRequest
    open_pull_request: Callable[[str, str, str, str], str]
    """From which branch, to which, title, body."""
    branch: str = BRANCH
    about: str = TITLE
    body: str = BODY

    @property
    def title(self) -> str:
        """Name the pull request."""
        return f"pull request of {self.branch}"

    def observe(self) -> State:
        """Search for an open pull request."""
        found = self.find_pull_request(self.branch, self.target)
        return Matches(found) if found else Missing("not there")

    def apply(self) -> None:
        """Open the pull request."""
        try:
            self.open_pull_request(self.branch, self.target, self.about, self.body)
        except TransientError:
            raise
        except ServiceError as error:
            error.remedy += (
                "; allow it in the repository's settings: Actions, General, Allow GitHub Actions "
                "to create and approve pull requests"
            )
            raise
