"""Attestations at GitHub: who built each file and each image, signed by the job itself.

The forms: in-toto's Statement 1, SLSA's provenance 1 with GitHub's build type, sigstore's bundle.
The key is made for one signature; the certificate that binds it to the workflow is valid for ten
minutes, and a public log records it. So there is nothing to keep secret, and nothing to lose.
"""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import requests
from cryptography import x509
from sigstore.dsse import StatementBuilder, Subject
from sigstore.models import ClientTrustConfig
from sigstore.oidc import IdentityToken
from sigstore.sign import SigningContext

from scripts.core.converge import Matches, Missing, State, Surface
from scripts.core.errors import ServiceError
from scripts.surfaces import web
from scripts.surfaces.github_release import Forge

Json = dict[str, Any]
AUDIENCE = "sigstore"
PROVENANCE = "https://slsa.dev/provenance/v1"
BUILD = "https://actions.github.io/buildtypes/workflow/v1"
FORGE = "https://github.com"
"""What certificates call GitHub."""
MOST = 1024
"""Subjects that GitHub accepts in one attestation."""
REMEDY = "give the job `id-token: write`, see sigstore's status page, and run the release again"


@dataclass(frozen=True)
class Signer:
    """Signs by sigstore's services, as the job that has the token."""

    token: Callable[[], str]
    """Asks for a fresh identity token for `AUDIENCE`."""
    trust: str = ""
    """The text of a client's trust configuration; the public one if it is empty."""

    def sign(self, statement: Json) -> Json:
        """Return the bundle. Raises `TransientError` or `ServiceError`."""
        subjects = [
            Subject.model_validate({"name": n, "digest": {"sha256": d}})
            for n, d in statement["subjects"]
        ]
        made = (
            StatementBuilder()
            .subjects(subjects)
            .predicate_type(statement["type"])
            .predicate(statement["predicate"])
            .build()
        )
        with web.failures("sigstore", REMEDY):
            try:
                with self._context().signer(IdentityToken(self.token())) as signer:
                    return dict(json.loads(signer.sign_dsse(made).to_json()))
            except Exception as error:  # the client's errors have no base of their own
                raise _plain(error) from error

    def _context(self) -> SigningContext:
        trust = ClientTrustConfig.from_json(self.trust) if self.trust else None
        trust = trust or ClientTrustConfig.production()
        # Indexes and older verifiers read no entries of the log's second version.
        trust.force_tlog_version = 1
        return SigningContext.from_trust_config(trust)


@dataclass(frozen=True)
class Attested(Surface):
    """The attestations of one release, each about a part that has none yet."""

    forge: Forge
    subjects: Mapping[str, str]
    """Name to SHA-256 in hex."""
    signer: Signer
    build: Mapping[str, str] = field(default_factory=dict)
    """The run that signs, for the provenance: `repository`, `ref`, `workflow`, `commit`, `run`."""

    @property
    def title(self) -> str:
        """Name them."""
        return "attestations"

    @property
    def planned(self) -> str:
        """Say how many parts must have one."""
        return f"{len(self.subjects)} of {len(self.subjects)}"

    def observe(self) -> State:
        """Count the parts that a workflow of this repository has signed."""
        missing = self._missing()
        signed = f"{len(self.subjects) - len(missing)} of {len(self.subjects)}"
        return Missing(f"signed: {signed}") if missing else Matches(signed)

    def apply(self) -> None:
        """Sign the parts that have no attestation: what was signed once is not signed again."""
        missing = sorted(self._missing().items())
        for start in range(0, len(missing), MOST):
            part = missing[start : start + MOST]
            statement = {"type": PROVENANCE, "subjects": part, "predicate": provenance(self.build)}
            self.forge.attest(self.signer.sign(statement))

    def _missing(self) -> dict[str, str]:
        return {
            name: digest
            for name, digest in self.subjects.items()
            if not any(self._ours(one) for one in self.forge.attestations(digest))
        }

    def _ours(self, bundle: Json) -> bool:
        return signer_of(bundle).startswith(f"{FORGE}/{self.build['repository']}/")


def _plain(error: Exception) -> Exception:
    """Return the failed request inside an error of sigstore's client, or what it refused."""
    inside = (error, error.__cause__, error.__context__, *error.args)
    found = [one for one in inside if isinstance(one, requests.RequestException | ServiceError)]
    return found[0] if found else ServiceError(f"sigstore did not sign: {error}", REMEDY)


def provenance(build: Mapping[str, str]) -> Json:
    """Say how something was built (SLSA 1.0, Provenance; GitHub's build type)."""
    repository = f"{FORGE}/{build['repository']}"
    workflow = {"ref": build["ref"], "repository": repository, "path": build["workflow"]}
    source = {"uri": f"git+{repository}@{build['ref']}", "digest": {"gitCommit": build["commit"]}}
    return {
        "buildDefinition": {
            "buildType": BUILD,
            "externalParameters": {"workflow": workflow},
            "internalParameters": {},
            "resolvedDependencies": [source],
        },
        "runDetails": {
            "builder": {"id": f"{repository}/{build['workflow']}@{build['ref']}"},
            "metadata": {"invocationId": build["run"]},
        },
    }


def signer_of(bundle: Json) -> str:
    """Return who signed a bundle, as its certificate says; empty if it cannot be read."""
    try:
        raw = bundle["verificationMaterial"]["certificate"]["rawBytes"]
        certificate = x509.load_der_x509_certificate(base64.b64decode(raw))
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        (uri,) = names.get_values_for_type(x509.UniformResourceIdentifier)
    except (LookupError, TypeError, ValueError, x509.ExtensionNotFound):
        return ""
    return str(uri)
