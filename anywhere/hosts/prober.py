"""The probe ladder: connect, proxy CONNECT, TLS, HTTP, over any way to open a TCP connection.

Outcomes are values. Each step has its own patience, all of them end at the run's deadline.
"""

from __future__ import annotations

import os
import socket
import ssl
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from anywhere.hosts.base import Deadline, Probe, ProbeSpec, TlsFacts
from anywhere.hosts.http import Head, ask, connect_request, judge, proxy_reason, read_head
from anywhere.hosts.proxyurl import ProxyUrl
from anywhere.hosts.redact import redact
from anywhere.hosts.tls import Contexts, facts_of, handshake, reason_of
from anywhere.model import Reason, Stage

# Share of the run's budget that one step may take; the rest is for a second look at what stalled.
CONNECT_SHARE, TLS_SHARE, HTTP_SHARE = 0.42, 0.35, 0.4
LONGEST_STEP = 10.0  # seconds, whatever the budget
# Seconds: a metadata service is on this host or one hop away; where there is none, packets for it often just vanish.
LINK_LOCAL_STEP = 0.7

Connect = Callable[[str, int, float, int], socket.socket]
"""(address or name, port, timeout in seconds, maximum segment size in bytes or 0) -> connected socket, or OSError."""


@dataclass(frozen=True, slots=True)
class Ladder:
    """What a climb needs of its host: a way to connect, TLS contexts, the deadline, the budget, the host's clock."""

    connect: Connect
    contexts: Contexts
    deadline: Deadline
    budget: float
    clock: Callable[[], float]

    def climb(self, spec: ProbeSpec) -> Probe:
        """One climb. Never raises for what the network does, never outlasts the deadline."""
        started = time.monotonic()
        climb = _Climb(self, spec)
        try:
            climb.go()
        finally:
            climb.close()
        return replace(
            climb.probe, spec=replace(spec, proxy=redact(spec.proxy)), seconds=round(time.monotonic() - started, 4)
        )

    def patience(self, share: float) -> float:
        """Seconds for one step."""
        return self.deadline.left(min(LONGEST_STEP, self.budget * share))


class _Failed(Exception):
    def __init__(self, stage: Stage, reason: Reason, detail: str = "") -> None:
        super().__init__(detail)
        self.stage, self.reason, self.detail = stage, reason, detail


