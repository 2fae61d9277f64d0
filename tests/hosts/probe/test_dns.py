"""Asking a nameserver directly, against a real one on loopback that answers, lies, stalls and breaks."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from anywhere.hosts.base import Answer, Query
from anywhere.hosts.probe import dns as nameserver
from anywhere.hosts.probe.dns import TCP_WAIT, ask
from anywhere.hosts.probe.tcp import open_tcp
from anywhere.model import Reason
from tests.support.pace import within

NAME = "ecs.us-east-1.amazonaws.com"
A, AAAA = dns.rdatatype.A, dns.rdatatype.AAAA
Reply = dns.message.Message | bytes | None
Answering = Callable[[dns.message.Message, bool, int], Reply]
"""(query, over UDP, how many queries came before) -> reply, raw bytes, or None for silence."""


class NameServer:
    """UDP and TCP on one free port of 127.0.0.1."""

    def __init__(self, answering: Answering, tcp: bool = True) -> None:
        self.answering = answering
        self.seen: list[tuple[str, str, bool]] = []
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.tcp = self._listening() if tcp else None
        if not tcp:
            self.udp.bind(("127.0.0.1", 0))
        self.port: int = self.udp.getsockname()[1]

    def _listening(self) -> socket.socket:
        """A port that is free for both: what is free for TCP, another test may have for datagrams."""
        for _ in range(20):
            found = socket.create_server(("127.0.0.1", 0))
            with contextlib.suppress(OSError):
                self.udp.bind(found.getsockname())
                return found
            found.close()
        raise OSError("no port is free for both")

    def __enter__(self) -> NameServer:
        threading.Thread(target=self._serve_udp, daemon=True).start()
        if self.tcp:
            threading.Thread(target=self._serve_tcp, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", ("127.0.0.1", self.port))
        if self.tcp:
            self.tcp.shutdown(socket.SHUT_RDWR)
            self.tcp.close()

    def _answer(self, data: bytes, udp: bool) -> bytes | None:
        query = dns.message.from_wire(data)
        count = len(self.seen)
        self.seen.append((query.question[0].name.to_text(), dns.rdatatype.to_text(query.question[0].rdtype), udp))
        reply = self.answering(query, udp, count)
        return reply.to_wire() if isinstance(reply, dns.message.Message) else reply

    def _serve_udp(self) -> None:
        with self.udp:
            while True:
                data, client = self.udp.recvfrom(4096)
                if not data:
                    return
                answer = self._answer(data, True)
                if answer is not None:
                    self.udp.sendto(answer, client)

    def _serve_tcp(self) -> None:
        assert self.tcp
        while True:
            try:
                sock = self.tcp.accept()[0]
            except OSError:
                return
            threading.Thread(target=self._one_tcp, args=(sock,), daemon=True).start()

    def _one_tcp(self, sock: socket.socket) -> None:
        with sock:
            size = int.from_bytes(sock.recv(2), "big")
            answer = self._answer(sock.recv(size), False)
            if answer is None:
                sock.recv(1)
            elif answer:
                sock.sendall(len(answer).to_bytes(2, "big") + answer)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Answer, NameServer]]:
    def call(
        answering: Answering, timeout: float = 2.2, *, tcp: bool = True, **words: bool
    ) -> tuple[Answer, NameServer]:
        with NameServer(answering, tcp) as server:
            monkeypatch.setattr(nameserver, "PORT", server.port)
            started = time.monotonic()
            answer = ask(Query(words.pop("name", NAME), "127.0.0.1"), timeout, dial, **words)
            assert time.monotonic() - started < timeout + within(0.3)
        return answer, server

    return call


def dial(address: str, port: int, timeout: float) -> socket.socket:
    return open_tcp(address, port, timeout, 0)


Asked = Callable[..., tuple[Answer, NameServer]]


def reply(query: dns.message.Message, *texts: str, code: int = 0, cut: bool = False) -> dns.message.Message:
    """A reply with those of these addresses that are of the asked type."""
    made = dns.message.make_response(query)
    made.set_rcode(dns.rcode.Rcode(code))
    kind = query.question[0].rdtype
    fitting = [text for text in texts if (":" in text) == (kind == AAAA)]
    if fitting and not cut:
        made.answer.append(dns.rrset.from_text_list(query.question[0].name, 60, "IN", kind, fitting))
    if cut:
        made.flags |= dns.flags.TC
    return made


def both(query: dns.message.Message, *_: object) -> Reply:
    return reply(query, "203.0.113.10", "203.0.113.11", "2001:db8::10")


# --- answers ------------------------------------------------------------------------------------------------------


def test_both_families(asked: Asked) -> None:
    answer, server = asked(both)
    assert sorted(answer.addresses) == ["2001:db8::10", "203.0.113.10", "203.0.113.11"]
    assert (answer.reason, answer.source, answer.name, answer.truncated) == (None, "127.0.0.1", NAME, False)
    assert server.seen == [(f"{NAME}.", "A", True), (f"{NAME}.", "AAAA", True)]


def test_the_name_is_asked_as_it_is_without_search_domains(asked: Asked) -> None:
    answer, server = asked(lambda query, *_: reply(query, code=dns.rcode.NXDOMAIN))
    assert {name for name, _, _ in server.seen} == {f"{NAME}."}
    assert answer.reason is Reason.NAME_UNKNOWN


def test_one_family_is_enough(asked: Asked) -> None:
    for address in ("203.0.113.10", "2001:db8::10"):
        answer, _ = asked(lambda query, *_, address=address: reply(query, address))
        assert (answer.addresses, answer.reason) == ((address,), None)


def test_an_alias_is_followed_in_the_answer(asked: Asked) -> None:
    def answering(query: dns.message.Message, *_: object) -> Reply:
        made = dns.message.make_response(query)
        name = query.question[0].name
        made.answer.append(dns.rrset.from_text(name, 60, "IN", "CNAME", "other.example."))
        if query.question[0].rdtype == A:
            made.answer.append(dns.rrset.from_text("other.example.", 60, "IN", "A", "203.0.113.12"))
        return made

    assert asked(answering)[0].addresses == ("203.0.113.12",)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (dns.rcode.NXDOMAIN, Reason.NAME_UNKNOWN),
        (dns.rcode.NOERROR, Reason.NAME_UNKNOWN),
        (dns.rcode.SERVFAIL, Reason.SERVER_FAILURE),
        (dns.rcode.REFUSED, Reason.SERVER_FAILURE),
        (dns.rcode.FORMERR, Reason.SERVER_FAILURE),
        (dns.rcode.NOTIMP, Reason.SERVER_FAILURE),
    ],
)
def test_codes(asked: Asked, code: int, reason: Reason) -> None:
    answer, _ = asked(lambda query, *_: reply(query, code=code))
    assert (answer.addresses, answer.reason) == ((), reason)
    assert answer.detail


def test_a_failure_for_one_type_does_not_hide_the_other(asked: Asked) -> None:
    def answering(query: dns.message.Message, *_: object) -> Reply:
        return reply(query, "203.0.113.10") if query.question[0].rdtype == A else reply(query, code=dns.rcode.SERVFAIL)

    answer, _ = asked(answering)
    assert (answer.addresses, answer.reason) == (("203.0.113.10",), None)
    assert answer.half is Reason.SERVER_FAILURE


@pytest.mark.parametrize("lost", [A, AAAA])
def test_silence_for_one_type_is_told(asked: Asked, lost: dns.rdatatype.RdataType) -> None:
    def answering(query: dns.message.Message, *_: object) -> Reply:
        return None if query.question[0].rdtype == lost else both(query)

    answer, _ = asked(answering, within(2.2))
    assert answer.addresses and answer.reason is None
    assert answer.half is Reason.NAMESERVER_TIMEOUT


def test_what_a_slow_server_has_no_time_for_is_not_told(asked: Asked) -> None:
    def answering(query: dns.message.Message, *_: object) -> Reply:
        time.sleep(1.5)
        return both(query)

    answer, _ = asked(answering)
    assert answer.addresses and answer.half is None


def test_a_patient_question_is_asked_once_and_waits_longer_than_the_usual_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    def answering(query: dns.message.Message, udp: bool, *_: object) -> Reply:
        if query.question[0].rdtype != AAAA:
            time.sleep(0.0 if udp else TCP_WAIT + 0.2)
        return reply(query, "203.0.113.10", cut=udp)

    with NameServer(answering) as server:
        monkeypatch.setattr(nameserver, "PORT", server.port)
        hasty = ask(Query(NAME, "127.0.0.1"), 2.2, dial)
        del server.seen[:]
        patient = ask(Query(NAME, "127.0.0.1", 4.0), 4.0, dial)
    assert (hasty.reason, patient.addresses) == (Reason.NAMESERVER_TIMEOUT, ("203.0.113.10",))
    assert sorted(kind for _, kind, udp in server.seen if udp) == ["A", "AAAA"]


def test_a_late_answer_counts_for_the_question_that_it_answers(asked: Asked) -> None:
    """A server that is slow, and one that leaves EDNS out of its answers, knows questions with EDNS all the same."""

    def answering(query: dns.message.Message, udp: bool, count: int) -> Reply:
        time.sleep(1.0 if count == 0 else 0.0)
        made = both(query)
        assert isinstance(made, dns.message.Message)
        made.use_edns(False)
        return made

    answer, _ = asked(answering, 4.0)
    assert answer.addresses and not answer.plain


def test_no_address_of_one_family_is_no_failure(asked: Asked) -> None:
    answer, _ = asked(lambda query, *_: reply(query, "203.0.113.10"))
    assert answer.addresses and answer.half is None


def test_a_failure_counts_more_than_an_unknown_name(asked: Asked) -> None:
    def answering(query: dns.message.Message, *_: object) -> Reply:
        return reply(query) if query.question[0].rdtype == A else reply(query, code=dns.rcode.SERVFAIL)

    assert asked(answering)[0].reason is Reason.SERVER_FAILURE


def test_a_name_that_does_not_exist_is_unknown_whatever_the_other_family_gets(asked: Asked) -> None:
    def answering(query: dns.message.Message, *_: object) -> Reply:
        return reply(query, code=dns.rcode.NXDOMAIN if query.question[0].rdtype == A else dns.rcode.REFUSED)

    assert asked(answering)[0].reason is Reason.NAME_UNKNOWN


@pytest.mark.parametrize("code", [dns.rcode.NXDOMAIN, dns.rcode.NOERROR, dns.rcode.NOTIMP, dns.rcode.FORMERR])
def test_what_a_question_with_edns_is_denied_is_asked_without(asked: Asked, code: int) -> None:
    def answering(query: dns.message.Message, *_: object) -> Reply:
        return both(query) if query.edns < 0 else reply(query, code=code)

    answer, _ = asked(answering)
    assert "203.0.113.10" in answer.addresses and answer.plain


def test_a_denial_stands_where_the_question_without_edns_gets_nothing(asked: Asked) -> None:
    answer, _ = asked(lambda query, *_: None if query.edns < 0 else reply(query, code=dns.rcode.NXDOMAIN))
    assert answer.reason is Reason.NAME_UNKNOWN and not answer.plain


# --- silence and rubbish ------------------------------------------------------------------------------------------


def test_silence(asked: Asked) -> None:
    answer, server = asked(lambda *_: None)
    assert answer.reason is Reason.NAMESERVER_TIMEOUT
    assert len(server.seen) >= 2


def test_one_lost_packet_is_no_dead_server(asked: Asked) -> None:
    answer, _ = asked(lambda query, udp, count: None if count == 0 else both(query))
    assert answer.addresses and answer.reason is None


def test_a_closed_port_is_seen_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        monkeypatch.setattr(nameserver, "PORT", sock.getsockname()[1])
    started = time.monotonic()
    answer = ask(Query(NAME, "127.0.0.1"), 2.2, dial)
    assert answer.reason is Reason.NAMESERVER_TIMEOUT and answer.detail
    assert time.monotonic() - started < within(0.3)


@pytest.mark.parametrize("server", ["192.0.2.1%nosuch0", "fe80::1%nosuch0", "not an address", "255.255.255.255"])
def test_a_server_that_cannot_be_asked(server: str) -> None:
    started = time.monotonic()
    answer = ask(Query(NAME, server), 1.0, dial)
    assert not answer.addresses and answer.reason is Reason.NAMESERVER_TIMEOUT
    assert time.monotonic() - started < within(1.3)


@pytest.mark.parametrize(
    "data", [b"x", b"\x00" * 12, b"\xff" * 40, bytes(range(64))], ids=["short", "zeros", "ones", "count"]
)
def test_rubbish(asked: Asked, data: bytes) -> None:
    answer, _ = asked(lambda query, *_: query.id.to_bytes(2, "big") + data)
    assert answer.addresses == () and answer.reason in (Reason.SERVER_FAILURE, Reason.NAMESERVER_TIMEOUT)


def test_an_answer_to_another_question_is_not_taken(asked: Asked) -> None:
    def answering(query: dns.message.Message, *_: object) -> Reply:
        other = dns.message.make_query("other.example.", query.question[0].rdtype)
        other.id = query.id
        return reply(other, "203.0.113.66")

    assert asked(answering)[0].addresses == ()


def test_an_answer_with_another_number_is_not_taken(asked: Asked) -> None:
    def answering(query: dns.message.Message, *_: object) -> Reply:
        made = reply(query, "203.0.113.66")
        made.id = query.id ^ 1
        return made

    assert asked(answering)[0].addresses == ()


@pytest.mark.parametrize(
    "name", ["", ".", "a" * 64 + ".example", "x." * 200, "a..b", "caf\xe9.example", "-", "a b", "\0"]
)
def test_a_name_that_is_none(asked: Asked, name: str) -> None:
    answer, _ = asked(lambda query, *_: reply(query, code=dns.rcode.NXDOMAIN), name=name)
    assert answer.addresses == () and answer.reason is Reason.NAME_UNKNOWN


# --- cut answers --------------------------------------------------------------------------------------------------


def cut(query: dns.message.Message, udp: bool, *_: object) -> Reply:
    return reply(query, cut=True) if udp else both(query)


def test_a_cut_answer_comes_whole_over_tcp(asked: Asked) -> None:
    answer, server = asked(cut)
    assert sorted(answer.addresses) == ["2001:db8::10", "203.0.113.10", "203.0.113.11"]
    assert (answer.truncated, answer.tcp_reason, answer.reason) == (True, None, None)
    assert [udp for _, _, udp in server.seen] == [True, False, True, False]


def test_a_cut_answer_and_a_closed_tcp_port(asked: Asked) -> None:
    answer, _ = asked(cut, tcp=False)
    assert (answer.addresses, answer.reason) == ((), Reason.NAMESERVER_TIMEOUT)
    assert (answer.truncated, answer.tcp_reason) == (True, Reason.REFUSED)


@pytest.mark.parametrize("said", [None, b"", b"x"], ids=["silent", "closed", "rubbish"])
def test_a_cut_answer_and_a_broken_tcp_service(asked: Asked, said: bytes | None) -> None:
    answer, _ = asked(lambda query, udp, _: reply(query, cut=True) if udp else said)
    assert answer.addresses == () and answer.truncated and answer.tcp_reason is Reason.TIMEOUT


def test_a_cut_answer_that_holds_some_addresses_is_used(asked: Asked) -> None:
    def answering(query: dns.message.Message, udp: bool, _: int) -> Reply:
        made = reply(query, "203.0.113.10")
        made.flags |= dns.flags.TC
        return made

    answer, _ = asked(answering, tcp=False)
    assert answer.addresses == ("203.0.113.10",) and answer.reason is None
    assert answer.truncated and answer.tcp_reason is Reason.REFUSED


def test_over_tcp_alone(asked: Asked) -> None:
    answer, server = asked(both, udp=False)
    assert answer.addresses and not answer.truncated
    assert {udp for _, _, udp in server.seen} == {False}


# --- time ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("timeout", [0.0, 0.2, 1.0])
def test_it_ends_in_its_time(asked: Asked, timeout: float) -> None:
    answer, _ = asked(lambda *_: None, timeout)
    assert answer.reason is Reason.NAMESERVER_TIMEOUT
    answer, _ = asked(lambda query, udp, _: reply(query, cut=True) if udp else None, timeout)
    assert answer.addresses == ()


def test_a_slow_server_is_waited_for(asked: Asked) -> None:
    def answering(query: dns.message.Message, *_: object) -> Reply:
        time.sleep(0.4)
        return both(query)

    assert asked(answering)[0].addresses


# --- the system's resolver and real interfaces --------------------------------------------------------------------

LINK_LOCAL = r"""
ip link set lo up
ip link add eth9 type veth peer name eth8 && ip link set eth9 up && ip link set eth8 up
ip -6 addr add fe80::53/64 dev eth9 nodad
{python} - <<'END'
import threading, socket
import dns.message, dns.rrset
from anywhere.facts.network.resolv_conf import parse_resolv_conf
from anywhere.hosts.base import Deadline, Query
from anywhere.hosts.local import LocalHost
conf = parse_resolv_conf("nameserver fe80::53%eth9\n")
sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
sock.bind(socket.getaddrinfo("fe80::53%eth9", 53, type=socket.SOCK_DGRAM)[0][4])
def serve():
    while True:
        data, client = sock.recvfrom(4096)
        query = dns.message.from_wire(data)
        made = dns.message.make_response(query)
        if query.question[0].rdtype == 1:
            made.answer.append(dns.rrset.from_text(query.question[0].name, 60, "IN", "A", "203.0.113.10"))
        sock.sendto(made.to_wire(), client)
