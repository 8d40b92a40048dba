"""The certificate of a signature: it says which run of which workflow signed.

Nothing here checks a certificate: verifiers do.
"""

import base64
from typing import Any, NamedTuple

COMMIT = "1.3.6.1.4.1.57264.1.13"
"""Where a certificate says the commit (Fulcio's list): a UTF8String after two bytes of header."""


class Signed(NamedTuple):
    """Who signed a bundle."""

    name: str
    """`https://github.com/OWNER/NAME/FILE@REF`."""
    commit: str


def signer_of(bundle: dict[str, Any]) -> Signed | None:
    """Return who signed a bundle, as its certificate says; None if it cannot be read."""
    from cryptography import x509  # noqa: PLC0415 - start-up counts

    try:
        raw = bundle["verificationMaterial"]["certificate"]["rawBytes"]
        certificate = x509.load_der_x509_certificate(base64.b64decode(raw))
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        (uri,) = names.get_values_for_type(x509.UniformResourceIdentifier)
        digest = certificate.extensions.get_extension_for_oid(x509.ObjectIdentifier(COMMIT)).value
    except (LookupError, TypeError, ValueError, x509.ExtensionNotFound):
        return None
    assert isinstance(digest, x509.UnrecognizedExtension)  # noqa: S101 -- nobody registers it
    return Signed(str(uri), digest.value[2:].decode("ascii", "replace"))
