"""Whether a certificate's signature is its parent's, with the algorithms that Go still takes.

Source: Go crypto/x509 x509.go, checkSignature: MD2, MD5 and SHA-1 are refused, SHA-224 is not known. The arithmetic is
`cryptography`'s, imported when a chain is checked.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from anywhere.hosts.probe.go.x509 import der
from anywhere.hosts.probe.go.x509.certificate import ECDSA, ED25519, RSA, Certificate
from anywhere.hosts.probe.go.x509.der import Malformed, Reader

PSS = "1.2.840.113549.1.1.10"
_WEAK = ("1.2.840.113549.1.1.2", "1.2.840.113549.1.1.4", "1.2.840.113549.1.1.5", "1.3.14.3.2.29", "1.2.840.10045.4.1")
# Signature algorithm -> kind of key and hash.
_KNOWN: Mapping[str, tuple[str, str]] = {
    "1.2.840.113549.1.1.11": (RSA, "SHA256"),
    "1.2.840.113549.1.1.12": (RSA, "SHA384"),
    "1.2.840.113549.1.1.13": (RSA, "SHA512"),
    "1.2.840.10045.4.3.2": (ECDSA, "SHA256"),
    "1.2.840.10045.4.3.3": (ECDSA, "SHA384"),
    "1.2.840.10045.4.3.4": (ECDSA, "SHA512"),
    ED25519: (ED25519, ""),
}
_HASHES = {
    "2.16.840.1.101.3.4.2.1": ("SHA256", 32),
    "2.16.840.1.101.3.4.2.2": ("SHA384", 48),
    "2.16.840.1.101.3.4.2.3": ("SHA512", 64),
}


def why_not(child: Certificate, parent: Certificate) -> str:
    """Empty when `parent` signed `child`, else why Go does not take it."""
    if parent.version == 3 and not parent.extensions.is_ca:
        return "the issuer may not sign: it has no basicConstraints with CA"
    if parent.extensions.is_ca is False:
        return "the issuer may not sign: basicConstraints says that it is no CA"
    if parent.extensions.usage and not parent.extensions.usage & 1 << 5:
        return "the issuer's key usage does not allow it to sign certificates"
    if not parent.key_known:
        return "the issuer's key is of a kind that Go does not know"
    oid = Reader(child.algorithm).oid("OID")
    if oid in _WEAK:
        return "signed with an algorithm that Go refuses (MD5 or SHA-1)"
    kind, digest = _pss(child.algorithm) if oid == PSS else _KNOWN.get(oid, ("", ""))
    if not kind:
        return "signed with an algorithm that Go does not know"
    if kind != parent.key_kind:
        return "the signature's algorithm is not that of the issuer's key"
    signed = _verifies(parent.spki, child.signature, child.tbs, digest, oid == PSS)
    return "" if signed else "the signature is not the issuer's"


def _pss(algorithm: bytes) -> tuple[str, str]:
    """RSA-PSS in the three forms that Go takes: one hash for both, a salt as long as it, trailer 1."""
    reader = Reader(algorithm)
    try:
        reader.oid("OID")
        parameters = reader.into(der.SEQUENCE, "PSS parameters")
        hashed = parameters.into(0xA0, "PSS hash").into(der.SEQUENCE, "PSS hash")
        name, size = _HASHES.get(hashed.oid("PSS hash"), ("", 0))
        mask = parameters.into(0xA1, "PSS mask").into(der.SEQUENCE, "PSS mask")
        mask.oid("PSS mask")
        same = _HASHES.get(mask.into(der.SEQUENCE, "PSS mask").oid("PSS mask"), ("", 0))[0] == name
        salt = parameters.into(0xA2, "PSS salt").integer("PSS salt")
        trailer = parameters.into(0xA3, "PSS trailer").integer("PSS trailer") if parameters.tag == 0xA3 else 1
    except Malformed:
        return "", ""
    return (RSA, name) if name and same and salt == size and trailer == 1 else ("", "")


@lru_cache(maxsize=256)
def _verifies(spki: bytes, signature: bytes, signed: bytes, digest: str, pss: bool) -> bool:
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        key = load_der_public_key(spki)
        algorithm = getattr(hashes, digest)() if digest else None
        if isinstance(key, rsa.RSAPublicKey) and algorithm is not None:
            scheme = padding.PSS(padding.MGF1(algorithm), algorithm.digest_size) if pss else padding.PKCS1v15()
            key.verify(signature, signed, scheme, algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey) and algorithm is not None:
            key.verify(signature, signed, ec.ECDSA(algorithm))
        elif isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, signed)
        else:
            return False
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True
