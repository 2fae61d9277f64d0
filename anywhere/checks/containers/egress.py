"""Can bridge containers get out: the forward rules, the address translation, docker's own chains."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from anywhere.catalogue.checks import AFTER_REGISTRATION
from anywhere.catalogue.regions import find_region
from anywhere.checks.base import Check, check, passed, skipped, trouble
from anywhere.checks.containers.bridge import RESTART, STOPS, Obstacle
from anywhere.checks.containers.way import Way, obstacles
from anywhere.checks.endpoints.visit import surveys
from anywhere.checks.netfilter.rules import path_check, rules_check
from anywhere.checks.network.dns import lookups
from anywhere.checks.remedies import remedy
from anywhere.facts.agents.daemon_json import daemon_json
from anywhere.facts.agents.docker import docker
from anywhere.facts.files import read_text
from anywhere.facts.firewall.container_probe import Asked, Question, ask
from anywhere.facts.firewall.container_way import Bridge, bridge
from anywhere.facts.firewall.firewall import Firewall, firewall
from anywhere.facts.firewall.forwarding import Aim
from anywhere.facts.network.resolv_conf import DOCKER_FALLBACK, container_nameservers
from anywhere.facts.network.visit import Visit
from anywhere.facts.system.docker_flags import docker_dns, switched_off
from anywhere.hosts.base import Host, Query
from anywhere.model import Finding, Reason, Status
from anywhere.settings import Settings

RULES, EGRESS = "containers.rules", "containers.egress"
CHAINS = ("DOCKER", "DOCKER-FORWARD", "DOCKER-USER")


@check(RULES)
def docker_rules(host: Host, settings: Settings) -> Iterator[Finding]:
    """A flush of the whole ruleset takes docker's chains too; only a start of docker brings them back."""
    walls = firewall(host)
    why = _unseen(host, walls)
    if why:
        yield skipped(RULES, "docker", why)
    elif switched_off(host, "iptables"):
        yield skipped(RULES, "docker", "docker is set to keep no rules of its own")
    elif _has_chains(walls):
        yield passed(RULES, "docker", "docker's own chains are there")
    else:
        yield _chains_gone(host, walls)


def _unseen(host: Host, walls: Firewall) -> str:
    """Why nothing can be said of the way through docker's bridge; empty where it can."""
    if docker(host).state != "answers":
        return AFTER_REGISTRATION if docker(host).state == "absent" else "docker does not answer"
    if daemon_json(host).bridge == "none" or not walls.bridge:
        return "docker is set to keep no bridge"
    if not host.inventory().is_root or not walls.backends or not walls.readable:
        return "the rules may be read by root only"
    return ""


def _has_chains(walls: Firewall) -> bool:
    tables = [backend.v4.table(name) for backend in walls.backends for name in ("nat", "filter")]
    return walls.docker_native or any(table.policy(chain) for table in tables for chain in CHAINS)


def _chains_gone(host: Host, walls: Firewall) -> Finding:
    manager = "; ".join(walls.managers)
    flush = next(
        (line for line in read_text(host, "/etc/nftables.conf").content.splitlines() if "flush ruleset" in line), ""
    )
    said = "Docker's chains (DOCKER in nat and filter) are missing, as after a flush: containers have no network"
    text = f"Restart docker, which writes them again, then ecs, which adds its own rules. {STOPS}"
    if flush:
        text += (
            " Then narrow `flush ruleset` in /etc/nftables.conf to the tables of that file (`flush table inet filter`)."
        )
    return trouble(
        RULES,
        Status.FAIL,
        "docker",
        said,
        cause="docker.rules-missing",
        remedy=remedy(host, text, *RESTART),
        evidence={"managers": manager, "flush": flush.strip()},
    )


