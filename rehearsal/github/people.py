"""How GitHub shows a login."""

import base64
import zlib
from urllib.parse import quote

from rehearsal.github.errors import Json
from rehearsal.github.settings import GitHubSettings


def node_id(kind: str, key: object) -> str:
    """Return an opaque id for an object."""
    return base64.b64encode(f"{kind}:{key}".encode()).decode()


def identifier(name: str) -> int:
    """Return the id of a login, or of a repository by its full name: a function of the name."""
    return zlib.crc32(name.encode())


def user(settings: GitHubSettings, login: str) -> Json:
    """Return a login in GitHub's simple-user form."""
    number = identifier(login)
    api = f"{settings.base_url}/api/v3/users/{quote(login)}"
    return {
        "login": login,
        "id": number,
        "node_id": node_id("User", number),
        "avatar_url": f"{settings.base_url}/avatars/{number}",
        "gravatar_id": "",
        "url": api,
        "html_url": f"{settings.base_url}/{quote(login)}",
        "followers_url": f"{api}/followers",
        "following_url": f"{api}/following{{/other_user}}",
        "gists_url": f"{api}/gists{{/gist_id}}",
        "starred_url": f"{api}/starred{{/owner}}{{/repo}}",
        "subscriptions_url": f"{api}/subscriptions",
        "organizations_url": f"{api}/orgs",
        "repos_url": f"{api}/repos",
        "events_url": f"{api}/events{{/privacy}}",
        "received_events_url": f"{api}/received_events",
        "type": "Bot" if login.endswith("[bot]") else "User",
        "site_admin": False,
    }


def email_of(login: str) -> str:
    """Return the address of commits that a login makes on GitHub."""
    return f"{login}@users.noreply.github.com"


def login_of(settings: GitHubSettings, email: str) -> str | None:
    """Return the owner of this address, if there is one here."""
    logins = [settings.owner, *(token.login for token in settings.tokens.values())]
    return next((login for login in logins if email_of(login) == email), None)
