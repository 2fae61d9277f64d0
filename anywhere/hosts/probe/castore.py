"""The CA store as Go programs find it: the first readable file of a fixed list, and every file in the folders.

Source: Go's crypto/x509 root_linux.go and root_unix.go. SSL_CERT_FILE replaces the list of files, SSL_CERT_DIR the
folders. The agents are Go programs, so this list, not OpenSSL's, decides whom they trust.
"""

from __future__ import annotations

import base64
import hashlib
import ssl
import sys
import threading
from collections.abc import Iterator
from typing import Protocol

from anywhere.hosts.bounds import STORE
from anywhere.hosts.probe.go.x509.pem import certificates

FILES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
FOLDERS = ("/etc/ssl/certs", "/etc/pki/tls/certs")
MOST_FILES = 20_000  # in a folder, links included
MORE = "more="  # before the folder of a registry, whose .crt files dockerd adds to its store
MOST_CACHED = 1 << 20  # bytes of a store that is kept for other hosts


class Reader(Protocol):
    """The part of a host that is needed here."""

    def read(self, path: str, *, tail: int = 0) -> bytes:
        """A file's content."""

    def listdir(self, path: str) -> tuple[str, ...]:
        """The names in a folder."""

    def real(self, path: str) -> str:
        """Where a path leads, links followed."""


def load_trust(host: Reader, spec: str) -> bytes:
    """The PEM text of a store: the first file that can be read, whatever is in it, and all files of the folders.

    `spec` is empty for the host's own, else parts `file=PATH`, `dir=PATH` and `within=FOLDER` joined by `|`, or `none`
    for no store. With `within`, what leads out of those folders is not there: the agent's container has no more.
    """
    files, folders, within = store_paths(spec)
    texts = [next((text for path in files if (text := _bytes(host, path, within)) is not None), b"")]
    left = STORE.size - len(texts[0])
    for path in _members(host, folders, within):
        text = _bytes(host, path, within) if left > 0 else None
        texts.append(text or b"")
        left -= len(text or b"")
    return b"\n".join(texts)


def _members(host: Reader, folders: tuple[str, ...], within: tuple[str, ...]) -> Iterator[str]:
    """The files of folders; of a registry's folder (`more=`) those that dockerd reads."""
    for folder in folders:
        only = ".crt" if folder.startswith(MORE) else ""
        folder = folder.removeprefix(MORE)
        try:
            names = host.listdir(folder) if _is_within(host, folder, within) else ()
        except OSError:
            continue
        yield from (f"{folder}/{name}" for name in names[:MOST_FILES] if name.endswith(only))


def _bytes(host: Reader, path: str, within: tuple[str, ...]) -> bytes | None:
    try:
        return host.read(path) if _is_within(host, path, within) else None
    except OSError:
        return None


def _is_within(host: Reader, path: str, within: tuple[str, ...]) -> bool:
    return not within or any(f"{host.real(path)}/".startswith(f"{folder}/") for folder in within)


def roots_of_windows() -> bytes:
    """The PEM text of that system's own stores: Go programs ask Windows itself, which knows the same."""
    texts: list[str] = []
    if sys.platform == "win32":
        for store in ("ROOT", "CA"):
            entries = ssl.enum_certificates(store)
            texts += [ssl.DER_cert_to_PEM_cert(data) for data, kind, _ in entries if kind == "x509_asn"]
    return "".join(texts).encode()


class Stores:
    """CA stores by the digest of their bytes, made on this side: most hosts of a fleet have the same one, and it is
    fetched once. What a host says of the digest decides only whether it has to send its store."""

    def __init__(self, most: int = 16) -> None:
        self._most = most
        self._texts: dict[str, str] = {}
        self._lock = threading.Lock()

    def digests(self) -> tuple[str, ...]:
        """Those that need not be sent again."""
        with self._lock:
            return tuple(self._texts)

    def text(self, answer: str) -> str:
        """The PEM text of a store from `DIGEST` and, below it, the content where the digest was not known."""
        claimed, _, content = answer.partition("\n")
        with self._lock:
            if claimed in self._texts and not content:
                return self._texts[claimed]
        digest = hashlib.sha256(content.encode("latin-1", "replace")).hexdigest()
        text = "".join(map(ssl_pem, dict.fromkeys(certificates(content.encode("latin-1", "replace")))))
        if content and len(content) <= MOST_CACHED:
            with self._lock:
                text = self._texts.setdefault(digest, text)
                for oldest in list(self._texts)[: -self._most]:
                    del self._texts[oldest]
        return text


def ssl_pem(der: bytes) -> str:
    """A certificate as a PEM block."""
    return f"-----BEGIN CERTIFICATE-----\n{base64.b64encode(der).decode()}\n-----END CERTIFICATE-----\n"


STORES = Stores()


def store_paths(spec: str) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """The files and the folders that a store is read from, and the folders that it may not lead out of."""
    parts = [part.partition("=") for part in spec.split("|") if part]
    files, folders, within = (
        tuple(value for kind, _, value in parts if kind == one) for one in ("file", "dir", "within")
    )
    more = tuple(part for part in spec.split("|") if part.startswith(MORE))
    return (files or FILES, (*(folders or FOLDERS), *more), within) if spec != "none" else ((), (), ())
