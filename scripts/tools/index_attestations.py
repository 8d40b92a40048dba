"""What an index shows of who published a file (PEP 740), checked by pypi-attestations itself."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from scripts.core.errors import ServiceError
from scripts.tools import processes

Json = dict[str, Any]
REMEDY = "see what the index shows about the file, and run this again"


def check(
    file: Path,
    attestations: Sequence[Json],
    kinds: Mapping[str, str],
    signer: str,
    environment: Mapping[str, str],
    *,
    root: Json | None = None,
) -> None:
    """Have pypi-attestations check that `signer` made each attestation, and of exactly this file.

    Writes them beside the file; `kinds` has the part of the name for each type, as the verifier
    looks for it (`NAME.publish.attestation`). `root` is trusted instead of the public one. Raises
    `ServiceError` with the reason of a refusal.
    """
    try:
        names = [(kinds[kind], one) for kind, one in _typed(attestations)]
    except (LookupError, ValueError) as error:
        raise ServiceError(f"the index shows another form: {error!r}", REMEDY) from error
    for name, one in names:
        file.with_name(f"{file.name}.{name}.attestation").write_text(json.dumps(one), "utf-8")
    trusted = _trusting(root, file.parent) if root else {}
    command = [sys.executable, "-m", "pypi_attestations", "verify", "attestation"]
    command += ["--offline"] if root else []
    command += ["--identity", signer, "--", str(file)]
    processes.run(command, environment={**environment, **trusted})


def bundles(attestations: Sequence[Json]) -> Iterator[tuple[str, Json]]:
    """Write each attestation as sigstore's verifiers take it, after its type."""
    from pypi_attestations import Attestation  # noqa: PLC0415 - start-up counts

    for kind, one in _typed(attestations):
        yield kind, json.loads(Attestation.model_validate(one).to_bundle().to_json())


def _typed(attestations: Sequence[Json]) -> Iterator[tuple[str, Json]]:
    from pypi_attestations import Attestation  # noqa: PLC0415 - start-up counts

    for one in attestations:
        yield str(Attestation.model_validate(one).statement["predicateType"]), one


def _trusting(root: Json, folder: Path) -> dict[str, str]:
    """Put a trusted root where sigstore's client keeps the public one; return the variables."""
    from sigstore._internal.tuf import DEFAULT_TUF_URL  # noqa: PLC0415 - start-up counts

    place = folder / "trusted" / "sigstore-python" / "tuf" / quote(DEFAULT_TUF_URL, safe="")
    place.mkdir(parents=True, exist_ok=True)
    (place / "trusted_root.json").write_text(json.dumps(root), "utf-8")
    return {"XDG_CACHE_HOME": str(folder / "trusted"), "XDG_DATA_HOME": str(folder / "data")}
