"""An issue that a program keeps: opened, updated in place, and closed when its cause is gone."""

import re
from dataclasses import dataclass

from github.Issue import Issue

from scripts.core.converge import Matches, Missing, State, Surface
from scripts.surfaces.github_release import Forge, failures

GONE = "This is no longer found."
HARMFUL = re.compile(r"[^\w.,:/@ -]+")


@dataclass(frozen=True)
class KeptIssue(Surface):
    """At most one open issue for a mark; without a text, none."""

    forge: Forge
    mark: str
    """A comment in the text. It identifies the issue, even if a person changes its title."""
    about: str
    """Its title."""
    text: str | None
    """None closes it."""
    ended: str
    """The comment that closes it."""

    @property
    def title(self) -> str:
        """Name the issue."""
        return f"issue: {self.about}"

    def observe(self) -> State:
        """Search for open issues with the mark."""
        mine = self._open()
        if self.text is None:
            return Missing(f"still open: {mine[0].html_url}") if mine else Matches("none is open")
        if not mine:
            return Missing("not there")
        if len(mine) > 1 or (mine[0].body or "").replace("\r\n", "\n") != self._body():
            return Missing(f"says something else: {mine[0].html_url}")
        return Matches(mine[0].html_url)

    def apply(self) -> None:
        """Open, update or close the issue; of several, keep the oldest."""
        mine = self._open()
        with failures():
            if self.text and not mine:
                self.forge.repository.create_issue(self.about, self._body())
            if self.text and mine:
                mine[0].edit(title=self.about, body=self._body())
            for issue in mine[1:] if self.text else mine:
                if not self.text:
                    issue.create_comment(self.ended)
                issue.edit(state="closed", state_reason="completed")

    def _open(self) -> list[Issue]:
        mine = [one for one in open_issues(self.forge) if self.mark in (one.body or "")]
        return sorted(mine, key=lambda one: one.number)

    def _body(self) -> str:
        return f"{self.text}\n{self.mark}"


def mark(keeper: str, fingerprint: str) -> str:
    """Write a mark: who keeps the issue, and for what. No text of others can end the comment."""
    return f"<!-- kept by {keeper}: {HARMFUL.sub('_', fingerprint)} -->"


def others(forge: Forge, keeper: str, marks: set[str]) -> list[KeptIssue]:
    """Give the open issues of a keeper whose marks are not among these, to be closed."""
    form = re.compile(rf"<!-- kept by {re.escape(keeper)}: .*? -->")
    found = ((one, form.search(one.body or "")) for one in open_issues(forge))
    old = {said[0]: one.title for one, said in found if said and said[0] not in marks}
    return [KeptIssue(forge, mark, title, None, GONE) for mark, title in sorted(old.items())]


def open_issues(forge: Forge) -> list[Issue]:
    """List the open issues, without pull requests."""
    with failures():
        found = list(forge.repository.get_issues(state="open"))
    return [one for one in found if one.pull_request is None]
