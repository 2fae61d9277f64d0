"""resolv.conf, hosts, routes and kinds of addresses, as the C library and the kernel take them."""

from __future__ import annotations

import ipaddress
import subprocess
import sys
import time
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anywhere.catalogue.issuers import is_public, product
from anywhere.facts.network.go_names import GoNames, read_order, read_servers
from anywhere.facts.network.lookup import Lookup, announce, first_addresses, lookup, random_name
from anywhere.facts.network.resolv_conf import (
    DOCKER_FALLBACK,
    container_nameservers,
    parse_resolv_conf,
    pins,
    resolv_conf,
    upstream,
)
from anywhere.facts.network.routes import (
    Route,
    has_default,
    is_bogus,
    is_ipv6,
    is_private,
    parse_ipv4_routes,
    parse_ipv6_routes,
    route_to,
    routes,
)
from anywhere.facts.system.castore import parse_ca_store
from anywhere.hosts.base import RANDOM_LABEL, Answer, Query
from anywhere.hosts.recording import Recording
from anywhere.model import Reason
from tests.support.fakehost import FakeHost
from tests.support.pace import within

NAME = "ecs.us-east-1.amazonaws.com"

# --- resolv.conf --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "servers", "search", "ndots"),
    [
        ("", (), (), 1),
        ("nameserver 10.0.0.53\n", ("10.0.0.53",), (), 1),
        ("nameserver\t10.0.0.53\nnameserver fd00::53", ("10.0.0.53", "fd00::53"), (), 1),
        ("nameserver fe80::1%eth0\n", ("fe80::1%eth0",), (), 1),
        ("nameserver 10.0.0.1\nnameserver 10.0.0.2\nnameserver 10.0.0.3\nnameserver 10.0.0.4\n",)
        + (("10.0.0.1", "10.0.0.2", "10.0.0.3"), (), 1),
        ("# nameserver 10.0.0.1\n; nameserver 10.0.0.2\nnameserver 10.0.0.3 # this one\n", ("10.0.0.3",), (), 1),
        ("domain a.example\nsearch B.example. c.example\n", (), ("b.example", "c.example"), 1),
        ("search a.example\ndomain b.example\n", (), ("b.example",), 1),
        ("options ndots:5 timeout:1\n", (), (), 5),
        ("options ndots:99\n", (), (), 15),
        ("options ndots:\noptions ndots:-1\noptions ndots:x\n", (), (), 1),
        ("options edns0 trust-ad\nnameserver 127.0.0.53\n", ("127.0.0.53",), (), 1),
        ("nameserver ::ffff:10.0.0.53\n", ("::ffff:10.0.0.53",), (), 1),
    ],
)
def test_resolv_conf(text: str, servers: tuple[str, ...], search: tuple[str, ...], ndots: int) -> None:
    conf = parse_resolv_conf(text)
    assert (conf.nameservers, conf.search, conf.ndots, conf.bad) == (servers, search, ndots, ())


@pytest.mark.parametrize(
    "line",
    [
        "nameserver",
        "nameserver dns.example",
        "nameserver 10.0.0",
        "nameserver 300.0.0.1",
        "nameserver 10.0.0.53,10.0.0.54",
    ]
    + [
        "nameserver 10.0.0.53:53",
        "nameserver [fd00::53]",
        "nameserver 10.0.0.53#old",
        " nameserver 10.0.0.53",
        "nameserver 10.0.0.53\r",
    ],
)
def test_lines_that_name_no_nameserver_are_kept_for_the_report(line: str) -> None:
    conf = parse_resolv_conf(f"{line}\nnameserver 10.0.0.54\n")
    assert conf.nameservers == ("10.0.0.54",)
    assert len(conf.bad) == 1 and conf.bad[0].startswith("line 1: ")


