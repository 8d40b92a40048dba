"""Give the package its name on the index: the last name, and the only one that stays for ever."""

from scripts.core.converge import converge
from scripts.core.results import Done
from scripts.release.context import Context
from scripts.release.release_surfaces import package

# twine looks for the first before it believes the others.
OIDC = (
    "GITHUB_ACTIONS",
    "ACTIONS_ID_TOKEN_REQUEST_URL",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
)


def run(context: Context) -> Done:
    """Upload what is missing; a project without a package has nothing to name."""
    wanted = package(context, context.lock, credentials(context))
    return Done(tuple(converge(wanted, context.runner.patience)))


def credentials(context: Context) -> dict[str, str]:
    """Give twine a token, if there is one, or what it needs for trusted publishing.

    twine takes a password before it asks for a trusted publisher's token, so none is set then.
    """
    runner, secrets = context.runner, context.secrets
    if secrets.index_token:
        user = secrets.index_username or "__token__"
        return runner.inherited(TWINE_USERNAME=user, TWINE_PASSWORD=secrets.index_token)
    return runner.inherited(**{name: value for name in OIDC if (value := runner.get(name))})
