"""Upload the package to the index: the last name, and the only permanent one."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from scripts.core.converge import converge
from scripts.core.results import Done
from scripts.release.context import Context
from scripts.release.identity import identity
from scripts.release.release_surfaces import package
from scripts.release.signed import ATTESTED, FOLDER, YES
from scripts.surfaces.trusted_publishing import upload_token

USER = "__token__"
"""The user name of whoever uploads with a token of the index."""


def run(context: Context) -> Done:
    """Upload missing files; a project without a package has none."""
    folder = attested(context)
    wanted = package(context, context.lock, partial(credentials, context), folder)
    outcomes = converge(wanted, context.environment.patience)
    given = any(one.written for one in outcomes) and folder is not None
    return Done(tuple(outcomes), ((ATTESTED, YES if given else "no"),))


def attested(context: Context) -> Path | None:
    """Return the folder of what `attest` signed, if the index takes it: from trusted publishers."""
    folder = context.inputs / FOLDER
    return folder if folder.exists() and not context.secrets.index_token else None


def credentials(context: Context) -> Mapping[str, str]:
    """Return twine's environment: with the token that is configured, else with one of minutes.

    A job proves who it is to get that one. Called before each upload, since it is valid for some
    minutes. Raises `UsageError` without either way.
    """
    environment, secrets = context.environment, context.secrets
    if secrets.index_token:
        user = secrets.index_username or USER
        return environment.inherited(TWINE_USERNAME=user, TWINE_PASSWORD=secrets.index_token)
    where, silence = context.index.upload_url, environment.silence()
    asks = identity(context, "the package index", ", or set the secret PACKAGE_INDEX_TOKEN")
    token = upload_token(asks, where, environment.hide, silence)
    return environment.inherited(TWINE_USERNAME=USER, TWINE_PASSWORD=token)
