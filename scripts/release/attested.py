"""Find who signed the parts of a past release: its own workflow, and nobody else.

Nothing here checks a signature: `verify.py` and `gh` do.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from scripts.core.findings import Finding, foreign, not_checked, ok, problem
from scripts.core.lockfile import Lock
from scripts.release import signed
from scripts.release.context import Context
from scripts.surfaces.certificates import signer_of

ALARM = (
    "find out who may run that workflow, and take the right away; then delete the attestations, "
    "or undo the release"
)
ABSENT = "run the release again with the same version: it signs what has no attestation"
UNSAID = "the lock does not say who signs"


def findings(context: Context, lock: Lock | None, assets: dict[str, str]) -> Iterator[Finding]:
    """Compare who signed each part with the lock. `assets` are the released ones: name to SHA-256.

    Attestations of several parts by one other workflow are one finding.
    """
    if lock is None or lock.signing is None or not lock.signing.by:
        yield not_checked("attestations", lock.signing.reason if lock and lock.signing else UNSAID)
        return
    parts, by = {**assets, **signed.images(lock)}, dict[str, list[str]]()
    for part, digest in parts.items():
        for one in sorted(_signers(context.forge.attestations(digest.removeprefix("sha256:")))):
            by.setdefault(one, []).append(part)
    own = f"{signed.FORGE}/{lock.repository}/"
    mine = by.pop(f"{own}{lock.signing.by}", [])
    for other, about in by.items():
        what = f"attestations of {lock.plan.tag} by {other.removeprefix(own)}"
        yield foreign(what, f"about {', '.join(about)}, expected {lock.signing.by}", ALARM)
    for part in sorted(parts.keys() - set(mine)):
        found = f"not there, expected one by {lock.signing.by}"
        yield problem(f"attestation of {part}", found, "", ABSENT)
    if mine:
        yield ok("attestations", f"{len(mine)} of {len(parts)} by {lock.signing.by}")


def _signers(bundles: Sequence[dict[str, Any]]) -> set[str]:
    said = [signer_of(one) for one in bundles]
    return {one.name if one else "somebody whose certificate cannot be read" for one in said}
