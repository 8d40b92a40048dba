"""Upload the package to the index: the last name, and the only permanent one."""

from scripts.core.converge import converge
from scripts.core.results import Done
from scripts.release.context import Context
from scripts.release.release_surfaces import package

# twine uses the first before it checks the others.
OIDC = (
    "GITHUB_ACTIONS",
    "ACTIONS_ID_TOKEN_REQUEST_URL",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
)


def run(context: Context) -> Done:
    """Upload missing files; a project without a package has none."""
    wanted = package(context, context.lock, credentials(context))
    return Done(tuple(converge(wanted, context.environment.patience)))


def credentials(context: Context) -> dict[str, str]:
    """Return twine's token, if there is one, or its variables for trusted publishing.

    twine prefers a password to a trusted publisher's token, so no password is set then.
    """
    environment, secrets = context.environment, context.secrets
    if secrets.index_token:
        user = secrets.index_username or "__token__"
        return environment.inherited(TWINE_USERNAME=user, TWINE_PASSWORD=secrets.index_token)
    return environment.inherited(
        **{name: value for name in OIDC if (value := environment.get(name))}
    )
