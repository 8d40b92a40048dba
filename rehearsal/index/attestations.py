"""Attestations that come with a file (PEP 740): one to publish, one of SLSA provenance at most.

The rules: the public index's own code (pypi/warehouse, `warehouse/attestations/services.py`). Their
signatures are checked by whoever reads them; the index here checks what they are about.
"""

import base64
import binascii
import json
from urllib.parse import urlsplit

from rehearsal.index.state import Json, Publisher
from rehearsal.index.upload_rules import Offer, RefusedError

TYPES = ("/attestations/publish/v1", "/provenance/v1")
"""The paths of the predicate types: that somebody published the file, and how it was built."""


def provenance(offer: Offer, publisher: Publisher | None) -> Json | None:
    """Return what the index serves of a file's attestations, None if it came without any.

    Raises `RefusedError`.
    """
    text = offer.fields.get("attestations")
    if text is None:
        return None
    if publisher is None:
        raise _refused("Attestations are only supported when using Trusted Publishing")
    given = _read(text)
    seen = [_predicate_type(offer, one) for one in given]
    for kind in seen:
        if urlsplit(kind).path not in TYPES:
            raise _refused(f"Attestation with unsupported predicate type: {kind}")
        if seen.count(kind) > 1:
            raise _refused(f"Multiple attestations with the same predicate type ({kind})")
    return {
        "version": 1,
        "attestation_bundles": [{"publisher": publisher.shown(), "attestations": given}],
    }


def _read(text: str) -> list[Json]:
    try:
        given = json.loads(text)
    except ValueError as error:
        raise _refused(f"Malformed attestations: {error}") from error
    if not isinstance(given, list) or not given:
        raise _refused("Malformed attestations: an empty attestation set is not permitted")
    if len(given) > len(TYPES):
        raise _refused(f"A maximum of {len(TYPES)} attestations per file are supported")
    return given


def _predicate_type(offer: Offer, attestation: Json) -> str:
    """Return what an attestation says, once it is about this very file."""
    try:
        envelope, material = attestation["envelope"], attestation["verification_material"]
        statement = json.loads(base64.b64decode(envelope["statement"], validate=True))
        base64.b64decode(envelope["signature"], validate=True)
        subjects = [(one["name"], one["digest"]["sha256"]) for one in statement["subject"]]
        complete = attestation["version"] == 1 and material["certificate"]
        kind = str(statement["predicateType"])
    except (LookupError, TypeError, ValueError, binascii.Error) as error:
        raise _refused(f"Malformed attestations: {error!r}") from error
    if not complete or subjects != [(offer.name, offer.sha256)]:
        raise _refused("Could not verify the uploaded artifact using the included attestation")
    return kind


def _refused(message: str) -> RefusedError:
    return RefusedError(400, f"Invalid attestations supplied during upload: {message}")
