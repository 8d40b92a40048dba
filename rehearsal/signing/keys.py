"""Keys that a kept world signs with for as long as it is there."""

import secrets
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

ECDSA = ec.ECDSA(hashes.SHA256())
PublicKey = ec.EllipticCurvePublicKey


def key(file: Path) -> ec.EllipticCurvePrivateKey:
    """Read a key, or make it."""
    if not file.exists():
        formats = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        made = ec.generate_private_key(ec.SECP256R1())
        kept(file, made.private_bytes(serialization.Encoding.PEM, *formats))
    found = serialization.load_pem_private_key(file.read_bytes(), None)
    assert isinstance(found, ec.EllipticCurvePrivateKey)  # noqa: S101 -- this file is ours
    return found


def kept(file: Path, content: bytes) -> bytes:
    """Write a file for the owner's eyes only, whole or not at all."""
    draft = file.with_suffix(f".{secrets.token_hex(8)}")
    draft.touch(mode=0o600)
    draft.write_bytes(content)
    draft.replace(file)
    return content


def spki(public: PublicKey) -> bytes:
    """Return a public key as verifiers store it (RFC 5280, SubjectPublicKeyInfo)."""
    return public.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
