"""The pointers and marks of a release that is rolled back."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from github.GitRelease import GitRelease

from scripts.core import version
from scripts.core.changelog import is_yanked, yank
from scripts.core.converge import Matches, Missing, State, Surface
from scripts.core.planning import Plan
from scripts.core.rollback import Move
from scripts.core.tags import Style
from scripts.surfaces.git_remote import Git, identity, push_or_ask
from scripts.surfaces.github_release import Forge, failures
from scripts.surfaces.image_registry import ImageRegistry

BANNER = "> [!WARNING]\n> **{bad} was rolled back.** Use [{good}]({page}/releases/tag/{good})."
ANY_BANNER = re.compile(r"\A> \[!WARNING\]\r?\n> \*\*\S+ was rolled back\.\*\*.*\s*")


@dataclass(frozen=True)
class TagBack(Surface):
    """A floating tag that pointed at the bad release."""

    registry: ImageRegistry
    move: Move

    @property
    def title(self) -> str:
        """Name the tag."""
        return f"image tag {self.move.repository}:{self.move.tag}"

    def observe(self) -> State:
        """Check whether it still points at the bad image; if not, somebody moved it."""
        found = self.registry.find(f"{self.move.repository}:{self.move.tag}")
        if found and found.digest == self.move.bad:
            return Missing(f"at the bad {found.digest}")
        if found is None:
            return Missing("not there")
        return Matches(
            f"{self.move.version}: {found.digest}"
            if found.digest == self.move.good
            else f"moved on to {found.digest}"
        )

    def apply(self) -> None:
        """Point it at the good release's index."""
        target = f"{self.move.repository}:{self.move.tag}"
        self.registry.create(target, f"{self.move.repository}@{self.move.good}")


@dataclass(frozen=True)
class LatestBack(Surface):
    """GitHub's "Latest", which showed the bad release."""

    forge: Forge
    bad: str
    good: str
    style: Style

    @property
    def title(self) -> str:
        """Name the pointer."""
        return "GitHub's Latest"

    def observe(self) -> State:
        """Check which release it shows; keep one that is later than the bad one."""
        latest = self.forge.latest()
        style = self.style.either
        held, bad = style.read(latest or ""), style.read(self.bad)
        if latest == self.good or (held and bad and held > bad):
            return Matches(str(latest))
        return Missing(f"shows {latest}")

    def apply(self) -> None:
        """Make the good release the latest one."""
        self.forge.edit(self.good, make_latest="true")


@dataclass(frozen=True)
class Marked(Surface):
    """The bad release on GitHub: a banner in its notes, and no longer a full release."""

    forge: Forge
    bad: str
    good: str
    page: str

    @property
    def title(self) -> str:
        """Name the release."""
        return f"release {self.bad} marked"

    def observe(self) -> State:
        """Check for the banner and the flag."""
        release = self.forge.release(self.bad)
        if release is None:
            return Matches("not there")
        marked = (release.body or "").startswith(self._banner()) and release.prerelease
        return Matches(release.html_url) if marked else Missing("not marked")

    def apply(self) -> None:
        """Put the banner above the unchanged notes."""
        release = self.forge.release(self.bad)
        body = (release.body or "") if release else ""
        # One that an earlier rollback wrote may name another good release.
        body = f"{self._banner()}\n\n{ANY_BANNER.sub('', body)}"
        self.forge.edit(self.bad, body=body, prerelease=True)

    def _banner(self) -> str:
        return BANNER.format(bad=self.bad, good=self.good, page=self.page)


@dataclass
class Yanked(Surface):
    """The bad version's heading in the changelog of the branch."""

    git: Git
    plan: Plan
    path: str
    branch: str
    find_pull_request: Callable[[str, str], str | None]
    open_pull_request: Callable[[str, str, str, str], str]

    @property
    def title(self) -> str:
        """Name the file and the branch."""
        return f"{self.path} on {self.branch}"

    @property
    def _own_branch(self) -> str:
        return f"rollback/{self.plan.tag}"

    def observe(self) -> State:
        """Check for the mark in the branch's head, or for a pull request that adds it."""
        head = self._head()
        if head is None:
            return Matches("the branch is gone: there is nothing to mark")
        marked = is_yanked(self._text(head), version.parse(self.plan.version), self.path)
        if marked is None:
            return Matches(
                f"has no section for {self.plan.version}: merge its pull request, and run this "
                "again"
            )
        if marked:
            return Matches("[YANKED]")
        if pull_request := self.find_pull_request(self._own_branch, self.branch):
            return Matches(f"protected: merge {pull_request}")
        return Missing("not marked")

    def apply(self) -> None:
        """Commit the mark to the branch; where it is protected, ask by pull request."""
        head = self._head()
        if head is None:
            return
        text = yank(self._text(head), version.parse(self.plan.version), self.path)
        title = f"Mark {self.plan.version} as yanked"
        commit = self.git.commit_files({self.path: text}, head, f"{title}\n", identity(self.plan))
        body = f"{self.plan.version} was rolled back; `{self.branch}` is protected."
        own = f"+{commit}:refs/heads/{self._own_branch}"
        ask = partial(self.open_pull_request, self._own_branch, self.branch, title, body)
        push_or_ask(self.git, f"{commit}:refs/heads/{self.branch}", own, ask)

    def _head(self) -> str | None:
        head = self.git.refs().get(f"refs/heads/{self.branch}")
        if head:
            self.git.fetch(head)
        return head

    def _text(self, commit: str) -> str:
        return self.git.show(commit, self.path)


@dataclass(frozen=True)
class DraftGone(Surface):
    """The draft of a release that never became public."""

    forge: Forge
    tag: str

    @property
    def title(self) -> str:
        """Name the draft."""
        return f"draft release {self.tag} removed"

    def observe(self) -> State:
        """Search for a draft; two may share a tag."""
        return Missing("still there") if self._drafts() else Matches("not there")

    def apply(self) -> None:
        """Delete the draft with its assets."""
        for draft in self._drafts():
            with failures():
                draft.delete_release()

    def _drafts(self) -> list[GitRelease]:
        return [one for one in self.forge.releases() if one.tag_name == self.tag and one.draft]


@dataclass(frozen=True)
class BranchGone(Surface):
    """The release branch of a release that never became public."""

    git: Git
    branch: str

    @property
    def title(self) -> str:
        """Name the branch."""
        return f"branch {self.branch} removed"

    def observe(self) -> State:
        """Check for the branch."""
        there = f"refs/heads/{self.branch}" in self.git.refs()
        return Missing("still there") if there else Matches("not there")

    def apply(self) -> None:
        """Delete the branch."""
        self.git.push(f":refs/heads/{self.branch}")
