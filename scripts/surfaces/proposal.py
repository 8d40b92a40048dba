"""The branch with which the watch proposes a patch release, for a person to review."""

from collections.abc import Mapping
from dataclasses import dataclass

from scripts.core.converge import Matches, Missing, State, Surface
from scripts.surfaces.git_remote import Git, person, push_unmoved

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
        if self._said(head, "%an <%ae>") != self.author:
            return Matches(f"{head[:12]}, which a person changed")
        return Missing(f"at {head[:12]}, of an earlier update")

    def apply(self) -> None:
        """Push the commit in place of an earlier one; the same texts make the same commit."""
        who = person(self.author, int(self._said(self.base, "%ct")))
        commit = self.git.commit_files(self.texts, self.base, self.message, who)
        lease = f"refs/heads/{BRANCH}:{self._head() or ''}"
        push_unmoved(self.git, f"{commit}:refs/heads/{BRANCH}", lease=lease)

    def _head(self) -> str | None:
        head = self.git.refs().get(f"refs/heads/{BRANCH}")
        if head:
            self.git.fetch(head)
        return head

    def _said(self, commit: str, form: str) -> str:
        return self.git.run("show", "--no-patch", f"--format={form}", "--end-of-options", commit)