GLIBC = r"""
import ctypes, socket, sys
libc = ctypes.CDLL("libc.so.6")
state = ctypes.create_string_buffer(1024)
libc.__res_ninit(state)
count = ctypes.c_int.from_buffer(state, 16).value
servers = []
for place in range(count):
    raw = state.raw[20 + 16 * place:36 + 16 * place]
    if int.from_bytes(raw[:2], "little") == socket.AF_INET:
        servers.append(socket.inet_ntoa(raw[4:8]))
print(",".join(servers))
"""


@pytest.mark.region
@pytest.mark.parametrize(
    "text",
    [
        "nameserver 10.0.0.1\nnameserver 10.0.0.2\n",
        " nameserver 10.0.0.1\nnameserver 10.0.0.2\n",
        "nameserver 10.0.0.1\r\nnameserver 10.0.0.2\n",
        "nameserver 10.0.0.1#x\nnameserver\t10.0.0.2 ; y\n#nameserver 10.0.0.3\n",
        "nameserver 10.0.0.1\nnameserver 10.0.0.2\nnameserver 10.0.0.3\nnameserver 10.0.0.4\n",
        "nameserver10.0.0.1\nnameserver dns.example\nnameserver 10.0.0.2\nNAMESERVER 10.0.0.3\n",
    ],
)
def test_the_c_library_reads_it_the_same(tmp_path, text: str) -> None:
    (tmp_path / "resolv.conf").write_bytes(text.encode())
    (tmp_path / "ask.py").write_text(GLIBC)
    script = f"mount --bind {tmp_path}/resolv.conf /etc/resolv.conf && exec {sys.executable} {tmp_path}/ask.py"
    done = subprocess.run(["unshare", "-m", "sh", "-c", script], capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, done.stderr
    assert ",".join(parse_resolv_conf(text).nameservers) == done.stdout.strip()


def test_an_absent_one_names_none() -> None:
    conf = resolv_conf(FakeHost())
    assert (conf.nameservers, conf.present) == ((), False)
    assert resolv_conf(FakeHost(files={"/etc/resolv.conf": None})).nameservers == ()


def test_behind_the_stub_of_systemd_stand_the_true_ones() -> None:
    files = {"/etc/resolv.conf": "nameserver 127.0.0.53\n"}
    assert upstream(FakeHost(files=files)).nameservers == ("127.0.0.53",)
    files["/run/systemd/resolve/resolv.conf"] = "nameserver 10.0.0.53\n"
    assert upstream(FakeHost(files=files)).nameservers == ("10.0.0.53",)
    files["/etc/resolv.conf"] = "nameserver 10.0.0.9\n"
    assert upstream(FakeHost(files=files)).nameservers == ("10.0.0.9",)


@pytest.mark.parametrize(
    ("text", "daemon", "expected"),
    [
        ("nameserver 10.0.0.53\nnameserver 127.0.0.1\n", (), ("10.0.0.53",)),
        ("nameserver 127.0.0.1\nnameserver ::1\n", (), DOCKER_FALLBACK),
        ("", (), DOCKER_FALLBACK),
        ("nameserver 127.0.0.1\n", ("10.0.0.9",), ("10.0.0.9",)),
        ("nameserver fe80::1%eth0\n", (), ("fe80::1%eth0",)),
    ],
)
def test_whom_a_container_asks(text: str, daemon: tuple[str, ...], expected: tuple[str, ...]) -> None:
    assert container_nameservers(FakeHost(files={"/etc/resolv.conf": text}), daemon) == expected


# --- hosts --------------------------------------------------------------------------------------------------------


def test_every_name_of_a_line_is_pinned() -> None:
    text = (
        f"127.0.0.1 localhost\n# 10.0.0.1 {NAME}\n10.0.0.2\t{NAME.upper()}. alias # why\nbad line\n10.0.0.3\n::1 ip6\n"
    )
    host = FakeHost(files={"/etc/hosts": text})
    found = [(pin.name, pin.address, pin.line) for pin in pins(host, ("localhost", NAME, "alias", "ip6")) or ()]
    assert found == [("localhost", "127.0.0.1", 1), (NAME, "10.0.0.2", 3), ("alias", "10.0.0.2", 3), ("ip6", "::1", 6)]
    assert pins(FakeHost(), (NAME,)) == ()


def test_a_list_of_what_is_blocked_is_searched_for_each_name() -> None:
    many = "".join(f"0.0.0.0 ads{n}.example.com\n" for n in range(50_000))
    text = f"{many}10.0.0.5 x{NAME} {NAME}\r\n{NAME}\n10.0.0.6\t{NAME}.#\n10.0.0.7 {NAME}x"
    host = FakeHost(files={"/etc/hosts": text})
    found = [(pin.address, pin.line) for pin in pins(host, (NAME, "ads7.example.com")) or ()]
    assert found == [("0.0.0.0", 8), ("10.0.0.5", 50_001), ("10.0.0.6", 50_003)]


def test_a_line_without_end_is_read_as_far_as_go_reads_it() -> None:
    host = FakeHost(files={"/etc/hosts": f"10.0.0.1 {NAME} " + f"x.example {NAME} " * 100_000})
    assert 1 <= len(pins(host, (NAME,)) or ()) < 5_000


@pytest.mark.parametrize("name", ["", " ", "\n", "\na", "\ud800.example"])
def test_what_is_no_name_is_in_no_line(name: str) -> None:
    assert pins(FakeHost(files={"/etc/hosts": "\n10.0.0.1 a\n\n"}), (name,)) == ()


@pytest.mark.parametrize(
    ("line", "to_go", "to_libc"),
    [
        (f"10.0.0.1 {NAME}", True, True),
        (f"10.0.0.1 {NAME.upper()}.", True, False),
        (f"10.0.0.1\f{NAME}", False, True),
        (f"10.0.0.1\v{NAME}", False, True),
        (f"10.0.0.1\u00a0{NAME}", False, False),
        (f"fe80::1%eth0 {NAME}", True, False),
    ],
)
def test_who_reads_a_line_of_the_hosts_file(line: str, to_go: bool, to_libc: bool) -> None:
    host = FakeHost(files={"/etc/hosts": line + "\n"})
    found = pins(host, (NAME,)) or ()
    assert [(pin.to_go, pin.to_libc) for pin in found] == [(to_go, to_libc)] * (to_go or to_libc)
    assert GoNames().differs_for(host, "ecs-agent", NAME) is (to_go != to_libc)
    assert not GoNames().differs_for(host, "installer", NAME)


@pytest.mark.parametrize(
    ("options", "same"),
    [("attempts:0", False), ("attempts:-1", False), ("attempts:", False), ("attempts:02", True), ("", True)],
)
def test_no_attempt_is_one_to_go(options: str, same: bool) -> None:
    assert read_servers(f"nameserver 10.0.0.1\noptions {options}\n") == (("10.0.0.1",), same)


# --- nsswitch, as Go reads it (GODEBUG=netdns=2 tells the order) ----------------------------------------------------


@pytest.mark.parametrize(
    ("text", "order", "same"),
    [
        ("hosts: files dns", ("files", "dns"), True),
        ("hosts:          files dns myhostname", ("files", "dns"), True),
        ("hosts: files mdns4_minimal [NOTFOUND=return] dns", ("files", "dns"), False),
        ("hosts: files", ("files",), True),
        ("hosts: dns\n# hosts: x\nhosts: files", ("dns", "files"), True),
        ("", ("files", "dns"), True),
        ("hosts:", ("files", "dns"), False),
        ("hosts: # files dns", ("files", "dns"), False),
        ("hosts: files resolve", ("files", "dns"), False),
        ("hosts: resolve [!UNAVAIL=return] files", ("dns", "files"), False),
        ("hosts: mymachines resolve [!UNAVAIL=return] files myhostname dns", ("files", "dns"), False),
        ("hosts: nis", ("dns",), False),
        ("hosts: files\tdns", ("dns",), False),
        ("hosts: DNS FILES", ("dns",), False),
        ("hosts: dns, files", ("dns", "files"), False),
        ("hosts: dns files [x]", ("files", "dns"), False),
        ("hosts: dns files [x=y", ("files", "dns"), False),
        ("no colon\nhosts: dns files", ("files", "dns"), False),
    ],
)
def test_the_sources_of_names_in_their_order(text: str, order: tuple[str, ...], same: bool) -> None:
    assert read_order(text) == (order, same)


def test_sources_of_names_without_number_take_no_time() -> None:
    started = time.process_time()
    for text in ("hosts: " + "a " * 300_000, "hosts" + " " * 400_000 + ": dns" + " a" * 200_000):
        read_order(text)
    assert time.process_time() - started < 5  # it was minutes


# --- routes -------------------------------------------------------------------------------------------------------

IPV4 = """Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t01002F0A\t0003\t0\t0\t100\t00000000\t0\t0\t0
eth0\t00002F0A\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0
docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
eth1\t00000000\t01FFFFFF\t0003\t0\t0\t200\t00000000\t0\t0\t0
eth2\t0000A8C0\t00000000\t0000\t0\t0\t0\t0000FFFF\t0\t0\t0
*\t007100CB\t00000000\t0201\t0\t0\t0\t00FFFFFF\t0\t0\t0
"""
IPV6 = """fe800000000000000000000000000000 40 00000000000000000000000000000000 00 {zero} 00000100 1 0 00000001     eth0
00000000000000000000000000000000 00 00000000000000000000000000000000 00 {via} 00000400 5 0 00000003     eth0
00000000000000000000000000000000 00 00000000000000000000000000000000 00 {zero} ffffffff 1 0 00200200       lo
""".format(zero="0" * 32, via="fe80000000000000000000000000000a")


def test_ipv4_routes() -> None:
    table = parse_ipv4_routes(IPV4)
    assert [str(route.network) for route in table if route.interface == "eth0"] == ["0.0.0.0/0", "10.47.0.0/24"]
    assert [route.gateway for route in table] == ["10.47.0.1", "", "", "255.255.255.1", ""]
    assert "eth2" not in {route.interface for route in table}, "a route that is not up leads nowhere"
    assert has_default(table, 4) and not has_default(table, 6)
    assert route_to("8.8.8.8", table) == table[0], "the lower metric"
    assert route_to("172.17.0.9", table) == table[2], "the longer prefix"
    refusing = route_to("203.0.113.10", table)
    assert refusing and refusing.reject


def test_ipv6_routes() -> None:
    table = parse_ipv6_routes(IPV6)
    assert len(table) == 2, "the kernel's own refusing default is none of the administrator's"
    assert has_default(table, 6) and not has_default(table, 4)
    found = route_to("2001:db8::1", table)
    assert found and found.gateway == "fe80::a"
    assert route_to("fe80::9%eth0", table) == table[0]


def test_no_route() -> None:
    assert route_to("203.0.113.1", ()) is None
    assert route_to("nonsense", parse_ipv4_routes(IPV4)) is None
    assert routes(FakeHost()) == ()
    assert not has_default([Route(ipaddress.ip_network("0.0.0.0/0"), "eth0", reject=True)], 4)


NAMESPACE = r"""
ip link set lo up
ip link add va type veth peer name vb && ip link set va up && ip link set vb up
ip addr add 10.47.0.9/24 dev va
ip route add default via 10.47.0.1 metric 100
ip route add 203.0.113.0/24 via 10.47.0.2
ip route add unreachable 198.51.100.0/25
ip route add blackhole 198.51.100.128/26
ip route add prohibit 198.51.100.192/26
ip -6 addr add fd47::9/64 dev va nodad
ip -6 route add default via fd47::1 metric 50
ip -6 route add unreachable 2001:db8:1::/48
{python} - <<'END'
import subprocess
from anywhere.facts.network.routes import route_to, routes
from anywhere.hosts.base import Deadline
from anywhere.hosts.local import LocalHost
table = routes(LocalHost(Deadline(5)))
for address in ("8.8.8.8", "10.47.0.7", "203.0.113.9", "198.51.100.1", "198.51.100.130", "198.51.100.200",
                "2001:db8::1", "2001:db8:1::1", "fd47::7", "127.0.0.1"):
    said = subprocess.run(["ip", "route", "get", address], capture_output=True, text=True)
    leads = said.returncode == 0 and not said.stdout.startswith(("unreachable", "blackhole", "prohibit"))
    words = said.stdout.split()
    via = words[words.index("via") + 1] if leads and "via" in words else ""
    route = route_to(address, table)
    ours = bool(route and not route.reject)
    if address != "127.0.0.1" and (ours != leads or (ours and route.gateway != via)):
        print(address, "kernel:", said.stdout.strip() or said.stderr.strip(), "ours:", route)
END
"""


@pytest.mark.region
def test_the_kernel_says_the_same() -> None:
    done = subprocess.run(
        ["unshare", "-n", "sh", "-ec", NAMESPACE.format(python=sys.executable)],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


# --- kinds of addresses -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "private", "bogus"),
    [
        ("203.0.113.10", False, False),
        ("52.94.5.1", False, False),
        ("10.0.0.1", True, False),
        ("172.16.0.1", True, False),
        ("172.32.0.1", False, False),
        ("192.168.1.1", True, False),
        ("100.64.0.1", True, False),
        ("0.0.0.0", False, True),
        ("0.1.2.3", False, True),
        ("127.0.0.1", False, True),
        ("169.254.1.1", False, True),
        ("224.0.0.1", False, True),
        ("240.0.0.1", False, True),
        ("255.255.255.255", False, True),
        ("2600:1f00::1", False, False),
        ("64:ff9b::3400:1", False, False),
        ("fd00::1", True, False),
        ("::", False, True),
        ("::1", False, True),
        ("fe80::1", False, True),
        ("ff02::1", False, True),
        ("::ffff:127.0.0.1", False, True),
        ("::ffff:203.0.113.10", False, False),
        ("", False, True),
        ("nonsense", False, True),
    ],
)
def test_kinds(address: str, private: bool, bogus: bool) -> None:
    assert (is_private(address), is_bogus(address)) == (private, bogus)
    assert is_ipv6(address) is (":" in address)


# --- names --------------------------------------------------------------------------------------------------------


def told(system: Answer, *servers: Answer) -> Lookup:
    return Lookup(NAME, system, servers)


def answer(*addresses: str, reason: Reason | None = None, seconds: float = 0.01, source: str = "10.0.0.53") -> Answer:
    return Answer(NAME, source, addresses, reason, seconds=seconds)


KNOWN, NONE = answer("203.0.113.10"), answer(reason=Reason.NAME_UNKNOWN)
DEAD, FAILING = answer(reason=Reason.NAMESERVER_TIMEOUT), answer(reason=Reason.SERVER_FAILURE)


@pytest.mark.parametrize(
    ("found", "addresses", "reason", "known"),
    [
        (told(KNOWN, KNOWN), ("203.0.113.10",), None, True),
        (told(NONE, NONE), (), Reason.NAME_UNKNOWN, False),
        (told(FAILING, DEAD), (), Reason.NAMESERVER_TIMEOUT, False),
        (told(FAILING, FAILING), (), Reason.SERVER_FAILURE, False),
        (told(FAILING), (), Reason.SERVER_FAILURE, False),
        (told(DEAD, DEAD, FAILING), (), Reason.SERVER_FAILURE, False),
        # The system's resolver takes too long, one nameserver answers: that is where the programs will connect.
        (told(DEAD, DEAD, KNOWN), ("203.0.113.10",), None, True),
        # A wildcard under a search domain is no word about the name itself.
        (told(answer("10.9.9.9"), NONE), ("10.9.9.9",), None, False),
        # The C library knows it by other means than the nameservers (hosts file, another module).
        (told(KNOWN), ("203.0.113.10",), None, True),
        (told(KNOWN, DEAD), ("203.0.113.10",), None, True),
        (told(NONE, KNOWN), (), Reason.NAME_UNKNOWN, True),
    ],
)
def test_what_all_answers_together_say(
    found: Lookup, addresses: tuple[str, ...], reason: Reason | None, known: bool
) -> None:
    assert (found.addresses, found.reason, found.known) == (addresses, reason, known)


class Asked(FakeHost):
    """Answers from a table by nameserver, after some seconds."""

    def __init__(self, table: dict[str, tuple[Answer, float]]) -> None:
        super().__init__()
        self.table = table

    def resolve(self, query: Query) -> Answer:
        from threading import Event

        found, delay = self.table[query.server]
        Event().wait(delay)
        return found


def test_the_systems_answer_is_used_at_once() -> None:
    host = Asked({"": (KNOWN, 0.0), "10.0.0.53": (answer("203.0.113.99"), 0.6)})
    started = time.monotonic()
    assert first_addresses(host, NAME, ("10.0.0.53",)) == ("203.0.113.10",)
    assert time.monotonic() - started < within(0.3)
    assert lookup(host, NAME, ("10.0.0.53",)).servers[0].addresses == ("203.0.113.99",)


def test_a_nameservers_own_answer_is_used_when_the_system_takes_long() -> None:
    host = Asked({"": (DEAD, 2.5), "10.0.0.53": (DEAD, 2.0), "10.0.0.54": (KNOWN, 0.0)})
    started = time.monotonic()
    assert first_addresses(host, NAME, ("10.0.0.53", "10.0.0.54")) == ("203.0.113.10",)
    assert 1.1 < time.monotonic() - started < within(1.6)


def test_a_name_that_nobody_knows_is_no_address() -> None:
    host = Asked({"": (NONE, 0.0), "10.0.0.53": (KNOWN, 0.0)})
    assert first_addresses(host, NAME, ("10.0.0.53",)) == ()


class Ahead(Asked):
    """A host that is asked for many names at once, and has an answer after its seconds."""

    is_ahead = True

    def announce(self, names: Sequence[str], servers: Sequence[str], later: float) -> None:
        self.announced = time.monotonic()

    def cut(self) -> Sequence[tuple[str, ...]]:
        return ()

    def has(self, query: Query, seconds: float) -> bool:
        left = self.announced + self.table[query.server][1] - time.monotonic()
        time.sleep(max(0.0, min(seconds, left)))
        return left <= seconds


@pytest.mark.parametrize(
    ("system", "expected", "seconds"),
    [
        ((KNOWN, 0.1), ("203.0.113.10",), 0.4),
        ((DEAD, 0.1), ("203.0.113.99",), 0.5),
        ((DEAD, 2.5), ("203.0.113.99",), 2.6),
    ],
)
def test_names_that_were_announced_are_waited_for_by_nobody_else(
    system: tuple[Answer, float], expected: tuple[str, ...], seconds: float
) -> None:
    host = Recording(Ahead({"": system, "10.0.0.53": (answer("203.0.113.99"), 0.2)}))
    announce(host, [NAME], ("10.0.0.53",))
    started = time.monotonic()
    assert first_addresses(host, NAME, ("10.0.0.53",)) == expected
    assert time.monotonic() - started < within(seconds)
    assert lookup(host, NAME, ("10.0.0.53",)).servers[0].addresses == ("203.0.113.99",)


def test_the_systems_answer_is_taken_before_the_nameservers_are_asked() -> None:
    """A nameserver's answer is weighed against it: whoever waits for what nobody has taken waits in vain."""
    asked: list[str] = []

    class Weighing(Ahead):
        def resolve(self, query: Query) -> Answer:
            asked.append(query.server)
            return super().resolve(query)

        def has(self, query: Query, seconds: float) -> bool:
            return not query.server

    host = Recording(Weighing({"": (KNOWN, 0.0), "10.0.0.53": (KNOWN, 0.0), "10.0.0.54": (KNOWN, 0.0)}))
    lookup(host, NAME, ("10.0.0.53", "10.0.0.54"))
    assert asked[0] == "" and sorted(asked[1:]) == ["10.0.0.53", "10.0.0.54"]


def test_the_impossible_name_is_the_same_each_time() -> None:
    assert random_name("us-east-1", "amazonaws.com") == f"{RANDOM_LABEL}.us-east-1.amazonaws.com"


# --- who opens TLS ------------------------------------------------------------------------------------------------


def test_the_cas_that_aws_uses() -> None:
    assert is_public("Amazon") and is_public("Starfield Technologies, Inc.") and is_public("DigiCert Inc")
    assert not is_public("Zscaler Inc.") and not is_public("") and not is_public("My Amazon")


@pytest.mark.parametrize(
    ("issuer", "chain", "expected"),
    [
        ("Zscaler Inc.", (), "Zscaler"),
        ("x", ("FG100ETK18012345, Fortinet",), "Fortinet FortiGate"),
        ("squid", (), "Squid (SslBump)"),
        ("Example Industries Security", (), ""),
        ("Desert Reset Corp", (), ""),
    ],
)
def test_products_are_told_by_their_certificates(issuer: str, chain: tuple[str, ...], expected: str) -> None:
    assert product(issuer, {"chain": chain}) == expected


def test_the_ca_store() -> None:
    store = parse_ca_store("/etc/ssl/certs/ca-certificates.crt 140\nfolders 280\n")
    assert (store.bundle, store.certificates) == ("/etc/ssl/certs/ca-certificates.crt", 280)
    assert parse_ca_store("folders 0\n").certificates == 0
    assert parse_ca_store("").certificates is None


# --- fuzz ---------------------------------------------------------------------------------------------------------

LINES = st.lists(
    st.one_of(
        st.text(max_size=40),
        st.sampled_from(
            ["nameserver ", "search", "options ndots:", "10.0.0.53", "fe80::1%", "\r", "\t", "#", "00000000\t"]
        ),
        st.sampled_from(IPV4.splitlines() + IPV6.splitlines() + ["domain .", "::1 a b", "1.2.3.4 \x00", "folders 99"]),
    ),
    max_size=20,
)


@settings(deadline=None, max_examples=400)
@given(LINES, st.sampled_from(["", " ", "\n", "\r\n", "\t"]))
def test_no_text_breaks_a_parser(lines: list[str], between: str) -> None:
    text = between.join(lines)
    conf = parse_resolv_conf(text)
    assert len(conf.nameservers) <= 3 and 0 <= conf.ndots <= 15
    for server in conf.nameservers:
        ipaddress.ip_address(server.partition("%")[0])
    for pin in pins(FakeHost(files={"/etc/hosts": text}), text.lower().split()) or ():
        ipaddress.ip_address(pin.address.partition("%")[0])
    for route in (*parse_ipv4_routes(text), *parse_ipv6_routes(text)):
        assert 0 <= route.network.prefixlen <= 128
    parse_ca_store(text)
    product(text, {})
    for word in text.split():
        is_private(word), is_bogus(word), route_to(word, ())


@settings(deadline=None)
@given(st.text(max_size=60))
def test_any_text_may_be_asked_about(text: str) -> None:
    assert is_bogus(text) in (True, False)
    assert is_private(text) in (True, False)
    assert route_to(text, parse_ipv4_routes(IPV4)) is None or ipaddress.ip_address(text)
