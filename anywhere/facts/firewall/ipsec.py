"""IPsec policies of this host that stop its packets: blocked, or to be encrypted where no key is agreed with the far end.

Sources: ip-xfrm(8); kernel net/xfrm/xfrm_policy.c (of the policies that fit, the lowest priority counts; a template of level
`use` is optional; a mark or an interface id is that of a VPN's own device). A policy outlives the daemon that set it.
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
# The keys are never read: no bundle may hold them (iproute2 before 5.1 refuses the word, and nothing is known then).
STATES = ("ip", "xfrm", "state", "list", "nokeys")
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
    device: str = ""

    @property
    def text(self) -> str:
        """The policy for people."""
        what = " ".join(filter(None, (self.protocol and f"proto {self.protocol}", *self._ports())))
        does = "action block" if self.blocks else f"tmpl dst {', '.join(self.peers)}"
        return f"src {self.source} dst {self.destination} {what + ' ' if what else ''}dir {self.direction} {does}"

    @property
    def selector(self) -> tuple[str, ...]:
        """The words by which `ip xfrm policy delete` finds it."""
        words = ["src", self.source, "dst", self.destination, *(("dev", self.device) if self.device else ())]
        words += ["proto", self.protocol] if self.protocol else []
        return (*words, *(word for one in self._ports() for word in one.split()), "dir", self.direction)

    def _ports(self) -> Iterator[str]:
        for name, port in zip(("sport", "dport"), self.ports, strict=True):
            if port:
                yield f"{name} {port}"

    def fits(self, sources: Iterable[str], aim: Aim, device: str = "") -> bool:
        """Whether it is for what this host sends there by a card, or for the answer."""
        far, near, port = (
            (self.destination, self.source, self.ports[1])
            if self.direction == "out"
            else (self.source, self.destination, self.ports[0])
        )
        own_port = self.ports[0] if self.direction == "out" else self.ports[1]
        return (
            self.device in ("", device)
            and _holds(far, aim.address)
            and any(_holds(near, one) for one in sources)
            and self.protocol in ("", aim.protocol)
            and port in ("", str(aim.port))
            and not own_port
        )


def policies(host: Host) -> tuple[Policy, ...]:
    """The IPsec policies, but for those of single sockets; none where they are not known."""
    return tuple(parse_policies(_lines(host, POLICIES) or ()))


def keyed_peers(host: Host) -> frozenset[str] | None:
    """The far ends for which keys are agreed; None where they are not known."""
    found = set()
    words: dict[str, str] = {}
    if (lines := _lines(host, STATES)) is None:
        return None
    for line in lines:
        if not line[0].isspace():
            words = dict(pairwise(line.split()))
        elif " spi " in line and "spi 0x00000000" not in line:
            found.add(words.get("dst", ""))
    return frozenset(found)


def stopping(
    found: Sequence[Policy], keyed: frozenset[str] | None, sources: Iterable[str], aim: Aim, device: str = ""
) -> Policy | None:
    """The policy that stops what this host sends there by a card, or the answer; None where none is known to."""
    own = tuple(sources)
    out, back = (_chosen(found, direction, own, aim, device) for direction in ("out", "in"))
    if out and (out.blocks or (keyed is not None and any(peer not in keyed for peer in _peers(out, aim)))):
        return out
    if back and (back.blocks or (back.peers and not (out and out.peers))):
        return back
    return None


def _peers(policy: Policy, aim: Aim) -> Iterator[str]:
    return (aim.address if peer in ANY else peer for peer in policy.peers)


def _chosen(found: Sequence[Policy], direction: str, sources: tuple[str, ...], aim: Aim, device: str) -> Policy | None:
    fitting = [one for one in found if one.direction == direction and one.fits(sources, aim, device)]
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
    if any(_is_marked(line.split()) for line in block[2:]):
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
        selector.get("dev", ""),
    )


def _is_marked(words: Sequence[str]) -> bool:
    """Whether a line of a policy limits it to marked packets, or to those of a VPN's own device: `mark 0x2a/0xff`."""
    return words[:1] in (["mark"], ["if_id"]) and len(words) > 1 and words[1].partition("/")[0] not in ("0", "0x0")


def _required(lines: Sequence[str]) -> Iterator[str]:
    """The far ends of the templates that are not optional: two lines each, and a third one with the level `use`."""
    for number, line in enumerate(lines):
        words = dict(pairwise(line.split()))
        if line.split()[:1] == ["tmpl"] and "level use" not in " ".join(lines[number : number + 3]):
            yield words.get("dst", "")


def _holds(network: str, address: str) -> bool:
    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


def _lines(host: Host, argv: tuple[str, ...]) -> list[str] | None:
    try:
        done = host.run(argv, timeout=3)
    except NotRecorded:
        return None
    return [line for line in done.stdout.splitlines() if line.strip()] if done.ok else None
