"""Attestations at GitHub: who built each file and each image, signed by the job itself.

The forms: in-toto's Statement 1, SLSA's provenance 1 with GitHub's build type, sigstore's bundle.
The key is made for one signature; the certificate that binds it to the workflow is valid for ten
minutes, and a public log records it. So there is nothing to keep secret, and nothing to lose.
"""

import base64
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import requests
from pypi_attestations import Attestation, AttestationType
from sigstore.dsse import StatementBuilder, Subject
from sigstore.models import Bundle, ClientTrustConfig
from sigstore.oidc import IdentityToken
from sigstore.sign import SigningContext

from scripts.core.converge import Matches, Missing, State, Surface
from scripts.core.errors import ServiceError, TransientError
from scripts.surfaces import web
from scripts.surfaces.certificates import signer_of
from scripts.surfaces.github_release import Forge

Json = dict[str, Any]
AUDIENCE = "sigstore"
PROVENANCE = AttestationType.SLSA_PROVENANCE_V1.value
PUBLISH = AttestationType.PYPI_PUBLISH_V1.value
KINDS = {PROVENANCE: "slsa", PUBLISH: "publish"}
"""What an index takes, by what its verifier calls it."""
BUILD = "https://actions.github.io/buildtypes/workflow/v1"
FORGE = "https://github.com"
"""What certificates call GitHub."""
MOST = 1024
"""Subjects that GitHub accepts in one attestation."""
REMEDY = "give the job `id-token: write`, see sigstore's status page, and run the release again"


@dataclass(frozen=True)
class Statement:
    """What one signature says: a claim of a type about subjects, which are name to SHA-256."""

    type: str
    subjects: Mapping[str, str]
    predicate: Json | None = None


@dataclass(frozen=True)
class Signer:
    """Signs by sigstore's services, as the job that has the token."""

    token: Callable[[], str]
    """Asks for a fresh identity token for `AUDIENCE`."""
    trust: str = ""
    """The text of a client's trust configuration; the public one if it is empty."""

    def sign(self, statement: Statement) -> Json:
        """Return the bundle. Raises `TransientError` or `ServiceError`."""
        subjects = [
            Subject.model_validate({"name": name, "digest": {"sha256": digest}})
            for name, digest in statement.subjects.items()
        ]
        builder = StatementBuilder().subjects(subjects).predicate_type(statement.type)
        made = (builder.predicate(statement.predicate) if statement.predicate else builder).build()
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
    """The attestations of a release: each part's provenance, and that the package was published.

    An index takes an attestation about one file only, so each file of the package has its own.
    """

    title = "attestations"
    forge: Forge
    subjects: Mapping[str, str]
    """Name to SHA-256 in hex."""
    packaged: Collection[str]
    """Those of the subjects that are files of the package."""
    commits: Collection[str]
    """The commits of the runs whose signatures count."""
    signer: Signer = field(repr=False)
    build: Mapping[str, str] = field(default_factory=dict)

    def observe(self) -> State:
        """Count the parts that this workflow has signed for this release."""
        missing = {name for statement in self._missing() for name in statement.subjects}
        signed = f"{len(self.subjects) - len(missing)} of {len(self.subjects)}"
        return Missing(f"signed: {signed}") if missing else Matches(signed)

    def apply(self) -> None:
        """Sign the parts that have no attestation: what was signed once is not signed again."""
        for statement in self._missing():
            self.forge.attest(self.signer.sign(statement))

    def of_package(self) -> dict[str, Json]:
        """Return the attestations of the package's files as an index takes them (PEP 740).

        Each has the name that verifiers expect beside the file: `NAME.publish.attestation`.
        """
        found: dict[str, Json] = {}
        for name in self.packaged:
            for bundle in self._ours(self.subjects[name]):
                kind, about = KINDS.get(kind_of(bundle)), statement_of(bundle)["subject"]
                if kind and len(about) == 1:
                    found.setdefault(f"{name}.{kind}.attestation", for_index(bundle))
        return found

    def _missing(self) -> list[Statement]:
        """Return the statements that nobody has signed yet."""
        signed = {
            name: {kind_of(one) for one in self._ours(digest)}
            for name, digest in self.subjects.items()
        }
        made = provenance(self.build)
        alone = [
            Statement(kind, {name: self.subjects[name]}, predicate)
            for name in sorted(self.packaged)
            for kind, predicate in ((PROVENANCE, made), (PUBLISH, None))
            if kind not in signed[name]
        ]
        rest = sorted(self.subjects.keys() - set(self.packaged))
        unsigned = [name for name in rest if PROVENANCE not in signed[name]]
        parts = [unsigned[start : start + MOST] for start in range(0, len(unsigned), MOST)]
        together = [{name: self.subjects[name] for name in part} for part in parts]
        return alone + [Statement(PROVENANCE, part, made) for part in together]

    def _ours(self, digest: str) -> list[Json]:
        """Return what this workflow signed of a digest: on this branch, for these commits."""
        ours = f"{FORGE}/{self.build['repository']}/{self.build['workflow']}@{self.build['ref']}"
        wanted = {(ours, commit) for commit in self.commits}
        return [
            one
            for one in self.forge.attestations(digest)
            if (found := signer_of(one)) and (found.name, found.commit) in wanted
        ]


def _plain(error: Exception) -> Exception:
    """Return the failed request inside an error of sigstore's client, or what it refused."""
    inside = (error, error.__cause__, error.__context__, *error.args)
    found = [one for one in inside if isinstance(one, requests.RequestException | ServiceError)]
    if any(_is_there(one) for one in found):
        # The log has the entry of a request that was sent twice: another key makes another one.
        return TransientError("the log has this entry already", REMEDY)
    return found[0] if found else ServiceError(f"sigstore did not sign: {error}", REMEDY)


def for_index(bundle: Json) -> Json:
    """Write a bundle as the index takes it (PEP 740)."""
    return Attestation.from_bundle(Bundle.from_json(json.dumps(bundle))).model_dump(mode="json")


def statement_of(bundle: Json) -> Json:
    """Return what a bundle says."""
    return dict(json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"])))


def kind_of(bundle: Json) -> str:
    """Return the type of what a bundle says; empty if it cannot be read."""
    try:
        return str(statement_of(bundle)["predicateType"])
    except (LookupError, TypeError, ValueError):
        return ""


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


def _is_there(error: Exception) -> bool:
    answer = getattr(error, "response", None)
    return answer is not None and answer.status_code == requests.codes.conflict
