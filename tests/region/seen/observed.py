"""What the kernel saw a check do, by strace: questions, connections, commands, files; and what of it no row announces."""

from __future__ import annotations

import ipaddress
import json
import re
import shlex
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from anywhere.declared.contacts import COMMAND, CONNECTION, FILE, FOLDER, QUESTION, Contact
from tests.region.region import Region

CALLS = "execve,openat,socket,connect,sendto,sendmmsg,sendmsg,write,clone,clone3,vfork,fork"
DNS = 53
# The interpreter, its libraries, the C library's own tables, and the way to the saved run: not what a check asks.
OWN = (
    "//",
    *(f"{place}/" for place in (sys.prefix, sys.base_prefix, Path(__file__).parents[3])),
    *("/usr/lib/", "/lib/", "/lib64/", "/usr/share/", "/usr/local/lib/python", "/etc/ld.so", "/proc/self/", "/tmp/"),
    *(
        "/dev/",
        "/etc/localtime",
        "/etc/mime.types",
        "/proc/sys/vm/overcommit",
        "/sys/devices/system/cpu/",
        "/etc/python",
    ),
)
_LINE = re.compile(r"(\d+) +(?:(\w+)\((.*)|<\.\.\. \w+ resumed>(.*))")
_HEX = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


@dataclass
class Seen:
    """Questions as (name, server), TCP connections as (address, port), commands of the program itself, files that it opened;
    `names` are those that its own answers gave for an address."""

    questions: set[tuple[str, str]] = field(default_factory=set)
    connections: set[tuple[str, int]] = field(default_factory=set)
    commands: set[str] = field(default_factory=set)
    files: set[str] = field(default_factory=set)
    names: dict[str, set[str]] = field(default_factory=dict)


def traced(region: Region, arguments: Sequence[str]) -> Seen:
    """A check in this region under strace."""
    where, saved = "/run/trace", "/run/trace.json.gz"
    command = [*(sys.executable, "-m", "anywhere", "check"), *arguments, "--format", "json", "--save", saved]
    strace = f"strace --seccomp-bpf -f -qq -xx -s 30000 -e trace={CALLS} -o {where}"
    tracer = f"{strace} {shlex.join(command)} >/dev/null; cat {where}"
    seen = parse(region.run(["sh", "-c", tracer]).stdout)
    for key, answer in json.loads(region.run(["zcat", saved]).stdout)["observations"].items():
        if key.startswith("resolve "):
            for address in answer.get("addresses", ()):
                seen.names.setdefault(address, set()).add(json.loads(key.removeprefix("resolve "))["name"])
    return seen


def plan(region: Region, arguments: Sequence[str]) -> tuple[Contact, ...]:
    """What `check --plan` prints in this region."""
    done = region.run([sys.executable, "-m", "anywhere", "check", *arguments, "--plan", "--format", "json"])
    return tuple(Contact(**row) for row in json.loads(done.stdout)["hosts"][0]["contacts"])


def parse(text: str) -> Seen:
    """The calls of the program and its threads; of its children only what they are started with."""
    seen, kinds, peers = Seen(), dict[str, str](), dict[str, tuple[str, int]]()
    rows = list(_calls(text))
    own, children = _family(rows)
    for pid, call, said in rows:
        if call == "execve" and pid in children and said.endswith("= 0"):
            children.discard(pid)
            seen.commands.add(" ".join(_texts(said.partition("[")[2].partition("]")[0])))
        elif pid not in own:
            continue
        elif call == "openat":
            seen.files.update(_texts(said)[:1])
        elif call == "socket":
            kinds[said.rpartition("= ")[2]] = "tcp" if "SOCK_STREAM" in said else "udp"
        elif call == "connect" and (peer := _peer(said)):
            peers[said.partition(",")[0]] = peer
            if kinds.get(said.partition(",")[0]) == "tcp":
                seen.connections.add(peer)
        elif call in ("sendto", "sendmmsg", "sendmsg", "write"):
            address, port = peers.get(said.partition(",")[0]) or ("", 0)
            if port == DNS:
                seen.questions.update((name, address) for name in map(_question, _bytes(said)) if name)
    return seen


