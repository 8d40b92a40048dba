"""The branch with which the watch proposes a patch release, for a person to review."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from scripts.core.converge import Matches, Missing, State, Surface
from scripts.surfaces.changelog_draft import DraftRequest
from scripts.surfaces.git_remote import Git, person, push_unmoved
from scripts.surfaces.github_release import Forge

BRANCH = "watch-update"
TITLE = "Update what the last release contains"


@dataclass(frozen=True)
class UpdateBranch(Surface):
    """One commit on top of the target that changes some files; a person's commits stay."""

    git: Git
    base: str
    """The commit of the target that is changed."""
    texts: Mapping[str, str]
    """Path to the new text."""
    message: str
    author: str

    @property
    def title(self) -> str:
        """Name the branch."""
        return f"branch {BRANCH}"

    def observe(self) -> State:
        """Check whether it has these texts, or a person's own commits."""
        head = self._head()
        if head is None:
            return Missing("not there")
        if self.git.is_ancestor(head, self.base):
            return Missing(f"at {head[:12]}, which was merged")
        if all(self.git.show(head, path) == text for path, text in self.texts.items()):
            return Matches(head[:12])
        if not self.is_own():
            return Matches(f"{head[:12]}, which a person changed")
        return Missing(f"at {head[:12]}, of an earlier update")

    def apply(self) -> None:
        """Push the commit in place of an earlier one; the same texts make the same commit."""
        who = person(self.author, int(self._said(self.base, "%ct")))
        commit = self.git.commit_files(self.texts, self.base, self.message, who)
        lease = f"refs/heads/{BRANCH}:{self._head() or ''}"
        push_unmoved(self.git, f"{commit}:refs/heads/{BRANCH}", lease=lease)

    def is_own(self) -> bool:
        """Tell whether no person has added a commit to it."""
        head = self._head()
        return head is None or self._said(head, "%an <%ae>") == self.author

    def _head(self) -> str | None:
        head = self.git.refs().get(f"refs/heads/{BRANCH}")
        if head:
            self.git.fetch(head)
        return head

    def _said(self, commit: str, form: str) -> str:
        return self.git.run("show", "--no-patch", f"--format={form}", "--end-of-options", commit)


@dataclass(frozen=True, kw_only=True)
class UpdateRequest(DraftRequest):
    """The pull request of that branch; its text follows what the branch changes."""

    forge: Forge
    follows: Callable[[], bool]
    """Whether the text may change: not if a person has changed the branch."""

    def observe(self) -> State:
        """Search for an open pull request with this text."""
        found = super().observe()
        if isinstance(found, Missing) or not self.follows():
            return found
        says = self.forge.pull_request_says(self.branch, self.target, self.body)
        return found if says else Missing("of an earlier update")

    def apply(self) -> None:
        """Change its text, or open it."""
        if not self.forge.change_pull_request(self.branch, self.target, self.body):
            super().apply()
