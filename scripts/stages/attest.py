"""Sign every part of the release: each file, each platform's image and each image index.

Verified before anybody follows a pointer. A repeated run signs only what has no attestation yet.
"""

import json
from pathlib import Path

from scripts.core.converge import CHECK, Outcome, converge
from scripts.core.errors import UsageError
from scripts.core.lockfile import Signing
from scripts.core.results import Done
from scripts.release.context import Context
from scripts.release.identity import identity
from scripts.release.signed import FOLDER, commits, subjects
from scripts.surfaces.trusted_publishing import Identity, identity_token

TITLE = "attest"
OLDER = "an earlier version of the release system staged this release"


def run(context: Context) -> Done:
    """Sign the parts that have no attestation; where GitHub offers none, say why."""
    from scripts.surfaces.attestations import Attested, Signer  # noqa: PLC0415 - start-up counts

    signing = context.lock.signing or Signing(reason=OLDER)
    if not signing.by:
        context.workflow.summary(f"Not signed: {signing.reason}.")
        skipped = Outcome(TITLE, signing.reason, written=False, skipped=True, kind=CHECK)
        return Done((skipped,))
    refuse_another(context, signing)
    asks = identity(context, "sigstore")
    signer = Signer(lambda: _token(context, asks), _trust(context))
    attested = Attested(
        context.forge,
        subjects(context),
        tuple(dist.name for dist in context.lock.dists),
        tuple(commits(context)),
        signer,
        context.environment.build(),
    )
    outcomes = converge([attested], context.environment.patience)
    for name, one in context.ask(attested.of_package).items():
        context.write(f"{FOLDER}/{name}", json.dumps(one))
    return Done((*outcomes, Outcome(TITLE, f"Signed: {outcomes[0].detail}", False, kind=CHECK)))


def refuse_another(context: Context, signing: Signing) -> None:
    """Raise UsageError if this run is not the one that the lock names."""
    build = context.environment.build()
    own = f"{build['workflow']}@{build['ref']}"
    if own != signing.by:
        raise UsageError(
            f"this run is {own}, the lock says that {signing.by} signs the release",
            f"run the release again from {signing.by.partition('@')[2]}",
        )


def _trust(context: Context) -> str:
    path = context.environment.trusted()
    return Path(path).read_text("utf-8") if path else ""


def _token(context: Context, asks: Identity) -> str:
    from scripts.surfaces.attestations import AUDIENCE  # noqa: PLC0415

    token = identity_token(asks, AUDIENCE, context.environment.silence())
    context.environment.hide(token)
    return token
