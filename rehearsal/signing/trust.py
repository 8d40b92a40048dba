"""What verifiers must trust of this world, and a signer that uses its services.

The forms: sigstore's protobuf specifications, as JSON: TrustedRoot, ClientTrustConfig, Bundle.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from rehearsal.signing.authority import ORGANIZATION, Authority
from rehearsal.signing.keys import ECDSA, PublicKey, spki
from rehearsal.signing.log import ORIGIN, Log, preauthenticated

Json = dict[str, Any]
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
STATEMENT = "application/vnd.in-toto+json"
ROOT = "application/vnd.dev.sigstore.trustedroot+json;version=0.1"
CLIENT = "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json"
SIGNING = "application/vnd.dev.sigstore.signingconfig.v0.2+json"
SINCE = {"start": "2020-01-01T00:00:00Z"}


class Trust:
    """The authority and the log of one world, in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.authority, self.log = Authority(folder), Log(folder)

    def root(self) -> Json:
        """Return the trusted root, which verifiers are given as a file."""
        certificate = {"rawBytes": _b64(_der(self.authority.root))}
        name = {"organization": ORGANIZATION, "commonName": "certificate authority"}
        own = {"subject": name, "uri": f"https://{ORGANIZATION}", "validFor": SINCE}
        return {
            "mediaType": ROOT,
            "tlogs": [_instance(f"https://{ORIGIN}", self.log.public_key)],
            "certificateAuthorities": [{**own, "certChain": {"certificates": [certificate]}}],
            "ctlogs": [_instance(f"https://{ORGANIZATION}/ct", self.authority.log_key)],
            "timestampAuthorities": [],
        }

    def client(self, url: str) -> Json:
        """Return the configuration of a client that signs by the services at `url`."""

        def service(version: int) -> list[Json]:
            span = {"majorApiVersion": version, "validFor": SINCE, "operator": ORGANIZATION}
            return [{"url": url, **span}]

        signing = {
            "mediaType": SIGNING,
            "caUrls": service(1),
            "oidcUrls": service(1),
            "rekorTlogUrls": service(1),
            "rekorTlogConfig": {"selector": "ANY"},
            "tsaConfig": {"selector": "ANY"},
        }
        return {"mediaType": CLIENT, "trustedRoot": self.root(), "signingConfig": signing}

    def sign(self, claims: Mapping[str, str], statement: Json, now: datetime | None = None) -> Json:
        """Sign a statement as a job with these claims would, with a key that nobody keeps.

        Its certificate is valid from `now` on; the log notes the real time.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self.authority.certify(key.public_key(), claims, now)
        payload = json.dumps(statement).encode()
        signature = _b64(key.sign(preauthenticated(STATEMENT, payload), ECDSA))
        envelope = {
            "payload": _b64(payload),
            "payloadType": STATEMENT,
            "signatures": [{"sig": signature}],
        }
        pem = _b64(certificate.public_bytes(serialization.Encoding.PEM))
        content = {"envelope": json.dumps(envelope), "verifiers": [pem]}
        _, entry = self.log.append(
            {"apiVersion": "0.0.1", "kind": "dsse", "spec": {"proposedContent": content}}
        )
        material = {
            "certificate": {"rawBytes": _b64(_der(certificate))},
            "tlogEntries": [logged(entry)],
        }
        return {"mediaType": BUNDLE, "verificationMaterial": material, "dsseEnvelope": envelope}


def logged(entry: Json) -> Json:
    """Write the log's answer as a bundle holds it."""
    verification = entry["verification"]
    proof = verification["inclusionProof"]
    return {
        "logIndex": str(entry["logIndex"]),
        "logId": {"keyId": _b64(bytes.fromhex(entry["logID"]))},
        "kindVersion": {"kind": "dsse", "version": "0.0.1"},
        "integratedTime": str(entry["integratedTime"]),
        "inclusionPromise": {"signedEntryTimestamp": verification["signedEntryTimestamp"]},
        "inclusionProof": {
            "logIndex": str(proof["logIndex"]),
            "rootHash": _b64(bytes.fromhex(proof["rootHash"])),
            "treeSize": str(proof["treeSize"]),
            "hashes": [_b64(bytes.fromhex(one)) for one in proof["hashes"]],
            "checkpoint": {"envelope": proof["checkpoint"]},
        },
        "canonicalizedBody": entry["body"],
    }


def _instance(url: str, public: PublicKey) -> Json:
    own = {"rawBytes": _b64(spki(public)), "keyDetails": "PKIX_ECDSA_P256_SHA_256"}
    return {
        "baseUrl": url,
        "hashAlgorithm": "SHA2_256",
        "publicKey": {**own, "validFor": SINCE},
        "logId": {"keyId": _b64(hashlib.sha256(spki(public)).digest())},
    }


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)


def _b64(content: bytes) -> str:
    return base64.b64encode(content).decode()
