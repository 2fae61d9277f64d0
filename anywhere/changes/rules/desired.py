"""The network rules of task credentials: what is wanted, what is missing, and the steps between.

The rules are those that ecs-init sets at each start (amazon-ecs-agent, ecs-init/exec/iptables/iptables.go), so that its
own copies count as present. Ours carry a comment and are the only ones ever removed. The guards come before
route_localnet opens the loopback (CVE-2020-8558), and go after it is closed again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from anywhere.changes.base import Command, NeedsRoot, Step, set_sysctl
from anywhere.changes.rules.nftables import native_steps, remove_native
from anywhere.changes.script import run_script
from anywhere.facts.agents.ecs_config import ecs_config
from anywhere.facts.firewall.credential_path import NEIGHBOUR, input_drops, redirected
from anywhere.facts.firewall.firewall import NFT, Backend, Firewall, firewall
from anywhere.facts.firewall.iptables import OWN_PREFIX, Rule, parse_rule
from anywhere.facts.firewall.iptables_walk import Packet, walk
from anywhere.facts.firewall.route_localnet import CREDENTIAL_ADDRESS, Localnet, localnet
from anywhere.frozen import frozen
from anywhere.hosts.base import Host

GUARD, BRIDGE, LOOPBACK = "introspection-guard", "introspection-bridge", "loopback-guard"
ACCEPT = "credentials-bridge"
TO_AGENT, FROM_HOST = "credentials-prerouting", "credentials-output"
MEANS = {
    GUARD: "other hosts may not reach the agent's port 51678",
    BRIDGE: "containers may reach it",
    LOOPBACK: "other hosts may not reach 127.0.0.0/8",
    ACCEPT: "containers may reach the agent's port 51679",
    TO_AGENT: "container requests to 169.254.170.2 go to the agent",
    FROM_HOST: "host requests to 169.254.170.2 go to the agent",
}
_TAKE_BACK = Path(__file__).with_name("take_back.sh")
_UNRESERVE = Path(__file__).with_name("unreserve.sh")
_REMOVE_ROUTE = Path(__file__).with_name("remove_route.sh")


@frozen
class Wanted:
    """A rule that has to be there: its table, the rule without our comment, the backend it is wanted in, and a packet
    that it has to decide over."""

    slug: str
    family: int
    table: str
    text: str
    backend: str
    packet: Packet

    @property
    def rule(self) -> Rule:
        """The rule, to be compared by its signature."""
        return parse_rule(self.text)

    @property
    def words(self) -> str:
        """The rule with our comment, without its chain."""
        body, _, target = self.text.partition(" ")[2].rpartition(" -j ")
        return f"{body} -m comment --comment {OWN_PREFIX}{self.slug} -j {target}"

    @property
    def mark(self) -> str:
        """A word that every rule of this meaning has in its text."""
        return next(word for word in ("51679", "51678", "127.0.0.0") if word in self.text)

    @property
    def chain(self) -> str:
        """The built-in chain that holds it."""
        return self.text.partition(" ")[0]


@dataclass(frozen=True)
class State:
    """A host as the rules see it."""

    firewall: Firewall
    net: Localnet
    opted_out: frozenset[str] = frozenset()

    @cached_property
    def wanted(self) -> tuple[Wanted, ...]:
        """Every rule that has to be there, in the order in which they stand."""
        return _wanted(self)

    @property
    def backend(self) -> Backend | None:
        """The backend for our rules: docker's. None where iptables is absent, and nftables has to do."""
        return self.firewall.backend(self.firewall.docker_backend)


def observe(host: Host) -> State:
    """Gather what the rules depend on."""
    found = firewall(host)
    settings = ecs_config(host).init
    names = ("ECS_SKIP_LOCALHOST_TRAFFIC_FILTER", "ECS_ALLOW_OFFHOST_INTROSPECTION_ACCESS")
    return State(found, localnet(host, found.bridge), frozenset(n for n in names if settings.get(n) == "true"))


def rule_steps(state: State) -> tuple[Step, ...]:
    """The running state alone: ports, rules, route_localnet, route."""
    require_readable(state.firewall)
    rules = tuple(_iptables(state)) if state.backend else native_steps(state.firewall, wanted(state))
    return (*_reserved(state.net), *rules, *_route_localnet(state.net), *_route(state.net))


def require_readable(found: Firewall) -> None:
    """Raises ChangeFailed where the rules cannot be seen: what is not known is not planned."""
    blind = next((backend for backend in found.backends if not backend.readable), None)
    if blind:
        raise NeedsRoot(f"the rules of {blind.program} cannot be read ({blind.detail}): run as root")
    if not found.backends and not found.nft.readable:
        raise NeedsRoot("neither iptables nor nft can be used on this host: install iptables, run as root")


