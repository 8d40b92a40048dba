"""A transparency log: entries are appended, and each answer proves that an entry is in it.

The forms: Rekor's API of version 1 with its entries of the kind `dsse`; RFC 6962 for the tree and
its proofs; C2SP's signed note for the checkpoint.
"""

import base64
import hashlib
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec

from rehearsal.signing.keys import ECDSA, PublicKey, key, spki

ORIGIN = "log.rehearsal.invalid"
TREE = 1
Json = dict[str, Any]


class ThereError(Exception):
    """The log has this entry; the text is its identifier."""


class RefusedError(Exception):
    """The entry cannot be taken, and the text says why."""


class Log:
    """The log in `folder`."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._key, self._file = key(folder / "log.pem"), folder / "log.jsonl"

    @property
    def public_key(self) -> PublicKey:
        """The key that checks what it signs."""
        return self._key.public_key()

    @property
    def name(self) -> bytes:
        """The log's identifier: the hash of its key."""
        return hashlib.sha256(spki(self.public_key)).digest()

    def append(self, proposal: Json) -> tuple[str, Json]:
        """Take an entry; return its identifier and the log's answer about it.

        Raises `ThereError` and `RefusedError`.
        """
        body = canonical(_stored(proposal))
        entries = self._entries()
        if body in (known for known, _ in entries):
            raise ThereError(identifier(body))
        with self._file.open("a") as file:
            line = {"body": base64.b64encode(body).decode(), "time": int(time.time())}
            file.write(json.dumps(line) + "\n")
        return self.answer(len(entries))

    def find(self, wanted: str) -> tuple[str, Json]:
        """Return an entry by its identifier. Raises LookupError."""
        for index, (body, _) in enumerate(self._entries()):
            if identifier(body) == wanted:
                return self.answer(index)
        raise LookupError(wanted)

    def answer(self, index: int) -> tuple[str, Json]:
        """Return an entry with the promise and the proof that it is in the log."""
        entries = self._entries()
        body, when = entries[index]
        leaves = [leaf(one) for one, _ in entries]
        said: Json = {
            "body": base64.b64encode(body).decode(),
            "integratedTime": when,
            "logID": self.name.hex(),
            "logIndex": index,
        }
        proof = {
            "checkpoint": self._checkpoint(leaves),
            "hashes": [one.hex() for one in path(index, leaves)],
            "logIndex": index,
            "rootHash": root(leaves).hex(),
            "treeSize": len(leaves),
        }
        promise = base64.b64encode(self._key.sign(canonical(said), ECDSA)).decode()
        verification = {"signedEntryTimestamp": promise, "inclusionProof": proof}
        return identifier(body), {**said, "verification": verification}

    def _entries(self) -> list[tuple[bytes, int]]:
        lines = self._file.read_text().splitlines() if self._file.exists() else []
        read = [json.loads(line) for line in lines]
        return [(base64.b64decode(one["body"]), one["time"]) for one in read]

    def _checkpoint(self, leaves: Sequence[bytes]) -> str:
        note = f"{ORIGIN} - {TREE}\n{len(leaves)}\n{base64.b64encode(root(leaves)).decode()}\n"
        signed = self.name[:4] + self._key.sign(note.encode(), ECDSA)
        return f"{note}\n\u2014 {ORIGIN} {base64.b64encode(signed).decode()}\n"


def canonical(value: Json) -> bytes:
    """Write JSON with its keys in order and without spaces (RFC 8785, for what is written here)."""
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


def identifier(body: bytes) -> str:
    """Return an entry's identifier: the tree's number, then the leaf's hash."""
    return f"{TREE:016x}{leaf(body).hex()}"


def _stored(proposal: Json) -> Json:
    """Return what the log keeps of an entry, whose signature must be right."""
    try:
        if (proposal["kind"], proposal["apiVersion"]) != ("dsse", "0.0.1"):
            raise RefusedError(f"this log takes no {proposal['kind']} {proposal['apiVersion']}")
        content = proposal["spec"]["proposedContent"]
        text, (verifier,) = content["envelope"], content["verifiers"]
        envelope = json.loads(text)
        payload = base64.b64decode(envelope["payload"])
        signature = envelope["signatures"][0]["sig"]
        certificate = x509.load_pem_x509_certificate(base64.b64decode(verifier))
        public = certificate.public_key()
        if not isinstance(public, ec.EllipticCurvePublicKey):
            raise RefusedError("the verifier's key is not on an elliptic curve")
        signed = preauthenticated(envelope["payloadType"], payload)
        public.verify(base64.b64decode(signature), signed, ECDSA)
    except (LookupError, TypeError, ValueError) as error:
        raise RefusedError(f"the entry is malformed: {error!r}") from error
    except InvalidSignature as error:
        raise RefusedError("the signature does not fit the envelope") from error
    hashed = {"algorithm": "sha256", "value": hashlib.sha256(text.encode()).hexdigest()}
    about = {"algorithm": "sha256", "value": hashlib.sha256(payload).hexdigest()}
    signatures = [{"signature": signature, "verifier": verifier}]
    spec = {"envelopeHash": hashed, "payloadHash": about, "signatures": signatures}
    return {"apiVersion": "0.0.1", "kind": "dsse", "spec": spec}


def preauthenticated(kind: str, payload: bytes) -> bytes:
    """Return what is signed of an envelope (DSSE protocol, PAE)."""
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(payload), payload)


def leaf(body: bytes) -> bytes:
    """Hash an entry (RFC 6962, 2.1)."""
    return hashlib.sha256(b"\0" + body).digest()


def node(left: bytes, right: bytes) -> bytes:
    """Hash two nodes."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def split(size: int) -> int:
    """Return the largest power of two below a size of at least two."""
    return 1 << (size - 1).bit_length() - 1


def root(leaves: Sequence[bytes]) -> bytes:
    """Hash a whole tree (RFC 6962, 2.1)."""
    if len(leaves) == 1:
        return leaves[0]
    middle = split(len(leaves))
    return node(root(leaves[:middle]), root(leaves[middle:]))


def path(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """Return the nodes that prove a leaf to be in the tree (RFC 6962, 2.1.1)."""
    if len(leaves) == 1:
        return []
    middle = split(len(leaves))
    if index < middle:
        return [*path(index, leaves[:middle]), root(leaves[middle:])]
    return [*path(index - middle, leaves[middle:]), root(leaves[:middle])]