class _Climb:
    """The state of one climb: the socket as it is now and what was learnt so far."""

    def __init__(self, ladder: Ladder, spec: ProbeSpec) -> None:
        self.ladder, self.spec = ladder, spec
        self.sock: socket.socket | None = None
        self.probe = Probe(spec, Stage.CONNECT, address=spec.address)

    def go(self) -> None:
        try:
            self.sock = self._connect()
            if self.spec.proxy:
                self._through_proxy()
            if self.spec.scheme in ("https", "wss", "tls"):
                self._tls()
            if self.spec.idle:
                self._hold()
            if self.spec.scheme in ("https", "wss", "http"):
                self._http()
            self._note(stage=Stage.DONE)
        except _Failed as failure:
            self._note(stage=failure.stage, reason=failure.reason, detail=redact(failure.detail))

    def close(self) -> None:
        if self.sock is not None:
            self.sock.close()

    def _note(self, **changes: object) -> None:
        self.probe = replace(self.probe, **changes)  # type: ignore[arg-type]

    # --- connect -----------------------------------------------------------------------------------------------

    def _connect(self) -> socket.socket:
        started = time.monotonic()
        proxy = ProxyUrl.parse(self.spec.proxy) if self.spec.proxy else None
        name = self.spec.address or (proxy.host if proxy else self.spec.host)
        port = proxy.port if proxy else self.spec.port
        try:
            sock = self._open(name, port)
        except OSError as error:
            reason, detail = connect_reason(error)
            if proxy:
                raise _Failed(Stage.PROXY, Reason.PROXY_UNREACHABLE, f"{reason}: {detail}") from error
            raise _Failed(Stage.CONNECT, reason, detail) from error
        finally:
            self._note(connect_seconds=round(time.monotonic() - started, 4))
        return sock

    def _open(self, name: str, port: int) -> socket.socket:
        patience = min(self.ladder.patience(CONNECT_SHARE), self.spec.patience or LONGEST_STEP)
        if patience <= 0:
            raise TimeoutError("no time left")
        return self.ladder.connect(name, port, patience, self.spec.mss)

    # --- proxy -------------------------------------------------------------------------------------------------

    def _through_proxy(self) -> None:
        assert self.sock is not None
        proxy = ProxyUrl.parse(self.spec.proxy)
        self.sock.settimeout(self.ladder.patience(CONNECT_SHARE))
        if proxy.scheme == "https":
            self._tls_to_proxy(proxy)
        try:
            self.sock.sendall(connect_request(self.spec.host, self.spec.port, proxy))
            head = read_head(self.sock, self._end(CONNECT_SHARE), body=False)
        except TimeoutError as error:
            raise _Failed(Stage.PROXY, Reason.PROXY_ERROR, "accepted, but never answered CONNECT") from error
        except (OSError, ValueError) as error:
            raise _Failed(Stage.PROXY, Reason.PROXY_ERROR, f"no HTTP answer to CONNECT: {error}") from error
        if head.status // 100 != 2:
            self._note(http=head.facts())
            raise _Failed(Stage.PROXY, *proxy_reason(head))

    def _tls_to_proxy(self, proxy: ProxyUrl) -> None:
        assert self.sock is not None
        context = self.ladder.contexts.get(self.spec.trust, "go", self.spec.verify)
        try:
            self.sock = context.wrap_socket(self.sock, server_hostname=proxy.host)
        except OSError as error:
            reason, detail = reason_of(error)
            raise _Failed(Stage.PROXY, Reason.PROXY_ERROR, f"TLS to the proxy: {reason}: {detail}") from error

    # --- TLS ---------------------------------------------------------------------------------------------------

    def _tls(self) -> None:
        assert self.sock is not None
        started = time.monotonic()
        self.sock.settimeout(self.ladder.patience(TLS_SHARE))
        context = self.ladder.contexts.get(self.spec.trust, self.spec.suites, self.spec.verify)
        try:
            if isinstance(self.sock, ssl.SSLSocket):
                self.sock = _tunnelled(self.sock, context, self.spec.sni or self.spec.host)
                self._note(tls=facts_of(self.sock, self.spec.verify))
            else:
                tls = handshake(self.sock, context, self.spec.sni or self.spec.host)
                self.sock = tls
                _shake(tls, self._end(TLS_SHARE))
                self._note(tls=facts_of(tls, self.spec.verify))
        except (OSError, ValueError) as error:
            reason, detail = reason_of(error) if isinstance(error, OSError) else (Reason.TLS_RESET, str(error))
            self._note(tls=self._presented())
            raise _Failed(Stage.TLS, reason, detail) from error
        finally:
            self._note(tls_seconds=round(time.monotonic() - started, 4))

    def _presented(self) -> TlsFacts | None:
        return facts_of(self.sock, False) if isinstance(self.sock, ssl.SSLSocket) else None

    # --- HTTP --------------------------------------------------------------------------------------------------

    def _hold(self) -> None:
        """Stay quiet for `idle` seconds; the far end closing meanwhile shows as readable end of file."""
        assert self.sock is not None
        self.sock.settimeout(self.spec.idle)
        try:
            cut = self.sock.recv(1) == b""
        except TimeoutError:
            cut = False
        except OSError:
            cut = True
        self._note(survived=not cut)
        if cut:
            raise _Failed(Stage.HTTP, Reason.HTTP_ERROR, "the quiet connection was closed")

    def _http(self) -> None:
        assert self.sock is not None
        started = time.monotonic()
        try:
            self.sock.settimeout(self.ladder.patience(HTTP_SHARE))
            self.sock.sendall(ask(self.spec, os.urandom(16)))
            head: Head = read_head(self.sock, self._end(HTTP_SHARE), body=True)
        except TimeoutError as error:
            self._note(survived=False if self.spec.idle else None)
            raise _Failed(Stage.HTTP, Reason.HTTP_TIMEOUT, "no answer to the request") from error
        except (OSError, ValueError) as error:
            self._note(survived=False if self.spec.idle else None)
            raise _Failed(Stage.HTTP, Reason.HTTP_ERROR, f"no HTTP answer: {error}") from error
        finally:
            self._note(http_seconds=round(time.monotonic() - started, 4), at=self.ladder.clock())
        self._note(http=head.facts())
        refused = judge(self.spec, head, self.probe.tls)
        if refused:
            raise _Failed(Stage.HTTP, *refused)

    def _end(self, share: float) -> float:
        return time.monotonic() + self.ladder.patience(share)


def _shake(tls: ssl.SSLSocket, end: float) -> None:
    """The handshake with one end for all its reads: the socket's timeout alone would start anew with each."""
    while True:
        left = end - time.monotonic()
        if left <= 0:
            raise TimeoutError("handshake")
        tls.settimeout(left)
        try:
            tls.do_handshake()
        except ssl.SSLWantReadError:
            continue
        return


def _tunnelled(outer: ssl.SSLSocket, context: ssl.SSLContext, name: str) -> ssl.SSLSocket:
    """TLS inside the TLS to an https:// proxy: the ssl module wraps only real sockets, so the bytes are relayed."""
    import threading

    near, far = socket.socketpair()
    patience = outer.gettimeout()

    def pump(source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(16384):
                sink.sendall(data)
        except OSError:
            pass
        finally:
            for end in (source, sink):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    outer.settimeout(None)
    for pair in ((outer, far), (far, outer)):
        threading.Thread(target=pump, args=pair, daemon=True).start()
    near.settimeout(patience)
    return context.wrap_socket(near, server_hostname=name)


def clamp(sock: socket.socket, mss: int) -> None:
    """Ask the far end for segments of at most `mss` bytes, before connecting."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, mss)


def abort(sock: socket.socket) -> None:
    """Close with a reset, so that a stalled peer does not hold the port."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def connect_reason(error: OSError) -> tuple[Reason, str]:
    """What a failed connect means."""
    import errno

    if isinstance(error, socket.gaierror):
        return Reason.NAME_UNKNOWN, error.strerror or str(error)
    if isinstance(error, TimeoutError):
        return Reason.TIMEOUT, "no answer to the SYN"
    if isinstance(error, ConnectionRefusedError):
        return Reason.REFUSED, "connection refused"
    if getattr(error, "not_permitted", False):
        return Reason.NOT_PERMITTED, error.strerror or str(error)
    if error.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EACCES, errno.EPERM, errno.EADDRNOTAVAIL):
        return Reason.UNREACHABLE, error.strerror or str(error)
    return Reason.REFUSED if isinstance(error, ConnectionError) else Reason.UNREACHABLE, str(error)