def wanted(state: State) -> tuple[Wanted, ...]:
    """Every rule that has to be there, in the order in which they stand."""
    return state.wanted


def _wanted(state: State) -> tuple[Wanted, ...]:
    found = state.firewall
    backend = found.docker_backend
    # Where ip6tables does not work nothing can be set with it; the check says so (rules.ip6tables-fails).
    families = (4, 6) if found.has_ipv6 and not any(one.v6_error for one in found.backends) else (4,)
    rules = [
        Wanted(ACCEPT, 4, "filter", _accept(found.bridge), name, redirected(found, state.net))
        for name in _dropping(state)
        if found.bridge
    ]
    if "ECS_ALLOW_OFFHOST_INTROSPECTION_ACCESS" not in state.opted_out:
        for family in families:
            if found.bridge:
                text = f"INPUT -i {found.bridge} -p tcp -m tcp --dport 51678 -j ACCEPT"
                rules.append(Wanted(BRIDGE, family, "filter", text, backend, Packet(iif=found.bridge, dport=51678)))
            text = "INPUT ! -i lo -p tcp -m tcp --dport 51678 -j DROP"
            rules.append(Wanted(GUARD, family, "filter", text, backend, Packet(iif=NEIGHBOUR.iif, dport=51678)))
    if "ECS_SKIP_LOCALHOST_TRAFFIC_FILTER" not in state.opted_out:
        text = "INPUT ! -s 127.0.0.0/8 -d 127.0.0.0/8 -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP"
        rules.append(Wanted(LOOPBACK, 4, "filter", text, backend, NEIGHBOUR))
    to = f"-d {CREDENTIAL_ADDRESS}/32 -p tcp -m tcp --dport 80"
    request = Packet(iif=found.bridge, source=state.net.bridge_address, destination=CREDENTIAL_ADDRESS, dport=80)
    text = f"PREROUTING {to} -j DNAT --to-destination 127.0.0.1:51679"
    rules.append(Wanted(TO_AGENT, 4, "nat", text, backend, request))
    text = f"OUTPUT {to} -j REDIRECT --to-ports 51679"
    request = Packet(destination=CREDENTIAL_ADDRESS, dport=80)
    rules.append(Wanted(FROM_HOST, 4, "nat", text, backend, request))
    return tuple(rules)


def copies(want: Wanted, backend: Backend) -> tuple[Rule, ...]:
    """The rules of a backend that are this one, whoever set them."""
    signature, mark = want.rule.signature, want.mark
    rules = backend.rules(want.family).table(want.table).chain(want.chain)
    # Looking for the mark first keeps this short on hosts with thousands of rules.
    return tuple(rule for rule in rules if mark in rule.raw and rule.signature == signature)


def _dropping(state: State) -> tuple[str, ...]:
    """The backends whose INPUT needs an accept for the containers. Once set it stays: it harms nothing when a firewall
    manager is switched off, and is needed again when it is switched on."""
    needed = [drop.backend for drop in input_drops(state.firewall, state.net)]
    kept = [b.name for b in state.firewall.backends if any(r.comment == f"{OWN_PREFIX}{ACCEPT}" for r in b.v4.ours)]
    return tuple(dict.fromkeys((*needed, *kept)))


def _accept(bridge: str) -> str:
    return f"INPUT -d 127.0.0.1/32 -i {bridge} -p tcp -m tcp --dport 51679 -j ACCEPT"


def _iptables(state: State) -> Iterator[Step]:
    if state.firewall.nft.own:
        yield remove_native()
    every = wanted(state)
    # The backend of docker first: rules in the other one go only when theirs are in place.
    order = sorted(state.firewall.backends, key=lambda backend: backend.name != state.firewall.docker_backend)
    for backend in order:
        for family in (4, 6):
            here = tuple(w for w in every if w.backend == backend.name and w.family == family)
            text = restore_input(backend, here, family)
            if text:
                yield _restore(state.firewall, backend, family, text)


def restore_input(backend: Backend, here: tuple[Wanted, ...], family: int) -> str:
    """What iptables-restore --noflush needs; empty when all is there once and in its order."""
    out = []
    for table in ("filter", "nat"):
        mine = tuple(w for w in here if w.table == table)
        if lines := tuple(_lines(backend, mine, table, family)):
            out.append("\n".join((f"*{table}", *lines, "COMMIT")))
    return "\n".join((*out, "")) if out else ""


def _lines(backend: Backend, mine: tuple[Wanted, ...], table: str, family: int) -> Iterator[str]:
    add = _to_add(backend, mine)
    keep = {want.rule.signature for want in mine if want not in add}
    for rule in backend.rules(family).table(table).rules:
        if rule.is_ours and rule.signature in keep:
            keep.discard(rule.signature)  # one of ours stays; a second one goes
        elif rule.is_ours:
            yield f"-D {rule.raw.partition('-A ')[2]}"
    for want in reversed(add):
        verb = f"-I {want.chain} 1" if goes_on_top(want, backend) else f"-A {want.chain}"
        yield f"{verb} {want.words}"