@check(EGRESS)
def container_egress(host: Host, settings: Settings) -> Iterator[Finding]:
    """The host reaches what a container does not: its packets are forwarded, and other rules and routes decide."""
    walls = firewall(host)
    if why := _unseen(host, walls):
        yield skipped(EGRESS, "bridge", why)
        return
    if not switched_off(host, "iptables") and not _has_chains(walls):
        yield skipped(EGRESS, walls.bridge, "docker's own chains are gone", because=RULES)
        return
    way = Way(host, bridge(host, walls.bridge), walls, _aims(host, settings))
    read = list(obstacles(way))
    served = (CREDENTIALS,) if any(one.port == AGENT_PORT for one in host.inventory().listeners) else ()
    questions = (*_questions(way.aims), *served)
    asked = ask(host, way.bridge, questions, prove=settings.prove) if _is_whole(way.bridge) else Asked()
    if (
        CREDENTIALS in asked.failed
        and not read
        and not any(one.is_trouble for one in _credential_rules(host, settings))
    ):
        yield _no_credentials(host, way.bridge, asked)
    yield from judge_way(host, way.bridge, read, asked.without(CREDENTIALS))


def _credential_rules(host: Host, settings: Settings) -> Iterator[Finding]:
    """What was read of the way to the agent: where that already says why, nothing is added."""
    yield from rules_check.judge(host, settings)
    yield from path_check.judge(host, settings)


def _no_credentials(host: Host, one: Bridge, asked: Asked) -> Finding:
    return trouble(
        EGRESS,
        Status.FAIL,
        "169.254.170.2",
        f"From {_PLACES.get(asked.place, asked.place)} on {one.name}, 169.254.170.2 does not answer, although the agent "
        "listens and every rule is there",
        cause="rules.shadowed",
        remedy=remedy(host, "Prove each hop, then correct the one that is named.", ("anywhere", "rules", "verify")),
        evidence={"asked_from": asked.place},
    )


def _is_whole(one: Bridge) -> bool:
    return one.present and one.up is not False and bool(one.address)


def judge_way(host: Host, one: Bridge, read: list[Obstacle], asked: Asked) -> Iterator[Finding]:
    """What was read, weighed against what a container really got."""
    left = [one_ for one_ in read if not _is_disproved(one_, asked)]
    for obstacle in left:
        if obstacle.elsewhere and not asked.failed:
            said = f"{WAY}: {obstacle.summary}; `anywhere check --prove` tries it"
            yield skipped(EGRESS, one.name, said, proven=False)
            continue
        proof = {"asked_from": asked.place} if asked.place else {}
        yield trouble(
            EGRESS,
            Status.FAIL,
            one.name,
            obstacle.summary,
            cause=CODE,
            remedy=obstacle.fix,
            evidence={**obstacle.evidence, **proof, "no_answer": [question.what for question in asked.failed]},
        )
    if not left and asked.failed:
        yield _unanswered(host, one, asked)
    elif not left:
        said = f"proven from {_PLACES.get(asked.place, asked.place)}" if asked.answered else "read, not proven"
        yield passed(EGRESS, one.name, f"{WAY}: {said}", proven=bool(asked.answered), why=asked.why)


CREDENTIALS, AGENT_PORT = Question("http 169.254.170.2 80", "169.254.170.2"), 51679
WAY, CODE = "containers' way", "containers.no-egress"
_PLACES = {"throwaway": "a throwaway namespace on the bridge"}


def _is_disproved(obstacle: Obstacle, asked: Asked) -> bool:
    """A container that got all its answers knows better than what was read: all but about addresses it did not ask."""
    if not asked.answered or asked.failed:
        return False
    if obstacle.elsewhere:
        return True
    if not obstacle.sure:
        return any(question.large for question in asked.answered)
    names = {question.what for question in asked.answered}
    return bool(obstacle.aims) and all(aim.what in names for aim in obstacle.aims)


def _unanswered(host: Host, one: Bridge, asked: Asked) -> Finding:
    """Nothing that was read explains it, and it is so all the same."""
    names = ", ".join(question.what for question in asked.failed[:4])
    stalls = all(asked.inside[question] == "stalled" for question in asked.failed)
    what = "connections open and large answers do not come" if stalls else "no answer comes"
    text = (
        f"Compare the sizes of {one.name} and of the uplink; a smaller mtu in /etc/docker/daemon.json helps where large "
        "packets are lost."
        if stalls
        else "Follow one packet: count the rules of FORWARD and POSTROUTING, and look at what leaves by the uplink."
    )
    return trouble(
        EGRESS,
        Status.FAIL,
        one.name,
        f"asked from {_PLACES.get(asked.place, asked.place)} on {one.name}, {what} from {names}, although this host is "
        "answered",
        cause=CODE,
        remedy=remedy(
            host, text, look=(("iptables", "-vnL", "FORWARD"), ("iptables", "-t", "nat", "-vnL", "POSTROUTING"))
        ),
        evidence={"asked_from": asked.place, "answers": {q.what: said for q, said in asked.inside.items()}},
    )


