"""The CA store as Go programs find it: the first readable file of a fixed list, and every file in the folders.

Source: Go's crypto/x509 root_linux.go and root_unix.go. SSL_CERT_FILE replaces the list of files, SSL_CERT_DIR the
folders. The agents are Go programs, so this list, not OpenSSL's, decides whom they trust.
"""

from __future__ import annotations

import hashlib
import threading
from typing import Protocol

from anywhere.hosts.bounds import STORE

FILES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
FOLDERS = ("/etc/ssl/certs", "/etc/pki/tls/certs")
# Bytes: a file larger than this in a folder is a bundle, and its certificates stand in it once more.
LARGEST = 64 * 1024
MOST_FILES = 20_000  # in a folder, links included
MOST_CACHED = 1 << 20  # bytes of a store that is kept for other hosts


class Reader(Protocol):
    """The part of a host that is needed here."""

    def read(self, path: str, *, tail: int = 0) -> bytes:
        """A file's content."""

    def listdir(self, path: str) -> tuple[str, ...]:
        """The names in a folder."""


def load_trust(host: Reader, spec: str) -> str:
    """The PEM text of a store.

    `spec` is empty for the host's own, else parts `file=PATH` and `dir=PATH` joined by `|`, or `none` for no store.
    """
    files, folders = store_paths(spec)
    bundle = next((text for text in (_text(host, path) for path in files) if text), "")
    seen = [bundle]
    for folder in folders:
        seen += _folder(host, folder, bundle)
    return "\n".join(seen)


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
        text = "\n".join(dict.fromkeys(certificates(content)))
        if content and len(text) <= MOST_CACHED:
            with self._lock:
                text = self._texts.setdefault(digest, text)
                for oldest in list(self._texts)[: -self._most]:
                    del self._texts[oldest]
        return text


def certificates(pem: str) -> tuple[str, ...]:
    """The PEM blocks in a text."""
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    return tuple(begin + part.split(end)[0] + end + "\n" for part in pem.split(begin)[1:] if end in part)


STORES = Stores()


def store_paths(spec: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The files and the folders that a store is read from."""
    parts = [part.partition("=") for part in spec.split("|") if part]
    files = tuple(value for kind, _, value in parts if kind == "file")
    folders = tuple(value for kind, _, value in parts if kind == "dir")
    return (files or FILES, folders or FOLDERS) if spec != "none" else ((), ())


def _folder(host: Reader, folder: str, bundle: str) -> list[str]:
    try:
        names = host.listdir(folder)
    except OSError:
        return []
    # A link of OpenSSL's (`1a2b3c4d.0`) names a certificate that stands in the folder under its own name too.
    found: list[str] = []
    left = STORE.size
    for name in names[:MOST_FILES]:
        text = "" if _is_hash_link(name) or left <= 0 else _text(host, f"{folder}/{name}")
        if text and len(text) < LARGEST and text.strip() not in bundle:
            found.append(text)
            left -= len(text)
    return found


def _is_hash_link(name: str) -> bool:
    stem, _, number = name.rpartition(".")
    return len(stem) == 8 and number.isdigit() and all(letter in "0123456789abcdef" for letter in stem)


def _text(host: Reader, path: str) -> str:
    try:
        text = host.read(path).decode("latin-1")
    except OSError:
        return ""
    return text if "-----BEGIN CERTIFICATE-----" in text else ""
