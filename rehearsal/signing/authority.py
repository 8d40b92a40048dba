"""A certificate authority that certifies a job's key for ten minutes, by its identity token.

The forms: Fulcio's certificate specification and its list of object identifiers; RFC 6962 for the
signed certificate timestamp, without which sigstore's clients take no certificate.
"""

import hashlib
import struct
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from rehearsal.signing.keys import ECDSA, PublicKey, kept, key, spki

LIFE = timedelta(minutes=10)
ORGANIZATION = "rehearsal.invalid"
FORGE = "https://github.com"
ISSUER = "https://token.actions.githubusercontent.com"
"""Under these names the world's certificates speak of its own GitHub, so that verifiers need no
option that a user would not need."""
ARC = "1.3.6.1.4.1.57264.1"
SCTS = ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
SHORT = 128  # the first length that DER writes in more than one byte


class Authority:
    """Certifies keys; its own lie in `folder`."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._key, self._log_key = key(folder / "ca.pem"), key(folder / "ct.pem")
        file = folder / "ca.crt"
        if not file.exists():
            kept(file, self._root().public_bytes(serialization.Encoding.PEM))
        self.root = x509.load_pem_x509_certificate(file.read_bytes())

    @property
    def log_key(self) -> PublicKey:
        """The key that checks its certificate timestamps."""
        return self._log_key.public_key()

    def certify(
        self, public: PublicKey, claims: Mapping[str, str], now: datetime | None = None
    ) -> x509.Certificate:
        """Certify that a job with these claims has this key, from `now` on."""
        began = now or datetime.now(UTC)
        draft = self._draft(public, claims, began)
        body = draft.sign(self._key, hashes.SHA256()).tbs_certificate_bytes
        listed = _sized(_sized(self._timestamp(body, began)))
        octets = b"\x04" + _length(len(listed)) + listed
        full = draft.add_extension(x509.UnrecognizedExtension(SCTS, octets), critical=False)
        return full.sign(self._key, hashes.SHA256())

    def _root(self) -> x509.Certificate:
        name, now = _name("certificate authority"), datetime.now(UTC)
        usage = x509.KeyUsage(
            **dict.fromkeys(_USAGES, False) | {"key_cert_sign": True, "crl_sign": True}
        )
        own = self._key.public_key()
        return (
            x509.CertificateBuilder(name, name, own, x509.random_serial_number())
            .not_valid_before(now - timedelta(days=2))
            .not_valid_after(now + timedelta(days=3650))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(own), critical=False)
            .sign(self._key, hashes.SHA256())
        )

    def _draft(
        self, public: PublicKey, claims: Mapping[str, str], began: datetime
    ) -> x509.CertificateBuilder:
        usage = x509.KeyUsage(**dict.fromkeys(_USAGES, False) | {"digital_signature": True})
        signing = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING])
        signer = x509.UniformResourceIdentifier(f"{FORGE}/{claims['job_workflow_ref']}")
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        number = x509.random_serial_number()
        draft = (
            x509.CertificateBuilder(self.root.subject, x509.Name([]), public, number)
            .not_valid_before(began)
            .not_valid_after(began + LIFE)
            .add_extension(usage, critical=True)
            .add_extension(signing, critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(issuer, critical=False)
            .add_extension(x509.SubjectAlternativeName([signer]), critical=True)
        )
        for number, value in extensions(claims).items():
            name = ObjectIdentifier(f"{ARC}.{number}")
            draft = draft.add_extension(x509.UnrecognizedExtension(name, value), critical=False)
        return draft

    def _timestamp(self, body: bytes, began: datetime) -> bytes:
        """Promise that the certificate is in a log (RFC 6962, 3.2)."""
        when = struct.pack(">Q", int(began.timestamp() * 1000))
        issuer = hashlib.sha256(spki(self._key.public_key())).digest()
        entry = len(body).to_bytes(3, "big") + body
        signed = b"\0\0" + when + b"\0\x01" + issuer + entry + b"\0\0"
        signature = self._log_key.sign(signed, ECDSA)
        log = hashlib.sha256(spki(self.log_key)).digest()
        return b"\0" + log + when + b"\0\0" + b"\x04\x03" + _sized(signature)


_USAGES = (
    *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"),
    *("key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
)


def extensions(claims: Mapping[str, str]) -> dict[int, bytes]:
    """Return what a certificate says of the job, by the numbers of Fulcio's list."""
    repository = f"{FORGE}/{claims['repository']}"
    run = f"{repository}/actions/runs/{claims['run_id']}/attempts/{claims['run_attempt']}"
    said = {
        8: ISSUER,
        9: f"{FORGE}/{claims['job_workflow_ref']}",
        10: claims["job_workflow_sha"],
        11: claims["runner_environment"],
        12: repository,
        13: claims["sha"],
        14: claims["ref"],
        15: claims["repository_id"],
        16: f"{FORGE}/{claims['repository_owner']}",
        17: claims["repository_owner_id"],
        18: f"{FORGE}/{claims['workflow_ref']}",
        19: claims["workflow_sha"],
        20: claims["event_name"],
        21: run,
        22: claims["repository_visibility"],
    }
    # The first is older than the rule that a value is a UTF8String.
    return {1: ISSUER.encode()} | {number: _text(value) for number, value in said.items()}


def _name(common: str) -> x509.Name:
    organization = x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANIZATION)
    return x509.Name([organization, x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _text(value: str) -> bytes:
    """Write a UTF8String (X.690)."""
    content = value.encode()
    return b"\x0c" + _length(len(content)) + content


def _length(size: int) -> bytes:
    if size < SHORT:
        return bytes([size])
    digits = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([SHORT | len(digits)]) + digits


def _sized(content: bytes) -> bytes:
    return struct.pack(">H", len(content)) + content
