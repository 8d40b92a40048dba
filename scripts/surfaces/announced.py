"""Announcements of a release: a webhook, a comment, a discussion; each of them once.

A webhook cannot tell which messages it received. So this system keeps two references of its own in
the git remote: it pushes one before it sends the message, and one after. Only one run can push the
first. If the second is missing, a run ended in between: the message may have been sent, and is not
sent again.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import requests

from scripts.core.converge import ANNOUNCEMENT, Matches, Missing, State, Surface
from scripts.core.errors import ServiceError
from scripts.surfaces import web
from scripts.surfaces.git_remote import Git
from scripts.surfaces.github_release import Forge, failures

SENT, CLAIMED = "sent", "claimed"
MAYBE = "maybe sent: an earlier run stopped while it sent this"
REMEDY = "check the webhook's address in the secret ANNOUNCE_SECRETS, then run the release again"


@dataclass(frozen=True)
class Webhook(Surface):
    """A message to a chat or a timeline, sent at most once."""

    kind = ANNOUNCEMENT
    git: Git
    tag: str
    commit: str
    who: Mapping[str, str]
    """Author and committer of the two references' commits."""
    name: str
    url: str
    token: str
    """The token of a service that needs one, such as Mastodon; empty for none."""
    body: Mapping[str, str]

    @property
    def title(self) -> str:
        """Name the webhook; its address is a secret."""
        return f"announcement to {self.name}"

    @property
    def planned(self) -> str:
        """Describe the message."""
        return "one message"

    def observe(self) -> State:
        """Check which of the two references exist."""
        found = self.git.notes(f"refs/announced/{self.tag}/{self.name}")
        if self._ref(SENT) in found:
            return Matches("sent")
        return Matches(MAYBE) if self._ref(CLAIMED) in found else Missing("not sent")

    def apply(self) -> None:
        """Claim the message, send it, and record that it was sent.

        If the service refuses it, delete the claim.
        """
        self.git.note(self._ref(CLAIMED), self.commit, self.who)
        try:
            self._send()
        except RefusedError as error:
            self.git.push(f":{self._ref(CLAIMED)}")
            raise ServiceError(error.cause, REMEDY) from error
        self.git.note(self._ref(SENT), self.commit, self.who)

    def _send(self) -> None:
        headers = {"Idempotency-Key": f"{self.name}-{self.tag}"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        with web.failures(f"the webhook {self.name}", REMEDY):
            answer = requests.post(
                self.url, json=dict(self.body), headers=headers, timeout=web.SILENCE
            )
            if 300 <= answer.status_code < web.SERVER:  # noqa: PLR2004 - RFC 9110: nothing was done
                raise RefusedError(f"the webhook {self.name} answered {answer.status_code}", REMEDY)
            answer.raise_for_status()

    def _ref(self, state: str) -> str:
        return f"refs/announced/{self.tag}/{self.name}/{state}"


class RefusedError(ServiceError):
    """The service answered that it did not take the message."""


@dataclass(frozen=True)
class Comment(Surface):
    """A comment on an issue or a pull request that is part of the release."""

    kind = ANNOUNCEMENT
    forge: Forge
    number: int
    tag: str
    page: str

    @property
    def title(self) -> str:
        """Name the issue or pull request."""
        return f"comment on #{self.number}"

    @property
    def planned(self) -> str:
        """Describe which release it names."""
        return f"released in {self.tag}"

    @property
    def link(self) -> str:
        """Return the page of the issue; GitHub leads on to a pull request's."""
        return f"{self.page}/issues/{self.number}"

    def observe(self) -> State:
        """Search for a comment with the mark of this release."""
        there = self.forge.comments(self.number)
        if there is None:
            return Matches("that issue does not exist")
        return Matches("there") if any(self._mark in one for one in there) else Missing("not there")

    def apply(self) -> None:
        """Write the comment."""
        where = f"{self.page}/releases/tag/{self.tag}"
        text = f"Released in [{self.tag}]({where}).\n{self._mark}"
        with failures():
            self.forge.repository.get_issue(self.number).create_comment(text)

    @property
    def _mark(self) -> str:
        return f"<!-- released in {self.tag} -->"


@dataclass(frozen=True)
class Discussion(Surface):
    """The discussion that GitHub opens for a release, in a category of the repository."""

    kind = ANNOUNCEMENT
    forge: Forge
    tag: str
    category: str

    @property
    def title(self) -> str:
        """Name the category."""
        return f"discussion in {self.category}"

    @property
    def planned(self) -> str:
        """Describe the discussion."""
        return "one discussion"

    def observe(self) -> State:
        """Check whether the release has a discussion."""
        release = self.forge.release(self.tag)
        found = release.raw_data.get("discussion_url") if release else None
        return Matches(str(found)) if found else Missing("not there")

    def apply(self) -> None:
        """Open it (GitHub Docs, REST API, Update a release: `discussion_category_name`)."""
        self.forge.edit(self.tag, make_latest=None, discussion=self.category)