threading.Thread(target=serve, daemon=True).start()
answer = LocalHost(Deadline(5)).resolve(Query("ecs.us-east-1.amazonaws.com", conf.nameservers[0]))
print(conf.nameservers, answer.addresses, answer.reason)
END
"""


@pytest.mark.region
def test_a_link_local_nameserver_with_its_interface() -> None:
    script = LINK_LOCAL.format(python=sys.executable)
    done = subprocess.run(["unshare", "-n", "sh", "-c", script], capture_output=True, text=True, timeout=30)
    assert done.stdout == "('fe80::53%eth9',) ('203.0.113.10',) None\n", done.stderr


ALONE = r"""
{setup}
{python} - <<'END'
import time
from anywhere.hosts.base import Deadline, Query
from anywhere.hosts.local import LocalHost
started = time.monotonic()
host = LocalHost(Deadline(6))
answer = host.resolve(Query("ecs.us-east-1.amazonaws.com"))
print(answer.addresses, answer.reason, time.monotonic() - started < 5.9)
END
"""


@pytest.mark.region
@pytest.mark.parametrize(
    "setup",
    [
        "printf 'nameserver 127.0.0.1\n' > {folder}/resolv.conf",  # no loopback up
        "ip link set lo up; printf 'nameserver 127.0.0.1\n' > {folder}/resolv.conf",
        "ip link set lo up; printf 'options ndots:5\nsearch a.example b.example\nnameserver 127.0.0.1\n'"
        " > {folder}/resolv.conf",
        "ip link set lo up; printf 'nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\n' > {folder}/resolv.conf",
        "ip link set lo up; : > {folder}/resolv.conf",
    ],
    ids=["no loopback", "closed port", "ndots", "three dead", "empty"],
)
def test_the_system_resolver_is_bounded_and_never_says_unknown_for_down(tmp_path: Path, setup: str) -> None:
    whole = f"{setup.format(folder=tmp_path)}; mount --bind {tmp_path}/resolv.conf /etc/resolv.conf"
    script = ALONE.format(setup=whole, python=sys.executable)
    done = subprocess.run(["unshare", "-n", "-m", "sh", "-c", script], capture_output=True, text=True, timeout=30)
    addresses, _, rest = done.stdout.partition(" ")
    assert addresses == "()" and rest.strip() in ("server-failure True", "nameserver-timeout True"), done


def test_what_getaddrinfo_says_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    from anywhere.hosts.base import Deadline
    from anywhere.hosts.local import LocalHost

    def failing(number: int) -> Callable[..., object]:
        def call(*_: object, **__: object) -> object:
            raise socket.gaierror(number, "said so")

        return call

    expected = {
        socket.EAI_NONAME: Reason.NAME_UNKNOWN,
        socket.EAI_NODATA: Reason.NAME_UNKNOWN,
        socket.EAI_AGAIN: Reason.SERVER_FAILURE,
        socket.EAI_FAIL: Reason.SERVER_FAILURE,
        socket.EAI_SYSTEM: Reason.SERVER_FAILURE,
        socket.EAI_MEMORY: Reason.SERVER_FAILURE,
    }
    for number, reason in expected.items():
        monkeypatch.setattr(socket, "getaddrinfo", failing(number))
        assert LocalHost(Deadline(5)).resolve(Query(NAME)).reason is reason
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda *_, **__: (_ for _ in ()).throw(OSError(24, "Too many open files"))
    )
    assert LocalHost(Deadline(5)).resolve(Query(NAME)).reason is Reason.SERVER_FAILURE


DROPPING = r"""
ip link set lo up
printf 'nameserver 127.0.0.2\n' > {folder}/resolv.conf && mount --bind {folder}/resolv.conf /etc/resolv.conf
{python} - <<'END'
import socket, subprocess, sys, threading
import dns.message, dns.rrset
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind(("127.0.0.2", 53))
def serve():
    while True:
        data, client = sock.recvfrom(4096)
        query = dns.message.from_wire(data)
        made = dns.message.make_response(query)
        name = query.question[0].name
        if query.question[0].rdtype != 1:
            continue
        if name.to_text().startswith("zq7"):
            made.set_rcode(3)
        else:
            made.answer.append(dns.rrset.from_text(name, 60, "IN", "A", "203.0.113.10"))
        sock.sendto(made.to_wire(), client)
threading.Thread(target=serve, daemon=True).start()
subprocess.run([sys.executable, "-m", "anywhere", "check", "--region", "us-east-1", "--only", "network", "--format", "json"])
END
"""


@pytest.mark.region
def test_a_nameserver_that_drops_one_kind_of_question_is_told(tmp_path: Path) -> None:
    """Everything works, slowly: the C library waits for the other half of each answer."""
    script = DROPPING.format(folder=tmp_path, python=sys.executable)
    done = subprocess.run(["unshare", "-n", "-m", "sh", "-c", script], capture_output=True, text=True, timeout=30)
    target = json.loads(done.stdout)["targets"][0]
    (row,) = [row for row in target["findings"] if row["check"] == "network.nameservers"]
    assert (row["status"], row["subject"]) == ("warn", "127.0.0.2"), row
    assert "IPv6 (AAAA)" in row["summary"]
    assert "dns.nameserver-degraded" in {cause["code"] for cause in target["causes"]}
