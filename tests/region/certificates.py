"""CAs and certificates of the region, made once for each user and kept in a private folder under the temp directory."""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from dataclasses import astuple
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.region.world import Certificate, World

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes

FRESH = 12 * 3600  # seconds: after that a certificate is made anew, so that the ages promised stay true
VERSION = 3
YEARS = 365 * 86400


def issue(world: World) -> None:
    """Fill `world.pem`: for each certificate the path of its file (key and chain), and `root:KEY` with its root."""
    for key, wanted in world.certificates.items():
        subjects = wanted.names or _subjects(world, key)
        world.pem[key] = str(_cached("leaf", (*astuple(wanted), subjects, world.clock), _leaf))
        world.pem[f"root:{key}"] = str(_cached("root", (wanted.issuer, wanted.common_name, world.clock), _root))


def _subjects(world: World, key: str) -> tuple[str, ...]:
    """Few names that cover all, one wildcard for each parent domain; what is not AWS's is on a certificate of its own,
    but a device in the path signs for both."""
    amazon = {"amazon": (True,), "public": (False,)}.get(key, (True, False))
    parents = [name.split(".", 1)[1] for name, one in world.names.items() if one.amazon in amazon]
    return tuple(dict.fromkeys(f"*.{parent}" for parent in parents))


def folder() -> Path:
    """The cache: only its owner can write there, else someone else's CA could be slipped in."""
    path = Path(tempfile.gettempdir()) / f"anywhere-region-{os.getuid()}"
    path.mkdir(mode=0o700, exist_ok=True)
    stat = path.lstat()
    if stat.st_uid != os.getuid() or stat.st_mode & 0o077 or path.is_symlink():
        raise PermissionError(f"{path} is not a private folder of this user")
    return path


def _cached(kind: str, recipe: tuple[Any, ...], make: Any) -> Path:
    digest = hashlib.sha256(repr((VERSION, kind, recipe)).encode()).hexdigest()[:20]
    path = folder() / f"{kind}-{digest}.pem"
    if path.exists() and time.time() - path.stat().st_mtime < FRESH:
        return path
    _write(path, make(*recipe))
    return path


def _write(path: Path, content: bytes) -> None:
    part = path.with_suffix(f".{os.getpid()}.{time.monotonic_ns()}")
    part.touch(mode=0o600)
    part.write_bytes(content)
    part.replace(path)


def _key(name: str, kind: str = "rsa") -> CertificateIssuerPrivateKeyTypes:
    """A private key that is made once: which key it is never matters here, and RSA keys take long to make."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    path = folder() / f"key-{hashlib.sha256(f'{name}/{kind}'.encode()).hexdigest()[:20]}.pem"
    if not path.exists():
        made = rsa.generate_private_key(65537, 2048) if kind == "rsa" else ec.generate_private_key(ec.SECP256R1())
        plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        _write(path, made.private_bytes(*plain))
    key = serialization.load_pem_private_key(path.read_bytes(), None)
    assert isinstance(key, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey))
    return key


def _root(issuer: str, common_name: str, clock: float) -> bytes:
    return _pem(_authority(issuer, common_name, clock))


def _leaf(*recipe: Any) -> bytes:
    """Key, leaf and (where it is sent) the intermediate in one PEM file."""
    *fields, subjects, clock = recipe
    wanted = Certificate(*fields)
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.x509.oid import ExtendedKeyUsageOID

    key = _key("leaf", wanted.key)
    signer, signer_key = _intermediate(wanted, clock)
    now = time.time() + clock
    builder = _builder(_name(None, subjects[0]), signer.subject, key, now - wanted.age, now - wanted.age + wanted.life)
    if wanted.has_names:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(one) for one in subjects]), False)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)
    builder = builder.add_extension(x509.BasicConstraints(False, None), True)
    builder = builder.add_extension(_usage(False), True)
    builder = builder.add_extension(_issuer_id(signer), False)
    leaf = builder.sign(signer_key, hashes.SHA256())
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*plain) + _pem(leaf) + (_pem(signer) if wanted.sends_intermediate else b"")


def _intermediate(wanted: Certificate, clock: float) -> tuple[x509.Certificate, CertificateIssuerPrivateKeyTypes]:
    from cryptography.hazmat.primitives import hashes

    root = _authority(wanted.issuer, wanted.common_name, clock)
    key = _key(f"intermediate of {wanted.issuer} {wanted.common_name}")
    now = time.time() + clock
    subject = _name(wanted.issuer, f"{wanted.issuer.split()[0]} RSA 2048 M02")
    builder = _authority_extensions(_builder(subject, root.subject, key, now - 2 * YEARS, now + 3 * YEARS), key, 0)
    signed: x509.Certificate = builder.add_extension(_issuer_id(root), False).sign(
        _key(f"{wanted.issuer} {wanted.common_name}"), hashes.SHA256()
    )
    return signed, key


def _authority(issuer: str, common_name: str, clock: float) -> x509.Certificate:
    from cryptography.hazmat.primitives import hashes

    key = _key(f"{issuer} {common_name}")
    subject = _name(issuer, common_name)
    start = 1_432_598_400 + (clock if abs(clock) > YEARS else 0)
    builder = _authority_extensions(_builder(subject, subject, key, start, start + 25 * YEARS), key, None)
    signed: x509.Certificate = builder.sign(key, hashes.SHA256())
    return signed


def _authority_extensions(builder: Any, key: CertificateIssuerPrivateKeyTypes, length: int | None) -> Any:
    from cryptography import x509

    builder = builder.add_extension(x509.BasicConstraints(True, length), True).add_extension(_usage(True), True)
    return builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)


def _builder(subject: Any, issuer: Any, key: Any, start: float, end: float) -> Any:
    import datetime

    from cryptography import x509

    moments = [datetime.datetime.fromtimestamp(int(one), datetime.UTC) for one in (start, end)]
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    return builder.not_valid_before(moments[0]).not_valid_after(moments[1])


def _issuer_id(signer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    from cryptography import x509

    own = signer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own)


def _usage(is_authority: bool) -> x509.KeyUsage:
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=not is_authority,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        encipher_only=False,
        decipher_only=False,
    )


def _name(organization: str | None, common_name: str) -> x509.Name:
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    parts = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    if organization:
        parts = [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "US"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization),
        ] + parts
    return x509.Name(parts)


def _pem(certificate: x509.Certificate) -> bytes:
    from cryptography.hazmat.primitives import serialization

    return certificate.public_bytes(serialization.Encoding.PEM)
