"""IPsec policies of this host that stop its packets: blocked, or to be encrypted where no key is agreed with the far end.

Sources: ip-xfrm(8); kernel net/xfrm/xfrm_policy.c (of the policies that fit, the lowest priority counts; a template of level
`use` is optional). A policy outlives the daemon that set it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from anywhere.errors import NotRecorded
from anywhere.facts.firewall.forwarding import Aim
from anywhere.frozen import frozen
from anywhere.hosts.base import Host

POLICIES = ("ip", "xfrm", "policy", "show")
STATES = ("ip", "xfrm", "state", "show")
ANY = ("0.0.0.0", "::")


@frozen
class Policy:
    """What packets it is for, its direction, and what it asks: `blocks`, or `peers` to which each packet goes encrypted."""

    source: str
    destination: str
    direction: str = ""
    protocol: str = ""
    ports: tuple[str, str] = ("", "")
    priority: int = 0
    blocks: bool = False
    peers: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The policy for people."""
        what = " ".join(filter(None, (self.protocol and f"proto {self.protocol}", *self._ports())))
        does = "action block" if self.blocks else f"tmpl dst {', '.join(self.peers)}"
        return f"src {self.source} dst {self.destination} {what + ' ' if what else ''}dir {self.direction} {does}"

    @property
    def selector(self) -> tuple[str, ...]:
        """The words by which `ip xfrm policy delete` finds it."""
        words = ["src", self.source, "dst", self.destination]
        words += ["proto", self.protocol] if self.protocol else []
        return (*words, *(word for one in self._ports() for word in one.split()), "dir", self.direction)

    def _ports(self) -> Iterator[str]:
        for name, port in zip(("sport", "dport"), self.ports, strict=True):
            if port:
                yield f"{name} {port}"

    def fits(self, sources: Iterable[str], aim: Aim) -> bool:
        """Whether it is for what this host sends there, or for the answer."""
        far, near, port = (
            (self.destination, self.source, self.ports[1])
            if self.direction == "out"
            else (self.source, self.destination, self.ports[0])
        )
        own_port = self.ports[0] if self.direction == "out" else self.ports[1]
        return (
            _holds(far, aim.address)
            and any(_holds(near, one) for one in sources)
            and self.protocol in ("", aim.protocol)
            and port in ("", str(aim.port))
            and not own_port
        )


def policies(host: Host) -> tuple[Policy, ...]:
    """The IPsec policies, but for those of single sockets; none where they are not known."""
    return tuple(parse_policies(_lines(host, POLICIES)))


def keyed_peers(host: Host) -> frozenset[str]:
    """The far ends for which keys are agreed."""
    found = set()
    words: dict[str, str] = {}
    for line in _lines(host, STATES):
        if not line[0].isspace():
            words = dict(pairwise(line.split()))
        elif " spi " in line and "spi 0x00000000" not in line:
            found.add(words.get("dst", ""))
    return frozenset(found)


def stopping(found: Sequence[Policy], keyed: frozenset[str], sources: Iterable[str], aim: Aim) -> Policy | None:
    """The policy that stops what this host sends there, or the answer; None where none is known to."""
    own = tuple(sources)
    out, back = (_chosen(found, direction, own, aim) for direction in ("out", "in"))
    if out and (out.blocks or any(peer not in keyed for peer in _peers(out, aim))):
        return out
    if back and (back.blocks or (back.peers and not (out and out.peers))):
        return back
    return None


def _peers(policy: Policy, aim: Aim) -> Iterator[str]:
    return (aim.address if peer in ANY else peer for peer in policy.peers)


def _chosen(found: Sequence[Policy], direction: str, sources: tuple[str, ...], aim: Aim) -> Policy | None:
    fitting = [one for one in found if one.direction == direction and one.fits(sources, aim)]
    first = min(fitting, key=lambda one: one.priority, default=None)
    same = [one for one in fitting if first and one.priority == first.priority]
    # Of two with the same priority the kernel takes the older one, which the listing does not tell.
    return first if len({(one.blocks, one.peers) for one in same}) == 1 else None


def parse_policies(lines: Iterable[str]) -> Iterator[Policy]:
    """The output of `ip xfrm policy show`.

    ```
    src 10.0.0.5/32 dst 203.0.113.0/24 proto tcp dport 443
        dir out action block priority 100 ptype main
        tmpl src 10.0.0.5 dst 198.51.100.1
                proto esp reqid 1 mode tunnel
    ```
    """
    block: list[str] = []
    for line in [*lines, "src"]:
        if block and not line[0].isspace():
            yield from _policy(block)
            block = []
        block.append(line)


def _policy(block: Sequence[str]) -> Iterator[Policy]:
    selector = dict(pairwise(block[0].split()))
    about = dict(pairwise(block[1].split())) if len(block) > 1 else {}
    if about.get("dir") not in ("in", "out") or "src" not in selector or "dst" not in selector:
        return
    priority = about.get("priority", "0")
    yield Policy(
        selector["src"],
        selector["dst"],
        about["dir"],
        selector.get("proto", ""),
        (selector.get("sport", ""), selector.get("dport", "")),
        int(priority) if priority.isdigit() else 0,
        about.get("action") == "block",
        tuple(_required(block[2:])),
    )


def _required(lines: Sequence[str]) -> Iterator[str]:
    """The far ends of the templates that are not optional."""
    for number, line in enumerate(lines):
        words = dict(pairwise(line.split()))
        if line.split()[:1] == ["tmpl"] and "level use" not in " ".join(lines[number : number + 2]):
            yield words.get("dst", "")


def _holds(network: str, address: str) -> bool:
    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


def _lines(host: Host, argv: tuple[str, ...]) -> list[str]:
    try:
        done = host.run(argv, timeout=3)
    except NotRecorded:
        return []
    return [line for line in done.stdout.splitlines() if line.strip()] if done.ok else []
