"""The shared state of all request handlers: settings, state, git, and one lock for writers."""

import asyncio

from aiohttp import web

from rehearsal.github.errors import Json
from rehearsal.github.git import Git
from rehearsal.github.settings import GitHubSettings
from rehearsal.github.store import State, Store


class Hub:
    """The service behind the addresses."""

    def __init__(self, settings: GitHubSettings) -> None:
        self.settings = settings
        self.store = Store(settings.folder)
        self.git = Git(settings.repository)
        # Every change holds it, so that two requests cannot both see that something does not exist
        # yet.
        self.lock = asyncio.Lock()
        for branch in settings.protected_branches:
            self.state.protection.setdefault(branch, pull_request_required())
        self.store.save()

    @property
    def state(self) -> State:
        """The state that is not in git."""
        return self.store.state


def pull_request_required() -> Json:
    """Return the protection «changes through pull requests only, no approval needed»."""
    return {
        "required_pull_request_reviews": {"required_approving_review_count": 0},
        "enforce_admins": True,
    }


HUB = web.AppKey("hub", Hub)
