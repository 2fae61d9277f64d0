"""The probe ladder: connect, proxy CONNECT, TLS, HTTP, over any way to open a TCP connection.

Outcomes are values. Each step has its own patience, all of them end at the run's deadline.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from anywhere.errors import ParseError
from anywhere.frozen import frozen
from anywhere.hosts.base import Deadline, Probe, ProbeSpec
from anywhere.hosts.probe import socks
from anywhere.hosts.probe.flight import shake
from anywhere.hosts.probe.go import http2, request
from anywhere.hosts.probe.go.hello import client_hello, is_record
from anywhere.hosts.probe.go.long_chains import EXCESSIVE
from anywhere.hosts.probe.go.response import MOST_HEAD, OK, Body, read_answer
from anywhere.hosts.probe.go.stream import Stream
from anywhere.hosts.probe.go.x509.chain import Untrusted
from anywhere.hosts.probe.http import (
    REFUSAL_KEPT,
    Head,
    judge,
    judge_upgrade,
    next_request,
    proxy_reason,
    read_body,
    redirected,
)
from anywhere.hosts.probe.proxy_url import SOCKS, ProxyUrl
from anywhere.hosts.probe.reasons import bare_user, channel_refuses, connect_reason
from anywhere.hosts.probe.tcp import Dialled, is_reset, segments
from anywhere.hosts.probe.tls import Contexts, facts_of, handshake, presented, reason_of
from anywhere.hosts.probe.tls_in_tls import tunnel
from anywhere.model import Reason, Stage
from anywhere.redact import redact, redact_proxy

# Share of the run's budget that one step may take; the rest is for a second look at what stalled.
CONNECT_SHARE, TLS_SHARE, HTTP_SHARE = 0.42, 0.3, 0.35
LONGEST_STEP = 10.0  # seconds, whatever the budget
FIRST_MOMENT = 0.3  # seconds that an accepted upgrade is watched; AWS accepts none without a signature

Connect = Callable[[str, int, float, int], socket.socket]
"""(address or name, port, timeout in seconds, maximum segment size in bytes or 0) -> connected socket, or OSError."""


MOST_REDIRECTS = 9  # net/http stops after ten requests


@frozen
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
        probe, asked = self._once(spec), spec
        for _ in range(MOST_REDIRECTS if spec.client and spec.scheme == "https" else 0):
            again = next_request(asked, probe)
            if again is None or self.deadline.is_over():
                break
            probe, asked = self._once(again), again
        return replace(
            probe,
            spec=replace(spec, proxy=redact_proxy(spec.proxy)),
            seconds=round(time.monotonic() - started, 4),
        )

    def _once(self, spec: ProbeSpec, long_chains: bool = False, alpn: bool = True) -> Probe:
        climb = _Climb(self, spec, long_chains, alpn)
        try:
            climb.go()
            climb.count_segments()
        finally:
            climb.close()
        probe = climb.probe
        if probe.detail == EXCESSIVE and not long_chains:
            return self._once(spec, long_chains=True, alpn=alpn)
        if climb.speaks_http2:
            return self._once(spec, long_chains, alpn=False)
        return probe


class _Failed(Exception):
    def __init__(self, stage: Stage, reason: Reason, detail: str = "") -> None:
        super().__init__(detail)
        self.stage, self.reason, self.detail = stage, reason, detail


class _Climb:
    """The state of one climb: the socket as it is now and what was learnt so far."""

    def __init__(self, ladder: Ladder, spec: ProbeSpec, long_chains: bool, alpn: bool) -> None:
        self.ladder, self.spec, self.long_chains = ladder, spec, long_chains
        # The SSM agent's transport is a copy of Go's own, which alone offers HTTP/2.
        self.offers_http2 = alpn and spec.client == "ssm-agent" and spec.scheme == "https"
        self.speaks_http2 = False
        self.sock: socket.socket | None = None
        self._seen: dict[str, Any] = {"address": spec.address, "stage": Stage.CONNECT}
        self.is_short = False
        self.tries_lost, self.is_far = 0, False

    def go(self) -> None:
        try:
            if self.spec.proxy:
                self._through_proxy()
            else:
                self._connect(self.spec.address or self.spec.host, self.spec.port)
            if self.spec.scheme in ("https", "wss", "tls"):
                self._tls()
            if self.spec.scheme == "hello":
                self._greet()
            if self.spec.idle:
                self._hold()
            if self.speaks_http2:
                return  # the request goes out once more, in HTTP/1.1
            if self.spec.scheme in ("https", "wss", "http"):
                self._http()
            self._note(stage=Stage.DONE)
        except _Failed as failure:
            stalled = isinstance(failure.__cause__, TimeoutError)
            late = self.is_short and stalled
            self._note(
                stage=failure.stage, reason=failure.reason, detail=redact(failure.detail), late=late, stalled=stalled
            )

    def count_segments(self) -> None:
        """What was lost on the way, of a connection that stands."""
        sent, resent = segments(self.sock) if self.sock is not None else (0, 0)
        if (sent or self.is_far) and self.tries_lost:
            sent, resent = sent + self.tries_lost, resent + self.tries_lost
        self._note(sent=sent + self.is_far, resent=resent)

    def close(self) -> None:
        if self.sock is not None:
            self.sock.close()

    @property
    def probe(self) -> Probe:
        """What is known by now."""
        return Probe(self.spec, **self._seen)

    def _note(self, **seen: object) -> None:
        self._seen |= seen

    def _patience(self, share: float, at_most: float = LONGEST_STEP) -> float:
        """Seconds for one step. TimeoutError when nothing is left."""
        wanted = self.spec.wait or min(at_most, LONGEST_STEP, self.ladder.budget * share)
        left = self.ladder.deadline.left(wanted)
        self.is_short = left < wanted / 2
        if left <= 0:
            raise TimeoutError("no time left")
        return left

    def _end(self, share: float) -> float:
        """When a step has to be over, on the monotonic clock; the socket waits no longer either."""
        assert self.sock is not None
        patience = self._patience(share)
        self.sock.settimeout(patience)
        return time.monotonic() + patience

    # --- connect and proxy -------------------------------------------------------------------------------------

    def _connect(self, name: str, port: int) -> None:
        started = time.monotonic()
        try:
            patience = self._patience(CONNECT_SHARE, self.spec.patience or LONGEST_STEP)
            self.sock = self.ladder.connect(name, port, patience, self.spec.mss)
            if isinstance(self.sock, Dialled):
                self.tries_lost, self.is_far = self.sock.lost, self.sock.far
        except OSError as error:
            reason, detail = connect_reason(error)
            if self.spec.proxy and reason is not Reason.NOT_PERMITTED:
                raise _Failed(Stage.PROXY, Reason.PROXY_UNREACHABLE, f"{reason}: {detail}") from error
            raise _Failed(Stage.CONNECT, reason, detail) from error
        finally:
            self._note(connect_seconds=round(time.monotonic() - started, 4))

    def _through_proxy(self) -> None:
        """As far as the tunnel stands: all of it counts as the connection's time."""
        started = time.monotonic()
        try:
            proxy = ProxyUrl.parse(self.spec.proxy)
        except ParseError as error:
            raise _Failed(Stage.PROXY, Reason.PROXY_UNREACHABLE, str(error)) from error
        if self.spec.scheme == "wss" and (why := channel_refuses(self.spec, proxy)):
            raise _Failed(Stage.PROXY, Reason.PROXY_ERROR, why)
        try:
            self._connect(self.spec.address or proxy.host, proxy.effective_port)
            if proxy.scheme == "https":
                self._tls_to_proxy(proxy)
            if proxy.scheme in SOCKS:
                self._ask_socks(proxy)
            else:
                self._ask_proxy(proxy)
        finally:
            self._note(connect_seconds=round(time.monotonic() - started, 4))

    def _tls_to_proxy(self, proxy: ProxyUrl) -> None:
        assert self.sock is not None
        try:
            end = self._end(CONNECT_SHARE)
            self.sock = tls = handshake(self.sock, self.ladder.contexts.get("go"), proxy.host)
            shake(tls, end)
            if self.spec.verify:
                self.ladder.contexts.check(presented(tls), self.spec.trust, proxy.host, self._now())
        except (OSError, ValueError, Untrusted) as error:
            reason, detail = reason_of(error)
            raise _Failed(Stage.PROXY, Reason.PROXY_ERROR, f"TLS to the proxy: {reason}: {detail}") from error
        self.sock = tunnel(tls)

    def _ask_proxy(self, proxy: ProxyUrl) -> None:
        assert self.sock is not None
        try:
            end = self._end(CONNECT_SHARE)
            self.sock.sendall(
                request.connect(self.spec.host, self.spec.port, self._authorization(proxy), self.spec.client)
            )
            # What comes with the head in one piece is lost, as in Go: its reader is thrown away with it.
            head = Head.of(read_answer(Stream(self.sock, end, MOST_HEAD), skip_early=False))
        except TimeoutError as error:
            raise _Failed(Stage.PROXY, Reason.PROXY_ERROR, "accepted, but never answered CONNECT") from error
        except (ConnectionResetError, BrokenPipeError) as error:
            raise _Failed(Stage.PROXY, Reason.PROXY_ERROR, "no HTTP answer to CONNECT: connection reset") from error
        except (OSError, ValueError) as error:
            raise _Failed(Stage.PROXY, Reason.PROXY_ERROR, f"no HTTP answer to CONNECT: {error}") from error
        # Go takes 200 alone, curl every 2xx.
        if head.status != OK and not (self.spec.client == "installer" and head.status // 100 == 2):
            self._note(http=head.facts())
            raise _Failed(Stage.PROXY, *proxy_reason(head))

    def _authorization(self, proxy: ProxyUrl) -> str:
        """The WebSocket library sends no user without a password (gorilla/websocket proxy.go)."""
        return "" if bare_user(self.spec, proxy) else proxy.authorization

    def _ask_socks(self, proxy: ProxyUrl) -> None:
        assert self.sock is not None
        try:
            socks.ask(self.sock, self.spec.host, self.spec.port, proxy, self._end(CONNECT_SHARE))
        except socks.Refused as error:
            raise _Failed(Stage.PROXY, error.reason, error.detail) from error
        except TimeoutError as error:
            raise _Failed(Stage.PROXY, Reason.PROXY_ERROR, "accepted, but never answered in SOCKS5") from error
        except OSError as error:
            raise _Failed(Stage.PROXY, Reason.PROXY_ERROR, f"no answer in SOCKS5: {error}") from error

    # --- TLS ---------------------------------------------------------------------------------------------------

    def _tls(self) -> None:
        assert self.sock is not None
        started = time.monotonic()
        name, taken = self.spec.sni or self.spec.host, 0.0
        try:
            end = self._end(TLS_SHARE)
            context = self.ladder.contexts.get(self.spec.suites, self.long_chains, self.offers_http2)
            self.sock = tls = handshake(self.sock, context, name)
            shake(tls, end)
            chain = presented(tls)
            facts = facts_of(tls, chain)
            self._note(tls=facts)
            if self.spec.verify:
                now = 0.0 if self.spec.any_date else self._now()
                self._note(differs=self.ladder.contexts.check(chain, self.spec.trust, name, now))
                self._note(tls=replace(facts, verified=True) if facts else None)
        except (OSError, ValueError, Untrusted) as error:
            raise _Failed(Stage.TLS, *reason_of(error)) from error
        finally:
            self._note(tls_seconds=round(taken or time.monotonic() - started, 4))
        if tls.selected_alpn_protocol() == "h2":
            self._greet_in_http2()

    def _greet_in_http2(self) -> None:
        """A far end that picks HTTP/2 has to speak it."""
        assert self.sock is not None
        try:
            end = self._end(HTTP_SHARE)
            self.sock.sendall(http2.PREFACE)
            http2.check(Stream(self.sock, end, MOST_HEAD).take(http2.HEAD))
        except TimeoutError as error:
            raise _Failed(Stage.HTTP, Reason.HTTP_TIMEOUT, "picks HTTP/2 and does not answer in it") from error
        except (OSError, ValueError) as error:
            raise _Failed(Stage.HTTP, Reason.HTTP_ERROR, f"picks HTTP/2 and does not speak it: {error}") from error
        self.speaks_http2 = True

    def _greet(self) -> None:
        """A greeting of two segments: any record of TLS shows that all of it arrived."""
        assert self.sock is not None
        try:
            end = self._end(TLS_SHARE)
            self.sock.sendall(client_hello(self.spec.host))
            answer = Stream(self.sock, end, MOST_HEAD).take(3)
        except (OSError, ValueError) as error:
            raise _Failed(Stage.TLS, *reason_of(error)) from error
        if not is_record(answer):
            raise _Failed(Stage.TLS, Reason.TLS_RESET, "connection ended after the greeting")

    def _now(self) -> float:
        return self.ladder.clock() or time.time()

    # --- HTTP --------------------------------------------------------------------------------------------------

    def _hold(self) -> None:
        """Stay quiet for `idle` seconds; the far end ends it by closing, or by a word of its own."""
        assert self.sock is not None
        try:
            self.sock.settimeout(self.ladder.deadline.left(self.spec.idle) or 0.001)
            self.sock.recv(1)
        except TimeoutError:
            self._note(survived=True)
            return
        except OSError:
            pass
        self._note(survived=False)
        raise _Failed(Stage.HTTP, Reason.HTTP_ERROR, "the quiet connection was closed")

    def _http(self) -> None:
        assert self.sock is not None
        started = time.monotonic()
        asked = request.build(self.spec, os.urandom(16), self._now())
        try:
            end = self._end(HTTP_SHARE)
            self.sock.sendall(asked.data)
            head = self._answer(Stream(self.sock, end, MOST_HEAD))
        except TimeoutError as error:
            self._note(survived=False if self.spec.idle else None)
            raise _Failed(Stage.HTTP, Reason.HTTP_TIMEOUT, "no answer to the request") from error
        except (OSError, ValueError) as error:
            self._note(survived=False if self.spec.idle else None)
            raise _Failed(Stage.HTTP, Reason.HTTP_ERROR, f"no HTTP answer: {error}") from error
        finally:
            self._note(http_seconds=round(time.monotonic() - started, 4), at=self.ladder.clock())
        self._note(http=head.facts(), redirect=redirected(self.spec, head))
        if self.spec.scheme == "wss":
            refused = judge_upgrade(self.spec, head, asked.accept)
        else:
            refused = judge(self.spec, head, self._seen.get("tls"))
        if refused:
            raise _Failed(Stage.HTTP, *refused)
        if head.status == 101 and is_reset(self.sock, min(FIRST_MOMENT, self.ladder.deadline.left())):
            raise _Failed(Stage.HTTP, Reason.UPGRADE_REFUSED, "101, and the connection is cut at once")

    def _answer(self, stream: Stream) -> Head:
        """The answer as the program reads it: a channel's library takes the first answer, and little of its body."""
        answer = read_answer(stream, skip_early=self.spec.scheme != "wss")
        if self.spec.scheme != "wss":
            return read_body(self.spec, answer, Body(stream, answer))
        body = Body(stream, answer)
        try:
            for _ in body:
                if len(body.text) >= REFUSAL_KEPT:
                    break
        except (OSError, ValueError):
            pass  # gorilla/websocket ignores what goes wrong here
        return Head.of(answer, body.text[:REFUSAL_KEPT])
