"""The merged pull requests of a repository: read only, a hundred with each request."""

import re
from collections.abc import Collection
from datetime import datetime
from typing import Any

import requests

from scripts.core.entries import Pull
from scripts.core.errors import ServiceError

REMEDY = "check GITHUB_TOKEN's permissions (pull-requests: read) and the API's status page"
AT_ONCE = 100  # GitHub's most
PAGES = 20
PATIENCE = 10.0
"""The most seconds for an answer: a draft is not worth more."""
_LOGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}(?:\[bot\])?")


class PullRequests:
    """The pull requests of one repository that were read."""

    def __init__(self, api_url: str, repository: str, token: str, silence: float) -> None:
        self._url = f"{api_url.rstrip('/')}/repos/{repository}/pulls"
        self._headers = {
            "Authorization": f"Bearer {token}",
            "Accept": "application/vnd.github+json",
        }
        self._timeout = min(silence, PATIENCE)
        self.found: dict[str, Pull] = {}
        """By the number (`#12`), and by the commit that the merge made on the branch."""

    def ask(self, wanted: Collection[str], since: int) -> None:
        """Read pull requests merged since a time (seconds since 1970), until all `wanted` are read.

        Raises ServiceError if GitHub does not answer as documented; `found` keeps the earlier ones.
        """
        for page in range(1, PAGES + 1):
            listed = self._page(page)
            for one in listed:
                if pull := _pull(one):
                    commit = str(one.get("merge_commit_sha"))
                    self.found |= {f"#{pull.number}": pull, commit: pull}
            if len(listed) < AT_ONCE or self.found.keys() >= set(wanted):
                return
            # A merge changes a pull request: an unchanged one was merged before.
            if _seconds(listed[-1].get("updated_at")) < since:
                return
        raise ServiceError(f"only the last {PAGES * AT_ONCE} closed ones were read", REMEDY)

    def _page(self, page: int) -> list[dict[str, Any]]:
        newest = {"state": "closed", "sort": "updated", "direction": "desc"}
        where = {"per_page": str(AT_ONCE), "page": str(page)}
        try:
            answer = requests.get(
                self._url,
                params=newest | where,
                headers=self._headers,
                timeout=self._timeout,
            )
            answer.raise_for_status()
            found = answer.json()
        except requests.HTTPError as error:
            cause = f"GitHub's API answered {error.response.status_code}"
            raise ServiceError(cause, REMEDY) from error
        except (requests.RequestException, ValueError) as error:
            # Not the error's own words: those of a header that cannot be sent hold the token.
            cause = f"GitHub's API did not answer as an API ({type(error).__name__})"
            raise ServiceError(cause, REMEDY) from error
        if not (isinstance(found, list) and all(isinstance(one, dict) for one in found)):
            raise ServiceError("GitHub's API answered with something other than a list", REMEDY)
        return found


def _pull(found: dict[str, Any]) -> Pull | None:
    """Read one; None if it was not merged, or is not as documented."""
    try:
        user = found["user"] or {}
        login = str(user.get("login") or "")
        return (
            Pull(
                number=str(int(found["number"])),
                title=str(found["title"]),
                login=login if _LOGIN.fullmatch(login) else "",
                bot=user.get("type") == "Bot",
                labels=tuple(str(one["name"]) for one in found["labels"]),
            )
            if found["merged_at"]
            else None
        )
    except (LookupError, TypeError, ValueError, AttributeError):
        return None


def _seconds(moment: Any) -> float:
    """Read a time as GitHub writes it; an unreadable one counts as long ago."""
    try:
        return datetime.fromisoformat(str(moment)).timestamp()
    except ValueError:
        return 0
