"""The host's network rules for task credentials: there, once, in the right backend, effective, guarded, kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from anywhere.catalogue.checks import AFTER_REGISTRATION
from anywhere.changes.rules.desired import BRIDGE, GUARD, LOOPBACK, State, Wanted, copies, observe, wanted, works
from anywhere.changes.rules.persistence import UNIT
from anywhere.checks.base import Check, check, needs_root, passed, skipped, trouble
from anywhere.checks.remedies import Command, iptables, line_out, remedy
from anywhere.evidence import Obstacle
from anywhere.facts.agents.agents import agents, is_bare
from anywhere.facts.firewall.credential_path import NEIGHBOUR, guards_loopback, obstacles
from anywhere.facts.firewall.credential_path import Obstacle as Stopped
from anywhere.facts.firewall.firewall import MANAGERS, NFT
from anywhere.facts.firewall.nftables_walk import walk_nft
from anywhere.facts.firewall.route_localnet import CREDENTIAL_ADDRESS, CREDENTIAL_PORT, sysctl
from anywhere.facts.kernel.modules import barred_at
from anywhere.facts.system.units import ECS, units
from anywhere.hosts.base import Host
from anywhere.model import Finding, Status
from anywhere.settings import Settings

RULES, GUARDS, COPIES = "netfilter.rules", "netfilter.guards", "netfilter.copies"
PATH, KEPT = "netfilter.path", "netfilter.persistence"
APPLY = ("anywhere", "rules", "apply")
INTROSPECTION = "ECS_ALLOW_OFFHOST_INTROSPECTION_ACCESS"
CREDENTIALS = ("credentials-prerouting", "credentials-output")


@check(RULES)
def rules_check(host: Host, settings: Settings) -> Iterator[Finding]:
    """See catalogue/checks.py."""
    yield from _judged(host, RULES, "rules", judge_rules)
    if found := _ip6tables(host, observe(host)):
        yield found


@check(GUARDS)
def guards_check(host: Host, settings: Settings) -> Iterator[Finding]:
    """See catalogue/checks.py."""
    state = observe(host)
    because = _not_yet(host, state)
    if not _is_seen(state):
        # Nothing has to keep neighbours off while the kernel does; the other guards come with the agent.
        closed = because and state.net.route_localnet.value == "0"
        yield judge_loopback(host, state) if closed else _blind(GUARDS, state)
    elif because:
        yield judge_loopback(host, state) if _is_open(state) else skipped(GUARDS, "guards", because)
    else:
        yield judge_loopback(host, state)
        yield from _judge_introspection(host, state)


@check(COPIES)
def copies_check(host: Host, settings: Settings) -> Iterator[Finding]:
    """See catalogue/checks.py."""
    yield from _judged(host, COPIES, "rules", judge_copies)


@check(PATH)
def path_check(host: Host, settings: Settings) -> Iterator[Finding]:
    """See catalogue/checks.py."""
    yield from _judged(host, PATH, "169.254.170.2:80", judge_path)


@check(KEPT)
def persistence_check(host: Host, settings: Settings) -> Iterator[Finding]:
    """See catalogue/checks.py."""
    yield from _judged(host, KEPT, "rules", judge_persistence)


def _ip6tables(host: Host, state: State) -> Finding | None:
    """ecs-init guards its introspection in IPv6 too where the kernel has it, and ends when ip6tables does not work."""
    backend = state.firewall.backend(state.firewall.default)
    if not backend or not backend.v6_error or not host.inventory().is_root or INTROSPECTION in state.opted_out:
        return None
    runs = agents(host).ecs.is_running is True
    module = "ip6table_filter" if backend.name != NFT else "nf_tables"
    says = f'ip6tables does not work here ("{backend.v6_error}"), although the kernel has IPv6: '
    says += "ecs runs, and will not start again" if runs else "ecs-init ends at it, and the agent never starts"
    return trouble(
        RULES,
        Status.WARN if runs else Status.FAIL,
        "ip6tables",
        says,
        cause="rules.ip6tables-fails",
        remedy=remedy(
            host,
            "Let the kernel have ip6tables' module again (the line out that bars it, or the package with the "
            "kernel's other modules), then load it; or boot without IPv6 (ipv6.disable=1 on the kernel's command line).",
            *(line_out(place) for place in barred_at(host, module)),
            ("modprobe", module),
            look=(("ip6tables", "-S", "INPUT"),),
        ),
        evidence={"error": backend.v6_error, "backend": backend.name},
    )


def judge_rules(host: Host, state: State) -> Iterator[Finding]:
    """One finding a rule, and one for route_localnet."""
    now = state.net.route_localnet
    own = f"net.ipv4.conf.{state.net.bridge}.route_localnet" if state.net.bridge else ""
    if now.value == "1":
        yield passed(RULES, now.key, "containers can be answered on the loopback")
    elif now.value == "0" and own and sysctl(host, own).value == "1":
        # The kernel takes either (include/linux/inetdevice.h, IN_DEV_ROUTE_LOCALNET), and tasks have docker's default bridge.
        yield passed(RULES, own, f"containers of {state.net.bridge} can be answered on the loopback")
    elif now.value is None:
        yield needs_root(RULES, now.key, "the setting cannot be read")
    else:
        yield _missing(host, now.key, f"it is {now.value}: packets to the agent on the loopback are dropped")
    for want in wanted(state):
        if want.slug in CREDENTIALS:
            yield _judge_rule(host, state, want)


def judge_loopback(host: Host, state: State) -> Finding:
    """route_localnet = 1 lets neighbours reach services on the loopback unless INPUT drops them (CVE-2020-8558)."""
    subject = "127.0.0.0/8"
    if not _is_open(state):
        return passed(GUARDS, subject, "route_localnet is off: neighbours cannot reach the loopback")
    if any(guards_loopback(backend) for backend in state.firewall.backends) or _nft_guards(state):
        return passed(GUARDS, subject, "neighbours are kept from the loopback")
    opted = LOOPBACK not in {want.slug for want in wanted(state)}
    why = "; ECS_SKIP_LOCALHOST_TRAFFIC_FILTER is set" if opted else ""
    return trouble(
        GUARDS,
        Status.FAIL,
        subject,
        f"route_localnet is 1 and nothing keeps neighbours on the network from services on the loopback{why}",
        cause="rules.unguarded",
        remedy=remedy(
            host, "Set the guard of the loopback; it also holds off a host that is only being prepared.", APPLY
        ),
        evidence={"settings": sorted(state.opted_out)},
    )


def judge_copies(host: Host, state: State) -> Iterator[Finding]:
    """Duplicates, ours or foreign."""
    found = []
    for backend in state.firewall.backends:
        for want in wanted(state):
            here = copies(want, backend)
            ours = sum(rule.is_ours for rule in here)
            if max(ours, len(here) - ours) > 1:
                found.append((want, backend.name, ours, len(here) - ours))
    if not found:
        yield passed(COPIES, "rules", "no rule is there twice")
    for want, name, ours, others in found:
        text = (
            "`anywhere rules apply` removes ours; those of ecs-init go when the ecs service stops, one set at a time."
        )
        yield trouble(
            COPIES,
            Status.WARN,
            f"{want.table} {want.chain} {want.slug} (IPv{want.family})",
            f"the rule is there {ours + others} times in iptables-{name}: {others} of ecs-init or by hand, {ours} of ours",
            cause="rules.duplicate",
            remedy=remedy(host, text, ("systemctl", "restart", "ecs"), APPLY),
            evidence={"ours": ours, "others": others, "backend": name},
        )


def judge_path(host: Host, state: State) -> Iterator[Finding]:
    """Each hop that certainly stops a request; none found is a pass of what can be read, not a proof."""
    missing = any(not _is_there(state, want) for want in wanted(state) if want.slug in CREDENTIALS)
    # What would stop the request behind the redirect is there whether the redirect is or not.
    found = [one for one in obstacles(state.firewall, state.net) if not missing or "input" in one.hop.lower()]
    if missing and not found:
        yield skipped(PATH, "169.254.170.2:80", "the rules are not there", because=RULES)
    elif not found:
        summary = "no known rule or route blocks the path (`anywhere rules verify` proves it)"
        yield passed(PATH, "169.254.170.2:80", summary, unread=list(state.firewall.nft.unread))
    for obstacle in found:
        who = "containers" if obstacle.path == "bridge" else "the host and host-mode containers"
        helps, is_nat = _ours_helps(obstacle, state), obstacle.hop.startswith("nat ")
        commands = (APPLY,) if helps else _let_pass(obstacle, state)
        yield trouble(
            PATH,
            Status.FAIL,
            obstacle.hop,
            f"requests of {who} to 169.254.170.2 end here: {obstacle.rule}",
            cause="rules.shadowed",
            remedy=remedy(host, _REDIRECT_FIRST if helps and is_nat else _fix(obstacle.hop, state), *commands),
            evidence=Obstacle(rule=obstacle.rule, path=obstacle.path, ours_helps=helps),
        )


_REDIRECT_FIRST = (
    "Put the redirect to the agent before this rule, and keep it there; other requests still meet the rule."
)


def _ours_helps(obstacle: Stopped, state: State) -> bool:
    """Ours are an accept for containers in the filter table, and the two redirects, which go before what takes the requests
    in the same table; the nat table of the other iptables may be asked first."""
    if obstacle.hop.startswith("nat "):
        return obstacle.backend == state.firewall.docker_backend
    return bool(obstacle.backend) and obstacle.hop.startswith("filter INPUT") and obstacle.path == "bridge"


def judge_persistence(host: Host, state: State) -> Iterator[Finding]:
    """Our unit, or nothing that would take the rules away while ecs-init alone sets them."""
    unit = state.firewall.unit(UNIT)
    if unit and unit.active and unit.enabled:
        yield passed(KEPT, UNIT, "the guard restores the rules at boot and after reloads")
        return
    if state.firewall.units is None:
        yield skipped(KEPT, "rules", "systemd does not answer", because="init.not-systemd")
        return
    managers = state.firewall.managers
    ecs = state.firewall.unit("ecs.service")
    if not managers and ecs and ecs.enabled:
        yield passed(KEPT, "ecs.service", "ecs-init sets the rules at each start, and no firewall manager is active")
        return
    if not managers and units(host)[ECS].is_running:
        yield skipped(
            KEPT, "rules", "ecs.service is not enabled, and sets the rules at its start", because="agents.ecs"
        )
        return
    said = "; ".join(MANAGERS[name] for name in managers) or "nothing sets the rules again at the next boot"
    yield trouble(
        KEPT,
        Status.WARN,
        ", ".join(managers) or "boot",
        f"nothing puts the rules back when they are taken away ({said})",
        cause="rules.volatile",
        remedy=remedy(host, "Install the guard, which restores them at boot and within seconds of a reload.", APPLY),
        evidence={"managers": list(managers)},
    )


def _judged(host: Host, id: str, subject: str, judge: Callable[[Host, State], Iterator[Finding]]) -> Iterator[Finding]:
    state = observe(host)
    because = _not_yet(host, state)
    if because:
        yield skipped(id, subject, because)
    elif not _is_seen(state):
        yield _blind(id, state)
    else:
        yield from judge(host, state)


def _not_yet(host: Host, state: State) -> str:
    """Why the rules are not to be judged yet: the agent brings them at its start, or our unit does at once."""
    unit = state.firewall.unit(UNIT)
    if unit and unit.active:
        return ""
    if is_bare(host):
        return AFTER_REGISTRATION
    if units(host)[ECS].sub == "auto-restart":
        # ExecStopPost= of its unit takes the rules away at each end, pre-start sets them (ecs-init/engine/engine.go).
        return "the ecs service is being started again and again, and sets the rules at each start"
    ecs = state.firewall.unit("ecs.service")
    return "the ecs service is not running, and sets the rules at its start" if ecs and not ecs.active else ""


def _is_seen(state: State) -> bool:
    return state.firewall.readable and bool(state.firewall.backends or state.firewall.nft.readable)


def _blind(id: str, state: State) -> Finding:
    if not state.firewall.backends and not state.firewall.nft.readable:
        return needs_root(id, "rules", "neither iptables nor nft can be asked here")
    detail = next((backend.detail for backend in state.firewall.backends if not backend.readable), "")
    return needs_root(id, "rules", "the rules may not be read", detail=detail)


def _is_open(state: State) -> bool:
    return state.net.route_localnet.value == "1"


def _is_there(state: State, want: Wanted) -> bool:
    if state.backend is None:
        return any(rule.comment.endswith(want.slug) for rule in state.firewall.nft.own)
    return any(copies(want, backend) for backend in state.firewall.backends)


def _judge_rule(host: Host, state: State, want: Wanted) -> Finding:
    subject = f"nat {want.chain}"
    holders = [backend.name for backend in state.firewall.backends if copies(want, backend)]
    right = state.firewall.docker_backend
    if right in holders or (state.backend is None and _is_there(state, want)):
        return passed(RULES, subject, "requests to 169.254.170.2:80 are sent to the agent", backend=right or NFT)
    if not holders:
        return _missing(host, subject, "the rule that sends requests to 169.254.170.2:80 to the agent is not there")
    said = f"the rule is in iptables-{holders[0]}, docker uses iptables-{right}"
    text = f"Set the rules in iptables-{right}, and let `iptables` mean the same program for docker and the ECS agent."
    fix = remedy(host, text, APPLY)
    return trouble(RULES, Status.FAIL, subject, said, cause="rules.wrong-backend", remedy=fix)


def _missing(host: Host, subject: str, summary: str) -> Finding:
    text = "Set what is missing, and keep it so through reloads of the firewall."
    fix = remedy(host, text, APPLY)
    return trouble(RULES, Status.FAIL, subject, summary, cause="rules.missing", remedy=fix)


def _judge_introspection(host: Host, state: State) -> Iterator[Finding]:
    for want in wanted(state):
        if want.slug not in (GUARD, BRIDGE) or state.backend is None:
            continue
        subject = f"51678/tcp IPv{want.family}"
        if any(works(want, backend) for backend in state.firewall.backends):
            if want.slug == GUARD:
                yield passed(GUARDS, subject, "neighbours are kept from the introspection port")
        elif want.slug == GUARD:
            yield trouble(
                GUARDS,
                Status.FAIL,
                subject,
                "the agent's introspection port is open to the network: it listens on all addresses",
                cause="rules.unguarded",
                remedy=remedy(host, "Set the guard of the introspection port.", APPLY),
            )


def _nft_guards(state: State) -> bool:
    chains = state.firewall.nft.base_chains("input")
    if any(rule.comment.endswith(LOOPBACK) for rule in state.firewall.nft.own):
        return True
    return any(walk_nft(state.firewall.nft, chain, NEIGHBOUR).target in ("DROP", "REJECT") for chain in chains)


def _fix(hop: str, state: State) -> str:
    if hop == "route":
        return "Take the interface out of the address manager that put 169.254.0.0/16 there, or remove that route."
    if hop == "rp_filter":
        return "Set rp_filter of the docker bridge to 2 (loose), or route the containers' network back to the bridge."
    if hop.startswith("nft "):
        family, table, chain = hop.split()[1:4]
        rule = f"iifname {state.firewall.bridge} ip daddr 127.0.0.1 tcp dport 51679 accept"
        insert = f"nft insert rule {family} {table} {chain} {rule}"
        return f"Accept the request there, in the file that loads this table: `{insert}`."
    if hop.startswith(("nat ", "filter INPUT")):
        return "Let the request pass before this rule."
    return "Let the request pass before this rule, where the rule is kept; the command does so until the next reload."


def _let_pass(obstacle: Stopped, state: State) -> tuple[Command, ...]:
    """The accept in the table and chain that stops the request; none in nat, where it would keep it from the agent too."""
    backend = state.firewall.backend(obstacle.backend)
    table, chain, *_ = (*obstacle.hop.split(), "")
    if backend is None or table == "nat":
        return ()
    is_sent_on = chain == "INPUT" or (table, chain) == ("filter", "OUTPUT")
    to = ("--dport", str(CREDENTIAL_PORT)) if is_sent_on else ("-d", CREDENTIAL_ADDRESS, "--dport", "80")
    by = ("-i", state.firewall.bridge if obstacle.path == "bridge" else "lo") if chain != "OUTPUT" else ()
    return ((*iptables(backend.program, table), "-I", chain, "1", *by, "-p", "tcp", *to, "-j", "ACCEPT"),)


CHECKS: tuple[Check, ...] = (rules_check, guards_check, copies_check, path_check, persistence_check)
