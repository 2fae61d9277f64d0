"""Chains of more than 100 KiB: OpenSSL refuses them, Go takes up to 256 KiB, and the ssl module has no setting for it.

Used only where a server has sent one. Where the interpreter's OpenSSL cannot be reached, the probe's outcome stays
OpenSSL's refusal, which `EXCESSIVE` names. The interpreter of the deb and rpm packages holds OpenSSL inside its executable
and exports this one call (packaging/steps/long_chains.c).
"""

from __future__ import annotations

import ssl
import sys

EXCESSIVE = "excessive message size"
MOST = 256 << 10  # bytes (Go crypto/tls common.go, maxHandshakeCertificateMsg)
_SET_MAX_CERT_LIST, _GET_MAX_CERT_LIST = 51, 50  # openssl/ssl.h


def allow(context: ssl.SSLContext) -> bool:
    """Raise the limit of a context to Go's; whether that worked."""
    import _ssl
    import ctypes

    if sys.implementation.name != "cpython":
        return False
    library = getattr(_ssl, "__file__", None)
    try:
        control = getattr(ctypes.CDLL(library), "SSL_CTX_ctrl" if library else "anywhere_SSL_CTX_ctrl")
    except (OSError, AttributeError, TypeError):  # TypeError: CDLL(None) on Windows
        return False
    control.argtypes = (ctypes.c_void_p, ctypes.c_int, ctypes.c_long, ctypes.c_void_p)
    control.restype = ctypes.c_long
    # CPython's context object holds the library's pointer right behind its own header (Modules/_ssl.c).
    pointer = ctypes.c_void_p.from_address(id(context) + object.__basicsize__).value
    control(pointer, _SET_MAX_CERT_LIST, MOST, None)
    return int(control(pointer, _GET_MAX_CERT_LIST, 0, None)) == MOST
