"""Is this package the one that its maker signed: OpenPGP in this process, with no program and no call to anyone.

Everything that can be wrong has its own reason, because each has its own fix.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from anywhere.artifacts.keys import PINNED_SOURCE, SigningKey
from anywhere.errors import AnywhereError
from anywhere.files import open_input
from anywhere.frozen import frozen

REASONS = (
    "no-verifier", "no-signature", "not-a-package", "proxy-page", "truncated", "unknown-key", "expired-key",
    "revoked-key", "weak-signature", "bad-signature", "wrong-hash",
)  # fmt: skip
MAGIC = {".deb": b"!<arch>\n", ".rpm": b"\xed\xab\xee\xdb", ".gz": b"\x1f\x8b"}
_WEAK = frozenset(("md5", "ripemd160"))  # sha1 stays allowed: AWS's older signatures may use it, and gpg takes it
_CHUNK = 1 << 20


class Untrusted(AnywhereError):
    """A package that must not be unpacked (exit code 1, cause `code`). `reason` is one of REASONS."""

    exit_code, code = 1, "package.untrusted"

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@frozen
class Vouched:
    """Who vouches for a file: its SHA-256, the signing key's and its primary's fingerprint, the owner, and where the
    key came from (`pinned`, or a keyring's path)."""

    path: str
    sha256: str
    key: str
    primary: str
    owner: str
    source: str
    hash: str

    def __str__(self) -> str:
        origin = "a key pinned in this program" if self.source == PINNED_SOURCE else f"a key of {self.source}"
        return f"signed by {self.owner}, {origin} ({self.key})"


def require_package(path: str) -> None:
    """Refuse what is no package of its kind before anything else. Raises Untrusted."""
    name = os.path.basename(path)
    with open_input(path) as file:
        head = file.read(512)
    looks_like = head.lstrip().lower()
    if looks_like.startswith((b"<!doctype", b"<html", b"<?xml", b"<head", b"<body")):
        raise Untrusted("proxy-page", f"{name} is a web page, not a package: a proxy or portal answered in its place")
    magic = next((mark for end, mark in MAGIC.items() if name.endswith(end)), b"")
    if not head.startswith(magic):
        raise Untrusted("not-a-package", f"{name} is not a {name.rpartition('.')[2]} package")
    if name.endswith(".deb") and not _is_whole_archive(path):
        raise Untrusted("truncated", f"{name} is cut short: download it again")


def _is_whole_archive(path: str) -> bool:
    """An ar archive says how long each member is; a cut one ends before that."""
    size = os.path.getsize(path)
    place = 8
    with open(path, "rb") as file:
        while place < size:
            file.seek(place)
            head = file.read(60)
            length = head[48:58].strip()
            if len(head) < 60 or head[58:] != b"`\n" or not length.isdigit():
                return False
            place += 60 + int(length) + int(length) % 2
    return place in (size, size + 1)


def verify(path: str, signature: bytes, keys: Sequence[SigningKey], package: str, now: float) -> Vouched:
    """Who vouches for this package, at `now` (epoch seconds). Raises Untrusted."""
    name = os.path.basename(path)
    require_package(path)
    parsed = _signatures(signature, name)
    signature_of, key = _vouching(parsed, keys, package, name)
    _require_valid(key, now, name)
    made = signature_of.signature
    if (made.hash_alg() or "") in _WEAK:
        raise Untrusted("weak-signature", f"the signature of {name} uses {made.hash_alg()}, which proves nothing")
    _check(signature_of, key, path, name)
    return Vouched(path, sha256(path), key.fingerprint, key.primary, key.owner, key.source, made.hash_alg() or "")


def sha256(path: str) -> str:
    """The digest of a file in hexadecimal."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(_CHUNK):
            digest.update(piece)
    return digest.hexdigest()


def _signatures(data: bytes, name: str) -> list[object]:
    try:
        from openpgp.composed import DetachedSignature
        from openpgp.errors import Error
    except ImportError:
        raise Untrusted(
            "no-verifier", f"{name} cannot be verified: the Python package rpgp-py is not installed here"
        ) from None
    if not data.strip():
        raise Untrusted("no-signature", f"{name} has no signature")
    if data.lstrip()[:1] == b"<":
        raise Untrusted("proxy-page", f"the signature of {name} is a web page: a proxy or portal answered in its place")
    try:
        if data.lstrip().startswith(b"-----BEGIN"):
            return list(DetachedSignature.from_armor_many(data.decode("ascii", "replace"))[0])
        return list(DetachedSignature.from_bytes_many(data))
    except Error:
        raise Untrusted(
            "bad-signature", f"the signature of {name} is not an OpenPGP signature, or is cut short"
        ) from None


def _vouching(parsed: Sequence[Any], keys: Sequence[SigningKey], package: str, name: str) -> tuple[Any, SigningKey]:
    """The first signature whose key is known and may sign this package."""
    seen: list[str] = []
    for one in parsed:
        made = one.signature
        issuers = [issuer.upper() for issuer in (*made.issuer_fingerprint(), *made.issuer_key_id())]
        seen += issuers[:1]
        for key in keys:
            if key.signs in ("", package) and any(key.fingerprint.endswith(issuer) for issuer in issuers):
                return one, key
    by = f"key {seen[0]}" if seen else "a key without a name"
    raise Untrusted("unknown-key", f"{name} is signed by {by}, which is neither pinned nor in --keyring")


def _require_valid(key: SigningKey, now: float, name: str) -> None:
    if key.revoked:
        raise Untrusted("revoked-key", f"{name} is signed by {key.fingerprint}, which its owner has revoked")
    if key.ends and now > key.ends:
        day = datetime.fromtimestamp(key.ends, UTC).strftime("%Y-%m-%d")
        raise Untrusted(
            "expired-key", f"{name} is signed by {key.fingerprint}, which expired on {day}: fetch a current package"
        )


def _check(signature: Any, key: SigningKey, path: str, name: str) -> None:
    from openpgp.errors import Error

    if signature.signature.typ() != "binary":
        raise Untrusted("bad-signature", f"the signature of {name} is not one over a file")
    try:
        signature.verify_file(key.certificate, path)
    except Error:
        message = f"{name} is not what {key.owner} signed: it was changed, or the signature belongs to another file"
        raise Untrusted("bad-signature", message) from None
