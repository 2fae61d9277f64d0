"""TLS as the agents do it: their trust store, their suites, and what the far end presented, trusted or not."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any

from anywhere.hosts.base import TlsFacts
from anywhere.hosts.probe.castore import certificates
from anywhere.hosts.probe.flight import Refused
from anywhere.model import Reason

# The ECS agent in Docker mode offers only these below TLS 1.3 (ecs-agent/utils/cipher/cipher.go).
ECS_AGENT_SUITES = ":".join(
    ("ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-AES128-SHA256", "ECDHE-RSA-AES128-SHA")
    + ("ECDHE-RSA-AES256-SHA", "AES128-GCM-SHA256", "AES256-GCM-SHA384", "AES128-SHA256", "AES128-SHA", "AES256-SHA")
)
NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME, which the ssl module does not name

_BY_VERIFY_CODE = {
    9: Reason.CERT_NOT_YET_VALID,
    10: Reason.CERT_EXPIRED,
    62: Reason.CERT_NAME,
    64: Reason.CERT_NAME,
}
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
    """TLS contexts by (trust, suites, verify), made once each. `load` turns a `ProbeSpec.trust` into PEM text."""

    def __init__(self, load: Callable[[str], str]) -> None:
        self._load = load
        self._made: dict[tuple[str, str, bool, bool], ssl.SSLContext] = {}
        self._lock = threading.Lock()

    def get(self, trust: str, suites: str, verify: bool, any_date: bool = False) -> ssl.SSLContext:
        """A client context for TLS 1.2 and later; `any_date` takes certificates outside their dates."""
        with self._lock:
            key = (trust if verify else "", suites, verify, any_date and verify)
            if key not in self._made:
                self._made[key] = self._make(*key)
            return self._made[key]

    def _make(self, trust: str, suites: str, verify: bool, any_date: bool) -> ssl.SSLContext:
        return _context(self._load(trust), suites, any_date) if verify else _lenient(suites)


@lru_cache(maxsize=32)
def _context(pem: str, suites: str, any_date: bool) -> ssl.SSLContext:
    """A context that trusts these certificates; the hosts of a fleet with the same store share it."""
    context = _plain(suites)
    if any_date:
        context.verify_flags |= NO_CHECK_TIME
    if pem:
        load_pem(context, pem)
    return context


def _lenient(suites: str) -> ssl.SSLContext:
    context = _plain(suites)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _plain(suites: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.hostname_checks_common_name = False  # Go looks at subject alternative names only
    # Go takes every certificate of the store for an anchor, intermediates too.
    context.verify_flags = ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN | ssl.VerifyFlags.VERIFY_X509_TRUSTED_FIRST
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if suites == "ecs-agent":
        context.set_ciphers(ECS_AGENT_SUITES)
    elif suites == "any":
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.set_ciphers("ALL:@SECLEVEL=0")
    elif suites == "none":
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers("aNULL:@SECLEVEL=0")
    return context


def load_pem(context: ssl.SSLContext, pem: str) -> int:
    """Load all certificates of a bundle, passing over broken ones as Go does; returns how many."""
    try:
        context.load_verify_locations(cadata=pem)
    except (ssl.SSLError, ValueError):
        for block in certificates(pem):
            try:
                context.load_verify_locations(cadata=block)
            except (ssl.SSLError, ValueError):
                continue
    return int(context.cert_store_stats()["x509"])


def reason_of(error: Exception) -> tuple[Reason, str]:
    """What a failed handshake means, and its detail."""
    if isinstance(error, Refused):
        return error.reason, error.detail
    if isinstance(error, ssl.SSLCertVerificationError):
        return _BY_VERIFY_CODE.get(error.verify_code, Reason.CERT_UNTRUSTED), error.verify_message
    if isinstance(error, TimeoutError):
        return Reason.TLS_TIMEOUT, "no answer to the ClientHello"
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError | ConnectionError):
        return Reason.TLS_RESET, "connection ended in the handshake"
    if isinstance(error, ssl.SSLError):
        name = error.reason or ""
        reason = _BY_SSL_REASON.get(name, Reason.TLS_RESET)
        return reason, _DETAILS.get(reason) or name.replace("_", " ").lower() or str(error)
    return Reason.TLS_RESET, str(error)


def facts_of(tls: ssl.SSLSocket, verified: bool) -> TlsFacts | None:
    """The session and the presented chain, also after a failed verification; None when nothing was presented."""
    chain = _chain(tls)
    if not chain:
        return None
    leaf = chain[0]
    cipher = tls.cipher()
    issuer, subject = _name(leaf.get("issuer")), _name(leaf.get("subject"))
    return TlsFacts(
        tls.version() or "",
        cipher[0] if cipher else "",
        issuer.get("commonName", "") or issuer.get("organizationName", ""),
        issuer.get("organizationName", ""),
        subject.get("commonName", ""),
        tuple(value for kind, value in leaf.get("subjectAltName", ()) if kind in ("DNS", "IP Address")),
        _date(leaf.get("notBefore", "")),
        _date(leaf.get("notAfter", "")),
        tuple(_one_line(_name(certificate.get("issuer"))) for certificate in chain),
        verified,
    )


def _chain(tls: ssl.SSLSocket) -> list[dict[str, Any]]:
    # Public since Python 3.13 as DER only; the decoded form is in the C object since 3.10. A parser of our own or a
    # large dependency would be the other way to learn who issued a certificate that is not trusted.
    inner = getattr(tls, "_sslobj", None)
    try:
        found = inner.get_unverified_chain() if inner is not None else None
        return [certificate.get_info() for certificate in found or ()]
    except (AttributeError, ValueError, ssl.SSLError):
        return []


def _name(parts: Any) -> dict[str, str]:
    return {key: value for part in parts or () for key, value in part}


def _one_line(name: dict[str, str]) -> str:
    return ", ".join(name[key] for key in ("commonName", "organizationName") if name.get(key))


def _date(text: str) -> float:
    try:
        return float(ssl.cert_time_to_seconds(text))
    except ValueError:
        return 0.0


def http_date(text: str) -> float:
    """An HTTP Date header in epoch seconds, 0 when it cannot be read."""
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return 0.0


def handshake(sock: socket.socket, context: ssl.SSLContext, name: str) -> ssl.SSLSocket:
    """Wrap without shaking hands yet, so that the certificate can be read from a handshake that fails."""
    return context.wrap_socket(sock, server_hostname=name or None, do_handshake_on_connect=False)