def _to_add(backend: Backend, mine: tuple[Wanted, ...]) -> tuple[Wanted, ...]:
    """The rules that are absent, and those that stand where they do not work: these go once more, on top."""
    add = {want.slug for want in mine if not works(want, backend)}
    if GUARD in add:
        add.add(BRIDGE)  # the exception has to stay above its guard
    return tuple(want for want in mine if want.slug in add)


def works(want: Wanted, backend: Backend) -> bool:
    """Whether the rule is there and decides over the packets that it is meant for."""
    found = copies(want, backend)
    if not found:
        return False
    verdict = walk(backend.rules(want.family).table(want.table), want.chain, want.packet)
    if want.table == "nat":
        return verdict.rule in {rule.raw for rule in found}
    return verdict.target == want.rule.target


def goes_on_top(want: Wanted, backend: Backend) -> bool:
    """The order of ecs-init, which appends to nat, unless a rule there would take the packets before."""
    if want.table == "filter":
        return True
    table = backend.rules(want.family).table(want.table)
    others = tuple(rule for rule in table.rules if want.mark not in rule.raw)
    return not walk(replace(table, rules=others), want.chain, want.packet).rule.startswith("policy ")


def _restore(found: Firewall, backend: Backend, family: int, text: str) -> Step:
    program = backend.program_for(family)
    wait = ("-w",) if backend.waits else ()
    rules = [line for line in text.splitlines() if line.startswith("-")]
    title = f"{program}: " + "; ".join(_said(line) for line in rules)
    do = Command((f"{program}-restore", "--noflush", *wait), text.encode())
    names = ", ".join(_slug(line) for line in rules if not line.startswith("-D"))
    back = f"remove the rules of anywhere from {program}" + (f": {names}" if names else "")
    return Step(f"rules:{backend.name}:{family}", title, do, (take_back(found, backend, family),), back=back)


def _said(line: str) -> str:
    verb, _, rest = line.partition(" ")
    slug = _slug(line)
    if verb == "-D":
        return f"remove {slug} ({rest.partition(' ')[0]})"
    return f"add {slug} ({rest.partition(' ')[0]}: {MEANS[slug]})"


def _slug(line: str) -> str:
    return line.partition(OWN_PREFIX)[2].partition(" ")[0].strip('"')


def take_back(found: Firewall, backend: Backend, family: int) -> Command:
    """The undo of rules in one backend and family."""
    made: list[str] = []
    ip = "ip" if family == 4 else "ip6"
    if backend.name == NFT and found.nft.readable:
        chains = ("filter:INPUT", "filter:FORWARD", "filter:OUTPUT") + (
            ("nat:PREROUTING", "nat:INPUT", "nat:OUTPUT", "nat:POSTROUTING") if family == 4 else ()
        )
        made = [c for c in chains if (ip, *c.split(":")) not in found.nft.listed]
    program, wait = backend.program_for(family), "-w" if backend.waits else ""
    return Command(run_script(_TAKE_BACK, program, wait, ip, *made))


def _reserved(net: Localnet) -> Iterator[Step]:
    """Its undo takes out what was missing and nothing else: others reserve ports in the same setting."""
    missing, key, path = net.missing_reserved, net.reserved.key, net.reserved.path
    if net.reserved.value is None or not missing:
        return
    new = ",".join(filter(None, (net.reserved.value, "51678-51680")))
    why = "no outgoing connection may take the agent's ports"
    ports = tuple(str(port) for port in missing)
    undo = Command(run_script(_UNRESERVE, path, *ports))
    said = f"remove {'51678-51680' if len(ports) == 3 else ', '.join(ports)} from {key}"
    yield replace(set_sysctl(key, path, net.reserved.value, new, why), undo=(undo,), back=said)


def _route_localnet(net: Localnet) -> Iterator[Step]:
    now = net.route_localnet
    if now.value not in ("1", None):
        why = "packets of containers may reach the agent on the loopback"
        yield set_sysctl(now.key, now.path, now.value or "0", "1", why)


def _route(net: Localnet) -> Iterator[Step]:
    """As ecs-init does (ecs-init/routes/routes.go): without a default route the kernel would not even try."""
    if net.has_default or net.route:
        return
    route = ("ip", "-4", "route", "add", f"{CREDENTIAL_ADDRESS}/32", "dev", "lo", "scope", "link")
    title = f"add the host route to {CREDENTIAL_ADDRESS}: there is no default route"
    back = f"remove the host route to {CREDENTIAL_ADDRESS}"
    yield Step("route", title, Command(route), (Command(run_script(_REMOVE_ROUTE, CREDENTIAL_ADDRESS)),), back=back)
