"""TLS as the agents do it: their suites, their store, Go's judgment of certificates; and what was presented, trusted or not."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from email.utils import parsedate_to_datetime
from functools import lru_cache

from anywhere.hosts.base import TlsFacts
from anywhere.hosts.probe.flight import Refused
from anywhere.hosts.probe.go.long_chains import EXCESSIVE, allow
from anywhere.hosts.probe.go.suites import SUITES
from anywhere.hosts.probe.go.x509.certificate import Certificate, parse
from anywhere.hosts.probe.go.x509.chain import Pool, Untrusted, verify
from anywhere.hosts.probe.go.x509.der import Malformed
from anywhere.model import Reason
from anywhere.printable import ip_text

_DER = 2  # the form of a certificate in the ssl module's C part

_BY_SSL_REASON = {
    "WRONG_VERSION_NUMBER": Reason.NOT_TLS,
    "HTTP_REQUEST": Reason.NOT_TLS,
    "PACKET_LENGTH_TOO_LONG": Reason.NOT_TLS,
    "RECORD_LAYER_FAILURE": Reason.NOT_TLS,
    "UNKNOWN_PROTOCOL": Reason.NOT_TLS,
    "UNSUPPORTED_PROTOCOL": Reason.TLS_VERSION,
    "TLSV1_ALERT_PROTOCOL_VERSION": Reason.TLS_VERSION,
    "NO_PROTOCOLS_AVAILABLE": Reason.TLS_VERSION,
    "SSLV3_ALERT_HANDSHAKE_FAILURE": Reason.TLS_VERSION,
    "TLSV1_ALERT_INSUFFICIENT_SECURITY": Reason.TLS_VERSION,
    "NO_SHARED_CIPHER": Reason.TLS_VERSION,
    "WRONG_CIPHER_RETURNED": Reason.TLS_VERSION,
}
_DETAILS = {Reason.NOT_TLS: "the answer is not TLS", Reason.TLS_VERSION: "no TLS version or suite in common"}


class Contexts:
    """TLS contexts by suites and CA stores by name, made once each. `load` turns a `ProbeSpec.trust` into PEM text."""

    def __init__(self, load: Callable[[str], bytes]) -> None:
        self._load = load
        self._pools: dict[str, Pool] = {}
        self._lock = threading.Lock()

    @staticmethod
    def get(suites: str, long_chains: bool = False, http2: bool = False) -> ssl.SSLContext:
        """A client context: the handshake alone, whatever the certificate, which `check` judges."""
        return _context(suites, long_chains, http2)

    def check(self, chain: Sequence[bytes], trust: str, name: str, now: float) -> tuple[str, ...]:
        """See `verify` of go.chain. Raises Untrusted."""
        with self._lock:
            if trust not in self._pools:
                self._pools[trust] = _pool(self._load(trust))
            pool = self._pools[trust]
        return verify(chain, pool, name, now)


@lru_cache(maxsize=16)
def _pool(pem: bytes) -> Pool:
    """The hosts of a fleet with the same store share it."""
    return Pool(pem)


@lru_cache(maxsize=16)
def _context(suites: str, long_chains: bool, http2: bool) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # Go has no security level: what is too weak for it, its own rules say.
    context.set_ciphers(f"{SUITES[suites]}:@SECLEVEL=0")
    if suites == "any":
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    elif suites == "none":
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    if long_chains:
        allow(context)
    if http2:
        context.set_alpn_protocols(["h2", "http/1.1"])
    return context


def reason_of(error: Exception) -> tuple[Reason, str]:
    """What a failed handshake means, and its detail."""
    if isinstance(error, Refused | Untrusted):
        return error.reason, error.detail
    if isinstance(error, TimeoutError):
        return Reason.TLS_TIMEOUT, "no answer to the ClientHello"
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError | ConnectionError):
        return Reason.TLS_RESET, "connection ended in the handshake"
    if isinstance(error, ssl.SSLError):
        name = error.reason or ""
        if name == "EXCESSIVE_MESSAGE_SIZE":
            return Reason.TLS_RESET, EXCESSIVE
        reason = _BY_SSL_REASON.get(name, Reason.TLS_RESET)
        return reason, _DETAILS.get(reason) or name.replace("_", " ").lower() or str(error)
    return Reason.TLS_RESET, str(error)


def presented(tls: ssl.SSLSocket) -> list[bytes]:
    """The chain that the server sent, as DER, the leaf first; empty where it sent none."""
    # Public since Python 3.13; the certificates are in the C object since 3.10.
    inner = getattr(tls, "_sslobj", None)
    try:
        found = inner.get_unverified_chain() if inner is not None else None
        return [one.public_bytes(_DER) for one in found or ()]
    except (AttributeError, ValueError, ssl.SSLError):
        return []


def facts_of(tls: ssl.SSLSocket, chain: Sequence[bytes]) -> TlsFacts | None:
    """The session and the presented chain, trusted or not; None when nothing was presented."""
    if not chain:
        return None
    cipher = tls.cipher()
    parsed = [one for one in map(_parsed, chain) if one is not None]
    leaf = _parsed(chain[0])
    issuer, subject = (dict(leaf.issuer_names), dict(leaf.subject_names)) if leaf else ({}, {})
    return TlsFacts(
        tls.version() or "",
        cipher[0] if cipher else "",
        issuer.get("CN", "") or issuer.get("O", ""),
        issuer.get("O", ""),
        subject.get("CN", ""),
        (*leaf.extensions.names.dns, *_addresses(leaf)) if leaf else (),
        leaf.not_before if leaf else 0.0,
        leaf.not_after if leaf else 0.0,
        tuple(_one_line(dict(one.issuer_names)) for one in parsed),
    )


@lru_cache(maxsize=256)
def _parsed(raw: bytes) -> Certificate | None:
    try:
        return parse(raw)
    except Malformed:
        return None


def _addresses(leaf: Certificate) -> list[str]:
    return [ip_text(data) for data in leaf.extensions.names.addresses]


def _one_line(name: dict[str, str]) -> str:
    return ", ".join(name[key] for key in ("CN", "O") if name.get(key))


def http_date(text: str) -> float:
    """An HTTP Date header in epoch seconds, 0 when it cannot be read."""
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return 0.0


def handshake(sock: socket.socket, context: ssl.SSLContext, name: str) -> ssl.SSLSocket:
    """Wrap without shaking hands yet, so that the handshake's end can be bounded."""
    return context.wrap_socket(sock, server_hostname=name or None, do_handshake_on_connect=False)
