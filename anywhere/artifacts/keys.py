"""OpenPGP keys that may vouch for packages: the pinned ones of AWS, and those of a file that the user names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from anywhere.catalogue.signing_keys import PINNED, key_file
from anywhere.errors import BadInput
from anywhere.files import open_input
from anywhere.frozen import frozen

PINNED_SOURCE = "pinned"
LARGEST = 1 << 20  # bytes of a keyring: a key has a few thousand
_BLOCK = re.compile(r"-----BEGIN PGP PUBLIC KEY BLOCK-----.*?-----END PGP PUBLIC KEY BLOCK-----", re.S)


@frozen
class SigningKey:
    """One key that can make signatures, a primary or a subkey. `certificate` is the OpenPGP object that holds it, `ends`
    when it expires in epoch seconds (0: never), `source` `pinned` or the path of a keyring, `signs` the one package
    that it may vouch for (empty: any)."""

    fingerprint: str
    primary: str
    owner: str
    source: str
    certificate: object
    signs: str = ""
    ends: float = 0.0
    revoked: bool = False


def load_keys(keyring: str = "") -> tuple[SigningKey, ...]:
    """The pinned keys, and those of a keyring where one is named. Raises BadInput for a file that is no keyring."""
    return (*pinned_keys(), *(_from_file(keyring) if keyring else ()))


@cache
def pinned_keys() -> tuple[SigningKey, ...]:
    """The keys of the table that are really in the shipped files, each checked by its fingerprint."""
    rows = {row.fingerprint: row for row in PINNED}
    found: list[SigningKey] = []
    for file in dict.fromkeys(row.file for row in PINNED):
        for certificate in _parse(key_file(file).encode()):
            row = rows.get(str(certificate.fingerprint).upper())
            if row:
                allowed = row.signing or (row.fingerprint,)
                for one in _signing(certificate, row.owner, PINNED_SOURCE, row.signs):
                    if one.fingerprint in allowed:
                        found.append(one)
    return tuple(found)


def _from_file(path: str) -> tuple[SigningKey, ...]:
    try:
        with open_input(path) as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise BadInput(f"--keyring {path}: cannot be read: {error.strerror}") from None
    if b"PRIVATE KEY BLOCK" in data:
        raise BadInput(f"--keyring {path}: holds a private key; export the public one: gpg --armor --export NAME")
    try:
        certificates = list(_parse(data)) if len(data) <= LARGEST else []
    except ValueError:  # its text is about packets and bits
        certificates = []
    if not certificates:
        raise BadInput(f"--keyring {path}: holds no OpenPGP public key (gpg --armor --export NAME writes one)")
    return tuple(one for found in certificates for one in _signing(found, "", path, ""))


def _parse(data: bytes) -> Iterator[Any]:
    """Certificates, armored (several blocks in one file) or binary. Raises ValueError."""
    from openpgp.composed import SignedPublicKey
    from openpgp.errors import Error

    text = data.decode("ascii", "replace")
    try:
        if "BEGIN PGP" not in text:
            yield from SignedPublicKey.from_bytes_many(data) if data else ()
            return
        for block in _BLOCK.findall(text):
            yield from SignedPublicKey.from_armor_many(block + "\n")[0]
    except Error as error:
        raise ValueError(str(error).splitlines()[0][:200]) from None


def _signing(certificate: Any, owner: str, source: str, signs: str) -> Iterator[SigningKey]:
    """The primary key and the subkeys that it has bound for signing."""
    primary = str(certificate.fingerprint).upper()
    own = [one for user in certificate.details.users for one in user.signatures if _is_by(one, certificate)]
    latest = max(own, key=lambda one: one.created() or 0, default=None)
    revoked = bool(certificate.details.revocation_signatures)
    owner = owner or next(iter(certificate.user_ids), primary)
    ends = _ends(certificate.created_at, latest)
    yield SigningKey(primary, primary, owner, source, certificate, signs, ends, revoked)
    for subkey in certificate.public_subkeys:
        bindings = [one for one in subkey.signatures if _binds(one, certificate, subkey)]
        gone = revoked or any("revocation" in (one.typ() or "") for one in subkey.signatures)
        if bindings:
            last = max(bindings, key=lambda one: one.created() or 0)
            sub_ends = _ends(subkey.key.created_at, last)
            both = min((end for end in (ends, sub_ends) if end), default=0.0)
            yield SigningKey(subkey.key.fingerprint.upper(), primary, owner, source, certificate, signs, both, gone)


def _is_by(signature: Any, certificate: Any) -> bool:
    issuers = {str(one).lower() for one in (*signature.issuer_fingerprint(), *signature.issuer_key_id())}
    return bool(issuers & {str(certificate.fingerprint).lower(), str(certificate.key_id).lower()})


def _binds(signature: Any, certificate: Any, subkey: Any) -> bool:
    from openpgp.errors import Error

    if signature.typ() != "subkey-binding" or not signature.key_flags().sign:
        return False
    try:
        signature.verify_subkey_binding(certificate.primary_key, subkey.key)
    except Error:
        return False
    return True


def _ends(created: int, signature: Any) -> float:
    lasts = signature.key_expiration_time() if signature is not None else None
    return float(created + lasts) if lasts else 0.0
