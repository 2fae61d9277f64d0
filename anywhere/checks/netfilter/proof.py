"""`rules verify`: the plan is empty, nothing stands in the way, and real requests get through."""

from __future__ import annotations

from collections.abc import Iterator

from anywhere.changes.base import Step
from anywhere.changes.rules import plan as change
from anywhere.changes.rules.desired import State, observe
from anywhere.changes.rules.persistence import UNIT
from anywhere.changes.rules.proof import ANSWERED, Proof, Reply, prove
from anywhere.checks.base import passed, skipped, trouble, unknown
from anywhere.checks.netfilter.rules import APPLY, PATH, judge_copies, judge_loopback, judge_path
from anywhere.facts.firewall.credential_path import obstacles
from anywhere.hosts.base import Host
from anywhere.model import Finding, Remedy, Status
from anywhere.settings import Settings

PLAN, PROOF = "netfilter.plan", "netfilter.proof"

TOO_SLOW = "not proven: the host was too slow to answer in time; run `anywhere rules verify` again when it is less busy"
_WHO = {"bridge": "a bridge container", "host": "the host, as a host-mode container"}


def judge_plan(host: Host, settings: Settings, persist: bool) -> Iterator[Finding]:
    """One failed finding a step that is still to be done."""
    steps = change.plan(host, settings, persist=persist)
    state = observe(host)
    path = tuple(judge_path(host, state))
    # A rule that is there but comes too late is shadowed: the hop that takes its packets is the cause, not its absence.
    is_shadowed = any(finding.status is Status.FAIL and finding.evidence.get("ours_helps") for finding in path)
    if not steps:
        yield passed(PLAN, "rules", "all rules and settings are in place" + (", and kept so" if persist else ""))
    for step in steps:
        fix = Remedy("Apply the missing rules.", (("sudo", *APPLY),))
        yield trouble(
            PLAN, Status.FAIL, step.key, f"still to do: {step.title}", cause=_cause(step, is_shadowed), remedy=fix
        )
    yield judge_loopback(host, state)
    yield from judge_copies(host, state)
    yield from path


def judge_proof(live: Host, recorded: Host) -> Iterator[Finding]:
    """Real requests on a live host; every hop that fails is named. Nothing is sent while a rule is missing: without it
    the request would leave for the network."""
    state = observe(recorded)
    if change.plan(recorded, Settings(), persist=False):
        yield skipped(PROOF, "live proof", "there is nothing to prove while rules are missing", because=PLAN)
        return
    proof = prove(live, state)
    if proof.missing:
        yield unknown(PROOF, "live proof", f"no proof without {proof.missing}")
        return
    for path in ("host", "bridge"):
        yield _path(state, proof, path)
    yield from _neighbour(proof)


def _path(state: State, proof: Proof, path: str) -> Finding:
    subject = f"{_WHO[path]} -> 169.254.170.2:80"
    reply, listener = proof.reply(path), proof.reply("listener")
    if reply is None or listener is None:
        return unknown(PROOF, subject, "the request was not made")
    strange = listener.outcome == "temporary" and reply.detail != "temporary"
    if reply.got_through and not strange:
        by = "a temporary listener" if listener.outcome == "temporary" else "what listens on 127.0.0.1:51679"
        note = "" if state.net.bridge_address or path == "host" else " (there is no docker bridge yet)"
        return passed(PROOF, subject, f"answered by {by}{note}", reply=reply.detail)
    if listener.outcome == "none" and reply.outcome == "refused":
        return unknown(PROOF, subject, "the way is open as far as the loopback, but nothing could listen there")
    if reply.outcome == "late" or not _is_measured(proof, listener):
        return unknown(PROOF, subject, TOO_SLOW)
    hops = [obstacle for obstacle in obstacles(state.firewall, state.net) if obstacle.path == path]
    hop = hops[0].hop if hops else _guess(proof, path, reply, listener)
    said = f": {hops[0].rule}" if hops else ""
    fix = Remedy(f"Fix the hop {hop}, then verify again.", (("sudo", "anywhere", "rules", "verify"),))
    evidence = {"hop": hop, "reply": reply.outcome, "listener": listener.outcome}
    summary = f"no answer ({reply.outcome}), the broken hop is {hop}{said}"
    return trouble(PROOF, Status.FAIL, subject, summary, cause="rules.shadowed", remedy=fix, evidence=evidence)


def _is_measured(proof: Proof, listener: Reply) -> bool:
    """Whether the loopback itself, asked at the same time, shows that the host was quick enough for a verdict."""
    if listener.outcome == "blocked":
        return True
    control = proof.reply("loopback")
    if control is None:
        return False
    expected = {"none": "refused", "temporary": ANSWERED}.get(listener.outcome)
    return control.outcome == expected if expected else control.got_through


def _guess(proof: Proof, path: str, reply: Reply, listener: Reply) -> str:
    if reply.got_through:
        return "something else, which answers in place of 127.0.0.1:51679"
    if listener.outcome == "blocked":
        return "127.0.0.1:51679 itself (INPUT or OUTPUT of the loopback)"
    if reply.outcome == "unreachable":
        return "the route to 169.254.170.2"
    link = proof.reply(f"{path}-link")
    if link and link.outcome == "down":
        return "the docker bridge (no answer to ARP there)"
    chain = "PREROUTING" if path == "bridge" else "OUTPUT"
    if reply.outcome == "refused":
        return f"a rule that rejects, between nat {chain} and the listener"
    return f"a silent drop between nat {chain} and the listener, in a table that could not be read"


def _neighbour(proof: Proof) -> Iterator[Finding]:
    link = proof.reply("neighbour-link")
    for name, subject, what in (
        ("neighbour-loopback", "neighbour -> 127.0.0.1", "a service on the loopback"),
        ("neighbour-introspection", "neighbour -> 51678/tcp", "the introspection port"),
        ("neighbour-introspection6", "neighbour -> 51678/tcp (IPv6)", "the introspection port"),
    ):
        reply = proof.reply(name)
        if reply is None:
            continue
        if reply.got_through:
            fix = Remedy("Set the guards.", (("sudo", *APPLY),))
            said = f"a neighbour on the network reached {what} of this host"
            yield trouble(PROOF, Status.FAIL, subject, said, cause="rules.unguarded", remedy=fix)
        elif reply.outcome == "late":
            yield unknown(PROOF, subject, TOO_SLOW)
        elif link is None or link.outcome != "up":
            yield unknown(PROOF, subject, "the neighbour was not on the wire, so its silence proves nothing")
        else:
            yield passed(PROOF, subject, f"a neighbour on the network does not reach {what}", reply=reply.outcome)
    inside, service = proof.reply("bridge-introspection"), proof.reply("introspection")
    if inside and service and service.outcome in ("present", "temporary"):
        subject = "a bridge container -> 51678/tcp"
        if inside.got_through:
            yield passed(PROOF, subject, "containers reach the introspection port")
        else:
            yield skipped(PROOF, subject, "containers do not reach the introspection port", because=PATH)


def _cause(step: Step, is_shadowed: bool) -> str:
    if step.key.endswith("ip_local_reserved_ports"):
        return "ports.not-reserved"
    if step.key.startswith(("file:", "pause:")) or UNIT in step.key:
        return "rules.volatile"
    return "rules.shadowed" if is_shadowed and step.key.startswith("rules:") else "rules.missing"
