"""The handshake, and what the far end answered in its first bytes: a TLS library's words for it change with its version."""

from __future__ import annotations

import socket
import ssl
import time

from anywhere.hosts.probe.waiting import TCP_CORK, ready
from anywhere.model import Reason

ENOUGH = 16  # bytes: a whole alert, or a ServerHello as far as its version
ALERT, HANDSHAKE, SERVER_HELLO = 21, 22, 2
TLS_1_2 = (3, 3)
VERSIONS = {(3, 0): "SSL 3.0", (3, 1): "TLS 1.0", (3, 2): "TLS 1.1"}
# RFC 8446, section 6, and RFC 5246, section 7.2.
ALERTS = {
    0: "close_notify",
    10: "unexpected_message",
    20: "bad_record_mac",
    22: "record_overflow",
    40: "handshake_failure",
    42: "bad_certificate",
    43: "unsupported_certificate",
    44: "certificate_revoked",
    45: "certificate_expired",
    46: "certificate_unknown",
    47: "illegal_parameter",
    48: "unknown_ca",
    49: "access_denied",
    50: "decode_error",
    51: "decrypt_error",
    70: "protocol_version",
    71: "insufficient_security",
    80: "internal_error",
    86: "inappropriate_fallback",
    90: "user_canceled",
    109: "missing_extension",
    110: "unsupported_extension",
    112: "unrecognized_name",
    116: "certificate_required",
    120: "no_application_protocol",
}
NOTHING_IN_COMMON = (40, 70, 71)


class Refused(OSError):
    """A handshake that the far end ended; `reason` and `detail` come from its own bytes."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, detail


def shake(tls: ssl.SSLSocket, end: float) -> None:
    """Shake hands until `end` (monotonic seconds), for all reads together.

    Raises TimeoutError, Refused, or what the ssl module raises when the bytes alone do not tell why.
    """
    tls.settimeout(0)
    opening = first = _peek(tls)
    # The library writes and reads in one go: what it writes stays here until it has found nothing to read.
    _cork(tls, True)
    while True:
        try:
            tls.do_handshake()
            break
        except ssl.SSLWantReadError:
            _cork(tls, False)
            _wait(tls, end)
            first = _peek(tls) or first
            opening = opening or first
        except ssl.SSLWantWriteError:
            _cork(tls, False)
            _wait(tls, end, to_write=True)
        except ssl.SSLCertVerificationError:
            raise
        except ssl.SSLError as error:
            refusal = refusal_in(first)
            # Later bytes may be the middle of a record: that this is no TLS at all, only the opening ones tell.
            if refusal is None or (refusal[0] is Reason.NOT_TLS and first is not opening):
                raise
            raise Refused(*refusal) from error
    tls.settimeout(max(0.001, end - time.monotonic()))


def refusal_in(first: bytes) -> tuple[Reason, str] | None:
    """Why a handshake failed, from the first bytes of the last flight; None where they are an ordinary one."""
    if len(first) < 2 or (first[0] in (20, ALERT, HANDSHAKE, 23) and len(first) < 7):
        return None
    if first[0] == ALERT and first[1] == 3:
        number = first[6]
        reason = Reason.TLS_VERSION if number in NOTHING_IN_COMMON else Reason.TLS_RESET
        return reason, f"the server sent the TLS alert {ALERTS.get(number, 'number ' + str(number))}"
    if first[0] == HANDSHAKE and first[1] == 3:
        version = tuple(first[9:11])
        if first[5] == SERVER_HELLO and len(version) == 2 and version < TLS_1_2:
            return Reason.TLS_VERSION, f"the server offers nothing newer than {VERSIONS.get(version, 'SSL')}"
        return None
    if first[0] in (20, 23) and first[1] == 3:
        return None
    text = first.partition(b"\r")[0].partition(b"\n")[0].decode("ascii", "replace")
    shown = text if text.isascii() and text.isprintable() and text else first.hex(" ")
    return Reason.NOT_TLS, f"the answer is not TLS, it begins with {shown!r}"


def _cork(tls: ssl.SSLSocket, on: bool) -> None:
    if TCP_CORK is None:
        return
    try:
        tls.setsockopt(socket.IPPROTO_TCP, TCP_CORK, on)
    except OSError:
        pass  # no TCP socket of this machine: a tunnel's end


def _peek(tls: ssl.SSLSocket) -> bytes:
    """The next bytes of the connection itself, which stay there; empty when none have come or it is closed."""
    try:
        return socket.socket.recv(tls, ENOUGH, socket.MSG_PEEK)
    except OSError:
        return b""


def _wait(tls: ssl.SSLSocket, end: float, *, to_write: bool = False) -> None:
    if ready((tls,), end - time.monotonic(), to_write=to_write) is None:
        raise TimeoutError("handshake")