def _servers(host: Host) -> list[str]:
    """The nameservers that containers ask over IPv4, beyond themselves, as far as they are named."""
    named = container_nameservers(host, docker_dns(host))
    return [one for one in named if one not in DOCKER_FALLBACK and ":" not in one and not one.startswith("127.")]


def _aims(host: Host, settings: Settings) -> tuple[Aim, ...]:
    """What the host itself reaches: the containers' nameservers, and an address of each endpoint, or the proxy."""
    aims = {(one, 53): Aim(one, 53, "udp", f"the nameserver {one}") for one in _servers(host)}
    for seen in surveys(host, settings):
        answered = [answer for item in lookups(seen) for answer in item.servers]
        silent = {answer.source for answer in answered if answer.reason is Reason.NAMESERVER_TIMEOUT}
        aims = {key: aim for key, aim in aims.items() if key[1] != 53 or key[0] not in silent}
        for visit in seen.visits:
            for address, port in _reached(visit):
                name = "the proxy" if visit.proxy else visit.endpoint.host
                aims.setdefault((address, port), Aim(address, port, "tcp", f"{name} ({address})"))
    return tuple(aims.values())


def _reached(visit: Visit) -> Iterator[tuple[str, int]]:
    port = visit.dialled_port
    for probe in visit.probes if port else ():
        if probe.ok and probe.address and ":" not in probe.address:
            yield probe.address, port


def _questions(aims: Sequence[Aim]) -> tuple[Question, ...]:
    """A name of each nameserver, one endpoint each of ECR, S3 and logs where the host reaches them (else the first ones),
    whose handshake is a large answer; and the proxy."""
    hosts = [aim for aim in aims if aim.protocol == "tcp" and not aim.what.startswith("the proxy")]
    wanted = [
        next((aim for aim in hosts if aim.what.startswith(start)), None) for start in ("api.ecr.", "s3.", "logs.")
    ]
    chosen = [aim for aim in wanted if aim] or hosts[:1]
    name = (hosts[0] if hosts else Aim("", 0, "", "amazonaws.com")).what.partition(" ")[0]
    found = [Question(f"dns {aim.address} {name}", aim.what) for aim in aims if aim.protocol == "udp"][:2]
    found += [
        Question(f"tls {aim.address} {aim.port} {aim.what.partition(' ')[0]}", aim.what, large=True) for aim in chosen
    ]
    proxy = next((aim for aim in aims if aim.what.startswith("the proxy")), None)
    return (*found, *((Question(f"tcp {proxy.address} {proxy.port}", proxy.what),) if proxy else ()))


def prove_way(host: Host, region: str) -> Iterator[Finding]:
    """`rules verify`: the same questions from a namespace on the bridge and from the host itself, without a survey."""
    walls = firewall(host)
    one = bridge(host, walls.bridge)
    if _unseen(host, walls) or not region or not _is_whole(one):
        return
    suffix = find_region(region).suffix
    aims = [Aim(server, 53, "udp", f"the nameserver {server}") for server in _servers(host)]
    for name in (f"{service}.{region}.{suffix}" for service in ("ecs", "s3")):
        found = [address for address in host.resolve(Query(name)).addresses if ":" not in address]
        aims += [Aim(address, 443, "tcp", f"{name} ({address})") for address in found[:1]]
    asked = ask(host, one, _questions(aims), prove=True)
    if asked.why:
        yield skipped(EGRESS, one.name, f"the containers' way is not proven: {asked.why}", because=asked.why)
    elif not asked.answered and not asked.failed:
        yield skipped(
            EGRESS, one.name, "the host itself gets no direct answer, so a container's silence proves nothing"
        )
    else:
        yield from judge_way(
            host, one, list(obstacles(Way(host, one, walls, tuple(aims)))) if asked.failed else [], asked
        )


CHECKS: tuple[Check, ...] = (docker_rules, container_egress)
