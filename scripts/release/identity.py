"""Who this job is, as GitHub proves it to the services that trust it."""

from scripts.core.errors import UsageError
from scripts.release.context import Context
from scripts.surfaces.trusted_publishing import Identity

URL, TOKEN = "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"
"""The variables that GitHub gives a job with `id-token: write`, and no other."""


def identity(context: Context, service: str, otherwise: str = "") -> Identity:
    """Return where the job asks for its identity tokens.

    `service` wants to know who it is; `otherwise` is another way, for the remedy. Raises
    `UsageError` for a job that may not ask.
    """
    url, token = (context.environment.get(name) for name in (URL, TOKEN))
    if url and token:
        return Identity(url, token)
    cause = f"this job cannot prove to {service} who it is"
    raise UsageError(cause, f"give the job `id-token: write`{otherwise}")
