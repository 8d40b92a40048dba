"""The issue about drift of releases: opened, updated, and closed when the drift ends."""

from dataclasses import dataclass

from github.Issue import Issue

from scripts.core.converge import Matches, Missing, State, Surface
from scripts.surfaces.github_release import Forge, failures

TITLE = "Parts of a release no longer agree"
MARK = "<!-- kept by the audit of releases -->"
"""Identifies the issue, even if a person changes its title."""
AGREED = "All parts of every release agree again."


@dataclass(frozen=True)
class DriftIssue(Surface):
    """At most one open issue; without drift, none."""

    forge: Forge
    drift: str | None
    """The text of the issue; None without drift."""

    @property
    def title(self) -> str:
        """Name the issue."""
        return "issue about drift"

    def observe(self) -> State:
        """Search for open issues with the mark."""
        mine = self._open()
        if self.drift is None:
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
            if self.drift and not mine:
                self.forge.repository.create_issue(TITLE, self._body())
            if self.drift and mine:
                mine[0].edit(title=TITLE, body=self._body())
            for issue in mine[1:] if self.drift else mine:
                if not self.drift:
                    issue.create_comment(AGREED)
                issue.edit(state="closed", state_reason="completed")

    def _open(self) -> list[Issue]:
        with failures():
            found = list(self.forge.repository.get_issues(state="open"))
        mine = [one for one in found if MARK in (one.body or "") and one.pull_request is None]
        return sorted(mine, key=lambda one: one.number)

    def _body(self) -> str:
        return f"{self.drift}\n{MARK}"