def _family(rows: Sequence[tuple[str, str, str]]) -> tuple[set[str], set[str]]:
    """The program's threads, and the processes that they start. A child may be seen before its start has ended."""
    own, children, count = {rows[0][0]}, set[str](), 0
    while count < len(own):
        count = len(own)
        for pid, call, said in rows:
            if call in ("clone", "clone3", "vfork", "fork") and pid in own:
                (own if "CLONE_THREAD" in said else children).add(said.rpartition("= ")[2].strip())
    return own, children


def unannounced(seen: Seen, rows: Sequence[Contact]) -> list[str]:
    """What was seen and no row announces."""
    servers = {row.address for row in rows if row.kind == QUESTION}
    ends = {(name, row.port) for row in rows if row.kind == CONNECTION for name in (row.target, row.address)}
    places = ends | {(one, DNS) for one in servers}
    places |= {_place(row.address) for row in rows if "://" in row.address}
    found = [
        f"question {name} of {server}"
        for name, server in seen.questions
        if not any(row.covers(QUESTION, name) for row in rows)
    ]
    found += [
        f"connection {address}:{port}"
        for address, port in seen.connections
        if not any((name, port) in places for name in (address, *seen.names.get(address, ())))
    ]
    found += [f"command {one}" for one in seen.commands if not any(row.covers(COMMAND, one) for row in rows)]
    found += [
        f"file {one}"
        for one in seen.files
        if one.startswith("/")
        and not f"{one}/".startswith(OWN)
        and not any(row.covers(kind, one) for row in rows for kind in (FILE, FOLDER))
    ]
    return sorted(found)


def _place(url: str) -> tuple[str, int]:
    host, _, port = url.rpartition("://")[2].rpartition("@")[2].rstrip("/").rpartition(":")
    return host.strip("[]"), int(port or 0)


def _calls(text: str) -> Iterator[tuple[str, str, str]]:
    waiting: dict[str, tuple[str, str]] = {}
    for line in text.splitlines():
        if not (found := _LINE.match(line)):
            continue
        pid, call, said, rest = found.groups()
        if call and said.endswith("<unfinished ...>"):
            waiting[pid] = (call, said.removesuffix("<unfinished ...>"))
        elif call:
            yield pid, call, said
        elif pid in waiting:
            begun = waiting.pop(pid)
            yield pid, begun[0], begun[1] + rest


def _bytes(said: str) -> list[bytes]:
    return [bytes.fromhex(one.replace("\\x", "")) for one in _HEX.findall(said)]


def _texts(said: str) -> list[str]:
    return [one.decode("utf-8", "replace") for one in _bytes(said)]


def _peer(said: str) -> tuple[str, int] | None:
    port = re.search(r"sin6?_port=htons\((\d+)\)", said)
    raw = re.search(r'(?:inet_addr\(|inet_pton\(AF_INET6, )"((?:\\x[0-9a-f]{2})+)"', said)
    return (str(ipaddress.ip_address(_texts(f'"{raw[1]}"')[0])), int(port[1])) if port and raw else None


def _question(data: bytes) -> str:
    """The name in a question of DNS, over UDP or TCP; empty where it is none."""
    if len(data) > 2 and int.from_bytes(data[:2], "big") == len(data) - 2:
        data = data[2:]
    if data[4:6] != b"\0\1" or data[2] & 0xF8:
        return ""
    labels, at = [], 12
    while at < len(data) and data[at]:
        labels.append(data[at + 1 : at + 1 + data[at]].decode("latin-1"))
        at += data[at] + 1
    name = ".".join(labels).lower()
    return name if len(data) >= at + 5 and name.isascii() and name.isprintable() else ""
